//! `tenant rotate`: the application gets a new password.

use std::time::Duration;

use super::credential::SecretKey;
use super::error::TenantError;
use super::operation::{Held, Opening, find, refuse_quarantined, reread};
use super::url::{AddressReport, registered};
use crate::adapters::control_plane;
use crate::adapters::postgres::{Endpoint, Purpose, generate_password};
use crate::adapters::server::{Home, ServerError};
use crate::model::{
    Act, Actor, DatabaseName, Patience, SecretText, Tenant, TenantRef, TenantStatus,
};
use crate::services::home::World;
use crate::services::saga::Journal;

/// How often the new password is tried.
const TRIES: u32 = 3;

/// How long to wait before it is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// The one step of the operation.
const STEP: &str = "rotate";

/// A password to be replaced.
#[derive(Debug)]
pub(crate) struct RotateRequest {
    pub tenant: TenantRef,
    /// The key that seals the new password, if there is one.
    pub key: Option<SecretKey>,
    /// How long to wait for a lock.
    pub patience: Patience,
    pub actor: Actor,
}

/// A login with a new password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RotateReport {
    pub address: AddressReport,
    /// Whether the password was tried; a tenant that was locked down meanwhile lets nobody try.
    pub is_tried: bool,
}

/// Gives the tenant's login a new password, keeps it sealed, and tries it; without a key it is
/// handed over once.
///
/// # Errors
/// When there is no such tenant, it is in no state to be used, or the server refuses. When it stops
/// half-way, run it again: the password that counts is the last one.
pub(crate) async fn rotate(
    world: &World,
    request: &RotateRequest,
) -> Result<RotateReport, TenantError> {
    let deadline = request.patience.until();
    let tenant = find(&world.plane, &request.tenant).await?;
    let held = Held::take(&world.plane, &tenant, Act::Rotate, deadline).await?;
    let mut tenant = held.tenant.clone();
    let (name, mut endpoint) = rotatable(world, &tenant)?;
    let opening = Opening {
        act: Act::Rotate,
        request: serde_json::json!({ "slug": tenant.slug.as_str() }),
        first_step: STEP,
        actor: &request.actor,
    };
    let (mut journal, _) = held.open(opening).await?;
    let password = generate_password().map_err(|_| ServerError::NoRandomness)?;
    let sealed = match &request.key {
        Some(key) => Some(key.seal(tenant.id, &name, &password)?),
        None => None,
    };
    let (home, mut operator) =
        world.operator(&tenant, Purpose::query(Act::Rotate.word()), deadline).await?;
    home.lock(&mut journal.connection, &mut operator, deadline).await?;
    journal.check_lease().await?;
    // The server first: killed here, the record holds a password that no longer works and the
    // operation stays open, so the same command makes another. The other order would hand out a
    // password that never worked. What the server took is the login's, whether or not it can be
    // tried, so it is recorded before.
    home.set_password(&mut operator, &password).await?;
    let sealed = sealed.as_deref();
    control_plane::record_credential(&mut journal.connection, tenant.id, sealed).await?;
    let is_tried = try_unless_locked(&home, &password, &mut journal, &tenant).await?;
    // Tried there, so it is the tenant's; the operator uses it on this server now.
    if is_tried && world.record_where(&tenant, &home, &mut operator, &mut journal).await? {
        tenant = reread(&mut journal, &tenant).await?;
        endpoint = registered(world, &tenant, Act::Rotate)?.1;
    }
    let ending = journal.ending("record the new password").await?;
    let detail = serde_json::json!({ "kept": sealed.is_some(), "tried": is_tried });
    ending.commit(STEP, "rotated", detail).await?;
    let revealed = match sealed {
        Some(_) => None,
        None => Some(endpoint.with_password(password).revealed()),
    };
    let is_kept = revealed.is_none();
    let address = AddressReport { masked: endpoint.to_string(), tenant, revealed, is_kept };
    Ok(RotateReport { address, is_tried })
}

/// Returns the login that would get a new password, and whether that would be kept; nothing is changed.
///
/// # Errors
/// As for `rotate`, as far as the record tells.
pub(crate) async fn plan(
    world: &World,
    request: &RotateRequest,
) -> Result<AddressReport, TenantError> {
    let tenant = find(&world.plane, &request.tenant).await?;
    let (_, endpoint) = rotatable(world, &tenant)?;
    let is_kept = request.key.is_some();
    Ok(AddressReport { masked: endpoint.to_string(), tenant, revealed: None, is_kept })
}

/// Returns the name and address of the login, when the tenant is in a state to get a new password.
fn rotatable(world: &World, tenant: &Tenant) -> Result<(DatabaseName, Endpoint), TenantError> {
    refuse_quarantined(tenant, Act::Rotate)?;
    if tenant.is_locked() {
        return Err(TenantError::locked(Act::Rotate, tenant));
    }
    if tenant.status != TenantStatus::Active {
        return Err(TenantError::wrong_state(Act::Rotate, tenant));
    }
    registered(world, tenant, Act::Rotate)
}

/// Tries the new password; returns false when a lockdown that came meanwhile is why it does not get
/// in. One that came and went is met by another try.
async fn try_unless_locked(
    home: &Home,
    password: &SecretText,
    journal: &mut Journal,
    tenant: &Tenant,
) -> Result<bool, TenantError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let Err(error) = home.try_login(password).await else { return Ok(true) };
        if reread(journal, tenant).await?.is_locked() {
            return Ok(false);
        }
        if tries == TRIES {
            return Err(error.into());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
