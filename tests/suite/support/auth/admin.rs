//! The admin API: users by page, one user, bans, metadata, deletion.

use axum::http::header::{HeaderName, LINK};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use time::Duration;
use url::form_urlencoded;

use super::answer::{Refusal, Said};
use super::routes::Asked;
use super::server::{KEY, Shared};
use super::users::{User, users_where};
use super::{account, proofs};

/// Lets in whoever has the key; a hosted project's gateway looks at `apikey` before Auth does.
pub(super) async fn answer(shared: &Shared, asked: &Asked, rest: &[&str]) -> Result<Said, Refusal> {
    if asked.api_key.as_deref().is_some_and(|key| key != KEY) {
        return Err(Refusal::Gateway);
    }
    if asked.bearer.as_deref() != Some(KEY) {
        account::claims(shared, asked)?;
        return Err(Refusal::because(403, "not_admin", "User not allowed"));
    }
    match (&*asked.method, rest) {
        ("POST", ["generate_link"]) => proofs::generate_link(shared, asked).await,
        ("GET", ["users"]) => list(shared, asked).await,
        (_, ["users", user]) => one(shared, asked, user).await,
        _ => Err(Refusal::because(404, "not_found", "no such route")),
    }
}

/// The newest first, with no order among those of one instant; as many as asked for, without a bound
/// (supabase/auth `internal/api/pagination.go`, read 2026-11).
async fn list(shared: &Shared, asked: &Asked) -> Result<Said, Refusal> {
    let number = |name: &str, default: i64| match asked.parameter(name) {
        "" => Ok(default),
        text => text.parse().map_err(|_| {
            let sentence = "Bad Pagination Parameters: invalid syntax";
            Refusal::because(400, "validation_failed", sentence)
        }),
    };
    let (page, size) = (number("page", 1)?, number("per_page", 50)?);
    let mut tx = shared.begin().await?;
    let counted = "SELECT count(*) FROM users WHERE aud = 'authenticated' \
                   AND instance_id = '00000000-0000-0000-0000-000000000000'";
    let total: i64 = sqlx::query_scalar(counted).fetch_one(&mut *tx).await?;
    let listed = users_where!(
        "aud = 'authenticated' AND instance_id = '00000000-0000-0000-0000-000000000000' \
         ORDER BY created_at DESC LIMIT $1 OFFSET $2"
    );
    let rows = sqlx::query_scalar(listed).bind(size).bind((page.max(1) - 1) * size);
    let rows: Vec<Value> = rows.fetch_all(&mut *tx).await?;
    let users: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            let mut shown = User::of(row).shown();
            shown["identities"] = Value::Null;
            shown
        })
        .collect();
    let last = (total + size - 1) / size.max(1);
    let mut links = Vec::new();
    if last > page {
        links.push(link(asked, page + 1, "next"));
    }
    links.push(link(asked, last, "last"));
    let headers = vec![
        (LINK, links.join(", ")),
        (HeaderName::from_static("x-total-count"), total.to_string()),
    ];
    Ok(Said { headers, ..Said::ok(json!({ "users": users, "aud": "authenticated" })) })
}

/// With the parameters of the request in the order of their names.
fn link(asked: &Asked, page: i64, relation: &str) -> String {
    let mut query = asked.query.clone();
    query.insert("page".to_owned(), page.to_string());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("</admin/users?{query}>; rel=\"{relation}\"")
}

async fn one(shared: &Shared, asked: &Asked, user: &str) -> Result<Said, Refusal> {
    let mut tx = shared.begin().await?;
    let not_found = || Refusal::because(404, "user_not_found", "User not found");
    let user = User::by_id(&mut tx, user).await?.ok_or_else(not_found)?;
    let said = match &*asked.method {
        "GET" => user.shown(),
        "DELETE" => {
            let sql = "DELETE FROM users WHERE id = $1::uuid";
            sqlx::query(sql).bind(user.id()).execute(&mut *tx).await?;
            json!({})
        }
        _ => change(&mut tx, shared, asked, &user).await?.shown(),
    };
    tx.commit().await?;
    Ok(Said::ok(said))
}

async fn change(
    tx: &mut PgConnection,
    shared: &Shared,
    asked: &Asked,
    user: &User,
) -> Result<User, Refusal> {
    let length = asked.body["ban_duration"].as_str().map(duration).transpose()?;
    if let Some(updates) = asked.body["app_metadata"].as_object() {
        let mut metadata = user.metadata("raw_app_meta_data");
        merge(metadata.as_object_mut().unwrap(), updates);
        let sql = "UPDATE users SET raw_app_meta_data = $2, updated_at = $3 WHERE id = $1::uuid";
        let now = shared.now();
        sqlx::query(sql).bind(user.id()).bind(metadata).bind(now).execute(&mut *tx).await?;
    }
    if let Some(length) = length {
        let until = (!length.is_zero()).then(|| shared.now() + length);
        let sql = "UPDATE users SET banned_until = $2, updated_at = $3 WHERE id = $1::uuid";
        let now = shared.now();
        sqlx::query(sql).bind(user.id()).bind(until).bind(now).execute(&mut *tx).await?;
    }
    user.again(tx).await
}

/// A field that is null is taken away.
fn merge(metadata: &mut Map<String, Value>, updates: &Map<String, Value>) {
    for (name, value) in updates {
        if value.is_null() {
            metadata.remove(name);
        } else {
            metadata.insert(name.clone(), value.clone());
        }
    }
}

/// One number and a unit of Go's durations, which end at 292 years; `none` is zero.
fn duration(text: &str) -> Result<Duration, Refusal> {
    let refused = || {
        let sentence = format!("invalid format for ban duration: time: invalid duration {text:?}");
        Refusal::Because(400, "validation_failed", sentence)
    };
    if text == "none" {
        return Ok(Duration::ZERO);
    }
    let split = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(refused)?;
    let unit = match split.1 {
        "h" => 3600,
        "m" => 60,
        "s" => 1,
        _ => return Err(refused()),
    };
    let number: i64 = split.0.parse().map_err(|_| refused())?;
    let seconds = number.checked_mul(unit).filter(|seconds| *seconds <= i64::MAX / 1_000_000_000);
    seconds.map(Duration::seconds).ok_or_else(refused)
}
