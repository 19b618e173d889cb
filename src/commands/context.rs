//! What a command may reach, each thing made when it is first needed.
//!
//! The only place where adapters are constructed.

use std::path::Path;
use std::time::Duration;

use crate::adapters::auth_admin::AuthAdmin;
use crate::adapters::control_plane::ControlPlane;
use crate::adapters::http::RetryPolicy;
use crate::adapters::jwks::Jwks;
use crate::adapters::local::LocalServer;
use crate::adapters::management::Management;
use crate::adapters::postgres::Endpoint;
use crate::adapters::server::Server;
use crate::config::{Origin, Setting, Settings};
use crate::model::{Actor, ErrorKind, Interrupt, JwksSource, Placement, SecretText, SystemClock};
use crate::output::{Console, Failure};
use crate::services::home::{Homes, Pace, Projects, World};
use crate::services::migration::{SeedSet, Sets, find_set};
use crate::services::tenant::SecretKey;
use crate::services::token::SharedSecret;

/// How long to wait when nobody says.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait for a project when nobody says: one to three minutes are usual, and incidents
/// last longer.
const PROJECT_PATIENCE: Duration = Duration::from_mins(10);

/// The settings, the streams, and the ways out.
#[derive(Debug)]
pub struct Context {
    settings: Settings,
    console: Console,
    interrupt: Interrupt,
    /// How long to wait for what is locked or slow.
    pub patience: Duration,
    /// How long to wait for a project to come up.
    project_patience: Duration,
    /// Whether y/N questions are answered with yes.
    pub says_yes: bool,
}

impl Context {
    /// Makes a context; nothing is contacted.
    pub fn new(
        settings: Settings,
        console: Console,
        interrupt: Interrupt,
        timeout: Option<Duration>,
        says_yes: bool,
    ) -> Self {
        let patience = timeout.unwrap_or(PATIENCE);
        let project_patience = timeout.unwrap_or(PROJECT_PATIENCE);
        Self { settings, console, interrupt, patience, project_patience, says_yes }
    }

    /// Returns how long to wait for a new home.
    pub(super) fn patience_for(&self, placement: Placement) -> Duration {
        if placement.is_awaited() { self.project_patience } else { self.patience }
    }

    /// Returns the streams.
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// Gives the streams back.
    pub fn into_console(self) -> Console {
        self.console
    }

    /// Returns the operator's wish to stop.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Returns who acts.
    pub fn actor(&self) -> Actor {
        self.settings.actor.value.clone()
    }

    /// Returns whether the operator said who acts.
    pub(super) fn names_its_actor(&self) -> bool {
        self.settings.actor.origin != Origin::Default
    }

    /// Returns the protected profile in force, if it is one.
    pub(super) fn protected_profile(&self) -> Option<&str> {
        let profile = self.settings.profile.as_ref()?;
        self.settings.is_protected.then_some(profile.value.as_str())
    }

    /// Returns the settings.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Opens the control plane and checks its version.
    ///
    /// # Errors
    /// When none is configured or it cannot be used.
    pub async fn plane(&self) -> Result<ControlPlane, Failure> {
        let endpoint = self.control_plane_endpoint()?;
        ControlPlane::open(endpoint).await.map_err(|error| self.explain(error.into()))
    }

    /// Returns where the control plane is: as configured, else the private local Postgres.
    ///
    /// # Errors
    /// When nothing is configured and there is no local Postgres.
    pub fn control_plane_endpoint(&self) -> Result<Endpoint, Failure> {
        match &self.settings.control_plane_url {
            Some(setting) => endpoint("control_plane_url", setting),
            None => match self.local_endpoint()? {
                Some(endpoint) => Ok(endpoint),
                None => Err(Failure::new(
                    ErrorKind::Usage,
                    "find the control plane: TENANTCTL_CONTROL_PLANE_URL is not set, and there is \
                     no private local Postgres",
                )
                .hint("start one here with: tenantctl local up")),
            },
        }
    }

