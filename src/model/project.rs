//! What names a Supabase project.

use std::fmt;
use std::str::FromStr;

use super::{Slug, TenantId};

/// A project's ref: 20 lower-case letters, the name in its addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectRef(String);

/// Why a text is no ref.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a project's ref has 20 lower-case letters")]
pub struct ProjectRefError;

impl ProjectRef {
    /// Returns the text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProjectRef {
    type Err = ProjectRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.len() == 20 && text.bytes().all(|b| b.is_ascii_lowercase());
        if fits { Ok(Self(text.to_owned())) } else { Err(ProjectRefError) }
    }
}

impl fmt::Display for ProjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Returns the name a tenant's project has, `<slug>-tctl-<32 hex of the id>`: unique, so that a
/// project whose making was never answered is found by it.
pub fn project_name(slug: &Slug, id: TenantId) -> String {
    format!("{slug}-tctl-{}", id.0.simple())
}
