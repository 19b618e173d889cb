//! What `squawk-linter` says of a file, by the server's grammar.
//!
//! It sees statements only: comments are ours, so a waiver of squawk's own has no effect here.

use squawk_linter::{Linter, LinterSettings, Rule};
use squawk_syntax::SourceFile;

use super::lint::Problem;
use super::lint_rules::{CHANGES, find_change};
use crate::adapters::postgres::{Script, on_wide_stack};

/// A statement of more tokens is not read: no statement nests deeper than it has tokens.
const MOST: usize = 20_000;

/// Room for each token to be a level of its own.
const STACK: usize = 256 << 20;

/// The rule of what the grammar does not know.
pub(super) const SYNTAX: &str = "syntax";

/// What was found, and the lines of statements that were not read.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub problems: Vec<Problem>,
    pub unread: Vec<usize>,
}

/// Judges a file's statements.
pub(super) fn read(script: &Script<'_>) -> Read {
    let long = script.statements.iter().filter(|statement| statement.len() > MOST);
    let mut unread: Vec<_> = long.map(|statement| script.line_of(statement)).collect();
    let bare = script.bare(MOST);
    let found = on_wide_stack(STACK, || judge(script, &bare));
    let problems = found.unwrap_or_else(|| {
        unread = script.statements.iter().map(|statement| script.line_of(statement)).collect();
        Vec::new()
    });
    Read { problems, unread }
}

fn judge(script: &Script<'_>, bare: &str) -> Vec<Problem> {
    let parsed = SourceFile::parse(bare);
    let syntax = parsed.errors().into_iter().map(|error| Problem {
        rule: SYNTAX,
        line: script.line(usize::from(error.range().start())),
        what: format!("the grammar of Postgres 18 does not know this: {}", error.message()),
        remedy: "correct it; where the server takes it all the same, say so in a waiver".to_owned(),
    });
    let mut problems: Vec<_> = syntax.collect();
    let rules = CHANGES.iter().filter_map(|rule| Rule::try_from(rule.name).ok());
    let mut linter = Linter::from(rules);
    linter.settings =
        LinterSettings { assume_in_transaction: !script.is_alone, ..LinterSettings::default() };
    problems.extend(linter.lint(&parsed, bare).into_iter().filter_map(|violation| {
        // In a transaction nothing has to run twice, wherever squawk sees it end.
        let is_of_concern = script.is_alone || violation.code != Rule::PreferRobustStmts;
        let rule = find_change(&violation.code.to_string()).filter(|_| is_of_concern)?;
        Some(Problem {
            rule: rule.name,
            line: script.line(usize::from(violation.text_range.start())),
            what: violation.message.split_whitespace().collect::<Vec<_>>().join(" "),
            remedy: rule.remedy.to_owned(),
        })
    }));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&'static str, usize)> {
        let script = Script::read(text).unwrap();
        read(&script).problems.into_iter().map(|it| (it.rule, it.line)).collect()
    }

    #[test]
    fn what_squawk_finds_is_told_by_its_line() {
        for (text, expected) in [
            ("-- ä\ncreate index i on t (a);", &[("require-concurrent-index-creation", 2)][..]),
            ("create table t (a int);\ncreate index i on t (a);", &[]),
            (
                "alter table t add column a int;\n\nalter table t rename column a to b",
                &[("renaming-column", 3)],
            ),
            ("copy t from stdin;\ndrop table t;\n\\.\nselect 1 from;", &[("syntax", 4)]),
            ("-- squawk-ignore ban-drop-table\ndrop table t;", &[("ban-drop-table", 2)]),
            (
                "-- tenantctl: no-transaction\ncreate index concurrently i on t (a)",
                &[("prefer-robust-stmts", 2)],
            ),
            (
                "-- tenantctl: no-transaction\ncreate index concurrently if not exists i on t (a)",
                &[],
            ),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn however_long_and_deep_a_statement_is_reading_it_ends() {
        let deep = format!("select {}1{};", "(".repeat(9_000), ")".repeat(9_000));
        assert_eq!(found(&format!("{deep}\ndrop table t")), [("ban-drop-table", 2)]);
        let long = format!("select {}1;\ndrop table t", "1, ".repeat(MOST));
        let script = Script::read(&long).unwrap();
        let seen = read(&script);
        assert_eq!((seen.unread, seen.problems.len()), (vec![1], 1));
    }
}
