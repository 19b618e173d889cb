//! A user's row, and how Auth shows it.

use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::answer::Refusal;

/// A row of `auth.users`, with its identities and second factors.
#[derive(Clone)]
pub(super) struct User(Value);

macro_rules! users_where {
    ($condition:literal) => {
        concat!(
            "SELECT to_jsonb(u) || jsonb_build_object('identities', \
               (SELECT coalesce(jsonb_agg(to_jsonb(i)), '[]') FROM identities i \
                 WHERE i.user_id = u.id), 'factors', \
               (SELECT coalesce(jsonb_agg(to_jsonb(f) - 'secret' - 'user_id'), '[]') \
                 FROM mfa_factors f WHERE f.user_id = u.id)) FROM users u WHERE ",
            $condition
        )
    };
}
pub(super) use users_where;

impl User {
    pub(super) fn of(row: Value) -> Self {
        Self(row)
    }

    pub(super) async fn by_id(tx: &mut PgConnection, id: &str) -> Result<Option<Self>, Refusal> {
        Self::found(tx, users_where!("id::text = $1"), id).await
    }

    pub(super) async fn by_email(
        tx: &mut PgConnection,
        email: &str,
    ) -> Result<Option<Self>, Refusal> {
        Self::found(tx, users_where!("email = lower($1)"), email).await
    }

    /// Finds the user to whom `sql` leads from a value.
    pub(super) async fn found(
        tx: &mut PgConnection,
        sql: &'static str,
        by: &str,
    ) -> Result<Option<Self>, Refusal> {
        let found = sqlx::query_scalar(sql).bind(by).fetch_optional(tx).await?;
        Ok(found.map(Self))
    }

    /// Reads the row again.
    pub(super) async fn again(&self, tx: &mut PgConnection) -> Result<Self, Refusal> {
        let gone = || Refusal::because(404, "user_not_found", "User not found");
        Self::by_id(tx, self.id()).await?.ok_or_else(gone)
    }

    pub(super) fn id(&self) -> &str {
        self.text("id")
    }

    /// Returns a column's text, nothing for null.
    pub(super) fn text(&self, column: &str) -> &str {
        self.0[column].as_str().unwrap_or_default()
    }

    pub(super) fn is(&self, column: &str) -> bool {
        self.0[column] == true
    }

    pub(super) fn metadata(&self, column: &str) -> Value {
        let found = &self.0[column];
        if found.is_null() { json!({}) } else { found.clone() }
    }

    /// Returns whether the user is banned at an instant, as Auth writes instants in UTC.
    pub(super) fn is_banned(&self, now: &str) -> bool {
        instant(&self.0["banned_until"]).is_some_and(|until| *until > *now)
    }

    /// Returns the user as the API shows them.
    pub(super) fn shown(&self) -> Value {
        let mut shown = Map::new();
        for column in ["id", "aud", "role", "email", "phone"] {
            shown.insert(column.to_owned(), json!(self.text(column)));
        }
        for column in [
            "email_confirmed_at",
            "invited_at",
            "phone_confirmed_at",
            "confirmation_sent_at",
            "confirmed_at",
            "recovery_sent_at",
            "last_sign_in_at",
            "created_at",
            "updated_at",
            "banned_until",
        ] {
            if let Some(at) = instant(&self.0[column]) {
                shown.insert(column.to_owned(), json!(at));
            }
        }
        shown.insert("app_metadata".to_owned(), self.metadata("raw_app_meta_data"));
        shown.insert("user_metadata".to_owned(), self.metadata("raw_user_meta_data"));
        shown.insert("is_anonymous".to_owned(), self.0["is_anonymous"].clone());
        let identities = self.0["identities"].as_array().unwrap().iter().map(identity);
        shown.insert("identities".to_owned(), identities.collect());
        let factors: Vec<Value> =
            self.0["factors"].as_array().unwrap().iter().map(factor).collect();
        if !factors.is_empty() {
            shown.insert("factors".to_owned(), json!(factors));
        }
        Value::Object(shown)
    }
}

fn identity(row: &Value) -> Value {
    let mut shown = json!({ "identity_id": row["id"], "id": row["provider_id"],
        "user_id": row["user_id"], "identity_data": row["identity_data"],
        "provider": row["provider"], "email": row["email"] });
    for column in ["last_sign_in_at", "created_at", "updated_at"] {
        shown[column] = json!(instant(&row[column]));
    }
    shown
}

fn factor(row: &Value) -> Value {
    let mut shown = json!({ "id": row["id"], "status": row["status"],
        "friendly_name": row["friendly_name"], "factor_type": row["factor_type"], "phone": "" });
    for column in ["created_at", "updated_at", "last_challenged_at"] {
        if let Some(at) = instant(&row[column]) {
            shown[column] = json!(at);
        }
    }
    shown
}

/// Postgres says `+00:00` where Auth says `Z`.
fn instant(column: &Value) -> Option<String> {
    column.as_str().map(|text| text.replace("+00:00", "Z"))
}
