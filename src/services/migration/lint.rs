//! Refuses files with statements that would break the runner, before anything runs.
//!
//! A `COMMIT` inside leaves the table without its history row; an index cannot be built
//! concurrently inside a transaction; nobody reads what `COPY … TO STDOUT` writes. What a file
//! leaves behind in its session is no reason: the session is put back after each.
//! What hides in a function's body, or in a string that is executed, cannot be seen here; there the
//! server refuses it, and nothing of the file stays.

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{AstNode, Do};

use crate::adapters::postgres::{NO_TRANSACTION, Script, Statement, Unreadable, ask_tree};

/// The rule of a file that cannot be told apart into statements.
pub(super) const UNREADABLE: &str = "unreadable";

/// Why a file may not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The rule that finds it.
    pub rule: &'static str,
    /// The line of the file, counted from 1.
    pub line: usize,
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl From<Unreadable> for Problem {
    fn from(Unreadable { line, what, remedy }: Unreadable) -> Self {
        Self { rule: UNREADABLE, line, what, remedy: remedy.to_owned() }
    }
}

/// Returns why a migration may not run, or `None` when it may.
pub(super) fn problem(text: &str) -> Option<Problem> {
    match Script::read(text) {
        Ok(script) => problems(&script).next(),
        Err(unreadable) => Some(unreadable.into()),
    }
}

/// Returns every reason why a migration may not run.
pub(super) fn problems<'s>(script: &'s Script<'_>) -> impl Iterator<Item = Problem> + 's {
    let second = script.statements.get(1).filter(|_| script.is_alone).map(|second| Problem {
        rule: OWN_FILE,
        line: script.line_of(second),
        what: format!(
            "it runs outside a transaction and has {} statements",
            script.statements.len()
        ),
        remedy: "put each into a file of its own".to_owned(),
    });
    let found = script.statements.iter().filter_map(|statement| {
        let found = refused(script, statement).or_else(|| {
            let what = needs_to_be_alone(script, statement).filter(|_| !script.is_alone)?;
            let remedy = format!(
                "put the statement into a file of its own that begins with `{NO_TRANSACTION}`"
            );
            Some((OWN_FILE, what, remedy))
        });
        let (rule, what, remedy) = found?;
        Some(Problem { rule, line: script.line_of(statement), what, remedy })
    });
    second.into_iter().chain(found)
}

/// The rule of what has to be the only statement of its file.
const OWN_FILE: &str = "own-file";
/// The rule of what begins or ends a transaction.
const TRANSACTION: &str = "transaction-control";
/// The rule of data that are not in the file.
const COPY: &str = "copy";
/// The rule of what gives back the session's lock.
const LOCK: &str = "session-lock";

/// Returns why a file of a seed set may not run, or `None` when it may: a set is one transaction.
pub(super) fn seed_problem(text: &str) -> Option<Problem> {
    let script = match Script::read(text) {
        Ok(script) => script,
        Err(unreadable) => return Some(unreadable.into()),
    };
    script.statements.iter().find_map(|statement| {
        let found = refused(&script, statement).or_else(|| {
            let what = needs_to_be_alone(&script, statement)?;
            Some((OWN_FILE, what, "take it out: a seed set is one transaction".to_owned()))
        });
        let (rule, what, remedy) = found?;
        Some(Problem { rule, line: script.line_of(statement), what, remedy })
    })
}

/// Returns what no file may hold: the rule, what is wrong, and the remedy.
fn refused(script: &Script<'_>, statement: &Statement) -> Option<(&'static str, String, String)> {
    let words = script.outer_words(statement);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let has = |two: [&str; 2]| words.windows(2).any(|pair| pair == two);
    let told = |rule, what: &str, remedy: &str| Some((rule, what.to_owned(), remedy.to_owned()));
    match words.as_slice() {
        ["begin" | "commit" | "rollback" | "end" | "abort" | "savepoint" | "release", ..]
        | ["start" | "prepare", "transaction", ..] => told(
            TRANSACTION,
            &format!("`{}` would break the transaction it runs in", words[0].to_uppercase()),
            "take it out: tenantctl runs the file in a transaction of its own",
        ),
        ["set", "transaction", ..] if has(["read", "only"]) => told(
            TRANSACTION,
            "a transaction that only reads cannot record that the file ran",
            "take `READ ONLY` out",
        ),
        ["copy", ..] if has(["to", "stdout"]) => told(
            COPY,
            "nobody reads what COPY … TO STDOUT writes",
            "take it out; to look at data, use psql",
        ),
        ["copy", ..] if has(["from", "'…'"]) || has(["to", "'…'"]) => told(
            COPY,
            "COPY with a file's name means a file on the server",
            "put the data into this file, behind COPY … FROM STDIN, and end them with a line `\\.`",
        ),
        ["copy", ..] if has(["from", "program"]) || has(["to", "program"]) => {
            told(COPY, "COPY … PROGRAM runs a program on the server", "put the data into this file")
        }
        ["discard", "all"] => told(
            LOCK,
            "DISCARD ALL would give back the lock that keeps two migrations apart",
            "take it out: tenantctl puts the session back after each file",
        ),
        _ if script.words(statement).iter().any(|word| word == "pg_advisory_unlock_all") => told(
            LOCK,
            "pg_advisory_unlock_all() would give back the lock that keeps two migrations apart",
            "use pg_advisory_xact_lock, which needs no unlocking",
        ),
        _ => None,
    }
}

