//! Refuses migration files with statements that would break the runner, before anything runs.
//!
//! A `COMMIT` inside leaves the table without its history row; `SET ROLE` or an emptied
//! `search_path` changes what the following files do; an index cannot be built concurrently inside
//! a transaction. It looks at words outside comments, quotes and dollar quotes; it is not a parser.

use crate::adapters::postgres::NO_TRANSACTION;

/// Returns why a file may not run, or `None` when it may.
pub(super) fn problem(text: &str) -> Option<String> {
    if text.contains('\r') {
        return Some("it has CRLF line ends, which change its checksum".to_owned());
    }
    let statements = statements(text);
    let is_alone = text.starts_with(NO_TRANSACTION);
    if is_alone && statements.len() != 1 {
        return Some(format!(
            "it runs outside a transaction and has {} statements; it may have one",
            statements.len()
        ));
    }
    statements.iter().find_map(|words| {
        let first = words.first().map_or("", String::as_str);
        let second = words.get(1).map_or("", String::as_str);
        match (first, second) {
            ("begin" | "commit" | "rollback" | "end" | "abort" | "savepoint", _)
            | ("start" | "prepare", "transaction") => {
                Some(format!("`{}` would break the transaction it runs in", first.to_uppercase()))
            }
            ("set" | "reset", "role" | "session" | "search_path" | "all") => {
                Some(format!("`SET {}` would change what follows it", second.to_uppercase()))
            }
            _ if !is_alone && words.iter().any(|word| word == "concurrently") => Some(format!(
                "CONCURRENTLY does not work inside a transaction; put the statement into a file of \
                 its own that starts with `{NO_TRANSACTION}`"
            )),
            _ => None,
        }
    })
}

/// Returns the words of each statement, lower-cased, without comments and quoted text.
fn statements(text: &str) -> Vec<Vec<String>> {
    let mut statements = vec![Vec::new()];
    let mut word = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let skipped = skip_quoted(rest);
        if skipped > 0 || !(character.is_alphanumeric() || character == '_') {
            if !word.is_empty()
                && let Some(statement) = statements.last_mut()
            {
                statement.push(std::mem::take(&mut word));
            }
            if skipped == 0 && character == ';' {
                statements.push(Vec::new());
            }
            rest = &rest[skipped.max(character.len_utf8())..];
        } else {
            word.extend(character.to_lowercase());
            rest = &rest[character.len_utf8()..];
        }
    }
    if let Some(statement) = statements.last_mut()
        && !word.is_empty()
    {
        statement.push(word);
    }
    statements.retain(|statement| !statement.is_empty());
    statements
}

/// Returns the length in bytes of the comment, quoted or dollar-quoted text that `text` starts
/// with; 0 when it starts with none.
fn skip_quoted(text: &str) -> usize {
    if text.starts_with("--") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return text.find("*/").map_or(text.len(), |end| end + 2);
    }
    if let Some(quote @ ('\'' | '"')) = text.chars().next() {
        return text[1..].find(quote).map_or(text.len(), |end| end + 2);
    }
    if let Some(after) = text.strip_prefix('$')
        && let Some(end) = after.find('$')
        && after[..end].chars().all(|c| c.is_alphanumeric() || c == '_')
    {
        let tag = &text[..end + 2];
        let body = &text[tag.len()..];
        return body.find(tag).map_or(text.len(), |close| close + 2 * tag.len());
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_the_transaction_is_found() {
        for bad in [
            "create table a();\ncommit;",
            "BEGIN;\ncreate table a();",
            "set search_path = '';",
            "SET ROLE postgres",
            "create index concurrently i on a (b)",
            "create table a();\r\n",
            "-- tenantctl: no-transaction\ncreate index concurrently i on a(b); select 1;",
        ] {
            assert!(problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn words_in_comments_quotes_and_bodies_are_no_statements() {
        for good in [
            "-- commit;\ncreate table a();",
            "/* begin; */ select 'commit;'",
            "create function f() returns void language plpgsql set search_path = pg_catalog \
             as $$ begin commit; end $$;",
            "create function f() returns int language sql as $body$ select 1; $body$",
            "comment on table a is 'it''s; commit;';",
            "-- tenantctl: no-transaction\ncreate index concurrently i on a(b);\n",
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
    }
}
