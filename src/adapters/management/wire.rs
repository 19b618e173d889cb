//! The published shapes, reduced to what we read; every field that a recorded answer leaves out is
//! optional.

use serde::Deserialize;

use crate::model::{escape_controls, redact, shorten};

/// The longest part of a refusal's words that is kept, in characters.
const WORDS_LIMIT: usize = 500;

/// A refusal's body.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    message: Option<serde_json::Value>,
    error: Option<serde_json::Value>,
    missing_permissions: Option<Vec<serde_json::Value>>,
}

impl Refusal {
    /// Returns whether it is how the API answers a request that it took: `{"message":"…"}`. What no
    /// route takes is answered `Cannot GET /…` by its framework, and by others that use that.
    pub(super) fn is_of_api(&self) -> bool {
        let text = self.message.as_ref().and_then(serde_json::Value::as_str);
        text.is_some_and(|text| !text.is_empty() && !text.starts_with("Cannot "))
    }

    /// Returns its message, safe to show and to store.
    pub(super) fn words(&self) -> String {
        let mut text = self.message.as_ref().or(self.error.as_ref()).map(flat).unwrap_or_default();
        if let Some(missing) = &self.missing_permissions {
            let missing: Vec<_> = missing.iter().map(flat).collect();
            text = format!("{text} (missing permissions: {})", missing.join(", "));
        }
        // Escaped last: as an escape, a line break would join two words.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        shorten(&escape_controls(&redact(&text)), WORDS_LIMIT)
    }
}

fn flat(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => items.iter().map(flat).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A project in the answers of `GET /v1/projects/{ref}` and `POST /v1/projects`.
#[derive(Debug, Deserialize)]
pub(super) struct WireProject {
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    pub(super) id: Option<serde_json::Value>,
    pub(super) name: Option<String>,
    pub(super) region: Option<String>,
    pub(super) status: Option<String>,
    pub(super) organization_slug: Option<String>,
    pub(super) organization_id: Option<String>,
    pub(super) database: Option<WireDatabase>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireDatabase {
    pub(super) host: Option<String>,
}

/// A page of an organization's projects.
#[derive(Debug, Deserialize)]
pub(super) struct WirePage {
    #[serde(default)]
    pub(super) projects: Vec<WireListed>,
    pub(super) pagination: Option<WirePagination>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireListed {
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    pub(super) name: Option<String>,
    pub(super) region: Option<String>,
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) is_branch: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct WirePagination {
    pub(super) count: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireOrganization {
    pub(super) slug: Option<String>,
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireRegions {
    pub(super) all: Option<WireRegionGroups>,
    pub(super) recommendations: Option<WireRecommendations>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireRegionGroups {
    #[serde(default)]
    pub(super) specific: Vec<WireRegion>,
    #[serde(rename = "smartGroup", default)]
    pub(super) smart: Vec<WireRegion>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireRecommendations {
    #[serde(rename = "smartGroup")]
    pub(super) smart: Option<WireRegion>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireRegion {
    pub(super) code: Option<String>,
    pub(super) status: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireHealth {
    #[serde(default)]
    pub(super) name: String,
    pub(super) status: Option<String>,
    pub(super) healthy: Option<bool>,
    pub(super) error: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WirePooler {
    pub(super) database_type: Option<String>,
    pub(super) db_user: Option<String>,
    pub(super) db_host: Option<String>,
    pub(super) db_name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireLoginRole {
    pub(super) role: String,
    pub(super) password: String,
    pub(super) ttl_seconds: Option<u64>,
}
