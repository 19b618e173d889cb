//! What a command may use: settings, streams, and the adapters.
//!
//! Adapters are constructed here and nowhere else, and each only when a command asks for it.

use std::error::Error;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use uuid::Uuid;

use super::haste::haste;
use crate::adapters::auth_admin::AuthAdmin;
use crate::adapters::control_plane::ControlPlane;
use crate::adapters::http::RetryPolicy;
use crate::adapters::jwks::Jwks;
use crate::adapters::local::LocalServer;
use crate::adapters::management::Management;
use crate::adapters::postgres::{Endpoint, ServerFault, Waits, watch};
use crate::adapters::server::Server;
use crate::config::{Origin, Setting, Settings};
use crate::model::{
    Actor, ErrorKind, Interrupt, JwksSource, Patience, Placement, PlaneAddress, SecretText,
    SystemClock, UserId, UserRef, Waiting, hex, sha256,
};
use crate::output::{Console, Failure};
use crate::services::home::{Homes, Pace, Projects, World};
use crate::services::session::resolve_user;
use crate::services::tenant::SecretKey;
use crate::services::token::SharedSecret;

/// How long to wait without `--timeout`.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait for a project without `--timeout`: one to three minutes are usual, incidents
/// last longer.
const PROJECT_PATIENCE: Duration = Duration::from_mins(10);

#[derive(Debug)]
pub(crate) struct Context {
    settings: Settings,
    console: Console,
    interrupt: Interrupt,
    /// How long to wait for locks and slow servers.
    pub patience: Patience,
    project_patience: Patience,
    /// What is waited for at this moment.
    waiting: Waiting,
    /// How sessions wait.
    waits: Waits,
    /// `--yes`: y/N questions are not asked.
    pub says_yes: bool,
    /// Where the command acts, once it is known to act on a control plane.
    acts_on: OnceLock<PlaneAddress>,
}

impl Context {
    /// Makes a context; contacts nothing.
    pub(crate) fn new(
        settings: Settings,
        console: Console,
        timeout: Option<Duration>,
        says_yes: bool,
    ) -> Self {
        let whole = timeout.map(Patience::whole);
        let waiting = Waiting::default();
        let patience = whole.unwrap_or(Patience::Each(PATIENCE));
        Self {
            settings,
            console,
            interrupt: Interrupt::default(),
            patience,
            project_patience: whole.unwrap_or(Patience::Each(PROJECT_PATIENCE)),
            waits: Waits::new(patience, waiting.clone()),
            waiting,
            says_yes,
            acts_on: OnceLock::new(),
        }
    }

    /// Returns how long to wait for a new database or project.
    pub(super) fn patience_for(&self, placement: Placement) -> Patience {
        if placement.is_awaited() { self.project_patience } else { self.patience }
    }

    pub(crate) fn console(&self) -> &Console {
        &self.console
    }

    /// Returns what is waited for at this moment.
    pub(super) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// Looks who is in the way of our sessions, for as long as it is polled.
    pub(super) async fn watch(&self) {
        watch(&self.waits).await;
    }

    /// Returns who was in the way a moment ago, and what to do about it.
    pub(super) fn blocker(&self) -> Option<(String, String)> {
        let blocker = self.waits.watched().blocker(None)?;
        Some((blocker.to_string(), blocker.hint()))
    }

    pub(crate) fn into_console(self) -> Console {
        self.console
    }

    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    pub(crate) fn actor(&self) -> Actor {
        self.settings.actor.value.clone()
    }

    /// Returns who acts when nothing may stand in the way: where a protected profile wants an actor and
    /// none is configured, the login at the control plane stands in.
    pub(super) async fn urgent_actor(&self, plane: &ControlPlane) -> Actor {
        if self.protected_profile().is_none() || self.names_its_actor() {
            return self.actor();
        }
        let login = plane.login().await.ok();
        let login = login.and_then(|login| format!("login {login}").parse().ok());
        login.unwrap_or_else(|| self.actor())
    }

    /// Returns whether the actor is configured, and not merely the user of the operating system.
    pub(super) fn names_its_actor(&self) -> bool {
        self.settings.actor.origin != Origin::Default
    }