    /// Opens the control plane, and says where its tenants live.
    ///
    /// # Errors
    /// When the control plane cannot be used, or the cluster's address is no address.
    pub async fn world(&self) -> Result<World, Failure> {
        let plane = self.plane().await?;
        let homes = Homes::new(self.cluster(&plane)?, self.projects()?);
        Ok(World { plane, homes })
    }

    /// Returns the cluster that the control plane's tenants live on: as configured, else the
    /// control plane's own server.
    ///
    /// # Errors
    /// When nothing is configured.
    fn cluster(&self, plane: &ControlPlane) -> Result<Server, Failure> {
        Ok(Server::cluster(self.cluster_endpoint(plane.endpoint())?, plane.id()))
    }

    /// Returns where the cluster is: as configured, else where the control plane is.
    ///
    /// # Errors
    /// When what is configured is no address.
    pub fn cluster_endpoint(&self, control_plane: &Endpoint) -> Result<Endpoint, Failure> {
        match &self.settings.cluster_url {
            Some(setting) => endpoint("cluster_url", setting),
            None => Ok(control_plane.clone()),
        }
    }

    /// Returns the Supabase projects, where there is an access token to reach them.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn projects(&self) -> Result<Option<Projects>, Failure> {
        let settings = &self.settings;
        let Some(token) = &settings.access_token else { return Ok(None) };
        let token = token.value.clone();
        let haste = haste();
        let api = Management::new(&settings.management_api_url.value, token, retry())?;
        let value = |setting: &Option<Setting<String>>| setting.as_ref().map(|s| s.value.clone());
        let root_cert = settings.project_root_cert.as_ref().map(|setting| setting.value.clone());
        let pace = Pace::default();
        let pace = Pace {
            poll: pace.poll / haste,
            settle: pace.settle / haste,
            doubt: pace.doubt / haste,
        };
        Ok(Some(
            Projects::new(api)
                .placed(value(&settings.organization), value(&settings.region))
                .trusting(root_cert)
                .at_pace(pace),
        ))
    }

    /// Returns Supabase Auth's admin API, where an address and a key for it are configured.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn auth_admin(&self) -> Result<Option<AuthAdmin>, Failure> {
        let settings = &self.settings;
        let (Some(address), Some(key)) = (&settings.auth_url, &settings.auth_service_key) else {
            return Ok(None);
        };
        Ok(Some(AuthAdmin::new(&address.value, key.value.clone(), retry())?))
    }

    /// Returns the private local Postgres.
    pub fn local_server(&self) -> LocalServer {
        let programs = self.settings.postgres_bin.as_ref().map(|setting| setting.value.clone());
        LocalServer::new(self.settings.data_dir.value.clone(), programs)
            .with_search_path(self.settings.search_path.clone())
    }

    /// Returns the key that seals credentials: as configured, else that of the private local
    /// Postgres when it is the one in use.
    ///
    /// # Errors
    /// When the key cannot be read.
    pub fn secret_key(&self) -> Result<Option<SecretKey>, Failure> {
        if let Some(setting) = &self.settings.secret_key {
            return Ok(Some(SecretKey::parse(&setting.value)?));
        }
        if self.settings.control_plane_url.is_some() {
            return Ok(None);
        }
        match self.local_server().endpoint()? {
            Some(local) => Ok(Some(SecretKey::parse(&local.secret_key.clone().into())?)),
            None => Ok(None),
        }
    }

    /// Opens the control plane where there is one: configured, or the private local Postgres.
    pub async fn configured_plane(&self) -> Option<Result<ControlPlane, Failure>> {
        let is_there =
            self.settings.control_plane_url.is_some() || !matches!(self.local_endpoint(), Ok(None));
        if is_there { Some(self.plane().await) } else { None }
    }

    /// Returns where keys are published: as typed, else as configured.
    pub fn jwks(&self, typed: Option<JwksSource>) -> Option<Jwks<'static>> {
        let source = typed.or_else(|| self.settings.jwks.as_ref().map(|s| s.value.clone()))?;
        Some(Jwks::new(source, &self.settings.data_dir.value, self.patience, &SystemClock))
    }

    /// Returns where keys are published.
    ///
    /// # Errors
    /// When nobody said.
    pub fn required_jwks(&self, typed: Option<JwksSource>) -> Result<Jwks<'static>, Failure> {
        self.jwks(typed).ok_or_else(|| {
            Failure::new(ErrorKind::Usage, "find the published keys: nothing says where they are")
                .hint("pass --jwks FILE|URL, or set TENANTCTL_AUTH_URL")
        })
    }

    /// Returns who issues tokens: the Auth server.
    pub fn issuer(&self) -> Option<String> {
        self.settings.auth_url.as_ref().map(|setting| setting.value.trimmed().to_owned())
    }

    /// Returns the secret of HS256 tokens, if there is one.
    ///
    /// # Errors
    /// When it is no secret.
    pub fn jwt_secret(&self) -> Result<Option<SharedSecret>, Failure> {
        let setting = self.settings.jwt_secret.as_ref();
        Ok(setting.map(|setting| SharedSecret::new(&setting.value)).transpose()?)
    }

    /// Returns the migrations for tenants' databases.
    ///
    /// # Errors
    /// When a configured folder cannot be used.
    pub fn sets(&self) -> Result<Sets, Failure> {
        let folder = self.settings.migrations_dir.as_ref().map(|setting| setting.value.as_path());
        Ok(Sets::load(folder)?)
    }

    /// Returns the folder of seed sets that replaces the embedded ones, if there is one.
    pub fn seeds_folder(&self) -> Option<&Path> {
        self.settings.seeds_dir.as_ref().map(|setting| setting.value.as_path())
    }

    /// Returns a seed set by name, when one is asked for.
    ///
    /// # Errors
    /// When there is no such set.
    pub fn seed_set(&self, name: Option<&str>) -> Result<Option<SeedSet>, Failure> {
        Ok(name.map(|name| find_set(self.seeds_folder(), name)).transpose()?)
    }

    fn local_endpoint(&self) -> Result<Option<Endpoint>, Failure> {
        let local = self.local_server().endpoint()?;
        Ok(local.map(|local| {
            let password = SecretText::from(local.password.clone());
            Endpoint::loopback(local.port, &local.user, password, &local.database)
        }))
    }

    /// Adds what only this room knows: that the server nobody answers at is the local one.
    fn explain(&self, failure: Failure) -> Failure {
        let is_local = self.settings.control_plane_url.is_none();
        if is_local && failure.kind() == ErrorKind::Unavailable {
            failure.hint("tenantctl local up")
        } else {
            failure
        }
    }
}

/// Returns by how much every wait for the Management API is shortened: a hook for tests, which
/// release builds do not have.
#[cfg(debug_assertions)]
fn haste() -> u32 {
    let asked =
        crate::config::environment("TENANTCTL_HASTE").and_then(|text| text.to_str()?.parse().ok());
    asked.unwrap_or(1).max(1)
}

/// Returns 1: this build has no hooks.
#[cfg(not(debug_assertions))]
fn haste() -> u32 {
    1
}

fn retry() -> RetryPolicy {
    let (retry, haste) = (RetryPolicy::default(), haste());
    RetryPolicy {
        first_delay: retry.first_delay / haste,
        longest_delay: retry.longest_delay / haste,
        ..retry
    }
}

fn endpoint(name: &str, setting: &Setting<SecretText>) -> Result<Endpoint, Failure> {
    Endpoint::parse(setting.value.expose()).map_err(|error| {
        let message = format!("use {name} from {}: {error}", setting.origin);
        Failure::new(ErrorKind::Usage, message)
            .hint("write it like postgresql://USER:PASSWORD@HOST:5432/DATABASE")
    })
}
