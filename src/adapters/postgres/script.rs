//! A file of SQL as its statements: where each ends, what it is, which data follow it.
//!
//! What a statement is, its first words say: that is how the server's grammar tells commands apart,
//! so a command that nobody here has heard of is still one.

use std::ops::Range;

use super::tokens::{Kind, Token};

/// A comment in a file's head that lets its one statement run outside a transaction.
pub(crate) const NO_TRANSACTION: &str = "-- tenantctl: no-transaction";

/// A file of SQL, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script<'t> {
    pub(super) text: &'t str,
    /// Its head asks for no transaction around it.
    pub is_alone: bool,
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// Its tokens, without comments, spaces and the semicolon that ends it.
    pub(super) tokens: Vec<Token>,
    /// The data of a `COPY … FROM STDIN`, as bytes of the text.
    pub(super) data: Option<Range<usize>>,
    /// Between it and the one before stands what the server must not see.
    pub(super) is_apart: bool,
}

/// Why a text cannot be told apart into statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Counted from 1.
    pub line: usize,
    pub what: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// What is sent to the server in one go, and how many characters of the file are before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'t> {
    pub sql: &'t str,
    /// The data of the `COPY … FROM STDIN` that it is.
    pub data: Option<&'t str>,
    pub before: usize,
}

impl Statement {
    /// Returns whether it has a comma outside its brackets.
    pub(crate) fn is_list(&self) -> bool {
        let mut depth = 0_usize;
        self.tokens.iter().any(|token| {
            match token.kind {
                Kind::Symbol('(') => depth += 1,
                Kind::Symbol(')') => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && token.kind == Kind::Symbol(',')
        })
    }

    /// Returns how many tokens it has.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(super) fn range(&self) -> Range<usize> {
        let start = self.tokens.first().map_or(0, |token| token.start);
        start..self.tokens.last().map_or(start, |token| token.end)
    }
}

