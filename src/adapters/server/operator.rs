//! A Postgres server that holds tenants' databases, and its operator's sessions on it.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::error::ServerError;
use super::sql::run;
use crate::adapters::postgres::{self, Endpoint, LockServer, PgError, Purpose};
use crate::model::ProjectRef;

/// The role that may do everything a customer may in a Supabase project.
const PROJECT_OPERATOR: &str = "postgres";

/// The cluster that holds the databases of placement `database`, or the server of one Supabase
/// project, which holds one tenant's.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(super) admin: Endpoint,
    pub(super) control_plane_id: Uuid,
    pub(super) shape: Shape,
}

/// What kind of server this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// A cluster: we create databases on it.
    Cluster,
    /// A Supabase project's: its one database exists already, and Supabase's own services use it.
    Project {
        project: ProjectRef,
        /// What a pooler wants behind the name of every login; empty on a direct connection.
        user_suffix: String,
    },
}

impl Server {
    /// Returns the cluster at an address; nothing is contacted.
    pub(crate) fn cluster(admin: Endpoint, control_plane_id: Uuid) -> Self {
        Self { admin, control_plane_id, shape: Shape::Cluster }
    }

    /// Returns the server of a Supabase project, entered with a login that is a member of
    /// `postgres`; nothing is contacted.
    pub(crate) fn of_project(
        admin: Endpoint,
        control_plane_id: Uuid,
        project: ProjectRef,
        user_suffix: String,
    ) -> Self {
        Self { admin, control_plane_id, shape: Shape::Project { project, user_suffix } }
    }

    /// Returns whether this is a Supabase project's.
    pub(super) fn is_project(&self) -> bool {
        self.shape != Shape::Cluster
    }

    /// Returns which server a lock held here is reported to be on.
    pub(super) fn lock_server(&self) -> LockServer {
        match self.shape {
            Shape::Cluster => LockServer::Cluster,
            Shape::Project { .. } => LockServer::Project,
        }
    }

    /// Returns whether we connect through a pooler.
    pub(crate) fn is_pooled(&self) -> bool {
        matches!(&self.shape, Shape::Project { user_suffix, .. } if !user_suffix.is_empty())
    }

    /// Returns where its operator connects.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.admin
    }

    /// Returns the control plane whose tenants live here.
    pub(crate) fn control_plane_id(&self) -> Uuid {
        self.control_plane_id
    }

    /// Opens a session of the operator.
    pub(crate) async fn operator(&self, purpose: Purpose) -> Result<PgConnection, ServerError> {
        let mut connection = postgres::connect(&self.admin, purpose).await?;
        self.act_as_operator(&mut connection).await?;
        Ok(connection)
    }

    /// Becomes `postgres` in a project: what it may do is not inherited by a login that is its
    /// member.
    pub(super) async fn act_as_operator(
        &self,
        connection: &mut PgConnection,
    ) -> Result<(), ServerError> {
        if !self.is_project() {
            return Ok(());
        }
        // CREATEDB, CREATEROLE and BYPASSRLS are attributes, and attributes are never inherited
        // through a membership (PostgreSQL docs, "Role Attributes").
        let statement = format!("SET SESSION ROLE {PROJECT_OPERATOR}");
        run(connection, statement, "act as the project's `postgres`").await
    }

    /// Returns the role that `act_as_operator` acts as, for SET ROLE: the session's own, or the
    /// project's.
    pub(super) fn operator_role(&self) -> &'static str {
        if self.is_project() { PROJECT_OPERATOR } else { "NONE" }
    }

    /// Returns the server's own identifier, where the operator may read it.
    pub(crate) async fn system_identifier(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<String>, ServerError> {
        let id = sqlx::query_scalar(
            r"SELECT CASE WHEN has_function_privilege('pg_catalog.pg_control_system()', 'execute')
                THEN (SELECT system_identifier::text FROM pg_control_system()) END",
        )
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("read the server's system identifier"))?;
        Ok(id)
    }
}