/// Returns why a statement cannot run inside a transaction, when it cannot.
fn needs_to_be_alone(script: &Script<'_>, statement: &Statement) -> Option<String> {
    let words = script.words(statement);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let command = match words.as_slice() {
        ["create", "index", "concurrently", ..]
        | ["create", "unique", "index", "concurrently", ..] => "CREATE INDEX CONCURRENTLY",
        ["drop", "index", "concurrently", ..] => "DROP INDEX CONCURRENTLY",
        ["reindex", rest @ ..] if rest.iter().take(4).any(|word| *word == "concurrently") => {
            "REINDEX CONCURRENTLY"
        }
        ["reindex", "schema" | "database" | "system", ..] => "REINDEX of more than one table",
        ["alter", "table", .., "concurrently"] if words.contains(&"detach") => {
            "DETACH PARTITION CONCURRENTLY"
        }
        ["vacuum", ..] => "VACUUM",
        ["cluster"] => "CLUSTER of all tables",
        ["alter", "system", ..] => "ALTER SYSTEM",
        ["create" | "drop", "database", ..] => "CREATE and DROP DATABASE",
        ["create" | "drop", "tablespace", ..] => "CREATE and DROP TABLESPACE",
        ["do", ..] if commits(script.text_of(statement)) => "DO with a COMMIT or ROLLBACK in it",
        _ => return None,
    };
    Some(format!("{command} does not work inside a transaction"))
}

/// Returns whether the body of a `DO` ends a transaction.
fn commits(statement: &str) -> bool {
    // Only a body with one of the words is worth reading.
    let lower = statement.to_lowercase();
    if !lower.contains("commit") && !lower.contains("rollback") {
        return false;
    }
    let found = ask_tree(statement, |file| {
        let body = file.syntax().descendants().find_map(Do::cast).and_then(|it| it.plpgsql());
        let ends = [SyntaxKind::PLPGSQL_COMMIT_STMT, SyntaxKind::PLPGSQL_ROLLBACK_STMT];
        body.is_some_and(|body| body.syntax().descendants().any(|node| ends.contains(&node.kind())))
    });
    found == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_the_transaction_is_found_with_its_line() {
        for (bad, line) in [
            ("create table a();\ncommit;", 2),
            ("BEGIN;\ncreate table a();", 1),
            ("commit and chain", 1),
            ("release savepoint x", 1),
            ("prepare transaction 'x'", 1),
            ("set transaction isolation level serializable, read only", 1),
            ("create index concurrently i on a (b)", 1),
            ("select 1;\nreindex (concurrently) table a", 2),
            ("alter table a detach partition b concurrently", 1),
            ("vacuum analyze t", 1),
            ("do $$ begin commit; end $$", 1),
            ("do $$ begin if true then rollback; end if; end $$", 1),
            ("copy a to stdout", 1),
            ("copy (select 1 from b) to stdout", 1),
            ("copy a from '/etc/passwd'", 1),
            ("copy a from program 'id'", 1),
            ("discard all", 1),
            ("-- tenantctl: no-transaction\nselect pg_advisory_unlock_all()", 2),
            ("-- tenantctl: no-transaction\nvacuum a;\nvacuum b;", 3),
        ] {
            assert_eq!(problem(bad).map(|problem| problem.line), Some(line), "{bad}");
        }
    }

    #[test]
    fn what_is_fine_is_not_refused() {
        for good in [
            "-- commit;\ncreate table a();",
            "/* begin; */ select 'commit;'",
            "create function f() returns void language plpgsql set search_path = pg_catalog \
             as $$ begin commit; end $$;",
            "comment on table a is 'it''s; commit;';",
            "-- tenantctl: no-transaction\ncreate index concurrently i on a(b);\n",
            "-- tenantctl: no-transaction\ndo $$ begin commit; end $$;\n",
            "refresh materialized view concurrently mv",
            "set search_path = ''; set role app; reset all;",
            "set transaction isolation level serializable",
            "do $$ begin raise notice 'commit'; end $$",
            "do $$ begin execute 'rollback'; end $$",
            "copy a from stdin;\n\\.\n",
            "select \"commit\" from a",
            "a command that nobody knows; another (one; or two)",
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
    }

    #[test]
    fn a_seed_set_stays_one_transaction() {
        assert!(seed_problem("insert into a values (1); commit;").is_some());
        assert!(seed_problem("-- tenantctl: no-transaction\nvacuum a").is_some());
        assert_eq!(seed_problem("set row_security = off; insert into a values (1)"), None);
    }
}
