//! What is to be adopted, looked at before anything is written anywhere.

use tokio::time::Instant;

use super::request::CreateRequest;
use crate::adapters::control_plane::{self, ControlPlane};
use crate::adapters::management::Phase;
use crate::adapters::server::{Identity, Stamp, Survey};
use crate::model::{ProjectRef, escape_controls};
use crate::services::home::{Existing, HomeError, World};
use crate::services::tenant::error::TenantError;

/// Looks at what is to be adopted, and returns what the operator reads before doing so.
///
/// # Errors
/// When it is not there, is a tenant's already, or is nothing that a tenant may have alone.
pub(super) async fn look(
    world: &World,
    request: &CreateRequest,
    wanted: &Existing,
    deadline: Instant,
) -> Result<Vec<String>, TenantError> {
    refuse_taken(&world.plane, request, wanted).await?;
    match wanted {
        Existing::Database(name) => look_at_database(world, request, name).await,
        Existing::Project(project) => look_at_project(world, project, deadline).await,
    }
}

async fn look_at_database(
    world: &World,
    request: &CreateRequest,
    name: &str,
) -> Result<Vec<String>, TenantError> {
    let refused = |finding: &str| TenantError::Unadoptable {
        what: format!("database `{}`", escape_controls(name)),
        finding: finding.to_owned(),
    };
    let surveyed = world.homes.cluster().survey(name).await?;
    let Some(Survey { stamp, is_template, has_control_plane, tables, unguarded, bytes }) = surveyed
    else {
        return Err(HomeError::NoDatabase(escape_controls(name)).into());
    };
    if is_template || name == "postgres" {
        return Err(refused(
            "it is the server's own, and adopting it would lock every other role out of it",
        ));
    }
    if has_control_plane {
        return Err(refused("it holds a control plane"));
    }
    match (&stamp, request.id) {
        (Stamp::None, _) => {}
        (Stamp::Of(owner), Some(id))
            if owner.is_same(&Identity::new(id, &request.slug, world.plane.id())) => {}
        (Stamp::Of(owner), _) if owner.control_plane_id == world.plane.id() => {
            return Err(refused(&format!(
                "it is stamped as tenant {} (`{}`), of which nothing is recorded; adopt it under \
                 that id with --id",
                owner.tenant_id,
                escape_controls(&owner.slug)
            )));
        }
        (Stamp::Of(owner), _) => {
            return Err(refused(&format!(
                "its stamp names tenant {} of another control plane ({})",
                owner.tenant_id, owner.control_plane_id
            )));
        }
        (Stamp::Foreign, _) => {
            return Err(refused(
                "it has a comment that is not ours, and the stamp would replace it; if nobody \
                 needs it: COMMENT ON DATABASE … IS NULL",
            ));
        }
    }
    Ok(vec![
        format!("{tables} tables, {unguarded} of them without row security"),
        format!("{} MiB", bytes / (1024 * 1024)),
    ])
}

async fn look_at_project(
    world: &World,
    project: &ProjectRef,
    deadline: Instant,
) -> Result<Vec<String>, TenantError> {
    let nothing = || HomeError::NoProject(project.to_string());
    let found =
        world.homes.projects()?.api().project(project, deadline).await.map_err(HomeError::from)?;
    let found = found.ok_or_else(nothing)?;
    let status = found.status.word().to_owned();
    match found.status.phase() {
        Phase::Ready | Phase::Pending => {}
        Phase::Leaving | Phase::Gone => return Err(nothing().into()),
        phase @ (Phase::Paused | Phase::Failed) => {
            let (project, is_paused) = (project.to_string(), phase == Phase::Paused);
            return Err(HomeError::Unusable { project, status, is_paused }.into());
        }
    }
    let mut findings = vec![format!("`{}`", found.name), status];
    findings.extend(found.region);
    Ok(findings)
}

/// Refuses what another tenant has.
pub(super) async fn refuse_taken(
    plane: &ControlPlane,
    request: &CreateRequest,
    existing: &Existing,
) -> Result<(), TenantError> {
    let (project, database) = match existing {
        Existing::Project(project) => (Some(project), None),
        Existing::Database(name) => (None, Some(name.as_str())),
    };
    let found =
        control_plane::find_by_place(&mut *plane.session().await?, project, database).await?;
    match found {
        Some(owner) if owner.slug != request.slug => Err(TenantError::Taken {
            what: project
                .map_or_else(|| database.unwrap_or_default().to_owned(), ToString::to_string),
            owner: owner.slug.to_string(),
        }),
        _ => Ok(()),
    }
}
