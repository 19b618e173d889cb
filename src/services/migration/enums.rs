//! Finds a new value of an enum that is used in the transaction that adds it.
//!
//! The server refuses that (SQLSTATE 55P04), unless the transaction made the type as well. Which type
//! a string is of, only the server knows for certain. So a use is what names the type, or a table
//! that was made with it, beside the value; what this misses, the server finds.

use super::lint::Problem;
use crate::adapters::postgres::{Script, Statement};

/// The rule of such a use.
const RULE: &str = "enum-value";

/// Returns the first such use in files that can be read, with the file's name.
pub(super) fn problem<'f>(files: &[(&'f str, &str)]) -> Option<(&'f str, Problem)> {
    let scripts = files.iter().filter_map(|(name, text)| Some((*name, Script::read(text).ok()?)));
    let scripts: Vec<_> = scripts.collect();
    scripts.iter().find_map(|(name, script)| {
        let mut added = Vec::new();
        script.statements.iter().enumerate().find_map(|(index, statement)| {
            if let Some(value) = Added::by(script, index) {
                added.push(value);
                return None;
            }
            let used = added.iter().find(|value| value.is_used(script, statement, &scripts))?;
            let what = format!(
                "it uses {} of type {}, which line {} adds in the same transaction",
                used.value, used.kind, used.line
            );
            let remedy =
                "move ALTER TYPE … ADD VALUE into a file of its own before this one".to_owned();
            Some((*name, Problem { rule: RULE, line: script.line_of(statement), what, remedy }))
        })
    })
}

/// A value that a file adds to a type it did not make.
struct Added<'t> {
    kind: String,
    /// In its quotes.
    value: &'t str,
    line: usize,
}

impl<'t> Added<'t> {
    fn by(script: &Script<'t>, index: usize) -> Option<Self> {
        let statement = &script.statements[index];
        let words = script.words(statement);
        let is_addition = words.starts_with(&["alter".to_owned(), "type".to_owned()])
            && words.windows(2).any(|two| two == ["add", "value"]);
        let value = *script.strings(statement).first().filter(|_| is_addition)?;
        let kind = script.name_after(statement, "type")?;
        let is_new = script.statements[..index].iter().any(|before| {
            script.words(before).starts_with(&["create".to_owned(), "type".to_owned()])
                && script.name_after(before, "type").as_ref() == Some(&kind)
        });
        (!is_new).then(|| Self { kind, value, line: script.line_of(statement) })
    }

    fn is_used(
        &self,
        script: &Script<'_>,
        statement: &Statement,
        all: &[(&str, Script<'_>)],
    ) -> bool {
        if !script.strings(statement).contains(&self.value) {
            return false;
        }
        let names = script.names(statement);
        if names.first().is_some_and(|first| first == "comment") {
            return false;
        }
        names.contains(&self.kind) || self.tables(all).iter().any(|table| names.contains(table))
    }

    /// Returns the tables that a file gives a column of the type.
    fn tables(&self, all: &[(&str, Script<'_>)]) -> Vec<String> {
        let tables = all.iter().flat_map(|(_, script)| {
            script.statements.iter().filter_map(|statement| {
                let names = script.names(statement);
                let is_table = names.iter().take(3).any(|name| name == "table");
                (is_table && names.contains(&self.kind))
                    .then(|| script.name_after(statement, "table"))?
            })
        });
        tables.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "create type mood as enum ('sad'); create table p(id int, m mood); \
                          create table notes(body text);";

    fn line_of_use(text: &str) -> Option<usize> {
        problem(&[("V1__a.sql", BEFORE), ("V2__b.sql", text)]).map(|(_, problem)| problem.line)
    }

    #[test]
    fn a_new_value_is_not_used_where_it_is_added() {
        for text in [
            "alter type mood add value 'happy';\ninsert into p values (1, 'happy');",
            "alter type public.mood add value if not exists 'happy' after 'sad';\n\
             select 'happy'::mood;",
            "alter type \"mood\" add value 'happy';\nalter table public.p alter m set default 'happy'",
        ] {
            assert_eq!(line_of_use(text), Some(2), "{text}");
        }
    }

    #[test]
    fn the_same_word_elsewhere_is_no_use() {
        for text in [
            "alter type mood add value 'happy';",
            "alter type mood add value 'happy'; alter type mood add value 'glad' after 'happy';",
            "alter type mood add value 'happy'; insert into notes values ('happy');",
            "alter type mood add value 'happy'; comment on type mood is 'happy';",
            "create type mood2 as enum (); alter type mood2 add value 'a'; select 'a'::mood2;",
            "create function f() returns mood language sql as $$ select 'happy'::mood $$; \
             alter type mood add value 'happy';",
        ] {
            assert_eq!(line_of_use(text), None, "{text}");
        }
    }
}
