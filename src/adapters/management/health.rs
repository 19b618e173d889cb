//! A project's services and how they are.

use tokio::time::Instant;

use super::client::Ask;
use super::client::Management;
use super::error::ManagementError;
use super::wire::WireHealth;
use crate::model::{ProjectRef, escape_controls, redact, shorten};

/// The services a tenant's database is nothing without.
pub const SERVICES_THAT_MATTER: [&str; 3] = ["db", "db_postgres_user", "pooler"];

/// How one service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The service.
    pub service: String,
    /// Whether it works.
    pub is_healthy: bool,
    /// The API's word for how it is, and its reason when it gives one.
    pub said: String,
}

impl Management {
    /// Returns how the services are that a tenant's database is nothing without.
    ///
    /// # Errors
    /// When the API does not answer or refuses, as it does during a project's first seconds.
    pub async fn health(
        &self,
        reference: &ProjectRef,
        deadline: Instant,
    ) -> Result<Vec<Health>, ManagementError> {
        let path = ["projects", reference.as_str(), "health"];
        let mut query = SERVICES_THAT_MATTER.map(|service| ("services", service)).to_vec();
        query.push(("timeout_ms", "5000"));
        let doing = "ask how the project's services are";
        let ask = Ask { query: &query, ..Ask::get("health", doing, &path) };
        let found: Option<Vec<WireHealth>> = self.ask(ask, deadline).await?;
        Ok(found.unwrap_or_default().into_iter().map(read).collect())
    }
}

fn read(found: WireHealth) -> Health {
    let word = found.status.unwrap_or_else(|| match found.healthy {
        Some(true) => "ACTIVE_HEALTHY".to_owned(),
        _ => "UNKNOWN".to_owned(),
    });
    let error = found.error.map(|error| match error {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    });
    let reason = error.map(|error| format!(": {error}")).unwrap_or_default();
    Health {
        service: escape_controls(&found.name),
        is_healthy: word == "ACTIVE_HEALTHY",
        said: shorten(&redact(&escape_controls(&format!("{word}{reason}"))), 200),
    }
}
