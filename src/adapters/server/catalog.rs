//! A database's catalog as a digest: every object that decides what stands in it and who may do what
//! there, in one statement.
//!
//! Only hashes of definitions leave the server. Servers of two versions print definitions in words of
//! their own, so only catalogs of one version can be compared.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use super::error::ServerError;
use super::exposure::EXPOSURE;
use super::operator::Server;
use crate::adapters::postgres::{PgError, row};
use crate::model::{hex, sha256};

/// The statement; roles are judged in it, by what they should be.
pub(super) const CATALOG: &str = include_str!("catalog.sql");

/// Which of Supabase's API roles the server has, as a query.
pub(super) const API_ROLES: &str = "(SELECT coalesce(string_agg(r.rolname::text, ',' \
     ORDER BY r.rolname), '') FROM pg_roles r WHERE r.rolname IN ('anon', 'authenticated'))";

/// One object: a table, a policy, what one role was granted on one thing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct CatalogObject {
    /// Its kind in one or two words, as in `row security`.
    pub(crate) kind: String,
    /// The name of what it belongs to; empty for what stands by itself.
    pub(crate) parent: String,
    /// As people read it, as in `policy gate_open on public.vendors`.
    pub(crate) name: String,
    /// The hash of its definition.
    pub(crate) hash: String,
}

row! {
    /// What is in a database.
    #[derive(Debug, Clone)]
    pub(crate) struct Catalog {
        /// Over every object but those of kind `role`.
        pub(crate) digest: String,
        /// All of them; where the digest is the expected one, only those of kind `role`.
        pub(crate) objects: Json<Vec<CatalogObject>>,
        /// The server's version, as `server_version_num`.
        pub(crate) server: String,
        /// Which of Supabase's API roles the server has.
        pub(crate) api_roles: String,
    }
}

row! {
    /// What a catalog depends on beside the migrations.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct Traits {
        /// The server's version, as `server_version_num`.
        pub(crate) server: String,
        /// Which of Supabase's API roles the server has.
        pub(crate) api_roles: String,
    }
}

impl CatalogObject {
    /// Returns whether it is a finding by itself, whatever a clean build has: roles belong to the
    /// whole server, and beside a clean build they were changed as well.
    pub(crate) fn is_finding(&self) -> bool {
        self.kind == "role"
    }
}

impl Catalog {
    pub(crate) fn traits(&self) -> Traits {
        Traits { server: self.server.clone(), api_roles: self.api_roles.clone() }
    }
}

impl Traits {
    /// Returns the key of the clean build that a catalog can be compared with: all that one depends
    /// on, the statement that judged it too.
    pub(crate) fn key(&self, place: &str, fingerprint: &str) -> String {
        let statements = hex(&sha256(format!("{CATALOG}\n{EXPOSURE}").as_bytes()));
        let parts = [place, fingerprint, &self.server, &self.api_roles, &statements];
        hex(&sha256(parts.join("\n").as_bytes())[..16])
    }
}

impl Server {
    /// Returns what a catalog on this server depends on beside the migrations.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn traits(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Traits, ServerError> {
        let traits = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT current_setting('server_version_num') AS server, {API_ROLES} AS api_roles"
        )))
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("look at the server's version"))?;
        Ok(traits)
    }
}
