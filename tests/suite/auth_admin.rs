//! Lockdown where Supabase Auth's tables are out of reach: its admin API bans, and the report says
//! what that does not do.

use serde_json::json;
use uuid::Uuid;

use crate::support::lockdown::{ALL_REFUSED, LOCK, UNLOCK, pairs, results};
use crate::support::{AUTH_KEY, AuthServer, Operator, server};

const HUNDRED_YEARS: i64 = 36_500;

/// Returns three users who work in `acme`, of whom Auth does not know the last, and an operator with
/// the key.
fn tenant_with_users(operator: Operator) -> (Vec<String>, AuthServer, Operator) {
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    let auth = AuthServer::elsewhere();
    let mut users: Vec<_> = (0..2).map(|_| auth.somebody().id).collect();
    users.push(Uuid::new_v4().to_string());
    for user in &users {
        operator.issue(user, "acme");
    }
    let operator = operator
        .with("TENANTCTL_AUTH_URL", auth.url())
        .with("TENANTCTL_AUTH_SERVICE_KEY", AUTH_KEY)
        .with("TENANTCTL_HASTE", "100");
    (users, auth, operator)
}

#[test]
fn the_admin_api_bans_and_gives_back_exactly_what_was() {
    let (users, auth, operator) = tenant_with_users(Operator::new());
    auth.ban(&users[1], 10);
    let ran = operator.run(LOCK).success();
    let report = ran.json();
    assert_eq!(results(&report, "layers")[2], ("auth".to_owned(), "done".to_owned()));
    assert_eq!(
        report["layers"][2]["detail"],
        "2 of 2 users banned through Auth's admin API, 1 recorded here and unknown there; nothing is \
         refreshed, but it ends no session: access tokens that are out live until they expire"
    );
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    for user in &users[..2] {
        assert!(auth.days_banned(user) >= HUNDRED_YEARS - 1, "{user}");
    }
    // Twice is harmless, and does not forget what there was before.
    let _ran = operator.run(LOCK).success();
    assert_eq!(auth.asked("PUT"), 2, "who is banned already is not banned again");
    let opened = operator.run(UNLOCK).success().json();
    assert_eq!(results(&opened, "layers")[1], ("auth".to_owned(), "done".to_owned()));
    assert_eq!(opened["layers"][1]["detail"], "2 bans lifted");
    assert_eq!((auth.days_banned(&users[0]), auth.days_banned(&users[1])), (0, 10));
    auth.assert_true_to_the_document();
    assert!(!format!("{ran}").contains(AUTH_KEY));
}

#[test]
fn who_works_for_another_locked_tenant_stays_banned_until_that_is_lifted() {
    let (users, auth, operator) = tenant_with_users(Operator::new());
    let _ran = operator.run("tenant create globex --name Globex --no-migrate").success();
    operator.plane().run(&format!(
        "INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id, member_by) \
         SELECT '{}', tenant_id, 'auth' FROM control_plane.tenant_metadata WHERE slug = 'globex'",
        users[0]
    ));
    let _ran = operator.run(LOCK).success();
    let _ran = operator.run("lockdown globex --reason r").success();
    // Somebody changed this one's ban since: it is theirs.
    auth.ban(&users[1], 3);
    let opened = operator.run(UNLOCK).success().json();
    assert_eq!(
        opened["layers"][1]["detail"],
        "0 bans lifted, 1 kept for another tenant that is locked down"
    );
    assert!(auth.days_banned(&users[0]) >= HUNDRED_YEARS - 1);
    assert_eq!(auth.days_banned(&users[1]), 3);
    let _ran = operator.run("--yes unlock globex --reason r").success();
    assert_eq!(auth.days_banned(&users[0]), 0);
}

#[test]
fn tables_that_may_not_be_written_are_no_reason_to_ban_nobody() {
    let operator = Operator::beside_auth();
    server().superuser(operator.plane_name()).run("REVOKE ALL ON auth.users FROM operator");
    let (users, auth, operator) = tenant_with_users(operator);
    let claim = serde_json::json!({ "tenant_id": operator.tenant("acme").id });
    let known = format!(
        "INSERT INTO auth.users (id, raw_app_meta_data) VALUES ('{}', '{claim}')",
        users[0]
    );
    server().superuser(operator.plane_name()).run(&known);
    let report = operator.run(LOCK).success().json();
    assert_eq!(results(&report, "layers")[2], ("auth".to_owned(), "done".to_owned()));
    assert!(auth.days_banned(&users[0]) >= HUNDRED_YEARS - 1);
}

#[test]
fn being_told_to_wait_is_obeyed_and_a_refusal_is_a_layer_that_is_off() {
    let (users, auth, operator) = tenant_with_users(Operator::new());
    auth.fail(&[429, 503]);
    let _ran = operator.run(LOCK).success();
    assert!(auth.days_banned(&users[0]) >= HUNDRED_YEARS - 1);
    // Without the key the bans cannot be lifted, and then the tenant stays locked.
    let keyless = operator.without("TENANTCTL_AUTH_SERVICE_KEY");
    let kept = keyless.run(UNLOCK).fails_with(8).json();
    assert_eq!(results(&kept, "layers")[1], ("auth".to_owned(), "failed".to_owned()));
    assert!(kept["tenant"]["lock"].is_object(), "{kept}");
    let wrong = keyless.with("TENANTCTL_AUTH_SERVICE_KEY", "sb_secret_wrong");
    let report = wrong.run(LOCK).fails_with(12);
    let detail = report.json()["layers"][2]["detail"].as_str().unwrap().to_owned();
    assert_eq!(
        detail,
        "failed to list the users of Supabase Auth: it answers 401, {\"message\":\"Invalid API key\"}; \
         0 users looked at, 0 banned: set TENANTCTL_AUTH_SERVICE_KEY or its file to the project's \
         secret key"
    );
    assert!(!format!("{report}").contains("sb_secret_wrong"));
    assert_eq!(results(&report.json(), "probes"), pairs(&ALL_REFUSED));
    let back = wrong.with("TENANTCTL_AUTH_SERVICE_KEY", AUTH_KEY);
    let opened = back.run(UNLOCK).success().json();
    assert_eq!(opened["tenant"]["status"], json!("active"));
    assert_eq!(auth.days_banned(&users[0]), 0);
}
