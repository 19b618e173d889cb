//! What fleet commands report.

use std::time::Duration;

use time::OffsetDateTime;

use crate::model::{ErrorKind, MigrationRecord, SchemaState, SchemaVersion, Slug, TenantStatus};

/// What came of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantVerdict {
    /// Something was done; what, in words fit for a table.
    Done(Vec<String>),
    /// There was nothing to do.
    Unchanged,
    /// A dry run found this to do.
    Planned(Vec<String>),
    /// It was left alone, and why.
    Skipped(String),
    /// It failed.
    Failed {
        /// What kind of failure.
        kind: ErrorKind,
        /// What failed, with its causes.
        chain: Vec<String>,
        /// What to do about it.
        hint: Option<String>,
    },
}

/// One tenant's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantResult {
    /// The tenant.
    pub tenant: Slug,
    /// What came of it.
    pub verdict: TenantVerdict,
    /// The version it stands at now, as far as it is known.
    pub version: Option<SchemaVersion>,
    /// How long it took.
    pub elapsed: Duration,
}

/// What a fleet command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetReport {
    /// One line for each tenant, by name.
    pub results: Vec<TenantResult>,
    /// Whether nothing was done on purpose.
    pub is_dry_run: bool,
    /// Whether the operator stopped it before all tenants had their turn.
    pub is_interrupted: bool,
    /// Whether the tenants were named one by one, so that a skipped one is not what was asked.
    pub is_named: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl FleetReport {
    /// Counts the results that a test picks.
    pub fn count(&self, test: impl Fn(&TenantVerdict) -> bool) -> usize {
        self.results.iter().filter(|result| test(&result.verdict)).count()
    }

    /// Returns how the command ends; nothing when all is well.
    pub fn ending(&self) -> Option<ErrorKind> {
        if self.is_interrupted {
            return Some(ErrorKind::Interrupted);
        }
        let is_bad = |verdict: &TenantVerdict| match verdict {
            TenantVerdict::Failed { .. } => true,
            TenantVerdict::Skipped(_) => self.is_named,
            _ => false,
        };
        match (self.count(is_bad), self.results.as_slice()) {
            (0, _) => None,
            (_, [TenantResult { verdict: TenantVerdict::Failed { kind, .. }, .. }]) => Some(*kind),
            (_, [TenantResult { verdict: TenantVerdict::Skipped(_), .. }]) => {
                Some(ErrorKind::Conflict)
            }
            _ => Some(ErrorKind::Partial),
        }
    }
}

/// How a tenant's schema compares with ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusStanding {
    /// It has everything.
    Current,
    /// Migrations are pending; how many.
    Behind(usize),
    /// It is not what we have; in a sentence, why.
    Diverged(String),
    /// It could not be looked at; why.
    Unknown(String),
}

/// One migration in a tenant's own history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// What was applied.
    pub record: MigrationRecord,
    /// When.
    pub applied_at: OffsetDateTime,
}

/// Where one tenant stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantStanding {
    /// The tenant.
    pub tenant: Slug,
    /// Where it is in its life.
    pub status: TenantStatus,
    /// What the control plane recorded.
    pub recorded: Option<SchemaState>,
    /// How it compares.
    pub standing: StatusStanding,
    /// Its own history, when its database was opened.
    pub history: Option<Vec<HistoryLine>>,
}

/// Where the fleet stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// What a tenant that has everything looks like.
    pub head: SchemaState,
    /// One line for each tenant, by name.
    pub tenants: Vec<TenantStanding>,
    /// Whether the databases were opened or the record was believed.
    pub is_verified: bool,
}

impl StatusReport {
    /// Returns how many tenants are not current.
    pub fn differing(&self) -> usize {
        self.tenants.iter().filter(|t| t.standing != StatusStanding::Current).count()
    }
}
