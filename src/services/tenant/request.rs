//! What may be asked about a tenant's life, complete: every default is filled in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::SecretKey;
use crate::model::{Actor, Consent, Placement, ProjectRef, Slug, TenantId, TenantName};
use crate::services::migration::{SeedSet, Sets};

/// What is there already and becomes a tenant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Existing {
    /// A database of the cluster.
    Database(String),
    /// A Supabase project.
    Project(ProjectRef),
}

/// A tenant to be created, or what is there already to be taken in as one.
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
    /// What is taken in instead of being made.
    pub adopts: Option<Existing>,
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
    /// How long to wait for a lock, and for a project to come up.
    pub patience: Duration,
    /// Whether to wait for a project to come up at all.
    pub waits: bool,
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
