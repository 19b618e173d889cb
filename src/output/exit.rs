//! The exit codes: the only list.

use crate::model::ErrorKind;

/// Returns the process's exit code for a kind of ending.
pub(crate) fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Internal => 1,
        ErrorKind::Usage => 2,
        ErrorKind::Refused => 3,
        ErrorKind::NotFound => 4,
        ErrorKind::Conflict => 5,
        ErrorKind::Denied => 6,
        ErrorKind::Unavailable => 7,
        ErrorKind::Incomplete => 8,
        ErrorKind::Partial => 9,
        ErrorKind::Differences => 10,
        ErrorKind::Rejected => 11,
        ErrorKind::Unproven => 12,
        ErrorKind::Interrupted => 130,
    }
}

/// What each kind promises to a script, in the order of `ErrorKind::ALL`.
fn promise(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Internal => "a bug in tenantctl",
        ErrorKind::Usage => "the command line or the config was wrong; nothing was contacted",
        ErrorKind::Refused => "confirmation or a precondition is missing; nothing changed",
        ErrorKind::NotFound => "no such tenant, session or run, or its database is not there",
        ErrorKind::Conflict => "exists with another spec, wrong state, or locked by another run",
        ErrorKind::Denied => "credentials rejected",
        ErrorKind::Unavailable => "network, rate limit or timeout; trying again is safe",
        ErrorKind::Incomplete => "stopped part-way; the same command continues it",
        ErrorKind::Partial => "some tenants done, some not; the report lists both",
        ErrorKind::Differences => "a comparison found differences",
        ErrorKind::Rejected => "understood, and not valid",
        ErrorKind::Unproven => {
            "a lockdown or removal was written, but a probe got in or could not be run"
        }
        ErrorKind::Interrupted => "by the operator; state is saved",
    }
}

/// The words after `tenantctl help` that print the table.
pub(crate) const EXIT_CODES_TOPIC: &str = "exit-codes";

/// Returns the table of exit codes as `tenantctl help exit-codes` prints it.
pub(crate) fn exit_codes() -> String {
    let mut text = String::from("Exit codes of tenantctl:\n\n    0  done, or nothing to do\n");
    for kind in ErrorKind::ALL {
        let line = format!("  {:>3}  {:<12} {}", exit_code(kind), kind.word(), promise(kind));
        let below = textwrap::Options::new(78).subsequent_indent("                    ");
        text.push_str(&textwrap::fill(&line, below));
        text.push('\n');
    }
    text.push_str(SKIPPED);
    text
}

/// What a tenant means for the exit code that was skipped.
const SKIPPED: &str = "
A tenant that a command skips (locked, deleted, quarantined, still being
created) is no failure by itself: 0, and the summary names it. Where it was
named, or with --fail-on-skipped, it is: 9 where others were done, 5 where
nothing else was.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own() {
        let mut codes: Vec<_> = ErrorKind::ALL.map(exit_code).to_vec();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(!codes.contains(&0));
    }
}