    /// Returns the name of the profile when it is a protected one.
    pub(super) fn protected_profile(&self) -> Option<&str> {
        let profile = self.settings.profile.as_ref()?;
        self.settings.is_protected.then_some(profile.value.as_str())
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Opens the control plane and checks its version.
    ///
    /// # Errors
    /// When none is configured, or `init` has to upgrade it.
    pub(crate) async fn plane(&self) -> Result<ControlPlane, Failure> {
        let endpoint = self.control_plane_endpoint()?;
        ControlPlane::open(endpoint).await.map_err(|error| self.explain(error.into()))
    }

    /// Returns the address of the control plane: the configured one, else the private local
    /// Postgres.
    ///
    /// # Errors
    /// When neither exists.
    pub(crate) fn control_plane_endpoint(&self) -> Result<Endpoint, Failure> {
        match plane_endpoint(&self.settings)? {
            Some(endpoint) => Ok(endpoint.waiting(&self.waits.of("control plane"))),
            None => Err(Failure::new(
                ErrorKind::Usage,
                "find the control plane: TENANTCTL_CONTROL_PLANE_URL is not set, and there is \
                 no private local Postgres",
            )
            .hint("start one here with: tenantctl local up")),
        }
    }

    /// Returns a user's id; an address is looked up in Supabase Auth's tables.
    pub(crate) async fn user(&self, user: &UserRef) -> Result<UserId, Failure> {
        match user {
            UserRef::Id(id) => Ok(*id),
            UserRef::Email(_) => Ok(resolve_user(&self.plane().await?, user).await?),
        }
    }

    /// Opens the control plane and constructs the homes of its tenants; those are contacted later.
    pub(crate) async fn world(&self) -> Result<World, Failure> {
        let plane = self.plane().await?;
        let homes = Homes::new(self.cluster(&plane)?, self.projects()?);
        Ok(World { plane, homes })
    }

    /// Returns the cluster, for what is done without asking any control plane.
    pub(super) fn cluster_alone(&self) -> Result<Server, Failure> {
        let endpoint = self.cluster_endpoint(&self.control_plane_endpoint()?)?;
        Ok(Server::cluster(endpoint, Uuid::nil()))
    }

    fn cluster(&self, plane: &ControlPlane) -> Result<Server, Failure> {
        Ok(Server::cluster(self.cluster_endpoint(plane.endpoint())?, plane.id()))
    }

    /// Returns the address of the cluster: the configured one, else that of the control plane.
    pub(crate) fn cluster_endpoint(&self, control_plane: &Endpoint) -> Result<Endpoint, Failure> {
        match &self.settings.cluster_url {
            Some(setting) => {
                Ok(endpoint("cluster_url", setting)?.waiting(&self.waits.of("cluster")))
            }
            None => Ok(control_plane.clone()),
        }
    }

    /// Returns the Supabase projects, or `None` without an access token.
    pub(crate) fn projects(&self) -> Result<Option<Projects>, Failure> {
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

    /// Returns Supabase Auth's admin API, or `None` without its address and secret key.
    pub(crate) fn auth_admin(&self) -> Result<Option<AuthAdmin>, Failure> {
        let settings = &self.settings;
        let (Some(address), Some(key)) = (&settings.auth_url, &settings.auth_service_key) else {
            return Ok(None);
        };
        Ok(Some(AuthAdmin::new(&address.value, key.value.clone(), retry())?))
    }

    /// Returns the private local Postgres; nothing is started.
    ///
    /// # Errors
    /// When there is no directory for it.
    pub(crate) fn local_server(&self) -> Result<LocalServer, Failure> {
        local_server(&self.settings)
    }

    /// Returns the key that seals credentials: the configured one, else that of the private local
    /// Postgres when that is the control plane.
    pub(crate) fn secret_key(&self) -> Result<Option<SecretKey>, Failure> {
        if let Some(setting) = &self.settings.secret_key {
            return Ok(Some(SecretKey::parse(&setting.value)?));
        }
        if self.settings.control_plane_url.is_some() {
            return Ok(None);
        }
        match self.local_server()?.endpoint()? {
            Some(local) => Ok(Some(SecretKey::parse(&local.secret_key.clone().into())?)),
            None => Ok(None),
        }
    }

    /// Opens the control plane, or returns `None` when none is configured and there is no private
    /// local Postgres.
    pub(crate) async fn configured_plane(&self) -> Option<Result<ControlPlane, Failure>> {
        let is_there = !matches!(plane_endpoint(&self.settings), Ok(None));
        if is_there { Some(self.plane().await) } else { None }
    }

    /// Returns the published keys, from `--jwks` or else the configured address; none where neither
    /// says one.
    ///
    /// # Errors
    /// When there is no directory to keep them in.
    pub(crate) fn jwks(&self, typed: Option<JwksSource>) -> Result<Option<Jwks<'static>>, Failure> {
        let configured = || self.settings.jwks.as_ref().map(|setting| setting.value.clone());
        let Some(source) = typed.or_else(configured) else { return Ok(None) };
        // A file is read where it is, and nothing of it is kept.
        let folder = match &source {
            JwksSource::File(_) => Path::new(""),
            JwksSource::Url(_) => self.settings.data_dir()?,
        };
        Ok(Some(Jwks::new(source, folder, self.patience, &SystemClock)))
    }

    /// Returns the published keys; without an address for them, a usage error.
    pub(crate) fn required_jwks(
        &self,
        typed: Option<JwksSource>,
    ) -> Result<Jwks<'static>, Failure> {
        self.jwks(typed)?.ok_or_else(|| {
            Failure::new(ErrorKind::Usage, "find the published keys: no address is configured")
                .hint("pass --jwks FILE|URL, or set TENANTCTL_AUTH_URL")
        })
    }

