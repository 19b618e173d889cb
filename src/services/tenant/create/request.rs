//! What a new tenant is to be.

use crate::model::{Act, Actor, Patience, Placement, SchemaVersion, Slug, TenantId, TenantName};
use crate::services::home::Existing;
use crate::services::migration::{SeedSet, Sets};
use crate::services::tenant::credential::SecretKey;
use std::collections::BTreeMap;

/// A tenant to be created, or what exists already to be adopted as one.
#[derive(Debug)]
pub(crate) struct CreateRequest {
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
    /// What is adopted instead of being made.
    pub adopts: Option<Existing>,
    /// Where its database will live.
    pub placement: Placement,
    /// The product's migrations; the gate's always run.
    pub sets: Sets,
    /// Whether the product's migrations run now.
    pub migrates: bool,
    /// Up to which version what is adopted has the product's migrations already.
    pub baseline: Option<SchemaVersion>,
    /// The seed set to apply, if any.
    pub seed: Option<SeedSet>,
    /// The key that seals the application's password, if there is one.
    pub key: Option<SecretKey>,
    /// How long to wait for a lock, and for a project to come up.
    pub patience: Patience,
    /// Whether to wait for a project to come up at all.
    pub waits: bool,
    pub actor: Actor,
}

impl CreateRequest {
    /// Returns which of the two acts is asked for.
    pub(crate) fn act(&self) -> Act {
        if self.adopts.is_some() { Act::Adopt } else { Act::Create }
    }

    /// Returns what the journal and the audit trail keep of it; no secret is in it.
    pub(super) fn describe(&self) -> serde_json::Value {
        serde_json::json!({
            "slug": self.slug.as_str(),
            "name": self.name.as_str(),
            "plan": self.plan,
            "labels": self.labels,
            "region": self.region,
            "placement": self.placement.word(),
            "adopts": self.adopts.as_ref().map(|existing| match existing {
                Existing::Database(name) => name.clone(),
                Existing::Project(project) => project.to_string(),
            }),
            "migrate": self.migrates,
            "baseline": self.baseline.map(|version| version.0),
            "seed": self.seed.as_ref().map(|set| set.name.clone()),
        })
    }
}
