//! From what an operator typed to a tenant.

use sqlx::postgres::PgConnection;

use super::error::MemberError;
use crate::adapters::control_plane;
use crate::model::{Tenant, TenantRef};

pub(super) async fn find_tenant(
    session: &mut PgConnection,
    named: &TenantRef,
) -> Result<Tenant, MemberError> {
    let found = control_plane::find_live(session, named).await?;
    found.ok_or_else(|| MemberError::NoTenant(named.to_string()))
}
