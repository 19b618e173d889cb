//! What Supabase Auth ends is ended here by the same commit, and what was proven before a mark opens
//! nothing after it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::claims::{create, event, hook, judged, now, user};
use crate::support::lockdown::LOCK;
use crate::support::{Operator, Session};

/// Signs a user in, as Auth does: its row, then the hook, in one transaction.
fn signed_in(auth: &mut Session, user: &str, tenant: &str, at: i64) -> Value {
    let session = Uuid::new_v4().to_string();
    auth.run(&format!(
        "BEGIN; INSERT INTO auth.sessions (id, user_id, created_at) \
         VALUES ('{session}', '{user}', to_timestamp({at}))"
    ));
    let answer = hook(auth, &event(user, &session, Some(tenant), "password", at));
    auth.run("COMMIT");
    answer["claims"].clone()
}

/// What a trigger could not write in time is found by comparing.
#[test]
fn auths_own_statement_never_fails_or_waits_for_us() {
    let operator = Operator::beside_auth();
    let acme = create(&operator, "acme");
    let (mut auth, mut plane, user) = (operator.auth(), operator.plane(), user());
    operator.sign_up(&user, &json!({ "tenant_id": acme }).to_string());
    let at = now(&mut plane);
    let token = signed_in(&mut auth, &user, &acme, at);
    let mut holder = operator.plane();
    holder.run("BEGIN; SELECT FROM control_plane.sessions FOR UPDATE");
    let began = Instant::now();
    auth.run("DELETE FROM auth.sessions");
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    holder.run("ROLLBACK");
    assert_eq!(judged(&mut plane, &token), "valid", "it was missed");
    let pruned = operator.run("-o json session prune").success().json();
    assert_eq!(pruned["pruned"]["signed_out"], 1);
    assert_eq!(judged(&mut plane, &token), "signed_out");
}

/// Codes, links and half-done sign-ins from before a lockdown or a revocation are gone; a first
/// confirmation and an invitation stay.
#[test]
fn what_was_proven_before_opens_nothing_after() {
    for act in [LOCK, "--yes session revoke --tenant acme --reason r"] {
        let operator = Operator::beside_auth();
        let acme = create(&operator, "acme");
        let mut plane = operator.plane();
        let (member, invited) = (user(), user());
        let claim = json!({ "tenant_id": acme }).to_string();
        for one in [&member, &invited] {
            operator.sign_up(one, &claim);
        }
        plane.run(&format!(
            "UPDATE auth.users SET recovery_token = 'r', email_change_token_new = 'n', \
               email_change_token_current = 'c', phone_change_token = 'p', \
               reauthentication_token = 'a', confirmation_token = 'k', \
               email_confirmed_at = CASE WHEN id = '{member}' THEN now() END; \
             INSERT INTO auth.flow_state (id, user_id, provider_type, authentication_method) \
               SELECT gen_random_uuid(), id, 'magiclink', 'magiclink' FROM auth.users; \
             INSERT INTO auth.oauth_clients (id, registration_type, redirect_uris, grant_types, \
               token_endpoint_auth_method) \
               VALUES ('{invited}', 'dynamic', 'x', 'authorization_code', 'none'); \
             INSERT INTO auth.oauth_authorizations (id, authorization_id, client_id, user_id, \
               redirect_uri, scope) SELECT gen_random_uuid(), id::text, '{invited}', id, 'x', 'y' \
               FROM auth.users; \
             INSERT INTO auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to) \
               SELECT gen_random_uuid(), id, kind::auth.one_time_token_type, 'h', 'e' \
               FROM auth.users, unnest(ARRAY['confirmation_token', 'recovery_token']) kind"
        ));
        let _ran = operator.run(act).success();
        let left: Vec<(bool, String)> = plane.rows(&format!(
            "SELECT id = '{member}', concat_ws(',', confirmation_token, recovery_token, \
               email_change_token_new, email_change_token_current, phone_change_token, \
               reauthentication_token) FROM auth.users ORDER BY 1"
        ));
        assert_eq!(left, [(false, "k,,,,,".to_owned()), (true, ",,,,,".to_owned())], "{act}");
        let rows: Vec<(i64, i64, String)> = plane.rows(
            "SELECT (SELECT count(*) FROM auth.flow_state), \
               (SELECT count(*) FROM auth.oauth_authorizations), \
               (SELECT string_agg(user_id::text || token_type, '') FROM auth.one_time_tokens)",
        );
        assert_eq!(rows, [(0, 0, format!("{invited}confirmation_token"))], "{act}");
    }
}
