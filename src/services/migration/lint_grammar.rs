//! What `squawk-linter` says of a file, by the server's grammar.
//!
//! It sees statements only: comments are ours, so a waiver of squawk's own has no effect here.

use squawk_linter::{Linter, LinterSettings, Rule};
use squawk_syntax::SourceFile;

use super::lint::Problem;
use super::lint_rules::{CHANGES, find_change};
use super::lint_tenants::qualified;
use crate::adapters::postgres::{Script, Statement, on_wide_stack};

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
        let at = usize::from(violation.text_range.start());
        if script.statement_at(at).is_some_and(|statement| is_its_own(script, statement)) {
            return None;
        }
        Some(Problem {
            rule: rule.name,
            line: script.line(at),
            what: violation.message.split_whitespace().collect::<Vec<_>>().join(" "),
            remedy: rule.remedy.to_owned(),
        })
    }));
    problems
}

/// What is replaced where it is dropped and made in one file: nobody meets the gap.
const REPLACED: [&str; 2] = ["policy", "view"];

/// What may be made for the file alone.
const HELPERS: [&str; 4] = ["table", "function", "procedure", "type"];

/// Returns whether a statement drops what its own file makes before, or anew.
fn is_its_own(script: &Script<'_>, statement: &Statement) -> bool {
    let words = script.outer_words(statement);
    let kind = words.iter().skip(1).find(|word| *word != "materialized");
    let is_drop = words.first().is_some_and(|word| word == "drop");
    let Some(kind) = kind.filter(|_| is_drop && !statement.is_list()) else {
        return false;
    };
    // A policy's name counts on its table only.
    let named = |statement: &Statement| {
        [kind, "on"].map(|word| qualified(&script.path_after(statement, word)))
    };
    let named_here = named(statement);
    let makes = |other: &Statement| {
        let words = script.outer_words(other);
        let mut head = words.iter().skip(1).take(4);
        words.first().is_some_and(|word| word == "create")
            && head.any(|word| word == kind)
            && named(other)[0] == named_here[0]
            && (kind != "policy" || named(other)[1] == named_here[1])
    };
    let mut before = script.statements.iter().take_while(|other| *other != statement);
    REPLACED.contains(&kind.as_str()) && script.statements.iter().any(makes)
        || HELPERS.contains(&kind.as_str()) && before.any(makes)
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
            ("drop policy if exists \"P\" on t;\ncreate policy \"P\" on t for select;", &[]),
            ("drop policy p on t;\ncreate policy p on u;", &[("ban-drop-policy", 1)]),
            ("drop view v;\ncreate view public.v as select 1", &[]),
            ("drop view v;\ncreate or replace view a.v as select 1", &[("ban-drop-view", 1)]),
            ("create temp table x (a int);\ndrop table x;\ndrop table y", &[("ban-drop-table", 3)]),
            ("create table x (a int);\ndrop table x, y", &[("ban-drop-table", 2)]),
            (
                "drop function f(int);\ncreate function f(text) returns int language sql as ''",
                &[("ban-drop-function", 1)],
            ),
            ("alter table only t force row level security;", &[]),
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
