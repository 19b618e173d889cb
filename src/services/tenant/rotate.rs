//! `tenant url` and `tenant rotate`: how the application connects, and with which password.

use std::time::Duration;

use sqlx::Connection;

use super::operation::hold::{self as control, Opening};
use super::{SecretKey, TenantError};
use crate::adapters::control_plane::{self, AuditOutcome, ControlPlane, OperationKind};
use crate::adapters::postgres::{Endpoint, PgError, Purpose, generate_password};
use crate::adapters::server::{Identity, ServerError};
use crate::model::{Actor, DatabaseName, SecretText, Slug, Tenant, TenantStatus};
use crate::services::home::Homes;

/// A password to be replaced.
#[derive(Debug)]
pub struct RotateRequest {
    /// The tenant.
    pub slug: Slug,
    /// The key that seals the new password, if there is one.
    pub key: Option<SecretKey>,
    /// How long to wait for a lock.
    pub patience: Duration,
    /// Who asks.
    pub actor: Actor,
}

/// How an application connects to a tenant's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressReport {
    /// The tenant.
    pub tenant: Tenant,
    /// The address, the password masked.
    pub masked: String,
    /// The address with its password, when it was asked for or exists only here.
    pub revealed: Option<SecretText>,
    /// Whether the password is kept, sealed.
    pub is_kept: bool,
}

/// Returns how the application connects; with its password when `reveals` says so.
///
/// # Errors
/// When there is no such tenant or it has no database yet, or its password is wanted and not kept
/// or cannot be opened.
pub async fn address(
    plane: &ControlPlane,
    places: &Homes,
    slug: &Slug,
    reveals: Option<Option<&SecretKey>>,
) -> Result<AddressReport, TenantError> {
    let tenant = control::find(plane, slug).await?;
    let (name, endpoint) = placed(places, &tenant, "connect to")?;
    let revealed = match (reveals, &tenant.credential) {
        (None, _) => None,
        (Some(_), None) => return Err(TenantError::NoCredential(slug.to_string())),
        (Some(None), Some(_)) => return Err(super::KeyError::Missing(slug.to_string()).into()),
        (Some(Some(key)), Some(sealed)) => {
            let password = key.open(tenant.id, &name, sealed, slug.as_str())?;
            Some(endpoint.with_password(password).revealed())
        }
    };
    let is_kept = tenant.credential.is_some();
    Ok(AddressReport { masked: endpoint.to_string(), tenant, revealed, is_kept })
}

/// Returns the password of a tenant's login, when it is kept and this key opens it.
pub fn opened_password(tenant: &Tenant, key: Option<&SecretKey>) -> Option<SecretText> {
    let (name, sealed) = (tenant.database.as_ref()?, tenant.credential.as_ref()?);
    key?.open(tenant.id, name, sealed, tenant.slug.as_str()).ok()
}

/// Gives the tenant's login a new password, tries it, and keeps it sealed; without a key it is
/// handed over once.
///
/// # Errors
/// When there is no such tenant, it is in no state to be used, or the server refuses. When it stops
/// half-way, run it again: the password that counts is the last one.
pub async fn rotate(
    plane: &ControlPlane,
    places: &Homes,
    request: &RotateRequest,
) -> Result<AddressReport, TenantError> {
    let deadline = tokio::time::Instant::now() + request.patience;
    let tenant = control::find(plane, &request.slug).await?;
    let (connection, tenant) = control::take(plane, &tenant, "rotate", deadline).await?;
    control::refuse_quarantined(&tenant, "rotate")?;
    if tenant.status != TenantStatus::Active {
        return Err(TenantError::WrongState {
            wanted: "rotate",
            slug: request.slug.to_string(),
            status: tenant.status.word(),
        });
    }
    let (name, endpoint) = placed(places, &tenant, "rotate")?;
    let opening = Opening {
        kind: OperationKind::Rotate,
        action: "tenant.rotate",
        request: serde_json::json!({ "slug": tenant.slug.as_str() }),
        first_step: "rotate",
        actor: &request.actor,
    };
    let (mut journal, trail, _) = control::open(connection, &tenant, opening).await?;
    let identity = Identity::of(&tenant, plane.id());
    let password = generate_password().map_err(|_| ServerError::NoRandomness)?;
    let sealed = match &request.key {
        Some(key) => Some(key.seal(tenant.id, &name, &password)?),
        None => None,
    };
    let purpose = Purpose::query("rotate");
    let at = (places, plane);
    let (home, mut operator) =
        control::act_at_home(at, &tenant, purpose, &mut journal, deadline).await?;
    home.set_password(&mut operator, &name, &identity, &password).await?;
    home.try_login(&name, &identity, &password).await?;
    let doing = || PgError::doing("record the new password");
    let mut transaction = journal.connection.begin().await.map_err(doing())?;
    control_plane::record_credential(&mut transaction, tenant.id, sealed.as_deref()).await?;
    control_plane::finish(&mut transaction, &journal.lease, Some(("rotate", "rotated"))).await?;
    let detail = serde_json::json!({ "kept": sealed.is_some() });
    trail.append(&mut transaction, AuditOutcome::Done, detail).await?;
    transaction.commit().await.map_err(doing())?;
    let revealed = match sealed {
        Some(_) => None,
        None => Some(endpoint.with_password(password).revealed()),
    };
    let is_kept = revealed.is_none();
    Ok(AddressReport { masked: endpoint.to_string(), tenant, revealed, is_kept })
}

/// Returns the database's name and the address recorded for it, without a password.
fn placed(
    places: &Homes,
    tenant: &Tenant,
    wanted: &'static str,
) -> Result<(DatabaseName, Endpoint), TenantError> {
    match (&tenant.database, places.address(tenant, None)) {
        (Some(name), Some(endpoint)) => Ok((name.clone(), endpoint)),
        _ => Err(TenantError::WrongState {
            wanted,
            slug: tenant.slug.to_string(),
            status: tenant.status.word(),
        }),
    }
}
