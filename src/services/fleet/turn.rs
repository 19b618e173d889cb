//! One tenant's turn: its pending migrations, and the sample data after them.

use std::time::Duration;

use super::run::within_limit;
use super::select::enter_to_migrate;
use super::trial::Trial;
use crate::model::{Patience, SchemaState, SchemaVersion, Tenant};
use crate::services::home::World;
use crate::services::migration::{MigrationError, SeedSet, Sets, bring_up, inspect, judge};

/// How long a turn waits for a tenant's lock before others have theirs.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// What all turns of a command have in common.
pub(super) struct Turns<'a> {
    pub(super) world: &'a World,
    pub(super) sets: &'a Sets,
    /// The last version to apply; all without one.
    pub(super) target: Option<SchemaVersion>,
    /// Applied afterwards.
    pub(super) seed: Option<&'a SeedSet>,
    /// How long to wait for a tenant's server.
    pub(super) patience: Patience,
    /// Whether a tenant whose lock is held has another turn later, so that it need not be waited for.
    pub(super) is_in_run: bool,
    pub(super) trial: Trial,
}

/// How a turn ended.
#[derive(Debug)]
pub(super) struct Turned {
    /// What was applied, in words for a table.
    pub(super) end: Result<Vec<String>, MigrationError>,
    /// What the database says of itself, where it was asked.
    pub(super) schema: Option<SchemaState>,
}

impl Turns<'_> {
    /// Gives a tenant its turn, which does not last for ever.
    pub(super) async fn take_in_time(&self, tenant: &Tenant) -> Turned {
        let mut schema = None;
        let end = within_limit(&self.world.plane, tenant, self.migrate(tenant, &mut schema)).await;
        Turned { end, schema }
    }

    /// Gives a tenant its turn, which the caller bounds.
    pub(super) async fn take(&self, tenant: &Tenant) -> Turned {
        let mut schema = None;
        let end = self.migrate(tenant, &mut schema).await;
        Turned { end, schema }
    }

    async fn migrate(
        &self,
        tenant: &Tenant,
        schema: &mut Option<SchemaState>,
    ) -> Result<Vec<String>, MigrationError> {
        let first = self.trial.enter(tenant).await?;
        let end = self.migrate_one(tenant, schema, first.is_some()).await;
        if let Some(first) = first {
            first.over(tenant, end.as_ref().err());
        }
        end
    }

    /// Migrates one tenant; one that is the first to get the migrations is judged afterwards.
    async fn migrate_one(
        &self,
        tenant: &Tenant,
        schema: &mut Option<SchemaState>,
        is_first: bool,
    ) -> Result<Vec<String>, MigrationError> {
        let mut database = enter_to_migrate(self.world, tenant, self.patience.until()).await?;
        let until = if self.is_in_run {
            self.patience.until_within(LOCK_WAIT.min(self.patience.length()))
        } else {
            self.patience.until()
        };
        let brought = match bring_up(&mut database, self.sets, self.target, until).await {
            Ok(brought) => brought,
            Err(error) => {
                // Migrations that were applied before the failure stay applied.
                if let Ok((_, found, _)) = inspect(&mut database, self.sets).await {
                    *schema = Some(found);
                }
                return Err(error);
            }
        };
        *schema = Some(brought.schema);
        if is_first {
            let found = judge(database.exposure().await?.findings.0, self.sets);
            if !found.is_empty() {
                return Err(MigrationError::Exposed { found, has_run: true });
            }
        }
        let mut lines: Vec<_> = brought.applied.iter().map(ToString::to_string).collect();
        if let Some(set) = self.seed {
            let outcome = database.seed(&set.seeds()).await?;
            if outcome.applied > 0 {
                lines.push(format!("seed {}", set.name));
            }
        }
        database.close().await;
        Ok(lines)
    }
}
