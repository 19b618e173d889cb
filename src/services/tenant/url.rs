//! `tenant url`: how the application connects.

use super::credential::{KeyError, SecretKey};
use super::error::TenantError;
use super::operation::find;
use crate::adapters::postgres::Endpoint;
use crate::model::{Act, DatabaseName, SecretText, Tenant, TenantRef, TenantStatus};
use crate::services::home::World;

/// How an application connects to a tenant's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AddressReport {
    pub tenant: Tenant,
    /// The address, the password masked.
    pub masked: String,
    /// The address with its password, when it was asked for or exists only here.
    pub revealed: Option<SecretText>,
    /// Whether the password is kept, sealed.
    pub is_kept: bool,
}

impl AddressReport {
    /// Returns what keeps everybody out there, where something does.
    pub(crate) fn warning(&self) -> Option<String> {
        let why = match self.tenant.status {
            TenantStatus::Active if self.tenant.is_locked() => "is locked down",
            TenantStatus::Active => return None,
            TenantStatus::Provisioning => "is still being created",
            TenantStatus::Deleted => "is deleted",
            TenantStatus::Purging | TenantStatus::Purged => "is purged",
        };
        Some(format!("`{}` {why}: its login does not get in", self.tenant.slug))
    }
}

/// Whether an address is shown with its password.
pub(crate) enum Password<'a> {
    Masked,
    /// Opened with this key, where there is one.
    Revealed(Option<&'a SecretKey>),
}

/// Returns how the application connects, with its password when it is to be revealed.
///
/// # Errors
/// When there is no such tenant or it has no database yet, or its password is wanted and not kept
/// or cannot be opened.
pub(crate) async fn address(
    world: &World,
    named: &TenantRef,
    password: Password<'_>,
) -> Result<AddressReport, TenantError> {
    let tenant = find(&world.plane, named).await?;
    let (name, endpoint) = registered(world, &tenant, Act::Url)?;
    let revealed = match password {
        Password::Masked => None,
        Password::Revealed(key) => {
            let password = kept_password(&tenant, &name, key)?;
            Some(endpoint.with_password(password).revealed())
        }
    };
    let is_kept = tenant.credential.is_some();
    Ok(AddressReport { masked: endpoint.to_string(), tenant, revealed, is_kept })
}

/// Returns the password of a tenant's login, when it is kept and this key opens it.
pub(crate) fn opened_password(tenant: &Tenant, key: Option<&SecretKey>) -> Option<SecretText> {
    let (name, sealed) = (tenant.database.as_ref()?, tenant.credential.as_ref()?);
    key?.open(tenant.id, name, sealed, tenant.slug.as_str()).ok()
}

/// Returns the password of a tenant's login.
///
/// # Errors
/// When it is not kept, or this key does not open it.
pub(super) fn kept_password(
    tenant: &Tenant,
    name: &DatabaseName,
    key: Option<&SecretKey>,
) -> Result<SecretText, TenantError> {
    let slug = tenant.slug.as_str();
    let sealed =
        tenant.credential.as_ref().ok_or_else(|| TenantError::NoCredential(slug.to_owned()))?;
    let key = key.ok_or_else(|| KeyError::Missing(slug.to_owned()))?;
    Ok(key.open(tenant.id, name, sealed, slug)?)
}

/// Returns the database's name and the address recorded for it, without a password.
pub(super) fn registered(
    world: &World,
    tenant: &Tenant,
    act: Act,
) -> Result<(DatabaseName, Endpoint), TenantError> {
    match (&tenant.database, world.address(tenant, None)) {
        (Some(name), Some(endpoint)) => Ok((name.clone(), endpoint)),
        _ => Err(TenantError::wrong_state(act, tenant)),
    }
}