impl<'t> Script<'t> {
    /// Returns a statement's text, without the semicolon that ends it.
    pub(crate) fn text_of(&self, statement: &Statement) -> &'t str {
        &self.text[statement.range()]
    }

    /// Returns the line a statement begins in, counted from 1.
    pub(crate) fn line_of(&self, statement: &Statement) -> usize {
        self.line(statement.range().start)
    }

    /// Returns the words of a statement, lower-cased, with `'…'` for a string and `"…"` for a name
    /// in quotes; symbols and numbers are left out.
    pub(crate) fn words(&self, statement: &Statement) -> Vec<String> {
        statement.tokens.iter().filter_map(|token| self.word(token)).collect()
    }

    /// Returns the words of a statement that are outside its brackets.
    pub(crate) fn outer_words(&self, statement: &Statement) -> Vec<String> {
        let mut depth = 0_usize;
        let mut words = Vec::new();
        for token in &statement.tokens {
            match token.kind {
                Kind::Symbol('(') => depth += 1,
                Kind::Symbol(')') => depth = depth.saturating_sub(1),
                _ if depth == 0 => words.extend(self.word(token)),
                _ => {}
            }
        }
        words
    }

    /// Returns the strings of a statement that are not in dollar quotes, quotes included.
    pub(crate) fn strings(&self, statement: &Statement) -> Vec<&'t str> {
        let texts = statement.tokens.iter().filter(|token| token.kind == Kind::Text);
        texts.map(|token| self.token(token)).collect()
    }

    /// Returns the names and keywords of a statement as the server understands them.
    pub(crate) fn names(&self, statement: &Statement) -> Vec<String> {
        statement.tokens.iter().filter_map(|token| self.name(token)).collect()
    }

    /// Returns the last part of the name that follows a keyword, as `b` of `TABLE IF EXISTS a.b`.
    pub(crate) fn name_after(&self, statement: &Statement, keyword: &str) -> Option<String> {
        self.path_after(statement, keyword).pop()
    }

    /// Returns the parts of the name that follows a keyword.
    pub(crate) fn path_after(&self, statement: &Statement, keyword: &str) -> Vec<String> {
        let tokens = statement.tokens.iter();
        let after = tokens.skip_while(|token| !self.is_word(Some(token), keyword)).skip(1);
        let fillers = ["if", "not", "exists", "only"];
        let mut rest =
            after.skip_while(|token| fillers.iter().any(|word| self.is_word(Some(token), word)));
        let mut path = Vec::new();
        while let Some(name) = rest.next().and_then(|token| self.name(token)) {
            path.push(name);
            if rest.next().is_none_or(|token| token.kind != Kind::Symbol('.')) {
                break;
            }
        }
        path
    }

    /// Returns the statement that a byte is in.
    pub(crate) fn statement_at(&self, at: usize) -> Option<&Statement> {
        self.statements.iter().find(|statement| statement.range().contains(&at))
    }

    /// Returns the names that a statement takes from a schema, and whether each is called.
    pub(crate) fn members(&self, statement: &Statement, schema: &str) -> Vec<(String, bool)> {
        let tokens = &statement.tokens;
        let is_symbol = |at: usize, symbol| {
            tokens.get(at).is_some_and(|token: &Token| token.kind == Kind::Symbol(symbol))
        };
        let member = |at: usize| {
            let is_path = self.name(&tokens[at]).as_deref() == Some(schema)
                && is_symbol(at + 1, '.')
                && (at == 0 || !is_symbol(at - 1, '.'));
            let name = self.name(tokens.get(at + 2).filter(|_| is_path)?)?;
            Some((name, is_symbol(at + 3, '(')))
        };
        (0..tokens.len()).filter_map(member).collect()
    }

    /// Returns the text with blanks in place of everything but its statements, so that each stays
    /// where it is: comments, data and what is psql's are gone, and so are statements of more tokens
    /// than `most`.
    pub(crate) fn bare(&self, most: usize) -> String {
        let blank = |c: char| if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) };
        let mut bare = String::with_capacity(self.text.len());
        let fill = |bare: &mut String, until: usize| {
            let gap = self.text[bare.len()..until].chars().map(blank).collect::<String>();
            bare.push_str(&gap);
        };
        for statement in self.statements.iter().filter(|it| it.tokens.len() <= most) {
            for token in &statement.tokens {
                fill(&mut bare, token.start);
                bare.push_str(self.token(token));
            }
            // Where its own semicolon is, a comment may begin or the text end.
            if self.text[bare.len()..].chars().next().is_some_and(|c| c.len_utf8() == 1) {
                bare.push(';');
            }
        }
        bare
    }

    /// Leaves statements out whose words are these.
    pub(crate) fn leave_out(&mut self, is_left_out: impl Fn(&[String]) -> bool) {
        let mut is_gap = false;
        for mut statement in std::mem::take(&mut self.statements) {
            if is_left_out(&self.words(&statement)) {
                is_gap = true;
            } else {
                statement.is_apart |= std::mem::take(&mut is_gap);
                self.statements.push(statement);
            }
        }
    }

    /// Returns what to send, in order: statements together, up to one whose data have to follow it.
    pub(super) fn parts(&self) -> Vec<Part<'t>> {
        let part = |range: Range<usize>, data: Option<&Range<usize>>| Part {
            sql: &self.text[range.clone()],
            data: data.map(|data| &self.text[data.clone()]),
            before: self.text[..range.start].chars().count(),
        };
        let mut parts = Vec::new();
        let mut open: Option<Range<usize>> = None;
        for statement in &self.statements {
            let range = statement.range();
            if (statement.is_apart || statement.data.is_some())
                && let Some(before) = open.take()
            {
                parts.push(part(before, None));
            }
            if let Some(data) = &statement.data {
                parts.push(part(range, Some(data)));
            } else {
                let start = open.map_or(range.start, |open| open.start);
                open = Some(start..range.end);
            }
        }
        parts.extend(open.map(|range| part(range, None)));
        parts
    }

    pub(super) fn token(&self, token: &Token) -> &'t str {
        &self.text[token.start..token.end]
    }

    fn word(&self, token: &Token) -> Option<String> {
        match token.kind {
            Kind::Word => Some(self.token(token).to_lowercase()),
            Kind::Text | Kind::Dollar => Some("'…'".to_owned()),
            Kind::Quoted => Some("\"…\"".to_owned()),
            _ => None,
        }
    }

    fn name(&self, token: &Token) -> Option<String> {
        match token.kind {
            Kind::Word => Some(self.token(token).to_lowercase()),
            Kind::Quoted => {
                let quoted = self.token(token).trim_start_matches(['u', 'U', '&']);
                let inside = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
                inside.map(|text| text.replace("\"\"", "\""))
            }
            _ => None,
        }
    }

    pub(super) fn is_word(&self, token: Option<&Token>, word: &str) -> bool {
        token.is_some_and(|token| {
            token.kind == Kind::Word && self.token(token).eq_ignore_ascii_case(word)
        })
    }

    /// Returns whether a statement is a `COPY … FROM STDIN`.
    pub(super) fn is_copy_in(&self, statement: &Statement) -> bool {
        self.is_word(statement.tokens.first(), "copy")
            && self.outer_words(statement).windows(2).any(|two| two == ["from", "stdin"])
    }

    /// Returns the line that a byte is in, counted from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        1 + self.text[..at].matches('\n').count()
    }

    pub(super) fn unreadable(
        &self,
        at: usize,
        what: impl Into<String>,
        remedy: &'static str,
    ) -> Unreadable {
        Unreadable { line: self.line(at), what: what.into(), remedy }
    }
}
