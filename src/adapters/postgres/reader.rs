//! Reads a file into statements.
//!
//! The boundaries are those of psql (`psqlscan.l` of 17): a semicolon outside of brackets and of a
//! body `BEGIN ATOMIC … END`.

use super::script::{NO_TRANSACTION, Script, Statement, Unreadable};
use super::tokens::{Kind, Token, tokens};
use crate::model::{escape_controls, shorten};

/// The same without spaces, and what says it to sqlx, dbmate and goose.
const NO_TRANSACTION_SAID: [&str; 4] = [
    "tenantctl:no-transaction",
    "no-transaction",
    "migrate:uptransaction:false",
    "+goosenotransaction",
];

/// Comments after which dbmate and goose keep the statements that take the file back.
const DOWN: [&str; 2] = ["migrate:down", "+goosedown"];

impl<'t> Script<'t> {
    /// Reads a file's text.
    ///
    /// # Errors
    /// When a quote or a comment never ends, or it holds what only psql understands.
    pub(crate) fn read(text: &'t str) -> Result<Self, Unreadable> {
        let script = Self { text, is_alone: false, statements: Vec::new() };
        Reader { script, open: Vec::new(), brackets: 0, blocks: 0, is_apart: false }.read()
    }
}

/// A script under way.
struct Reader<'t> {
    script: Script<'t>,
    /// The tokens of the statement that has not ended yet.
    open: Vec<Token>,
    /// How many brackets are open in it.
    brackets: usize,
    /// How many `BEGIN ATOMIC` and `CASE` in it wait for their `END`.
    blocks: usize,
    is_apart: bool,
}

/// Where reading goes on.
enum Next {
    Token,
    At(usize),
    End,
}

