//! The reports of fleet commands.

use std::collections::BTreeSet;
use std::time::Duration;

use time::OffsetDateTime;

use super::cause::Cause;
use crate::adapters::control_plane::{Run, RunCounts, RunWorker};
use crate::model::{
    ErrorKind, MigrationRecord, RunState, SchemaState, SchemaVersion, Slug, TenantNames,
    TenantStatus,
};
use crate::services::migration::CatalogStanding;

/// How one tenant ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TenantVerdict {
    /// What was done, in words for a table.
    Done(Vec<String>),
    Unchanged,
    /// What a dry run would do, in words for a table.
    Planned(Vec<String>),
    /// Why it was not touched.
    Skipped(String),
    Failed(Cause),
    /// The operator, or the command's deadline, stopped it before the tenant had its turn.
    NotBegun,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TenantResult {
    pub tenant: TenantNames,
    pub verdict: TenantVerdict,
    /// The version afterwards; the recorded one when it was not opened.
    pub version: Option<SchemaVersion>,
    pub elapsed: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FleetReport {
    /// Sorted by slug.
    pub results: Vec<TenantResult>,
    pub is_dry_run: bool,
    /// Whether the operator stopped it before every tenant had its turn.
    pub is_interrupted: bool,
    /// The tenants whose skipping is a failure.
    pub demanded: BTreeSet<Slug>,
    pub elapsed: Duration,
    /// The run that it was, where it was one.
    pub run: Option<RunStanding>,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunStanding {
    pub run: Run,
    pub counts: RunCounts,
    /// The processes that take part at this moment.
    pub workers: Vec<RunWorker>,
    /// When it was looked, by the database's clock.
    pub looked_at: OffsetDateTime,
    /// Whether the command took part in it after others, or again.
    pub is_joined: bool,
    /// How many results of this process were refused, since another had the tenant by then.
    pub refused: usize,
}

impl FleetReport {
    pub(crate) fn count(&self, test: impl Fn(&TenantVerdict) -> bool) -> usize {
        self.results.iter().filter(|result| test(&result.verdict)).count()
    }

    /// Takes in what was decided elsewhere, of tenants that are not in it.
    pub(super) fn take_in(&mut self, mut results: Vec<TenantResult>) {
        let known: BTreeSet<_> = self.results.iter().map(|it| it.tenant.slug.clone()).collect();
        results.retain(|result| !known.contains(&result.tenant.slug));
        self.results.extend(results);
        self.results.sort_by(|a, b| a.tenant.slug.cmp(&b.tenant.slug));
    }

    /// Returns the kind of failure the command ends with; `None` when it succeeded.
    pub(crate) fn ending(&self) -> Option<ErrorKind> {
        if self.is_interrupted {
            return Some(ErrorKind::Interrupted);
        }
        let is_stopped =
            |it: &RunStanding| matches!(it.run.state, RunState::Paused | RunState::Cancelled);
        if self.is_dry_run && self.run.is_some() {
            return None;
        }
        let has_failed = self.count(|verdict| matches!(verdict, TenantVerdict::Failed(_))) > 0;
        if self.run.as_ref().is_some_and(is_stopped) && !has_failed {
            return Some(ErrorKind::Incomplete);
        }
        if let [TenantResult { verdict: TenantVerdict::Failed(cause), .. }] = &self.results[..] {
            return Some(cause.kind);
        }
        let is_failed = |verdict: &TenantVerdict| {
            matches!(verdict, TenantVerdict::Failed(_) | TenantVerdict::NotBegun)
        };
        if self.count(is_failed) > 0 {
            return Some(ErrorKind::Partial);
        }
        let is_skipped = |verdict: &TenantVerdict| matches!(verdict, TenantVerdict::Skipped(_));
        let is_left_out = |result: &&TenantResult| {
            is_skipped(&result.verdict) && self.demanded.contains(&result.tenant.slug)
        };
        self.results.iter().find(is_left_out)?;
        // What is wrong is their state, where nothing else was done beside.
        let none_is_done = self.results.iter().all(|result| is_skipped(&result.verdict));
        Some(if none_is_done { ErrorKind::Conflict } else { ErrorKind::Partial })
    }
}

/// How a tenant's schema compares with the migrations of this binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatusStanding {
    Current,
    /// The number of pending migrations.
    Behind(usize),
    /// How its history contradicts our migrations, as a sentence.
    Diverged(String),
    /// Its history is ours and its catalog is not that of a clean build; what differs, a clause each.
    Differs(Vec<String>),
    /// Why it could not be compared.
    Unknown(String),
}

/// One row of a database's own history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HistoryLine {
    pub record: MigrationRecord,
    pub applied_at: OffsetDateTime,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TenantStanding {
    pub tenant: TenantNames,
    pub status: TenantStatus,
    /// Version and fingerprint in the control plane.
    pub recorded: Option<SchemaState>,
    pub standing: StatusStanding,
    /// `None` when the database was not opened.
    pub history: Option<Vec<HistoryLine>>,
    /// `None` when it was not opened.
    pub catalog: Option<CatalogStanding>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatusReport {
    /// The version and fingerprint of a tenant that has everything.
    pub head: SchemaState,
    /// Sorted by slug.
    pub tenants: Vec<TenantStanding>,
    /// Whether the databases were opened, instead of comparing what the control plane recorded.
    pub is_verified: bool,
    /// Whether these are all tenants there are.
    pub is_everybody: bool,
}

impl StatusReport {
    pub(crate) fn differing(&self) -> usize {
        self.tenants.iter().filter(|t| t.standing != StatusStanding::Current).count()
    }
}
