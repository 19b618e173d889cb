//! The ways into a project's database: its pooler, a login for a few minutes, its password.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use super::client::Ask;
use super::client::Management;
use super::error::ManagementError;
use super::projects::missing;
use super::wire::{WireLoginRole, WirePooler};
use crate::model::{DatabaseName, ProjectRef, SecretText};

/// A login that works for a few minutes. A project has one, and each call gives it another
/// password, so that the one before stops working.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRole {
    pub role: String,
    pub password: SecretText,
    /// How long new sessions may be opened with it.
    pub ttl: Duration,
}

/// The pooler in front of a project's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pooler {
    pub host: String,
    /// The database's name behind it.
    pub database: String,
    /// What follows the role's name in a login there: `.<ref>`.
    pub user_suffix: String,
}

impl Management {
    /// Returns the pooler of the project's primary database.
    ///
    /// # Errors
    /// [`ManagementError::Shape`] when it names none.
    pub async fn pooler(
        &self,
        reference: &ProjectRef,
        deadline: Instant,
    ) -> Result<Pooler, ManagementError> {
        let doing = "ask for the project's pooler";
        let path = ["projects", reference.as_str(), "config", "database", "pooler"];
        let ask = Ask::get("pooler", doing, &path);
        let found: Option<Vec<WirePooler>> = self.ask(ask, deadline).await?;
        let is_primary = |pooler: &WirePooler| {
            pooler.database_type.as_deref().is_none_or(|kind| kind == "PRIMARY")
        };
        let primary = found.unwrap_or_default().into_iter().find(is_primary);
        let primary = primary.ok_or_else(|| missing(doing, "primary database"))?;
        // With the suffix of another project our login would go there.
        let user = primary.db_user.unwrap_or_default();
        let suffix = format!(".{reference}");
        if !user.is_empty() && !user.ends_with(&suffix) {
            let problem = "its user belongs to another project".to_owned();
            return Err(ManagementError::Shape { doing, problem });
        }
        Ok(Pooler {
            host: primary.db_host.ok_or_else(|| missing(doing, "host"))?,
            database: primary.db_name.unwrap_or_else(|| DatabaseName::SUPABASE.to_owned()),
            user_suffix: suffix,
        })
    }

    /// Asks for a login that works for a few minutes.
    ///
    /// # Errors
    /// When the API does not answer, or refuses; some projects refuse every time (`Denied`).
    pub async fn login_role(
        &self,
        reference: &ProjectRef,
        deadline: Instant,
    ) -> Result<LoginRole, ManagementError> {
        let doing = "get a login for the project's database";
        let path = ["projects", reference.as_str(), "cli", "login-role"];
        let ask = Ask {
            method: Method::POST,
            body: Some(json!({ "read_only": false })),
            ..Ask::get("login_role", doing, &path)
        };
        let found: Option<WireLoginRole> = self.ask(ask, deadline).await?;
        let found = found.ok_or_else(|| missing(doing, "role"))?;
        Ok(LoginRole {
            role: found.role,
            password: SecretText::new(found.password),
            ttl: Duration::from_secs(found.ttl_seconds.unwrap_or(60)),
        })
    }

    /// Gives the project's `postgres` role another password.
    pub async fn set_database_password(
        &self,
        reference: &ProjectRef,
        password: &SecretText,
        deadline: Instant,
    ) -> Result<(), ManagementError> {
        let path = ["projects", reference.as_str(), "database", "password"];
        let ask = Ask {
            method: Method::PATCH,
            body: Some(json!({ "password": password.expose() })),
            ..Ask::get("database_password", "change the project's database password", &path)
        };
        self.tell(ask, deadline).await
    }
}
