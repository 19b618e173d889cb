//! The way into a project's database: its own host first, else its pooler; as a login that works for
//! a few minutes, else with a new password for `postgres`.
//!
//! A project has one short-lived login, and asking for it ends the one before: asking and the
//! first connection happen under a lock of the control plane, so that two commands never take it
//! from each other half-way.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::error::HomeError;
use super::projects::Projects;
use crate::adapters::control_plane::{ControlPlane, ControlPlaneError};
use crate::adapters::management::ManagementError;
use crate::adapters::postgres::{
    Endpoint, Lock, LockServer, LockTable, PgError, Purpose, generate_password, hold_until,
};
use crate::adapters::server::{Server, ServerError};
use crate::model::{
    Classified, DatabaseName, ErrorKind, ProjectRef, SecretText, Tenant, project_name,
};

/// How long a project's own host may take to be reached before its pooler is tried.
const DIRECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The port of a project's own host, and of a pooler in session mode; the one in transaction mode
/// breaks prepared statements, settings and locks.
const PORT: u16 = 5432;

/// How often a pooler that does not know a new password yet is tried: it blocks an address that fails ten
/// times in 150 s (supabase/supavisor `lib/supavisor/circuit_breaker.ex`, read 2026-11).
const POOLER_TRIES: u32 = 4;

/// A server, and what it wants behind the name of every login.
struct Route {
    host: String,
    user_suffix: String,
}

impl Projects {
    /// Returns the server of a tenant's project, with a login that was tried.
    pub(super) async fn server(
        &self,
        plane: &ControlPlane,
        tenant: &Tenant,
        project: &ProjectRef,
        deadline: Instant,
    ) -> Result<Server, HomeError> {
        let route = self.route(project, deadline).await?;
        // The role is one for the whole project, and each request resets its password: two callers
        // at once lock each other out (supabase/cli#5091, read 2026-11).
        let mut holder = plane.dedicated("login-role").await?;
        let (named, what) =
            (("login-role", tenant.id.0), format!("the login of project {project}"));
        let lock = Lock::new(LockTable::ControlPlane, named, what, LockServer::ControlPlane)
            .told_like(plane.endpoint());
        hold_until(&mut holder, &lock, deadline).await.map_err(ControlPlaneError::from)?;
        let server = self.enter_by(&route, plane, tenant, project, deadline).await;
        Endpoint::close(holder).await;
        server
    }

    async fn enter_by(
        &self,
        route: &Route,
        plane: &ControlPlane,
        tenant: &Tenant,
        project: &ProjectRef,
        deadline: Instant,
    ) -> Result<Server, HomeError> {
        let (user, password) = self.login(tenant, project, deadline).await?;
        let user = format!("{user}{}", route.user_suffix);
        let endpoint =
            Endpoint::reported(&route.host, PORT, &user, DatabaseName::SUPABASE, self.root_cert())
                .with_login(&user, Some(password))
                .waiting_like(plane.endpoint());
        let suffix = route.user_suffix.clone();
        let server = Server::of_project(endpoint, plane.id(), project.clone(), suffix);
        let session = self.try_operator(&server, deadline).await?;
        Endpoint::close(session).await;
        Ok(server)
    }

    /// Connects once, or through a pooler a few times: it learns of new logins and passwords late.
    async fn try_operator(
        &self,
        server: &Server,
        deadline: Instant,
    ) -> Result<PgConnection, HomeError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match server.operator(Purpose::query("reach")).await {
                Ok(session) => return Ok(session),
                Err(ServerError::Postgres(error))
                    if server.is_pooled() && is_unknown_yet(&error) && tries < POOLER_TRIES =>
                {
                    let wait = self.pace.poll * 3 * 2_u32.pow(tries - 1);
                    if Instant::now() + wait > deadline {
                        return Err(error.into());
                    }
                    tokio::time::sleep(wait).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns a login: the short-lived one, and where a project refuses that, `postgres` with a new
    /// password, which is in no other use in a project that we created.
    async fn login(
        &self,
        tenant: &Tenant,
        project: &ProjectRef,
        deadline: Instant,
    ) -> Result<(String, SecretText), HomeError> {
        let refusal = match self.api.login_role(project, deadline).await {
            Ok(login) => return Ok((login.role, login.password)),
            Err(error) => error,
        };
        // Some older projects refuse with "42501: permission denied to alter role
        // cli_login_postgres" (supabase/cli#5091, read 2026-11), others know no such route.
        let is_refused =
            matches!(&refusal, ManagementError::Refused { status: 400 | 403 | 404, .. });
        let found = self.api.project(project, deadline).await?;
        let is_made_by_us =
            found.is_some_and(|found| found.name == project_name(&tenant.slug, tenant.id));
        if !is_refused || !is_made_by_us {
            return Err(refusal.into());
        }
        let password = generate_password().map_err(|_| ServerError::NoRandomness)?;
        self.api.set_database_password(project, &password, deadline).await?;
        Ok(("postgres".to_owned(), password))
    }

    /// Returns how the project's database is reached from here.
    async fn route(&self, project: &ProjectRef, deadline: Instant) -> Result<Route, HomeError> {
        let found = self.api.project(project, deadline).await?;
        let found = found.ok_or_else(|| HomeError::Gone(project.to_string()))?;
        // The direct host has an IPv6 address only, unless the project pays for IPv4, and many
        // networks have no IPv6 (supabase.com/docs, "Connect to your database", read 2026-11).
        if let Some(host) = found.database_host
            && answers(&host, deadline).await
        {
            return Ok(Route { host, user_suffix: String::new() });
        }
        let pooler = self.api.pooler(project, deadline).await?;
        Ok(Route { host: pooler.host, user_suffix: pooler.user_suffix })
    }
}

/// Returns whether the host accepts a connection; without IPv6, a project's own host does not.
async fn answers(host: &str, deadline: Instant) -> bool {
    let limit = (Instant::now() + DIRECT_TIMEOUT).min(deadline);
    let connecting = TcpStream::connect((host, PORT));
    matches!(tokio::time::timeout_at(limit, connecting).await, Ok(Ok(_)))
}

fn is_unknown_yet(error: &PgError) -> bool {
    let says = |text: &str| error.fault().is_some_and(|fault| fault.message.contains(text));
    error.is("28P01")
        || says("ENOTFOUND")
        || says("Tenant or user not found")
        || error.kind() == ErrorKind::Unavailable
}
