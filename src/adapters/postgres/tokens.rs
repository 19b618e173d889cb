//! A file's tokens, as the server's own lexer reads them.
//!
//! `squawk-lexer` follows Postgres's `scan.l` rule by rule. One of its rules is missing there and is
//! here: a string that goes on after a line break keeps the escapes of its first part.

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

/// What a token is, as far as telling statements apart needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or a plain name.
    Word,
    /// A name in double quotes.
    Quoted,
    /// A string of any kind but dollar quotes.
    Text,
    /// A string in dollar quotes.
    Dollar,
    Comment,
    Space,
    /// One character that stands for itself; a backslash is one that no SQL has.
    Symbol(char),
    Number,
}

/// One token: what it is, and which bytes of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// A quote or a comment that the file never ends, and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unended {
    pub what: &'static str,
    pub start: usize,
}

/// Returns the tokens of the text from an offset on, without a byte that is in none.
pub(super) fn tokens(text: &str, from: usize) -> Tokens<'_> {
    Tokens { text, at: from, source: Box::new(tokenize(&text[from..])), string: None }
}

pub(super) struct Tokens<'t> {
    text: &'t str,
    at: usize,
    source: Box<dyn Iterator<Item = squawk_lexer::Token> + 't>,
    /// A string with escapes just ended; whether a line break has followed.
    string: Option<bool>,
}

impl Iterator for Tokens<'_> {
    type Item = Result<Token, Unended>;

    fn next(&mut self) -> Option<Self::Item> {
        let token = self.source.next()?;
        let start = self.at;
        let mut length = token.len as usize;
        let mut found = kind(token.kind, &self.text[start..]);
        if self.string == Some(true) && matches!(token.kind, TokenKind::Literal { .. }) {
            // `E'a'` and, on a later line, `'b\''`: one string to the server.
            if self.text[start..].starts_with('\'') {
                let again = format!("E{}", &self.text[start..]);
                let whole = tokenize(&again).next()?;
                length = whole.len as usize - 1;
                found = kind(whole.kind, &again);
                self.source = Box::new(tokenize(&self.text[start + length..]));
            }
        }
        self.at = start + length;
        let text = &self.text[start..self.at];
        self.string = match found {
            Ok(Kind::Text) if text.starts_with(['e', 'E']) || self.string == Some(true) => {
                Some(false)
            }
            Ok(Kind::Space | Kind::Comment) if !text.starts_with("/*") => {
                self.string.map(|broken| broken || text.contains(['\n', '\r']))
            }
            _ => None,
        };
        Some(match found {
            Ok(kind) => Ok(Token { kind, start, end: self.at }),
            Err(what) => Err(Unended { what, start }),
        })
    }
}

fn kind(kind: TokenKind, text: &str) -> Result<Kind, &'static str> {
    let ended = |terminated, kind, what| if terminated { Ok(kind) } else { Err(what) };
    match kind {
        TokenKind::Ident => Ok(Kind::Word),
        TokenKind::Whitespace => Ok(Kind::Space),
        TokenKind::LineComment => Ok(Kind::Comment),
        TokenKind::BlockComment { terminated } => ended(terminated, Kind::Comment, "comment"),
        TokenKind::QuotedIdent { terminated, .. } => ended(terminated, Kind::Quoted, "name"),
        TokenKind::Literal { kind } => match kind {
            LiteralKind::Str { terminated }
            | LiteralKind::EscStr { terminated }
            | LiteralKind::BitStr { terminated }
            | LiteralKind::ByteStr { terminated }
            | LiteralKind::NationalStr { terminated }
            | LiteralKind::UnicodeEscStr { terminated } => ended(terminated, Kind::Text, "string"),
            LiteralKind::DollarQuotedString { terminated } => {
                ended(terminated, Kind::Dollar, "dollar-quoted string")
            }
            LiteralKind::Int { .. } | LiteralKind::Numeric { .. } => Ok(Kind::Number),
        },
        _ => Ok(Kind::Symbol(text.chars().next().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<(Kind, &str)> {
        let tokens = tokens(text, 0).map(Result::unwrap);
        let tokens = tokens.filter(|token| !matches!(token.kind, Kind::Space | Kind::Comment));
        tokens.map(|token| (token.kind, &text[token.start..token.end])).collect()
    }

    #[test]
    fn a_string_with_escapes_keeps_them_after_a_line_break() {
        let text = "E'a' -- on\n 'b\\'; commit;' ;";
        assert_eq!(
            seen(text),
            [(Kind::Text, "E'a'"), (Kind::Text, "'b\\'; commit;'"), (Kind::Symbol(';'), ";")]
        );
        // On the same line it is a new string, without escapes.
        assert_eq!(seen("E'a' 'b\\'")[1], (Kind::Text, "'b\\'"));
        assert_eq!(seen("'a'\n'b\\' x")[1], (Kind::Text, "'b\\'"));
    }

    #[test]
    fn what_never_ends_is_said() {
        for (text, what) in [
            ("select /* a /* b */", "comment"),
            ("select 'a", "string"),
            ("select \"a", "name"),
            ("select $x$ a $$", "dollar-quoted string"),
        ] {
            let found = tokens(text, 0).find_map(Result::err);
            assert_eq!(found, Some(Unended { what, start: 7 }), "{text}");
        }
    }
}
