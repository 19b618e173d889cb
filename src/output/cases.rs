//! What a command over tenants came to, a case for each, for readers that are no terminal: a `JUnit` file
//! and a page of Markdown are drawn from this and know no command.

use std::fmt::Display;
use std::time::Duration;

use super::failure::Failure;
use super::fleet::standing_words;
use super::words::verdict;
use crate::model::ErrorKind;
use crate::services::fleet::{
    FleetReport, StatusReport, StatusStanding, TenantResult, TenantVerdict,
};
use crate::services::lockdown::AloneReport;

/// The cases of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cases {
    /// The command's words after `tenantctl`.
    pub(crate) command: &'static str,
    pub(crate) all: Vec<Case>,
    pub(crate) elapsed: Duration,
}

/// How one tenant ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    /// The tenant's slug; the command where it failed before there were tenants.
    pub(crate) name: String,
    /// The word that the table and JSON have for it.
    pub(crate) outcome: &'static str,
    pub(crate) took: Duration,
    pub(crate) end: CaseEnd,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CaseEnd {
    /// It is as it should be; what was done.
    Passed(String),
    /// Why it was not touched.
    Skipped(String),
    Failed(CaseFailure),
    /// It never came to its turn.
    NotRun(CaseFailure),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CaseFailure {
    /// The kind of failure, as JSON has it.
    pub(crate) kind: &'static str,
    /// What all that failed alike have in common.
    pub(crate) common: String,
    /// What failed, why, and what to do, a line each.
    pub(crate) said: Vec<String>,
}

impl Cases {
    /// Returns a case for each tenant of a fleet.
    pub(crate) fn of_fleet(command: &'static str, report: &FleetReport) -> Self {
        let cases = report.results.iter().map(Case::of).collect();
        Self { command, all: cases, elapsed: report.elapsed }
    }

    /// Returns a case for each tenant that was compared with the migrations.
    pub(crate) fn of_status(
        command: &'static str,
        report: &StatusReport,
        elapsed: Duration,
    ) -> Self {
        let cases = report.tenants.iter().map(|tenant| {
            let (outcome, detail) = standing_words(&tenant.standing);
            let detail = detail.unwrap_or_default();
            let failed = || CaseFailure {
                kind: outcome,
                common: detail.clone(),
                said: vec![detail.clone()],
            };
            let end = match &tenant.standing {
                StatusStanding::Current => CaseEnd::Passed(String::new()),
                StatusStanding::Unknown(_) => CaseEnd::NotRun(failed()),
                _ => CaseEnd::Failed(failed()),
            };
            let took = Duration::ZERO;
            Case { name: tenant.tenant.slug.to_string(), outcome, took, end }
        });
        Self { command, all: cases.collect(), elapsed }
    }

    /// Returns the one case of an act on one tenant, or on one user or session: what was done, or how it
    /// fell short.
    pub(crate) fn of_one(
        command: &'static str,
        name: impl Display,
        elapsed: Duration,
        did: impl Into<String>,
        short: Option<(ErrorKind, Vec<String>)>,
    ) -> Self {
        let (outcome, end) = match short {
            None => ("done", CaseEnd::Passed(did.into())),
            Some((kind, said)) => {
                let common = said.join("; ");
                let failed = CaseFailure { kind: kind.word(), common, said };
                ("failed", CaseEnd::Failed(failed))
            }
        };
        let case = Case { name: name.to_string(), outcome, took: elapsed, end };
        Self { command, all: vec![case], elapsed }
    }

    /// Returns a case for each tenant that was shut from the cluster alone: none of them is done.
    pub(crate) fn of_alone(command: &'static str, reports: &[AloneReport]) -> Self {
        let case = |report: &AloneReport| {
            let said = match report.is_shut() {
                _ if report.is_dry_run => "shut in its database, and nowhere else",
                true => "shut in its database, and not locked in the control plane",
                false => "not shut",
            };
            let (outcome, end) = if report.is_dry_run {
                ("planned", CaseEnd::Passed(said.to_owned()))
            } else {
                let kind = ErrorKind::Unproven.word();
                let (common, said) = (said.to_owned(), vec![said.to_owned()]);
                ("failed", CaseEnd::Failed(CaseFailure { kind, common, said }))
            };
            Case { name: report.tenant.to_string(), outcome, took: report.elapsed, end }
        };
        let elapsed = reports.iter().map(|report| report.elapsed).max().unwrap_or_default();
        Self { command, all: reports.iter().map(case).collect(), elapsed }
    }

    /// Returns a case for each tenant of a dry run: its name, and what would be done.
    pub(crate) fn of_plans(
        command: &'static str,
        plans: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let took = Duration::ZERO;
        let case =
            |(name, would)| Case { name, outcome: "planned", took, end: CaseEnd::Passed(would) };
        Self { command, all: plans.into_iter().map(case).collect(), elapsed: took }
    }

    /// Returns the one case of a command that failed as a whole.
    pub(crate) fn of_failure(command: &'static str, failure: &Failure, elapsed: Duration) -> Self {
        let (common, said) = (format!("failed to {}", failure.line()), failure.said());
        let failed = CaseFailure { kind: failure.kind().word(), common, said };
        let end = CaseEnd::NotRun(failed);
        let case = Case { name: command.to_owned(), outcome: "failed", took: elapsed, end };
        Self { command, all: vec![case], elapsed }
    }
}

impl Case {
    fn of(result: &TenantResult) -> Self {
        let (outcome, detail) = verdict(&result.verdict);
        let end = match &result.verdict {
            TenantVerdict::Done(_) | TenantVerdict::Planned(_) | TenantVerdict::Unchanged => {
                CaseEnd::Passed(detail)
            }
            TenantVerdict::Skipped(reason) => CaseEnd::Skipped(reason.clone()),
            TenantVerdict::NotBegun => {
                let common = "not begun: the command was stopped before".to_owned();
                CaseEnd::NotRun(CaseFailure { kind: outcome, said: vec![common.clone()], common })
            }
            TenantVerdict::Failed(cause) => {
                let mut said = vec![format!("failed to {}", cause.chain.join("\n  because: "))];
                said.extend(cause.hint.iter().map(|hint| format!("hint: {hint}")));
                let common = format!("failed to {}", cause.common);
                CaseEnd::Failed(CaseFailure { kind: cause.kind.word(), common, said })
            }
        };
        Self { name: result.tenant.slug.to_string(), outcome, took: result.elapsed, end }
    }
}