impl<'t> Reader<'t> {
    fn read(mut self) -> Result<Script<'t>, Unreadable> {
        let text = self.script.text;
        if let Some(at) = text.find('\0') {
            let remedy = "save it as plain text";
            return Err(self.script.unreadable(at, "it holds a NUL byte", remedy));
        }
        let mut source = tokens(text, 0);
        while let Some(token) = source.next() {
            let token = token.map_err(|unended| {
                let what = format!("a {} begins here and never ends", unended.what);
                self.script.unreadable(unended.start, what, "end it")
            })?;
            match self.take(token)? {
                Next::Token => {}
                Next::At(at) => source = tokens(text, at),
                Next::End => break,
            }
        }
        self.end();
        match self.script.statements.last() {
            Some(last) if last.data.is_none() && self.script.is_copy_in(last) => {
                Err(self.unended_copy(last.range().start))
            }
            _ => Ok(self.script),
        }
    }

    fn take(&mut self, token: Token) -> Result<Next, Unreadable> {
        match token.kind {
            Kind::Space => {}
            Kind::Comment => return self.comment(token),
            Kind::Symbol('\\') => return self.backslash(token),
            Kind::Symbol(';') if self.brackets == 0 && self.blocks == 0 => {
                if self.end() {
                    return self.data_after(token.end);
                }
            }
            kind => {
                match kind {
                    Kind::Symbol('(') => self.brackets += 1,
                    Kind::Symbol(')') => self.brackets = self.brackets.saturating_sub(1),
                    Kind::Word if self.brackets == 0 => self.count_block(token),
                    _ => {}
                }
                self.open.push(token);
            }
        }
        Ok(Next::Token)
    }

    /// Follows the body of a function that is written in SQL and not in a string.
    fn count_block(&mut self, token: Token) {
        let is = |token: Option<&Token>, word| self.script.is_word(token, word);
        if self.blocks > 0 {
            if is(Some(&token), "case") {
                self.blocks += 1;
            } else if is(Some(&token), "end") {
                self.blocks -= 1;
            }
        } else if is(Some(&token), "atomic") && is(self.open.last(), "begin") {
            let kind = self.open.get(if is(self.open.get(1), "or") { 3 } else { 1 });
            let is_routine = is(kind, "function") || is(kind, "procedure");
            if is(self.open.first(), "create") && is_routine {
                self.blocks = 1;
            }
        }
    }

    /// Ends the open statement; returns whether there was one.
    fn end(&mut self) -> bool {
        let tokens = std::mem::take(&mut self.open);
        (self.brackets, self.blocks) = (0, 0);
        if tokens.is_empty() {
            return false;
        }
        let is_apart = std::mem::take(&mut self.is_apart);
        self.script.statements.push(Statement { tokens, data: None, is_apart });
        true
    }

    fn comment(&mut self, token: Token) -> Result<Next, Unreadable> {
        let Some(text) = self.script.token(&token).strip_prefix("--") else {
            return Ok(Next::Token);
        };
        let mut said = text.to_lowercase();
        said.retain(|character| !character.is_whitespace());
        if DOWN.contains(&&*said) {
            return Ok(Next::End);
        }
        if NO_TRANSACTION_SAID.contains(&&*said) {
            if self.script.statements.is_empty() && self.open.is_empty() {
                self.script.is_alone = true;
            } else if said == NO_TRANSACTION_SAID[0] {
                let what = format!("`{NO_TRANSACTION}` stands behind a statement");
                let remedy = "move it to the head of the file";
                return Err(self.script.unreadable(token.start, what, remedy));
            }
        }
        Ok(Next::Token)
    }

    /// Skips what newer `pg_dump` writes for psql's safety; nothing else of psql's is SQL.
    fn backslash(&mut self, token: Token) -> Result<Next, Unreadable> {
        let line = self.script.text[token.start..].split(['\n', '\r']).next().unwrap_or_default();
        let command = line.split_whitespace().next().unwrap_or_default();
        if self.open.is_empty() && matches!(command, "\\restrict" | "\\unrestrict") {
            self.is_apart = true;
            return Ok(Next::At(token.start + line.len()));
        }
        let what =
            format!("`{}` is a command of psql, not SQL", escape_controls(&shorten(command, 40)));
        let remedy = "take it out, or put what it does into the file itself";
        Err(self.script.unreadable(token.start, what, remedy))
    }

    /// Finds the data behind the statement that has just ended.
    fn data_after(&mut self, semicolon: usize) -> Result<Next, Unreadable> {
        let Some(last) = self.script.statements.last() else { return Ok(Next::Token) };
        if !self.script.is_copy_in(last) {
            return Ok(Next::Token);
        }
        let at = last.range().start;
        let text = self.script.text;
        let Some((line, after)) = text[semicolon..].split_once('\n') else {
            return Err(self.unended_copy(at));
        };
        if !line.trim().is_empty() && !line.trim_start().starts_with("--") {
            let what = "something follows COPY … FROM STDIN on its line";
            let remedy = "let its data begin on the next line";
            return Err(self.script.unreadable(semicolon, what, remedy));
        }
        let begin = text.len() - after.len();
        let mut end = begin;
        for row in after.split_inclusive('\n') {
            if row.trim_end_matches(['\n', '\r']) == "\\." {
                if let Some(last) = self.script.statements.last_mut() {
                    last.data = Some(begin..end);
                }
                return Ok(Next::At(end + row.len()));
            }
            end += row.len();
        }
        Err(self.unended_copy(at))
    }

    fn unended_copy(&self, at: usize) -> Unreadable {
        let what = "no line `\\.` ends the data of COPY … FROM STDIN";
        let remedy = "end the data with a line `\\.`; the file may have been cut off";
        self.script.unreadable(at, what, remedy)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn statements(text: &str) -> Vec<&str> {
        let script = Script::read(text).unwrap();
        script.statements.iter().map(|statement| script.text_of(statement)).collect()
    }

    #[test]
    fn a_statement_ends_where_the_server_says() {
        for (text, expected) in [
            ("", &[][..]),
            (";; -- nothing\n;", &[]),
            ("select 1; select 2", &["select 1", "select 2"]),
            ("select E'it\\'s; a'; commit", &["select E'it\\'s; a'", "commit"]),
            ("select E'a'\n'\\'; b'; commit", &["select E'a'\n'\\'; b'", "commit"]),
            ("select 'a\\'; commit", &["select 'a\\'", "commit"]),
            ("create table a$b$c(); commit", &["create table a$b$c()", "commit"]),
            ("/* a /* b */ ; */ select 1", &["select 1"]),
            ("/*/ commit; /*/ commit; */ */ select 1", &["select 1"]),
            ("select $x$ ; $y$ ; $x$ ; commit", &["select $x$ ; $y$ ; $x$", "commit"]),
            (
                "create function f() returns int language sql begin atomic select case when true \
                 then 1 end; select 2; end; select 3",
                &[
                    "create function f() returns int language sql begin atomic select case when \
                     true then 1 end; select 2; end",
                    "select 3",
                ],
            ),
            (
                "create or replace procedure p() begin atomic select 1; end; commit",
                &["create or replace procedure p() begin atomic select 1; end", "commit"],
            ),
            (
                "create rule r as on insert to t do also (select 1; select 2); end",
                &["create rule r as on insert to t do also (select 1; select 2)", "end"],
            ),
            ("select 1; -- migrate:down\ndrop table t;", &["select 1"]),
            ("select 1\n-- migrate:down\ndrop table t;", &["select 1"]),
            ("-- +goose Up\nselect 1;\n-- +goose Down\nselect 2", &["select 1"]),
            ("\\restrict aB1\nselect 1;\n\\unrestrict aB1\n", &["select 1"]),
        ] {
            assert_eq!(statements(text), expected, "{text}");
        }
    }

    #[test]
    fn data_go_with_their_copy_and_nothing_of_them_is_sql() {
        let text =
            "create table t(a text); copy t from stdin; -- data\nit's\n;commit;\n\\.\nselect 1;";
        let script = Script::read(text).unwrap();
        let parts: Vec<_> = script.parts().iter().map(|part| (part.sql, part.data)).collect();
        assert_eq!(
            parts,
            [
                ("create table t(a text)", None),
                ("copy t from stdin", Some("it's\n;commit;\n")),
                ("select 1", None),
            ]
        );
        let in_brackets = "copy (select a from t) to stdout; select 1";
        assert_eq!(statements(in_brackets).len(), 2);
    }

    #[test]
    fn what_psql_alone_understands_is_apart_from_what_is_sent() {
        let text = "select 1;\n\\restrict a\nselect 2; select 3";
        let script = Script::read(text).unwrap();
        let parts: Vec<_> = script.parts().iter().map(|part| (part.sql, part.before)).collect();
        assert_eq!(parts, [("select 1", 0), ("select 2; select 3", 22)]);
    }

    #[test]
    fn the_marker_counts_in_the_head_however_it_is_written() {
        for head in [
            "-- tenantctl: no-transaction\n",
            "\n-- tenantctl: no-transaction\n",
            "-- Copyright Acme\n/* x */\n-- tenantctl:no-transaction\n",
            "-- no-transaction\n",
            "-- migrate:up transaction:false\n",
            "-- +goose NO TRANSACTION\n",
        ] {
            assert!(Script::read(&format!("{head}vacuum t;")).unwrap().is_alone, "{head}");
        }
        assert!(!Script::read("select '-- tenantctl: no-transaction';").unwrap().is_alone);
        let late = Script::read("select 1;\n-- tenantctl: no-transaction\nvacuum t").unwrap_err();
        assert_eq!(late.line, 2);
    }

    #[test]
    fn what_cannot_be_told_apart_says_where() {
        for (text, line, what) in [
            ("select 1;\n/* a", 2, "comment"),
            ("comment on table t is 'it's';\n", 1, "string"),
            ("create function f() as $$ select 1;\n", 1, "dollar-quoted string"),
            ("select 1;\n\\connect b\n", 2, "`\\connect`"),
            ("copy t from stdin;\na\n", 1, "COPY"),
            ("copy t from stdin", 1, "COPY"),
            ("copy t from stdin; select 1\n\\.\n", 1, "COPY"),
            ("a\n\0", 2, "NUL"),
        ] {
            let said = Script::read(text).unwrap_err();
            assert_eq!(said.line, line, "{text}");
            assert!(said.what.contains(what), "{said:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_file_holds_reading_it_ends(text in "[ -~\n$'\"\\\\;()/*äE]{0,200}") {
            if let Ok(script) = Script::read(&text) {
                let sent: usize = script.parts().iter().map(|part| part.sql.len()).sum();
                prop_assert!(sent <= text.len());
            }
        }
    }
}
