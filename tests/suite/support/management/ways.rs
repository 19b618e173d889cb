//! The regions, keys and restrictions of a project, and the ways to its database.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Shared;
use super::routes::{Answer, look};
use super::wire::{Passage, Route};

const REGIONS: [(&str, &str); 5] = [
    ("eu-central-1", "Central EU (Frankfurt)"),
    ("eu-west-1", "West EU (Ireland)"),
    ("us-east-1", "East US (North Virginia)"),
    ("ap-south-1", "South Asia (Mumbai)"),
    ("ap-southeast-1", "Southeast Asia (Singapore)"),
];

pub(super) fn regions(shared: &Shared) -> Answer {
    let state = shared.state();
    let specific = |(code, name): &(&str, &str)| {
        let mut region = json!({
            "name": name, "code": code, "type": "specific", "provider": "AWS",
        });
        if state.settings.full_regions.iter().any(|full| full == code) {
            region["status"] = json!("capacity");
        }
        region
    };
    let all: Vec<_> = REGIONS.iter().map(specific).collect();
    let group =
        |code: &str, name: &str| json!({ "name": name, "code": code, "type": "smartGroup" });
    let groups = [group("americas", "Americas"), group("emea", "Europe"), group("apac", "Asia")];
    (
        200,
        json!({
            "recommendations": { "smartGroup": groups[1], "specific": [all[0]] },
            "all": { "smartGroup": groups, "specific": all },
        }),
    )
}

pub(super) fn keys(reference: &str, query: &[(String, String)]) -> Value {
    let reveals = query.iter().any(|(name, value)| name == "reveal" && value == "true");
    let jwt = |role: &str| format!("eyJhbGciOiJIUzI1NiJ9.{reference}.{role}");
    let secret = if reveals {
        format!("sb_secret_{reference}")
    } else {
        format!("sb_secret_abcde{}", "\u{b7}".repeat(26))
    };
    json!([
        { "name": "anon", "id": "anon", "type": "legacy", "api_key": jwt("anon"),
          "hash": "h", "prefix": "tbn2D", "description": "Legacy anon API key" },
        { "name": "service_role", "id": "service_role", "type": "legacy",
          "api_key": jwt("service_role"), "hash": "h", "prefix": "OxwOz",
          "description": "Legacy service_role API key" },
        { "name": "default", "id": "0f7a1c5e-0000-4000-8000-000000000001", "type": "publishable",
          "api_key": format!("sb_publishable_{reference}"), "prefix": "sb_publishable_",
          "hash": "h", "description": null, "secret_jwt_template": null },
        { "name": "default", "id": "0f7a1c5e-0000-4000-8000-000000000002", "type": "secret",
          "api_key": secret, "prefix": "sb_secret_abcde", "hash": "h", "description": null,
          "secret_jwt_template": { "role": "service_role" } },
    ])
}

pub(super) fn restrictions(shared: &Shared, reference: &str) -> Value {
    let state = shared.state();
    let project = state.projects.iter().find(|p| p.reference == reference).unwrap();
    json!({
        "entitlement": "allowed", "status": "applied",
        "config": { "dbAllowedCidrs": project.allowed.0, "dbAllowedCidrsV6": project.allowed.1 },
    })
}

/// Adds and removes addresses that may connect.
pub(super) fn amend(allowed: &mut (Vec<String>, Vec<String>), body: &Value) {
    let (four, six) = allowed;
    for (list, name) in [(four, "dbAllowedCidrs"), (six, "dbAllowedCidrsV6")] {
        let texts = |what: &str| {
            let given = body[what][name].as_array().into_iter().flatten();
            given.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        let (added, removed) = (texts("add"), texts("remove"));
        list.retain(|cidr| !removed.contains(cidr));
        for cidr in added {
            if !list.contains(&cidr) {
                list.push(cidr);
            }
        }
    }
}

/// Returns the restrictions as PATCH answers them: one list, each address with its family.
pub(super) fn restrictions_by_family(shared: &Shared, reference: &str) -> Value {
    let state = shared.state();
    let project = state.projects.iter().find(|p| p.reference == reference).unwrap();
    let of = |list: &[String], family: &str| -> Vec<Value> {
        list.iter().map(|cidr| json!({ "address": cidr, "type": family })).collect()
    };
    let both = [of(&project.allowed.0, "v4"), of(&project.allowed.1, "v6")].concat();
    json!({
        "entitlement": "allowed", "status": "applied",
        "config": { "dbAllowedCidrs": both },
    })
}

pub(super) fn direct_route(shared: &Arc<Shared>, reference: &str) -> Route {
    let (shared, reference) = (Arc::downgrade(shared), reference.to_owned());
    Arc::new(move |user| {
        let gone = || ("57P01".to_owned(), "the fake is gone".to_owned());
        enter(&*shared.upgrade().ok_or_else(gone)?, &reference, user)
    })
}

/// Returns the pooler's way: the role's name ends in the project's ref.
pub(super) fn pooler_route(shared: &Arc<Shared>) -> Route {
    let shared = Arc::downgrade(shared);
    Arc::new(move |login| {
        let gone = || ("57P01".to_owned(), "the fake is gone".to_owned());
        let shared = shared.upgrade().ok_or_else(gone)?;
        let unknown = || {
            let text = format!("(ENOTFOUND) tenant/user {login} not found");
            ("XX000".to_owned(), text)
        };
        let (user, reference) = login.rsplit_once('.').ok_or_else(unknown)?;
        let is_known = shared.state().projects.iter().any(|p| p.reference == reference);
        if is_known { enter(&shared, reference, user) } else { Err(unknown()) }
    })
}

fn enter(shared: &Shared, reference: &str, user: &str) -> Result<Passage, (String, String)> {
    match look(shared, reference) {
        Ok(status) if status == "ACTIVE_HEALTHY" => {
            let socket = shared.postgres_of(reference).socket();
            Ok(Passage { reference: reference.to_owned(), user: user.to_owned(), socket })
        }
        _ => Err(("57P03".to_owned(), "the database system is starting up".to_owned())),
    }
}
