//! The operator's own migrations and seed sets: what the settings say of their folders.

use std::path::{Path, PathBuf};

use super::context::Context;
use crate::model::{ErrorKind, MigrationsBase};
use crate::output::Failure;
use crate::services::migration::{OwnMigrations, SeedSet, Sets, find_set};

impl Context {
    /// Returns the migrations for tenants' databases, and says where they are from when some are the
    /// operator's own.
    pub(crate) fn sets(&self) -> Result<Sets, Failure> {
        let own = self.own_migrations(None)?;
        let sets = Sets::load(own.as_ref())?;
        if let Some(origin) = &sets.origin {
            self.console().note(origin);
        }
        Ok(sets)
    }

    /// Returns the operator's folder of migrations: the one that was typed, else the configured one.
    ///
    /// # Errors
    /// When no migrations would be left at all.
    pub(crate) fn own_migrations(
        &self,
        typed: Option<PathBuf>,
    ) -> Result<Option<OwnMigrations>, Failure> {
        let settings = self.settings();
        let base = settings.migrations_base.as_ref().map(|setting| setting.value);
        let configured = settings.migrations_dir.as_ref().map(|setting| setting.value.clone());
        match typed.or(configured) {
            Some(folder) => Ok(Some(OwnMigrations { folder, base })),
            None if base == Some(MigrationsBase::None) => {
                let message = "find the migrations: migrations_base is none, and no folder is set";
                Err(Failure::new(ErrorKind::Usage, message).hint("set TENANTCTL_MIGRATIONS_DIR"))
            }
            None => Ok(None),
        }
    }

    /// Returns the folder whose seed sets replace the embedded ones, if one is configured.
    pub(crate) fn seeds_folder(&self) -> Option<&Path> {
        self.settings().seeds_dir.as_ref().map(|setting| setting.value.as_path())
    }

    pub(crate) fn seed_set(&self, name: Option<&str>) -> Result<Option<SeedSet>, Failure> {
        Ok(name.map(|name| find_set(self.seeds_folder(), name)).transpose()?)
    }
}
