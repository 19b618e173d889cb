//! The tenants of one control plane as they were last seen, kept for a Tab that gets no answer.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::Fitting;
use crate::files::replace_cache;
use crate::model::{Slug, Tenant, TenantStatus, escape_controls};

/// What is kept of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) slug: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) plan: Option<String>,
    /// Each as `K=V`.
    pub(super) labels: Vec<String>,
    status: String,
    is_locked: bool,
    is_protected: bool,
}

impl Entry {
    pub(super) fn of(tenant: &Tenant) -> Self {
        Self {
            slug: tenant.slug.to_string(),
            id: tenant.id.to_string(),
            name: escape_controls(&tenant.name),
            plan: tenant.plan.clone(),
            labels: tenant.labels.iter().map(|(key, value)| format!("{key}={value}")).collect(),
            status: tenant.status.word().to_owned(),
            is_locked: tenant.lock.is_some(),
            is_protected: tenant.is_protected,
        }
    }

    pub(super) fn fits(&self, fitting: Fitting) -> bool {
        match fitting {
            Fitting::Any => true,
            Fitting::Locked => self.is_locked,
            Fitting::NotLocked => !self.is_locked,
            Fitting::Deleted => self.status == TenantStatus::Deleted.word(),
            Fitting::Protected => self.is_protected,
            Fitting::NotProtected => !self.is_protected,
        }
    }

    fn json(&self) -> Value {
        json!({
            "slug": self.slug, "id": self.id, "name": self.name, "plan": self.plan,
            "labels": self.labels, "status": self.status, "locked": self.is_locked,
            "protected": self.is_protected,
        })
    }

    /// Reads what was kept; nothing of what cannot have been.
    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().map(escape_controls);
        let labels = value["labels"].as_array()?.iter().filter_map(Value::as_str);
        Some(Self {
            slug: text("slug").filter(|slug| slug.parse::<Slug>().is_ok())?,
            id: text("id")?,
            name: text("name")?,
            plan: text("plan"),
            labels: labels.map(escape_controls).collect(),
            status: text("status")?,
            is_locked: value["locked"].as_bool()?,
            is_protected: value["protected"].as_bool()?,
        })
    }
}

/// Returns where the tenants of a control plane are kept: each has a file of its own.
pub(super) fn file(data_dir: &Path, control_plane: &str) -> PathBuf {
    data_dir.join("completions").join(format!("{control_plane}.json"))
}

pub(super) fn remember(file: &Path, entries: &[Entry]) {
    let text = Value::Array(entries.iter().map(Entry::json).collect()).to_string();
    // The data dir is made by `local up`; with a control plane elsewhere it may not exist.
    let made = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = made.and_then(|()| replace_cache(file, text.as_bytes()));
    // A copy that cannot be written costs the next Tab a query and nothing else.
    drop(written);
}

pub(super) fn recall(file: &Path) -> Vec<Entry> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let kept: Value = serde_json::from_str(&text).unwrap_or_default();
    kept.as_array().into_iter().flatten().filter_map(Entry::read).collect()
}
