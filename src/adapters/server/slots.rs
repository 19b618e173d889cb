//! How many of the server's connections one tenant may have.

use sqlx::postgres::PgConnection;

use super::error::ServerError;
use super::home::Home;
use crate::adapters::postgres::PgError;

/// The most sessions that one tenant's application may have at the same time.
const LARGEST: u32 = 50;

/// Sessions that a tenant's database takes beyond its application's: ours.
const OURS: u32 = 32;

/// How many sessions may be open at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slots {
    /// Of the tenant's login.
    pub(super) login: u32,
    /// In the tenant's database.
    pub(super) database: u32,
}

impl Home {
    /// Returns a tenant's share of the connections that are not reserved for others: a quarter on a
    /// cluster, half in a project, where Supabase's own services need the rest. Two tenants at their
    /// limit leave room for the operator.
    pub(super) async fn slots(&self, connection: &mut PgConnection) -> Result<Slots, ServerError> {
        let usable: i32 = sqlx::query_scalar(
            r"SELECT current_setting('max_connections')::int
                - current_setting('superuser_reserved_connections')::int
                - coalesce(current_setting('reserved_connections', true), '0')::int",
        )
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("ask how many connections the server takes"))?;
        let share =
            u32::try_from(usable).unwrap_or(0) / if self.server.is_project() { 2 } else { 4 };
        let login = share.clamp(1, LARGEST);
        Ok(Slots { login, database: login + OURS })
    }
}
