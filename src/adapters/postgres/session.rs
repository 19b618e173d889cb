//! What a session is before a file runs in it, and again after.
//!
//! `DISCARD ALL` cannot run in a transaction and would give back the advisory lock that the session
//! holds; what it consists of is here one by one, and runs inside the file's own transaction, so
//! that the history row is written as ourselves and a file's settings never outlive its failure.
//! Beyond reach are a library that was loaded and `setseed`; and a setting of the product's own that
//! was ever set reads as empty afterwards, not as missing, as after `RESET` in every session.

use super::connect::Purpose;

/// Statements that make a session ours, and those that make it what files expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Footing {
    ours: String,
    theirs: String,
}

impl Footing {
    /// Returns the footing of a session that was opened for a purpose and then prepared with these
    /// statements, names and literals quoted.
    pub(crate) fn new(purpose: Purpose, prepared: &str) -> Self {
        Self { ours: format!("{}; {prepared}", purpose.settings()), theirs: String::new() }
    }

    /// Returns the footing of a session that has its settings since its start, and then was prepared
    /// with these statements.
    pub(crate) fn since_the_start(prepared: &str) -> Self {
        Self { ours: prepared.to_owned(), theirs: String::new() }
    }

    /// Lets files run after further statements, names and literals quoted.
    #[must_use]
    pub(crate) fn with_files_after(self, theirs: &str) -> Self {
        Self { theirs: format!("{theirs};\n"), ..self }
    }

    /// Returns what makes the session ours.
    pub(super) fn ours(&self) -> String {
        format!("RESET ALL; {}", self.ours)
    }

    /// Returns what comes before a file.
    pub(super) fn before(&self) -> &str {
        &self.theirs
    }

    /// Returns what comes after a file, inside a transaction.
    pub(crate) fn after(&self) -> String {
        // What the file deferred is checked, and its triggers run, in the state it left.
        format!(
            "SET CONSTRAINTS ALL IMMEDIATE; CLOSE ALL; UNLISTEN *; DEALLOCATE ALL; \
             SET SESSION AUTHORIZATION DEFAULT; {}; DISCARD TEMP; DISCARD SEQUENCES",
            self.ours()
        )
    }
}
