//! Texts from outside, with what looks like a secret replaced by `****`.
//!
//! Our own secrets are `Secret`, which has no `Display`; this is for texts in which another program
//! repeats one, such as a server that quotes the statement that failed. `output` applies it to
//! everything it writes, the adapters to what a server says before it is stored.

use std::borrow::Cow;

/// Returns the text without passwords in connection strings or statements, access tokens, secret
/// keys and JWTs.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    if may_hold_secret(text) { Cow::Owned(redacted(text)) } else { Cow::Borrowed(text) }
}

/// Returns whether one of the marks of a secret is in a text: most texts have none, and a list of
/// 100,000 tenants is a million of them.
fn may_hold_secret(text: &str) -> bool {
    let is_mark = |bytes: &[u8]| {
        matches!(bytes, b"://" | b"sbp" | b"sb_" | b"eyJ" | b"SCR")
            || bytes.eq_ignore_ascii_case(b"ssw")
    };
    text.as_bytes().windows(3).any(is_mark)
}

fn redacted(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    let (mut follows_password, mut follows_sign) = (false, false);
    while let Some(start) = rest.find(|c: char| !is_separator(c)) {
        let (gap, word) = rest.split_at(start);
        safe.push_str(gap);
        // `PASSWORD 'hunter2'`, as a server repeats a statement that failed.
        // Its own closing quote does not open a value.
        let opens = follows_password && (gap.len() > 1 || follows_sign);
        let quote = gap.chars().next_back().filter(|c| opens && matches!(c, '\'' | '"'));
        let end = match quote {
            Some(quote) => word.find(quote).unwrap_or(word.len()),
            None => word.find(is_separator).unwrap_or(word.len()),
        };
        let (word, after) = word.split_at(end);
        if quote.is_some() {
            safe.push_str("****");
            (follows_password, follows_sign) = (false, false);
        } else {
            safe.push_str(&redact_word(word));
            // The colon of `"password": "hunter2"` stands alone.
            let is_sign = matches!(word, ":" | "=");
            follows_sign = word.ends_with([':', '=']);
            follows_password = (is_sign && follows_password)
                || word.trim_end_matches([':', '=']).to_lowercase().ends_with("password");
        }
        rest = after;
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
    // Cut short before the `@`: what follows the colon may be half a password.
    if let Some((scheme, rest)) = word.split_once("://")
        && rest.ends_with('…')
        && let Some((user, _)) = rest.split_once(':')
    {
        return format!("{scheme}://{user}:****…");
    }
    // `password=…`, as libpq's connection strings and a URL's query have it.
    if let Some(at) = word.to_ascii_lowercase().find("password=") {
        let (name, value) = word.split_at(at + "password=".len());
        if !value.is_empty() {
            let after = value.find('&').map_or("", |end| &value[end..]);
            return format!("{name}****{after}");
        }
    }
    if let Some(at) = word.find("sbp_") {
        return format!("{}sbp_****", &word[..at]);
    }
    if let Some(at) = word.find("sb_secret_") {
        return format!("{}sb_secret_****", &word[..at]);
    }
    if let Some(at) = word.find("SCRAM-SHA-256$") {
        return format!("{}SCRAM-SHA-256$****", &word[..at]);
    }
    // A JWT: `token=eyJ…` and one behind an escape sequence as well, known by its second part.
    if let Some(at) = word.find("eyJ")
        && (word[at..].contains(".eyJ") || (at == 0 && word.contains('.')))
    {
        return format!("{}eyJ****", &word[..at]);
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_removed() {
        let text = "could not use 'postgres://op:hunter2@db:5432/x' with sbp_0123abc, token \
                    eyJhbGciOi.eyJzdWIi.c2ln or PASSWORD 'SCRAM-SHA-256$4096:abc$d:e'";
        let safe = redact(text);
        for secret in ["hunter2", "0123abc", "c2ln", "abc$d"] {
            assert!(!safe.contains(secret), "{safe}");
        }
        assert!(safe.contains("postgres://op:****@db:5432/x"), "{safe}");
        assert_eq!(redact("create `acme`: ok, a@b.c"), "create `acme`: ok, a@b.c");
        for text in [
            "token=eyJhbGciOi.eyJzdWIi.c2ln",
            "apikey=sb_secret_c2ln is no key",
            "\u{1b}[31meyJhbGciOi.eyJzdWIi.c2ln",
            "host=db password=c2ln dbname=x",
            "cannot use postgres://op:c2ln…",
            "host=db password='c2ln x' dbname=x",
            "postgres://db/x?sslmode=require&Password=c2ln&user=op",
        ] {
            let safe = redact(text);
            assert!(!safe.contains("c2ln") && safe.contains("****"), "{safe}");
            assert_eq!(redact(&safe), safe);
        }
        assert_eq!(redact("read heyJude.txt"), "read heyJude.txt");
    }

    #[test]
    fn a_statement_that_is_repeated_loses_its_password() {
        let text = "Failed to create login role: ERROR:  42501: permission denied to alter role \
                    ALTER ROLE \"cli_login_postgres\" WITH PASSWORD 'hunter 2;' VALID UNTIL 'x'";
        let safe = redact(text);
        assert!(!safe.contains("hunter") && !safe.contains("2;"), "{safe}");
        assert!(safe.contains("PASSWORD '****' VALID UNTIL 'x'"), "{safe}");
        assert!(!redact(r#"{"password":"hunter2"}"#).contains("hunter2"));
        assert_eq!(
            redact("the password of `acme` is not kept"),
            "the password of `acme` is not kept"
        );
    }

    proptest::proptest! {
        #[test]
        fn a_text_without_a_mark_has_nothing_to_redact(parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "postgres://", "op:x", "@db", "PassWord", "password", "=", ": ", "'", "\"", " ", "sbp_x",
                "eyJx.", "eyJy", "SCRAM-SHA-256$x", "…", "https://h", ",", "z",
            ]),
            0..8,
        )) {
            let text = parts.concat();
            assert_eq!(redact(&text), redacted(&text));
        }
    }
}
