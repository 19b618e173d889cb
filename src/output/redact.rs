//! The second net under secrets: what looks like one is blotted out of every error.
//!
//! The first net is that secrets are `Secret` and have no `Display`; this one is for texts that
//! come from outside.

/// Returns the text with passwords in connection strings, access tokens and JWTs blotted out.
pub(super) fn redact(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| !is_separator(c)) {
        safe.push_str(&rest[..start]);
        let word = &rest[start..];
        let end = word.find(is_separator).unwrap_or(word.len());
        safe.push_str(&redact_word(&word[..end]));
        rest = &word[end..];
    }
    safe.push_str(rest);
    safe
}

fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '\'' | '`' | '(' | ')' | ',' | ';')
}

fn redact_word(word: &str) -> String {
    if let Some((scheme, rest)) = word.split_once("://")
        && let Some((login, place)) = rest.rsplit_once('@')
        && let Some((user, _)) = login.split_once(':')
    {
        return format!("{scheme}://{user}:****@{place}");
    }
    if let Some(at) = word.find("sbp_") {
        return format!("{}sbp_****", &word[..at]);
    }
    if let Some(at) = word.find("SCRAM-SHA-256$") {
        return format!("{}SCRAM-SHA-256$****", &word[..at]);
    }
    if word.starts_with("eyJ") && word.matches('.').count() == 2 {
        return "eyJ****".to_owned();
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_blotted_out() {
        let text = "could not use 'postgres://op:hunter2@db:5432/x' with sbp_0123abc, token \
                    eyJhbGciOi.eyJzdWIi.c2ln or PASSWORD 'SCRAM-SHA-256$4096:abc$d:e'";
        let safe = redact(text);
        for secret in ["hunter2", "0123abc", "c2ln", "abc$d"] {
            assert!(!safe.contains(secret), "{safe}");
        }
        assert!(safe.contains("postgres://op:****@db:5432/x"), "{safe}");
        assert_eq!(redact("create `acme`: ok, a@b.c"), "create `acme`: ok, a@b.c");
    }
}
