//! A statement that only reads, as far as its words tell.
//!
//! The transaction refuses what writes to tables, and the role what an application may not see. What
//! neither refuses are functions with an effect of their own; those that Postgres brings are refused
//! here by name. One that a product's function or a view calls cannot be seen.

use super::error::MigrationError;
use crate::adapters::postgres::Script;

/// Begins the names of functions that change something outside the transaction, leave the role, or run
/// a text as a statement.
const REFUSED: [&str; 24] = [
    "set_config",
    "nextval",
    "setval",
    "pg_advisory_",
    "pg_try_advisory_",
    "pg_notify",
    "pg_sleep",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_switch_wal",
    "pg_create_restore_point",
    "pg_logical_emit_message",
    "pg_replication_",
    "pg_export_snapshot",
    "pg_read_",
    "pg_ls_",
    "pg_file_",
    "lo_",
    "dblink",
    "query_to_xml",
    "cursor_to_xml",
    "pg_stat_reset",
];

/// Returns a statement without its semicolon, when it is one and only reads.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read_only(text: &str) -> Result<String, MigrationError> {
    let unfit = |line, what: String, remedy: &str| MigrationError::Unfit {
        file: "the statement".to_owned(),
        line,
        what,
        remedy: remedy.to_owned(),
    };
    let script = Script::read(text).map_err(|it| unfit(it.line, it.what, it.remedy))?;
    let statement = match script.statements.as_slice() {
        [one] => one,
        [] => return Err(unfit(1, "it is empty".to_owned(), "write one SELECT")),
        [_, second, ..] => {
            let line = script.line_of(second);
            return Err(unfit(line, "a second statement begins".to_owned(), "write one"));
        }
    };
    let line = script.line_of(statement);
    let first = script.outer_words(statement).into_iter().next().unwrap_or_default();
    if !["select", "with", "values", "table"].contains(&first.as_str()) {
        let what = format!("`{}` is no query", first.to_uppercase());
        let remedy =
            "write SELECT, WITH, VALUES or TABLE; for anything else: tenantctl tenant connect";
        return Err(unfit(line, what, remedy));
    }
    let words = script.words(statement).into_iter().chain(script.names(statement));
    let effect = words.into_iter().find(|word| REFUSED.iter().any(|name| word.starts_with(name)));
    if let Some(name) = effect {
        let what = format!("`{name}` does more than read");
        return Err(unfit(line, what, "take it out, or use: tenantctl tenant connect"));
    }
    Ok(script.text_of(statement).trim().trim_end_matches(';').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_that_reads_is_taken() {
        for good in [
            "select 1",
            "SELECT * FROM vendors -- all;",
            " with a as (select 1) table a ; ",
            "values (1), (2)",
            "table vendors",
            "select 'nextval(1); drop table x'",
        ] {
            assert!(read_only(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-- nothing",
            "select 1; select 2",
            "insert into vendors default values",
            "delete from vendors",
            "set role none",
            "copy vendors to program 'id'",
            "explain analyze select 1",
            "call f()",
            "do $$ begin end $$",
            "select nextval('s')",
            "select NEXTVAL('s')",
            "select pg_catalog.set_config('role', 'none', false)",
            "select \"set_config\"('role', 'none', false)",
            "select pg_advisory_lock(1)",
            "select * from dblink('', 'drop table x') as t(a int)",
            "select query_to_xml('select nextval(1)', true, true, '')",
        ] {
            assert!(read_only(bad).is_err(), "{bad}");
        }
    }
}
