//! The ways into a project's database: its pooler, a login for a few minutes, its password, SQL over
//! HTTPS, and who may connect at all.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::client::Ask;
use super::client::Management;
use super::error::ManagementError;
use super::projects::missing;
use super::wire::{WireApiKey, WireLoginRole, WirePooler, WireRestrictions};
use crate::adapters::http::Repeat;
use crate::model::{DatabaseName, ProjectRef, SecretText};

/// A login that works for a few minutes. A project has one, and each call gives it another
/// password: whoever asks later ends the earlier one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRole {
    /// The role.
    pub role: String,
    /// Its password.
    pub password: SecretText,
    /// How long new sessions may be opened with it.
    pub ttl: Duration,
}

/// The pooler in front of a project's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pooler {
    /// Its host.
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
    /// When the API does not answer or refuses, or names none.
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
        // Another user's suffix would send our login to another project.
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
    /// When the API does not answer, or refuses as some projects do for ever.
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

    /// Takes the short-lived login away again.
    ///
    /// # Errors
    /// When the API does not answer or refuses.
    pub async fn drop_login_role(
        &self,
        reference: &ProjectRef,
        deadline: Instant,
    ) -> Result<(), ManagementError> {
        let path = ["projects", reference.as_str(), "cli", "login-role"];
        let ask = Ask {
            method: Method::DELETE,
            ..Ask::get("drop_login_role", "take the project's short-lived login away", &path)
        };
        self.tell(ask, deadline).await
    }

    /// Gives the project's `postgres` role another password.
    ///
    /// # Errors
    /// When the API does not answer or refuses.
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

    /// Runs SQL in the project's database and returns its rows.
    ///
    /// # Errors
    /// When the API does not answer, or the statement fails.
    pub async fn query(
        &self,
        reference: &ProjectRef,
        sql: &str,
        deadline: Instant,
    ) -> Result<Vec<Value>, ManagementError> {
        let path = ["projects", reference.as_str(), "database", "query"];
        let ask = Ask {
            method: Method::POST,
            body: Some(json!({ "query": sql })),
            repeat: Repeat::Unsafe,
            ..Ask::get("query", "run SQL over the Management API", &path)
        };
        Ok(self.ask::<Option<Vec<Value>>>(ask, deadline).await?.unwrap_or_default())
    }

    /// Returns the kind and name of each of the project's API keys, without their values.
    ///
    /// # Errors
    /// When the API does not answer or refuses.
    pub async fn api_keys(
        &self,
        reference: &ProjectRef,
        deadline: Instant,
    ) -> Result<Vec<(String, String)>, ManagementError> {
        let path = ["projects", reference.as_str(), "api-keys"];
        let ask = Ask::get("api_keys", "list the project's API keys", &path);
        let found: Option<Vec<WireApiKey>> = self.ask(ask, deadline).await?;
        let read = |key: WireApiKey| (key.kind.unwrap_or_else(|| "legacy".to_owned()), key.name);
        Ok(found.unwrap_or_default().into_iter().map(read).collect())
    }

    /// Returns the networks that may connect to the project's database; empty when nobody said.
    ///
    /// # Errors
    /// When the API does not answer or refuses.
    pub async fn allowed_networks(
        &self,
        reference: &ProjectRef,
        deadline: Instant,
    ) -> Result<Vec<String>, ManagementError> {
        let path = ["projects", reference.as_str(), "network-restrictions"];
        let ask = Ask::get("network_restrictions", "ask which networks may connect", &path);
        let found: Option<WireRestrictions> = self.ask(ask, deadline).await?;
        let config = found.and_then(|found| found.config);
        let networks = config.map(|config| {
            let (v4, v6) = (config.v4.unwrap_or_default(), config.v6.unwrap_or_default());
            v4.into_iter().chain(v6).collect()
        });
        Ok(networks.unwrap_or_default())
    }

    /// Sets the networks that may connect to the project's database.
    ///
    /// # Errors
    /// When the API does not answer or refuses.
    pub async fn allow_networks(
        &self,
        reference: &ProjectRef,
        v4: &[&str],
        v6: &[&str],
        deadline: Instant,
    ) -> Result<(), ManagementError> {
        let path = ["projects", reference.as_str(), "network-restrictions", "apply"];
        let ask = Ask {
            method: Method::POST,
            // Empty lists, never null: the API refuses null.
            body: Some(json!({ "dbAllowedCidrs": v4, "dbAllowedCidrsV6": v6 })),
            ..Ask::get("allow_networks", "say which networks may connect", &path)
        };
        self.tell(ask, deadline).await
    }
}
