//! One row of `auth.users`: found, and its claim taken away.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::adapters::postgres::{PgError, row};
use crate::model::{Email, TenantId, UserId};

type Result<T> = std::result::Result<T, PgError>;

/// Returns whether Auth's users and sessions are here and nothing hides their rows from us.
pub(crate) async fn sees_auth(connection: &mut PgConnection) -> Result<bool> {
    let sees = sqlx::query_scalar(
        r"SELECT count(*) = 2 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'auth' AND c.relname IN ('users', 'sessions') AND c.relkind = 'r'
            AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
            AND NOT row_security_active(c.oid)",
    )
    .fetch_one(connection)
    .await
    .map_err(PgError::doing("look for Supabase Auth's tables"))?;
    Ok(sees)
}

/// Returns the users with an e-mail address, by id: several where one of them signs in by SSO.
pub(crate) async fn users_with_email(
    connection: &mut PgConnection,
    email: &Email,
) -> Result<Vec<UserId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        r"SELECT id FROM auth.users WHERE email = $1 AND deleted_at IS NULL
        ORDER BY id LIMIT 10",
    )
    .bind(email.as_str())
    .fetch_all(connection)
    .await
    .map_err(PgError::doing("find the user in Supabase Auth"))?;
    Ok(ids.into_iter().map(UserId).collect())
}

row! {
    /// A user as Auth has them.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct AuthUser {
        /// What `app_metadata.tenant_id` says.
        pub claim: Option<String>,
    }
}

pub(crate) async fn find_auth_user(
    connection: &mut PgConnection,
    user: UserId,
) -> Result<Option<AuthUser>> {
    let found = sqlx::query_as(
        r"SELECT raw_app_meta_data ->> 'tenant_id' AS claim FROM auth.users
        WHERE id = $1 AND deleted_at IS NULL",
    )
    .bind(user.0)
    .fetch_optional(connection)
    .await
    .map_err(PgError::doing("find the user in Supabase Auth"))?;
    Ok(found)
}

/// Takes `app_metadata.tenant_id` from a user where it still names the tenant; returns whether it
/// did.
///
/// # Errors
/// When the table may not be written.
pub(crate) async fn take_claim(
    connection: &mut PgConnection,
    user: UserId,
    tenant: TenantId,
) -> Result<bool> {
    let done = sqlx::query(
        r"WITH own AS MATERIALIZED (SELECT set_config('tenantctl.own_change', 'on', true))
        UPDATE auth.users SET raw_app_meta_data = raw_app_meta_data - 'tenant_id'
        WHERE id = $1 AND lower(raw_app_meta_data ->> 'tenant_id') = $2::text
            AND (SELECT count(*) FROM own) = 1",
    )
    .bind(user.0)
    .bind(tenant.0)
    .execute(connection)
    .await
    .map_err(PgError::doing("take app_metadata.tenant_id from the user in Supabase Auth"))?;
    Ok(done.rows_affected() > 0)
}
