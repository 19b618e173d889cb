//! Projects: made, looked at, listed, deleted.
//!
//! The API has no idempotency key, so creating one is sent once; the caller decides what a request
//! without an answer means (the published document has none, read 2026-11).

use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use super::client::Ask;
use super::client::Management;
use super::error::ManagementError;
use super::wire::{WireListed, WirePage, WireProject};
use crate::adapters::http::Repeat;
use crate::model::{ProjectRef, SecretText, escape_controls};

/// The most projects one page holds.
const PAGE: usize = 100;

const LISTING: &str = "list the organization's projects";

/// What a project's status means for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It works.
    Ready,
    /// It will, or may, work without further action.
    Pending,
    /// It is paused until someone restores it.
    Paused,
    /// It failed and will not come back by itself.
    Failed,
    /// It is on its way out.
    Leaving,
    /// It is removed.
    Gone,
}

/// A project's status as the API words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectStatus(String);

impl ProjectStatus {
    fn of(word: Option<String>) -> Self {
        Self(word.map_or_else(|| "UNKNOWN".to_owned(), |word| escape_controls(&word)))
    }

    /// Returns the API's word.
    pub fn word(&self) -> &str {
        &self.0
    }

    /// Maps the API's status word. Unknown words are pending, since the published list grows.
    pub fn phase(&self) -> Phase {
        match self.0.as_str() {
            "ACTIVE_HEALTHY" => Phase::Ready,
            "INACTIVE" => Phase::Paused,
            "INIT_FAILED" | "RESTORE_FAILED" | "PAUSE_FAILED" => Phase::Failed,
            "GOING_DOWN" => Phase::Leaving,
            "REMOVED" => Phase::Gone,
            _ => Phase::Pending,
        }
    }

    /// Returns whether the project is going or gone, so that nothing may be built on it.
    pub fn is_ending(&self) -> bool {
        matches!(self.phase(), Phase::Leaving | Phase::Gone)
    }
}

#[derive(Debug, Clone)]
pub struct NewProject {
    pub name: String,
    /// The organization's slug.
    pub organization: String,
    /// A region's code, or `americas`, `emea`, `apac` for any in that part of the world.
    pub region: String,
    /// The password of its `postgres` role.
    pub database_password: SecretText,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub reference: ProjectRef,
    pub name: String,
    pub region: Option<String>,
    /// The organization's slug.
    pub organization: Option<String>,
    pub status: ProjectStatus,
    /// Its database's own host; missing during its first seconds.
    pub database_host: Option<String>,
}

/// A project as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProject {
    pub reference: ProjectRef,
    pub name: String,
    pub region: Option<String>,
    pub status: ProjectStatus,
}

impl Management {
    /// Creates a project; the request is sent once.
    ///
    /// # Errors
    /// Where [`ManagementError::may_have_acted`], the project may exist all the same.
    pub async fn create_project(
        &self,
        new: &NewProject,
        deadline: Instant,
    ) -> Result<Project, ManagementError> {
        let doing = "create the project";
        let kind = if matches!(new.region.as_str(), "americas" | "emea" | "apac") {
            "smartGroup"
        } else {
            "specific"
        };
        let body = json!({
            "name": new.name,
            "organization_slug": new.organization,
            "region_selection": { "type": kind, "code": new.region },
            "db_pass": new.database_password.expose(),
        });
        let ask = Ask {
            method: Method::POST,
            body: Some(body),
            repeat: Repeat::Unsafe,
            ..Ask::get("create_project", doing, &["projects"])
        };
        project(doing, self.ask(ask, deadline).await?)
    }

