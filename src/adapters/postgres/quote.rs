//! The one place where a name or a text becomes part of SQL.
//!
//! Statements such as `CREATE DATABASE` and `COMMENT` take no bind parameters. Everything else
//! binds, so this file's two functions are used for those alone.

/// Returns `name` as a quoted identifier.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\"").replace('\0', ""))
}

/// Returns `text` as a string literal, whatever `standard_conforming_strings` says.
pub(crate) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''").replace('\0', "");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_be_left() {
        assert_eq!(identifier("a\"; drop"), "\"a\"\"; drop\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("\\'"), "E'\\\\'''");
        assert_eq!(literal("a\0b"), "'ab'");
    }
}
