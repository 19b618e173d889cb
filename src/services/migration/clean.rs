//! Compares a database's catalog with a clean build: a database of the same schema that nobody
//! touched since our migrations made it.
//!
//! A clean build is made once for each schema and kept in the control plane. Where none can be made,
//! in a Supabase project, it is the catalog of the first tenant that came out of `tenant create` with
//! that schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::differences::differences;
use super::error::MigrationError;
use super::judge::judge;
use super::one::{bring_up, raise_gate};
use super::sets::Sets;
use crate::adapters::control_plane::{CleanBuild, find_clean_build, record_clean_build};
use crate::adapters::postgres::{Endpoint, Purpose, generate_password};
use crate::adapters::server::{
    Catalog, CatalogObject, Home, ServerError, TemplateName, TemplateStamp, TenantDatabase, Traits,
};
use crate::model::{Classified, ErrorKind, Placement, SchemaState, SchemaVersion, Tenant};
use crate::services::home::World;

/// How a database's catalog compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CatalogStanding {
    Same,
    /// What differs, a clause each, as in `policy gate_open on public.vendors is missing`.
    Differs(Vec<String>),
    /// Why it was not compared.
    NotCompared(String),
}

/// The clean builds that one command has come across.
pub(crate) struct CleanBuilds<'a> {
    pub(super) world: &'a World,
    pub(super) sets: &'a Sets,
    /// By key.
    known: Mutex<BTreeMap<String, Arc<CleanBuild>>>,
    /// The digest met last, by fingerprint: most databases have it.
    usual: Mutex<BTreeMap<String, String>>,
}

impl<'a> CleanBuilds<'a> {
    /// Nothing is read yet.
    pub(crate) fn new(world: &'a World, sets: &'a Sets) -> Self {
        Self { world, sets, known: Mutex::default(), usual: Mutex::default() }
    }

