//! What Auth's admin API says of a user, and of a page of its list; read from whatever came.

use reqwest::header::{HeaderMap, LINK};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::adapters::http::Answer;
use crate::model::{TenantId, UserId};

/// A user, as far as a lockdown asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AuthUser {
    pub id: UserId,
    pub claim: Claim,
    /// Until when they are banned; an instant in the past means that the ban has ended.
    pub banned_until: Option<OffsetDateTime>,
}

/// Which tenant `app_metadata.tenant_id` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    None,
    Tenant(TenantId),
    /// It is there and names no tenant; a token that carries it is refused everywhere.
    Unreadable,
}

/// A page of the list of users.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct UserPage {
    pub users: Vec<AuthUser>,
    /// Entries that cannot be read as a user.
    pub unreadable: usize,
    /// How many users there are in all, by its own count.
    pub total: Option<u64>,
    /// Whether it says that another page follows; nothing where it does not say.
    pub has_next: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct WirePage {
    users: Vec<Value>,
}

impl AuthUser {
    /// Reads a user; nothing when what came is none, or says of itself what cannot be read.
    fn read(value: &Value) -> Option<Self> {
        let id = UserId(uuid(value.get("id")?)?);
        let claim = match value.get("app_metadata") {
            None | Some(Value::Null) => Claim::None,
            Some(Value::Object(metadata)) => match metadata.get("tenant_id") {
                None | Some(Value::Null) => Claim::None,
                Some(claim) => {
                    uuid(claim).map_or(Claim::Unreadable, |id| Claim::Tenant(TenantId(id)))
                }
            },
            Some(_) => return None,
        };
        let banned_until = match value.get("banned_until") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(OffsetDateTime::parse(text, &Rfc3339).ok()?),
            Some(_) => return None,
        };
        Some(Self { id, claim, banned_until })
    }

    /// Reads an answer about one user.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        Self::read(&answer.json().ok()?)
    }
}

impl UserPage {
    /// Reads an answer; nothing when it holds no list.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        let WirePage { users } = answer.json().ok()?;
        let entries = users.len();
        let users: Vec<_> = users.iter().filter_map(AuthUser::read).collect();
        let unreadable = entries - users.len();
        let total = header(&answer.headers, "x-total-count").and_then(|text| text.parse().ok());
        let has_next = header(&answer.headers, LINK.as_str())
            .map(|links| links.split(',').any(|link| link.contains("rel=\"next\"")));
        Some(Self { users, unreadable, total, has_next })
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Reads the one form in which Auth and the judgement on a token write an id.
fn uuid(value: &Value) -> Option<Uuid> {
    let text = value.as_str().filter(|text| text.len() == 36)?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::json;

    use super::*;

    const ID: &str = "cbe29b47-dc51-42d7-9e99-8d232e034924";
    const TENANT: &str = "85325264-9686-48df-adfd-4adcde0bd87d";

    fn answer(body: &Value, headers: &[(&'static str, &str)]) -> Answer {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let (status, headers) = (StatusCode::OK, headers.collect());
        Answer { status, headers, body: body.to_string().into_bytes() }
    }

    #[test]
    fn a_page_as_recorded_is_read() {
        let user = json!({ "id": ID, "aud": "authenticated", "role": "authenticated",
            "email": "u83bb2f23@example.com", "identities": null, "phone": "",
            "app_metadata": { "provider": "email", "tenant_id": TENANT.to_uppercase() },
            "banned_until": "2126-11-02T13:10:23.560630591Z", "is_anonymous": false });
        let link = "</admin/users?page=2&per_page=2>; rel=\"next\", \
                    </admin/users?page=588&per_page=2>; rel=\"last\"";
        let body = json!({ "users": [user, { "id": TENANT }], "aud": "authenticated" });
        let page = UserPage::of(&answer(&body, &[("x-total-count", "1175"), ("link", link)]));
        let page = page.unwrap();
        assert_eq!((page.total, page.has_next, page.unreadable), (Some(1175), Some(true), 0));
        let tenant = TenantId(TENANT.parse().unwrap());
        assert_eq!(page.users[0].claim, Claim::Tenant(tenant), "in either case, as in SQL");
        assert_eq!(page.users[0].banned_until.unwrap().year(), 2126);
        assert_eq!((page.users[1].claim, page.users[1].banned_until), (Claim::None, None));
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_takes_nobody_along() {
        let hostile = [
            json!("a text"),
            json!(null),
            json!({}),
            json!({ "id": 7 }),
            json!({ "id": "../../admin/users" }),
            json!({ "id": ID.replace('-', "") }),
            json!({ "id": format!("{{{ID}}}") }),
            json!({ "id": ID, "app_metadata": [TENANT] }),
            json!({ "id": ID, "banned_until": "for ever" }),
            json!({ "id": ID, "banned_until": 4_000_000_000_u64 }),
        ];
        let mut users = hostile.to_vec();
        users.push(json!({ "id": ID, "app_metadata": { "tenant_id": "acme" } }));
        let headers = [("x-total-count", "-1"), ("link", "nonsense")];
        let page = UserPage::of(&answer(&json!({ "users": users }), &headers)).unwrap();
        assert_eq!((page.users.len(), page.unreadable), (1, hostile.len()));
        assert_eq!(page.users[0].claim, Claim::Unreadable);
        assert_eq!((page.total, page.has_next), (None, Some(false)));
        for body in [json!({}), json!([]), json!({ "users": null }), json!({ "users": {} })] {
            assert_eq!(UserPage::of(&answer(&body, &[])), None, "{body}");
        }
    }
}
