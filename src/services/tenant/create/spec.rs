//! Whether the tenant that has the slug is the one that was asked for.

use std::collections::BTreeMap;

use super::request::CreateRequest;
use crate::model::{Tenant, TenantStatus};
use crate::services::home::Existing;
use crate::services::migration::MigrationError;
use crate::services::tenant::error::TenantError;

/// Refuses a baseline that is the number of no migration.
pub(super) fn check_baseline(request: &CreateRequest) -> Result<(), TenantError> {
    let files = request.sets.domain.records();
    match request.baseline {
        Some(at) if !files.iter().any(|file| file.version == at) => {
            Err(MigrationError::NoSuchVersion(at.0).into())
        }
        _ => Ok(()),
    }
}

/// Refuses a tenant that is not what was asked for, or in no state to be continued.
pub(super) fn check_same(tenant: &Tenant, request: &CreateRequest) -> Result<(), TenantError> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, there: Option<String>, asked: Option<String>| {
        if there != asked {
            let shown = |value: Option<String>| {
                value.map_or_else(|| "none".to_owned(), |value| format!("`{value}`"))
            };
            differences.push(format!("{what} {} (asked for {})", shown(there), shown(asked)));
        }
    };
    let labels = |labels: &BTreeMap<String, String>| {
        let pairs: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join(","))
    };
    compare("name", Some(tenant.name.clone()), Some(request.name.as_str().to_owned()));
    compare("plan", tenant.plan.clone(), request.plan.clone());
    compare("labels", labels(&tenant.labels), labels(&request.labels));
    if request.region.is_some() || !tenant.placement.assigns_region() {
        compare("region", tenant.region.clone(), request.region.clone());
    }
    let (there, asked) = (tenant.placement.word(), request.placement.word());
    compare("placement", Some(there.to_owned()), Some(asked.to_owned()));
    match &request.adopts {
        Some(Existing::Database(name)) => {
            compare(
                "database",
                tenant.database.as_ref().map(ToString::to_string),
                Some(name.clone()),
            );
        }
        // Until it is recorded, the one that is asked for is as good as any.
        Some(Existing::Project(project)) => {
            let there = tenant.project_ref.as_ref().unwrap_or(project).to_string();
            compare("project", Some(there), Some(project.to_string()));
        }
        None => {}
    }
    if let Some(id) = request.id {
        compare("id", Some(tenant.id.to_string()), Some(id.to_string()));
    }
    if !differences.is_empty() {
        let slug = tenant.slug.to_string();
        return Err(TenantError::SpecDiffers { act: request.act(), slug, differences });
    }
    match tenant.status {
        // Going on would give it a login that works.
        TenantStatus::Provisioning | TenantStatus::Active if tenant.is_locked() => {
            Err(TenantError::locked(request.act(), tenant))
        }
        TenantStatus::Provisioning | TenantStatus::Active => Ok(()),
        _ => Err(TenantError::wrong_state(request.act(), tenant)),
    }
}
