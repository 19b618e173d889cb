//! Organizations, and the regions one of them may use.

use tokio::time::Instant;

use super::client::Ask;
use super::client::Management;
use super::error::ManagementError;
use super::projects::missing;
use super::wire::{WireOrganization, WireRegions};
use crate::model::escape_controls;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    pub slug: String,
    pub name: String,
}

/// A region, or a part of the world, and whether it takes projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    pub code: String,
    /// Whether it is a part of the world (`emea`) and not one region.
    pub is_group: bool,
    /// Whether the API recommends it for new projects.
    pub is_recommended: bool,
    /// Why it takes no project, if it does not: `capacity`, `other`.
    pub problem: Option<String>,
}

impl Management {
    /// Returns the organizations the token's user belongs to.
    pub async fn organizations(
        &self,
        deadline: Instant,
    ) -> Result<Vec<Organization>, ManagementError> {
        let doing = "list the organizations";
        let ask = Ask::get("list_organizations", doing, &["organizations"]);
        let found: Option<Vec<WireOrganization>> = self.ask(ask, deadline).await?;
        let read = |found: WireOrganization| {
            Some(Organization {
                slug: found.slug.or(found.id)?,
                name: escape_controls(&found.name),
            })
        };
        Ok(found.unwrap_or_default().into_iter().filter_map(read).collect())
    }

    /// Returns the regions an organization may use.
    pub async fn regions(
        &self,
        organization: &str,
        deadline: Instant,
    ) -> Result<Vec<Region>, ManagementError> {
        let doing = "ask which regions are available";
        let query = [("organization_slug", organization)];
        let path = ["projects", "available-regions"];
        let ask = Ask { query: &query, ..Ask::get("available_regions", doing, &path) };
        let found: Option<WireRegions> = self.ask(ask, deadline).await?;
        let found = found.ok_or_else(|| missing(doing, "regions"))?;
        let recommended = found.recommendations.and_then(|r| r.smart).and_then(|r| r.code);
        let all = found.all.ok_or_else(|| missing(doing, "regions"))?;
        let groups = all.smart.into_iter().map(|region| (region, true));
        let regions = all.specific.into_iter().map(|region| (region, false));
        let read = |(region, is_group): (super::wire::WireRegion, bool)| {
            let code = escape_controls(&region.code?);
            Some(Region {
                is_recommended: recommended.as_ref() == Some(&code),
                is_group,
                problem: region.status.as_deref().map(escape_controls),
                code,
            })
        };
        Ok(groups.chain(regions).filter_map(read).collect())
    }
}