    /// Returns a project; nothing when the API itself says that there is none, or that it was
    /// removed.
    pub async fn project(
        &self,
        reference: &ProjectRef,
        deadline: Instant,
    ) -> Result<Option<Project>, ManagementError> {
        let doing = "look the project up";
        let path = ["projects", reference.as_str()];
        match self.ask(Ask::get("get_project", doing, &path), deadline).await {
            Ok(found) => {
                let found = project(doing, found)?;
                if found.reference != *reference {
                    let problem = "it is about another project".to_owned();
                    return Err(ManagementError::Shape { doing, problem });
                }
                Ok(Some(found))
            }
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes a project with its backups; returns whether there was one.
    ///
    /// # Errors
    /// `RefusalReason::NotReady` while it is still coming up.
    pub async fn delete_project(
        &self,
        reference: &ProjectRef,
        deadline: Instant,
    ) -> Result<bool, ManagementError> {
        let path = ["projects", reference.as_str()];
        let ask = Ask {
            method: Method::DELETE,
            ..Ask::get("delete_project", "delete the project", &path)
        };
        match self.tell(ask, deadline).await {
            Ok(()) => Ok(true),
            Err(error) if error.is_gone() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns an organization's projects, all pages, without branches; with `search`, only those
    /// whose name contains it.
    pub async fn list_projects(
        &self,
        organization: &str,
        search: Option<&str>,
        deadline: Instant,
    ) -> Result<Vec<ListedProject>, ManagementError> {
        let (all, _) = self.pages(organization, search, deadline).await?;
        let listed = all.into_iter().filter(|project| !project.is_branch);
        Ok(listed.filter_map(listed_project).collect())
    }

    /// Returns what an organization's list says of a project; nothing when the list is whole and
    /// does not name it.
    ///
    /// # Errors
    /// [`ManagementError::Shape`] when the list is not whole, or holds what cannot be told from it.
    pub async fn listed(
        &self,
        organization: &str,
        reference: &ProjectRef,
        deadline: Instant,
    ) -> Result<Option<ProjectStatus>, ManagementError> {
        let (all, is_whole) = self.pages(organization, None, deadline).await?;
        if !is_whole {
            let problem = "it changed while it was read, or is not whole".to_owned();
            return Err(ManagementError::Shape { doing: LISTING, problem });
        }
        if all.iter().any(|project| project.reference.is_none()) {
            return Err(missing(LISTING, "ref in one of its entries"));
        }
        let named = |project: &WireListed| project.reference.as_deref() == Some(reference.as_str());
        let found = all.into_iter().find(named);
        Ok(found.map(|found| ProjectStatus::of(found.status)))
    }

    /// Reads an organization's list to its end, each entry once. Returns as well whether it is as
    /// long as every page of it says: a project that is deleted meanwhile shifts the later pages.
    async fn pages(
        &self,
        organization: &str,
        search: Option<&str>,
        deadline: Instant,
    ) -> Result<(Vec<WireListed>, bool), ManagementError> {
        let path = ["organizations", organization, "projects"];
        let limit = PAGE.to_string();
        let mut found: Vec<WireListed> = Vec::new();
        let (mut offset, mut counts) = (0, Vec::new());
        loop {
            let at = offset.to_string();
            let mut query = vec![("limit", limit.as_str()), ("offset", at.as_str())];
            // Oldest first, so that a project made meanwhile shifts no page.
            query.push(("sort", "created_asc"));
            query.extend(search.map(|text| ("search", text)));
            let ask = Ask { query: &query, ..Ask::get("list_projects", LISTING, &path) };
            let page: Option<WirePage> = self.ask(ask, deadline).await?;
            let page = page.ok_or_else(|| missing(LISTING, "projects"))?;
            let count = page.pagination.and_then(|pagination| pagination.count);
            let count = count.ok_or_else(|| missing(LISTING, "count"))?;
            counts.push(count);
            let seen = page.projects.len();
            offset += seen;
            for project in page.projects {
                let is_known = project.reference.is_some()
                    && found.iter().any(|known| known.reference == project.reference);
                if !is_known {
                    found.push(project);
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "no organization has 2^52 projects")]
            if offset as f64 >= count {
                let is_whole = counts.iter().all(|count| *count <= found.len() as f64);
                return Ok((found, is_whole));
            }
            if seen == 0 {
                let problem = format!("it ends after {offset} of {count} projects");
                return Err(ManagementError::Shape { doing: LISTING, problem });
            }
        }
    }
}

fn listed_project(listed: WireListed) -> Option<ListedProject> {
    Some(ListedProject {
        reference: listed.reference?.parse().ok()?,
        name: escape_controls(&listed.name.unwrap_or_default()),
        region: listed.region.as_deref().map(escape_controls),
        status: ProjectStatus::of(listed.status),
    })
}

fn project(doing: &'static str, found: Option<WireProject>) -> Result<Project, ManagementError> {
    let found = found.ok_or_else(|| missing(doing, "project"))?;
    let id = found.id.as_ref().and_then(|id| id.as_str()).map(str::to_owned);
    let reference = found.reference.or(id).ok_or_else(|| missing(doing, "ref"))?;
    let reference = reference.parse().map_err(|_| ManagementError::Shape {
        doing,
        problem: "the project's ref is not one".to_owned(),
    })?;
    Ok(Project {
        reference,
        name: escape_controls(&found.name.unwrap_or_default()),
        region: found.region.as_deref().map(escape_controls),
        organization: found.organization_slug.or(found.organization_id),
        status: ProjectStatus::of(found.status),
        database_host: found.database.and_then(|database| database.host),
    })
}

pub(super) fn missing(doing: &'static str, what: &str) -> ManagementError {
    ManagementError::Shape { doing, problem: format!("it holds no {what}") }
}