    /// Returns the migrations that clean builds are made of.
    pub(super) fn sets(&self) -> &'a Sets {
        self.sets
    }

    /// Returns the digest that most databases of a schema have, once one was met.
    pub(crate) async fn usual(&self, schema: &SchemaState) -> Option<String> {
        self.usual.lock().await.get(&schema.fingerprint).cloned()
    }

    /// Compares a database that has this schema, whose functions are ours, with a clean build.
    ///
    /// # Errors
    /// When a catalog cannot be read or no clean build be made.
    pub(crate) async fn compare(
        &self,
        tenant: &Tenant,
        database: &mut TenantDatabase,
        schema: &SchemaState,
        deadline: Instant,
    ) -> Result<CatalogStanding, MigrationError> {
        let usual = self.usual(schema).await;
        let mut catalog = database.catalog(usual.as_deref()).await?;
        let Some(clean) = self.find(tenant.placement, &catalog.traits(), schema, deadline).await?
        else {
            let why = "no tenant of this schema came out of `tenant create` yet to compare it with";
            return Ok(CatalogStanding::NotCompared(why.to_owned()));
        };
        self.usual.lock().await.insert(schema.fingerprint.clone(), clean.digest.clone());
        let unreadable = |_| ServerError::CleanBuild("it cannot be read");
        let mut objects: Vec<CatalogObject> =
            serde_json::from_value(clean.objects.clone()).map_err(unreadable)?;
        if usual.as_deref() == Some(&catalog.digest) && clean.digest != catalog.digest {
            catalog = database.catalog(None).await?;
        }
        if clean.digest == catalog.digest {
            // Nothing but roles can differ.
            objects.clear();
            catalog.objects.0.retain(CatalogObject::is_finding);
        }
        let found = differences(&objects, &catalog.objects.0);
        Ok(if found.is_empty() { CatalogStanding::Same } else { CatalogStanding::Differs(found) })
    }

    /// Records what a tenant's new database looks like, where no clean build can be made.
    ///
    /// # Errors
    /// When the catalog cannot be read or recorded.
    pub(crate) async fn record_new(
        &self,
        tenant: &Tenant,
        database: &mut TenantDatabase,
        schema: &SchemaState,
    ) -> Result<(), MigrationError> {
        if self.can_judge(tenant.placement) {
            return Ok(());
        }
        let catalog = database.catalog(None).await?;
        let key = catalog.traits().key(PROJECT, &schema.fingerprint);
        let mut plane = self.world.plane.session().await?;
        Ok(record_clean_build(&mut plane, &key, &build_of(&catalog)).await?)
    }

    /// Returns whether a clean build can be made where such tenants are.
    pub(crate) fn can_judge(&self, placement: Placement) -> bool {
        self.world.scratch(placement, "").is_some()
    }

    /// Judges the migrations up to `target` before any tenant gets them: they run in a clean build,
    /// once, unless one is known already. Returns whether they could be judged: where no clean build
    /// can be made, each tenant's database tells.
    ///
    /// # Errors
    /// When they would let a client past row security.
    pub(crate) async fn judge(
        &self,
        placement: Placement,
        target: Option<SchemaVersion>,
        deadline: Instant,
    ) -> Result<bool, MigrationError> {
        if !self.can_judge(placement) {
            return Ok(false);
        }
        let cluster = self.world.homes.cluster();
        let mut operator = cluster.operator(Purpose::query(NAME)).await?;
        let traits = cluster.traits(&mut operator).await?;
        Endpoint::close(operator).await;
        let schema = self.sets.state_at(target);
        match self.find(placement, &traits, &schema, deadline).await {
            Ok(found) => Ok(found.is_some()),
            Err(exposed @ MigrationError::Exposed { .. }) => Err(exposed),
            // A file may need what only a tenant's database has; we may not make databases.
            Err(error) if matches!(error.kind(), ErrorKind::Incomplete | ErrorKind::Denied) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn find(
        &self,
        placement: Placement,
        traits: &Traits,
        schema: &SchemaState,
        deadline: Instant,
    ) -> Result<Option<Arc<CleanBuild>>, MigrationError> {
        let key = traits.key(CLUSTER, &schema.fingerprint);
        let scratch = self.world.scratch(placement, &key);
        let key = if scratch.is_some() { key } else { traits.key(PROJECT, &schema.fingerprint) };
        // Held while one is made: the other databases wait for it instead of making theirs.
        let mut known = self.known.lock().await;
        if let Some(clean) = known.get(&key) {
            return Ok(Some(Arc::clone(clean)));
        }
        let recorded = find_clean_build(&mut *self.world.plane.session().await?, &key).await?;
        let clean = match (recorded, scratch) {
            (Some(clean), _) => clean,
            (None, Some(home)) => {
                let keeps = Keeps::RecordAnd(self.template_name(traits, schema));
                Box::pin(self.make(&home, &Build { key: &key, schema, keeps }, deadline)).await?
            }
            (None, None) => return Ok(None),
        };
        let clean = Arc::new(clean);
        known.insert(key, Arc::clone(&clean));
        Ok(Some(clean))
    }

    /// Makes a clean build: a database made, migrated, read, and dropped or kept as a template.
    pub(super) async fn make(
        &self,
        home: &Home,
        wanted: &Build<'_>,
        deadline: Instant,
    ) -> Result<CleanBuild, MigrationError> {
        let mut plane = self.world.plane.session().await?;
        let mut operator = home.operator(Purpose::build(NAME)).await?;
        home.lock(&mut plane, &mut operator, deadline).await?;
        let templates = home.server().templates(&mut operator).await?;
        let (is_recorded, template) = match &wanted.keeps {
            Keeps::Nothing => (false, None),
            Keeps::RecordAnd(name) => (true, name.as_ref()),
        };
        let template = template.filter(|name| templates.stamp_of(name).is_none());
        if is_recorded
            && template.is_none()
            && let Some(made) = find_clean_build(&mut plane, wanted.key).await?
        {
            Endpoint::close(operator).await;
            return Ok(made);
        }
        // What a killed command left behind is as clean as what we would make.
        home.create(&mut operator, true, None, deadline).await?;
        let password = generate_password().map_err(|_| ServerError::NoRandomness)?;
        home.secure(&mut operator, &password, true).await?.commit().await?;
        let built = self.build(home, wanted.schema, template.is_some(), deadline).await;
        if let (Ok((build, ..)), true) = (&built, is_recorded) {
            record_clean_build(&mut plane, wanted.key, build).await?;
        }
        if let (Ok((build, tables, unfit)), Some(name)) = (&built, template) {
            let stamp = TemplateStamp {
                fingerprint: wanted.schema.fingerprint.clone(),
                digest: build.digest.clone(),
                tables: *tables,
                control_plane_id: self.world.plane.id(),
                used_on: templates.today.clone(),
                unfit: unfit.clone(),
            };
            match home.become_template(&mut operator, name, &stamp).await {
                Ok(true) => {
                    self.drop_unneeded(home.server(), &mut plane, &mut operator, &templates).await;
                    Endpoint::close(operator).await;
                    return built.map(|(build, ..)| build);
                }
                Ok(false) => {}
                // Without it tenants get the migrations one by one.
                Err(error) => tracing::debug!("no template: {error}"),
            }
        }
        Endpoint::close(operator).await;
        home.drop(&mut plane, None, deadline).await?;
        let mut operator = home.operator(Purpose::destroy(NAME)).await?;
        home.drop_login(&mut operator).await?;
        Endpoint::close(operator).await;
        built.map(|(build, ..)| build)
    }

    /// Migrates a scratch home, judges it, and reads its catalog: what lets a client past row
    /// security is no clean build. One that is to be a template is looked at for what a copy of it would
    /// lack, and forgets whose it was.
    async fn build(
        &self,
        home: &Home,
        schema: &SchemaState,
        is_kept: bool,
        deadline: Instant,
    ) -> Result<(CleanBuild, i64, Option<String>), MigrationError> {
        let mut inside = home.enter(Purpose::migrate(NAME)).await?;
        raise_gate(&mut inside, self.sets, deadline).await?;
        inside.stamp().await?;
        let brought = bring_up(&mut inside, self.sets, schema.version, deadline).await?;
        let seen = inside.exposure().await?;
        let exposed = judge(seen.findings.0, self.sets);
        let catalog = inside.catalog(None).await?;
        let unfit =
            if is_kept && exposed.is_empty() { inside.prepare_to_copy().await? } else { None };
        inside.close().await;
        if !exposed.is_empty() {
            return Err(MigrationError::Exposed { found: exposed, has_run: false });
        }
        if brought.schema.fingerprint != schema.fingerprint {
            let why = "our migrations make another schema than the database's history says";
            return Err(ServerError::CleanBuild(why).into());
        }
        Ok((build_of(&catalog), seen.tables, unfit))
    }
}

/// A clean build to make.
pub(super) struct Build<'a> {
    /// What it is recorded under.
    pub(super) key: &'a str,
    pub(super) schema: &'a SchemaState,
    pub(super) keeps: Keeps,
}

/// What stays of one.
pub(super) enum Keeps {
    /// Nothing: it is only compared with.
    Nothing,
    /// Its catalog, and the database as the template of this name, where it can be one.
    RecordAnd(Option<TemplateName>),
}

/// How its sessions are named.
pub(super) const NAME: &str = "clean build";

/// Where a clean build was made.
pub(super) const CLUSTER: &str = "cluster";
/// Where one was taken from a tenant.
const PROJECT: &str = "project";

fn build_of(catalog: &Catalog) -> CleanBuild {
    let objects: Vec<_> = catalog.objects.0.iter().filter(|o| !o.is_finding()).collect();
    CleanBuild {
        digest: catalog.digest.clone(),
        objects: serde_json::to_value(objects).unwrap_or_default(),
    }
}
