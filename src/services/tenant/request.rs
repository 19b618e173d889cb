//! What may be asked about a tenant's life, complete: every default is filled in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::SecretKey;
use crate::model::{Actor, Consent, Placement, Slug, TenantId, TenantName};
use crate::services::migration::{SeedSet, Sets};

/// A tenant to be created.
#[derive(Debug)]
pub struct CreateRequest {
    /// What people type.
    pub slug: Slug,
    /// The id, when the operator chose one.
    pub id: Option<TenantId>,
    /// What people read.
    pub name: TenantName,
    /// The plan, if any.
    pub plan: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The region, if one was asked for.
    pub region: Option<String>,
    /// Where its database will live.
    pub placement: Placement,
    /// The product's migrations; the gate's always run.
    pub sets: Sets,
    /// Whether the product's migrations run now.
    pub migrates: bool,
    /// The seed set to apply, if any.
    pub seed: Option<SeedSet>,
    /// The key that seals the application's password, if there is one.
    pub key: Option<SecretKey>,
    /// How long to wait for a lock.
    pub patience: Duration,
    /// Who asks.
    pub actor: Actor,
}

/// A tenant to be cut off.
#[derive(Debug)]
pub struct DeleteRequest {
    /// The operator's word for this very tenant.
    pub consent: Consent,
    /// How long everything is kept.
    pub grace: Duration,
    /// How long to wait for locks and sessions.
    pub patience: Duration,
    /// Who asks.
    pub actor: Actor,
}

/// A deleted tenant to be brought back.
#[derive(Debug)]
pub struct RestoreRequest {
    /// The tenant.
    pub slug: Slug,
    /// How long to wait for locks.
    pub patience: Duration,
    /// Who asks.
    pub actor: Actor,
}

/// A deleted tenant to be destroyed.
#[derive(Debug)]
pub struct PurgeRequest {
    /// The operator's word for this very tenant.
    pub consent: Consent,
    /// How long to wait for locks and sessions.
    pub patience: Duration,
    /// Who asks.
    pub actor: Actor,
}
