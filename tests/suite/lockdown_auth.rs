//! `lockdown` and `unlock` at Supabase Auth: bans, sign-outs, and bans that were there before.

use std::thread::scope;

use serde_json::json;
use uuid::Uuid;

use crate::support::lockdown::{ALL_REFUSED, LOCK, UNLOCK, pairs, results};
use crate::support::{Operator, PATIENCE, Session, server, until};

#[test]
fn auth_bans_sweeps_twice_and_gives_back_what_was() {
    let operator = Operator::beside_auth();
    for slug in ["acme", "globex"] {
        let _ran =
            operator.run(&format!("tenant create {slug} --name {slug} --no-migrate")).success();
    }
    let ids: Vec<_> = (0..4).map(|_| Uuid::new_v4().to_string()).collect();
    let [mapped, named, timed, stranger] = &ids[..] else { unreachable!() };
    let metadata = json!({ "tenant_id": operator.tenant("acme").id }).to_string();
    for (user, metadata) in
        [(mapped, "{}"), (named, &metadata), (timed, &metadata), (stranger, "{}")]
    {
        operator.sign_up(user, metadata);
    }
    let mut plane = operator.plane();
    plane.run(&format!(
        "INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id, member_by) \
         VALUES ('{mapped}', '{}', 'operator')",
        operator.tenant("acme").id
    ));
    // Revoked here once and never a member: no lockdown's business.
    plane.run(&format!(
        "INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id) \
         VALUES ('{stranger}', '{}')",
        operator.tenant("acme").id
    ));
    plane.run(&format!(
        "UPDATE auth.users SET banned_until = '2099-01-01Z' WHERE id = '{timed}'; \
         INSERT INTO auth.sessions (id, user_id) SELECT gen_random_uuid(), id FROM auth.users; \
         INSERT INTO auth.refresh_tokens (user_id, session_id) SELECT user_id, id FROM auth.sessions; \
         INSERT INTO auth.flow_state (id, user_id, provider_type, authentication_method) \
           SELECT gen_random_uuid(), id, 'magiclink', 'magiclink' FROM auth.users; \
         INSERT INTO auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to) \
           SELECT gen_random_uuid(), id, 'recovery_token', 'h', 'e' FROM auth.users"
    ));
    let report = scope(|threads| {
        // A sign-in that was under way when the ban was written.
        threads.spawn(|| {
            let mut plane = operator.plane();
            until("the first sweep", PATIENCE, || {
                let left: i64 = plane.value(&format!(
                    "SELECT count(*) FROM auth.one_time_tokens WHERE user_id = '{named}'"
                ));
                if left == 0 { Ok(()) } else { Err(format!("{left} left")) }
            });
            plane.run(&format!(
                "INSERT INTO auth.sessions (id, user_id) VALUES (gen_random_uuid(), '{named}')"
            ));
        });
        operator.run(LOCK).success().json()
    });
    let auth = &report["layers"][2];
    assert_eq!(auth["detail"], "3 users banned, 3 sessions deleted, 1 more in the second sweep");
    for table in ["sessions", "refresh_tokens", "flow_state", "one_time_tokens"] {
        let left: Vec<(String,)> = plane.rows(&format!("SELECT user_id::text FROM auth.{table}"));
        assert_eq!(left, [(stranger.clone(),)], "{table}");
    }
    let banned = "SELECT count(*) FROM auth.users WHERE banned_until > now() + interval '99 years'";
    assert_eq!(plane.value::<i64>(banned), 3);
    // Who also belongs to another tenant that is locked stays banned until that is lifted.
    plane.run(&format!(
        "INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id, member_by) \
         SELECT '{mapped}', tenant_id, 'operator' FROM control_plane.tenant_metadata \
         WHERE slug = 'globex'"
    ));
    let _ran = operator.run("lockdown globex --reason r").success();
    let _ran = operator.run(LOCK).success();
    let _ran = operator.run(UNLOCK).success();
    let until = |plane: &mut Session, user: &str| -> Option<String> {
        plane.value(&format!(
            "SELECT CASE WHEN banned_until > now() + interval '99 years' THEN 'for ever' \
             ELSE extract(year FROM banned_until)::text END FROM auth.users WHERE id = '{user}'"
        ))
    };
    assert_eq!(until(&mut plane, named), None);
    assert_eq!(until(&mut plane, timed).as_deref(), Some("2099"));
    assert_eq!(until(&mut plane, mapped).as_deref(), Some("for ever"));
    let _ran = operator.run("--yes unlock globex --reason r").success();
    assert_eq!(until(&mut plane, mapped), None);
}

#[test]
fn auth_without_access_is_named() {
    let operator = Operator::beside_auth();
    let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
    server().superuser(operator.plane_name()).run("REVOKE ALL ON auth.users FROM operator");
    let metadata = json!({ "tenant_id": operator.tenant("acme").id });
    server().superuser(operator.plane_name()).run(&format!(
        "INSERT INTO auth.users (id, raw_app_meta_data) VALUES (gen_random_uuid(), '{metadata}')"
    ));
    let report = operator.run(LOCK).fails_with(12).json();
    assert_eq!(results(&report, "layers")[2], ("auth".to_owned(), "failed".to_owned()));
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));
    assert!(report["tenant"]["lock"].is_object(), "{report}");
}
