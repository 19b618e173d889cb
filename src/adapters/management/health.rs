//! The health of a project's services.

use tokio::time::Instant;

use super::client::Ask;
use super::client::Management;
use super::error::ManagementError;
use super::wire::WireHealth;
use crate::model::{ProjectRef, escape_controls, redact, shorten};

/// The services without which a tenant's database cannot be used.
pub(super) const SERVICES_THAT_MATTER: [&str; 3] = ["db", "db_postgres_user", "pooler"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceHealth {
    pub service: String,
    pub is_healthy: bool,
    /// The API's status word, with its reason when it gives one.
    pub said: String,
}

impl Management {
    /// Returns the health of `SERVICES_THAT_MATTER`.
    ///
    /// # Errors
    /// Also during a project's first seconds, when the API refuses.
    pub async fn health(
        &self,
        reference: &ProjectRef,
        deadline: Instant,
    ) -> Result<Vec<ServiceHealth>, ManagementError> {
        let path = ["projects", reference.as_str(), "health"];
        let mut query = SERVICES_THAT_MATTER.map(|service| ("services", service)).to_vec();
        query.push(("timeout_ms", "5000"));
        let doing = "ask for the health of the project's services";
        let ask = Ask { query: &query, ..Ask::get("health", doing, &path) };
        let found: Option<Vec<WireHealth>> = self.ask(ask, deadline).await?;
        Ok(found.unwrap_or_default().into_iter().map(read).collect())
    }
}

fn read(found: WireHealth) -> ServiceHealth {
    let word = found.status.unwrap_or_else(|| match found.healthy {
        Some(true) => "ACTIVE_HEALTHY".to_owned(),
        _ => "UNKNOWN".to_owned(),
    });
    let error = found.error.map(|error| match error {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    });
    let reason = error.map(|error| format!(": {error}")).unwrap_or_default();
    ServiceHealth {
        service: escape_controls(&found.name),
        is_healthy: word == "ACTIVE_HEALTHY",
        said: shorten(&redact(&escape_controls(&format!("{word}{reason}"))), 200),
    }
}
