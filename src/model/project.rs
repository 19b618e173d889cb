//! The names of a Supabase project.

use std::fmt;
use std::str::FromStr;

use super::ids::TenantId;
use super::slug::Slug;

/// A project's ref: 20 lower-case letters, the host name in its addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectRef(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a project's ref has 20 lower-case letters")]
pub struct ProjectRefError;

impl ProjectRef {
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

/// Returns the name of a tenant's project, `<slug>-tctl-<32 hex of the id>`: unique, so that a
/// project is found by it when the answer to its creation was lost.
pub(crate) fn project_name(slug: &Slug, id: TenantId) -> String {
    format!("{slug}-tctl-{}", id.0.simple())
}

/// Returns the slug and the id in a project's name; `None` when we did not choose that name.
pub(crate) fn id_in_project_name(name: &str) -> Option<(&str, TenantId)> {
    let (slug, hex) = name.rsplit_once("-tctl-")?;
    let is_hex = hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let id = uuid::Uuid::try_parse(hex).ok().filter(|_| is_hex)?;
    Some((slug, TenantId(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_read_back_from_its_projects_name() {
        let (slug, id) = ("a-tctl-b".parse().unwrap(), TenantId(uuid::Uuid::from_u128(7)));
        assert_eq!(id_in_project_name(&project_name(&slug, id)), Some(("a-tctl-b", id)));
        for foreign in ["acme", "acme-tctl-", "acme-tctl-0123", "acme_tctl_0", ""] {
            assert_eq!(id_in_project_name(foreign), None, "{foreign}");
        }
        let braced = "acme-tctl-{67e55044-10b1-426f-9247-bb680e}";
        assert_eq!(id_in_project_name(braced), None);
    }
}