    /// Returns the issuer of tokens: the URL of the Auth server.
    pub(crate) fn issuer(&self) -> Option<String> {
        self.settings.auth_url.as_ref().map(|setting| setting.value.trimmed().to_owned())
    }

    /// Returns the secret of HS256 tokens, or `None` when none is configured.
    pub(crate) fn jwt_secret(&self) -> Result<Option<SharedSecret>, Failure> {
        let setting = self.settings.jwt_secret.as_ref();
        Ok(setting.map(|setting| SharedSecret::new(&setting.value)).transpose()?)
    }

    /// Returns what tells this control plane from others on this machine: a hash of its address and login,
    /// without the password.
    pub(super) fn plane_key(&self) -> Option<String> {
        let endpoint = plane_endpoint(&self.settings).ok()??;
        Some(hex(&sha256(endpoint.to_string().as_bytes())[..8]))
    }

    /// Returns where the command acts, for a question to name it.
    pub(super) fn acts_on(&self) -> Option<&PlaneAddress> {
        self.acts_on.get()
    }

    /// Remembers that the command acts on the control plane, and returns where that is.
    pub(super) fn act_on_plane(&self) -> Option<&PlaneAddress> {
        let address = plane_address(&self.settings).ok()??;
        Some(self.acts_on.get_or_init(|| address))
    }

    /// Adds the hint to start the private local Postgres, when that is the server that does not
    /// answer.
    fn explain(&self, failure: Failure) -> Failure {
        let is_local = self.settings.control_plane_url.is_none();
        if is_local && failure.kind() == ErrorKind::Unavailable {
            failure.hint("tenantctl local up")
        } else {
            failure
        }
    }
}

/// Returns where settings lead, for people; nothing where no control plane is configured and there is no
/// private local Postgres.
pub(super) fn plane_address(settings: &Settings) -> Result<Option<PlaneAddress>, Failure> {
    let Some(endpoint) = plane_endpoint(settings)? else { return Ok(None) };
    Ok(Some(PlaneAddress {
        profile: settings.profile.as_ref().map(|profile| profile.value.clone()),
        is_local: settings.control_plane_url.is_none(),
        host: endpoint.place_text(),
        database: endpoint.database,
    }))
}

/// Returns the configured control plane, else the private local Postgres where there is one.
fn plane_endpoint(settings: &Settings) -> Result<Option<Endpoint>, Failure> {
    if let Some(setting) = &settings.control_plane_url {
        return Ok(Some(endpoint("control_plane_url", setting)?));
    }
    let local = local_server(settings)?.endpoint()?;
    Ok(local.map(|local| {
        let password = SecretText::from(local.password.clone());
        Endpoint::loopback(local.port, &local.user, password, &local.database)
    }))
}

fn local_server(settings: &Settings) -> Result<LocalServer, Failure> {
    let programs = settings.postgres_bin.as_ref().map(|setting| setting.value.clone());
    let server = LocalServer::new(settings.data_dir()?.to_owned(), programs);
    Ok(server.with_search_path(settings.search_path.clone()))
}

/// Returns whether a server ended a statement that waited, as it does for a lock that somebody holds.
pub(super) fn gave_up(error: &(dyn Error + 'static)) -> bool {
    let boxed = error.downcast_ref::<Box<ServerFault>>().map(|fault| &**fault);
    let fault = error.downcast_ref::<ServerFault>().or(boxed);
    fault.is_some_and(|fault| fault.is("55P03") || fault.is("57014"))
}

/// Returns how the Management API and Auth's are asked again.
fn retry() -> RetryPolicy {
    let (retry, haste) = (RetryPolicy::default(), haste());
    RetryPolicy {
        first_delay: retry.first_delay / haste,
        longest_delay: retry.longest_delay / haste,
        ..retry
    }
}

fn endpoint(name: &str, setting: &Setting<SecretText>) -> Result<Endpoint, Failure> {
    let set_by = match &setting.origin {
        Origin::Environment(variable) => (*variable).to_owned(),
        origin => format!("{name} in {origin}"),
    };
    Endpoint::parse(setting.value.expose()).map(|endpoint| endpoint.set_by(set_by)).map_err(
        |error| {
            let message = format!("use {name} from {}: {error}", setting.origin);
            let hint =
                "write it like postgresql://USER@HOST:5432/DATABASE, with :PASSWORD behind USER";
            Failure::new(ErrorKind::Usage, message).hint(hint)
        },
    )
}
