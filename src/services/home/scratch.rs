//! A home of nobody: a database that is made, looked at and dropped again.
//!
//! Its name and identity follow from what it is made for, so that what a killed command left behind
//! is found and gone on with.

use super::world::World;
use crate::adapters::server::{Home, Identity};
use crate::model::{DatabaseName, Placement, Slug, TenantId, sha256};

/// What its name is made of.
const SLUG: &str = "clean-build";

impl World {
    /// Returns the scratch home of a purpose on the server of this placement; nothing where no second database
    /// can be what the first is: in a Supabase project it has no Auth, no Storage and other default
    /// privileges.
    pub(crate) fn scratch(&self, placement: Placement, purpose: &str) -> Option<Home> {
        match placement {
            Placement::Project => None,
            Placement::Database => {
                let plane = self.plane.id();
                let hash = sha256(format!("{plane} {purpose}").as_bytes());
                let mut id = [0; 16];
                id.copy_from_slice(&hash[..16]);
                let id = TenantId(uuid::Builder::from_custom_bytes(id).into_uuid());
                let slug: Slug = SLUG.parse().ok()?;
                let identity = Identity::new(id, &slug, plane);
                Some(self.homes.cluster().home(DatabaseName::of(&slug, id), identity))
            }
        }
    }
}
