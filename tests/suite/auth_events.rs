//! Everything that the real Supabase Auth handed to the hook, through the hook. What the hook of that
//! day answered was recorded too, and is not what is right.

use serde_json::{Value, json};

use crate::support::claims::{event, hook, judged, now};
use crate::support::{Operator, Session};

const EVENTS: &str = include_str!("../data/auth/hook-events.json");

/// The tenants that the events name, but for one that nobody has.
const TENANTS: [(&str, &str); 3] = [
    ("acme", "31551632-d14e-4761-adeb-d36784f21afe"),
    ("globex", "62afc245-821d-46d1-a9c2-f90d6717c556"),
    ("initech", "52396d64-6aa4-4bf7-9169-4ccfa80f2dcb"),
];

/// What is right.
#[derive(Clone, Copy)]
enum Right {
    /// The claims as they came; nothing recorded.
    Untouched,
    /// A new part, recorded.
    Begins,
    /// The part that this sign-in has there already.
    GoesOn,
    /// Refused with these words.
    Refused(&'static str),
}
use Right::{Begins, GoesOn, Refused, Untouched};

const LOCKED: &str = "access to this tenant is not allowed";
const REVOKED: &str = "this session was revoked; sign in again";

/// In the order of the recording.
const RIGHT: [(&str, Right); 27] = [
    ("password", Untouched),
    ("password", Begins),
    ("token_refresh", GoesOn),
    ("totp", GoesOn),
    ("anonymous", Untouched),
    ("otp", Begins),
    ("otp", Begins),
    // An invitation accepted.
    ("otp", Untouched),
    ("password", Begins),
    ("oauth_provider/authorization_code", Begins),
    ("token_refresh", GoesOn),
    ("magiclink", Begins),
    ("password", Begins),
    ("password", Begins),
    // After the tenant was taken away: it was put back from what was recorded.
    ("token_refresh", Untouched),
    ("password", Begins),
    ("token_refresh", GoesOn),
    ("password", Begins),
    ("password", Begins),
    ("password", Begins),
    ("password", Begins),
    ("password", Begins),
    // After the tenant was changed: it was refused, and is a second part of the sign-in.
    ("token_refresh", Begins),
    ("token_refresh", Refused(REVOKED)),
    ("password", Refused(LOCKED)),
    ("otp", Refused(LOCKED)),
    ("password", Refused(LOCKED)),
];

/// Moves an event to the present, with the distances inside it as they were.
fn moved(mut event: Value, to: i64) -> Value {
    let claims = &mut event["claims"];
    let by = to - claims["iat"].as_i64().unwrap();
    let shift = |second: &mut Value| *second = json!(second.as_i64().unwrap() + by);
    shift(&mut claims["iat"]);
    shift(&mut claims["exp"]);
    claims["amr"].as_array_mut().unwrap().iter_mut().for_each(|amr| shift(&mut amr["timestamp"]));
    event
}

fn recorded(plane: &mut Session, event: &Value) -> Vec<(String, String, i64)> {
    plane.rows(&format!(
        "SELECT jti, tenant_id::text, tenant_epoch FROM control_plane.sessions \
         WHERE session_id = '{}' ORDER BY issued_at",
        event["claims"]["session_id"].as_str().unwrap()
    ))
}

#[test]
fn every_recorded_event_gets_the_right_answer() {
    let operator = Operator::beside_auth();
    for (slug, id) in TENANTS {
        let line = format!("tenant create {slug} --name {slug} --id {id} --no-migrate");
        let _ran = operator.run(&line).success();
    }
    let (mut auth, mut plane) = (operator.auth(), operator.plane());
    let events: Vec<Value> = serde_json::from_str(EVENTS).unwrap();
    assert_eq!(events.len(), RIGHT.len());
    for (number, (found, (method, right))) in events.into_iter().zip(RIGHT).enumerate() {
        let event = moved(found["event"].clone(), now(&mut plane));
        let told = format!("event {number}, {method}: {event}");
        assert_eq!(event["authentication_method"], method, "{told}");
        given(&operator, &mut auth, number, &event);
        let before = recorded(&mut plane, &event);
        let answer = hook(&mut auth, &event);
        let after = recorded(&mut plane, &event);
        let claims = answer["claims"].clone();
        match right {
            Untouched => assert_eq!(answer, json!({ "claims": event["claims"] }), "{told}"),
            Refused(words) => {
                let error = json!({ "http_code": 403, "message": words });
                assert_eq!(answer, json!({ "error": error }), "{told}");
            }
            Begins | GoesOn => {
                let (jti, tenant, epoch) = after.last().unwrap();
                let mut expected = event["claims"].clone();
                expected["jti"] = json!(jti);
                expected["tenant_epoch"] = json!(epoch);
                assert_eq!(claims, expected, "nothing else is added or lost: {told}");
                assert_eq!(claims["app_metadata"]["tenant_id"], json!(tenant), "{told}");
                assert_eq!(judged(&mut plane, &claims), "valid", "{told}");
            }
        }
        let new = usize::from(matches!(right, Begins));
        assert_eq!(after.len(), before.len() + new, "{told}");
        assert_eq!(after[..before.len()], before, "{told}");
    }
}

/// What was the case before the events that were refused then.
fn given(operator: &Operator, auth: &mut Session, number: usize, event: &Value) {
    let mut earlier = event.clone();
    earlier["authentication_method"] = json!("password");
    match number {
        22 => {
            earlier["claims"]["app_metadata"]["tenant_id"] = json!(TENANTS[0].1);
            assert!(hook(auth, &earlier)["error"].is_null());
        }
        23 => {
            assert!(hook(auth, &earlier)["error"].is_null());
            let session = event["claims"]["session_id"].as_str().unwrap();
            let line = format!("--yes session revoke --jti {session} --reason r");
            let _ran = operator.run(&line).success();
        }
        24 => drop(operator.run("lockdown initech --reason r").success()),
        _ => {}
    }
}

/// The events of the other tests are of the shape of the recorded ones.
#[test]
fn the_events_that_tests_make_up_have_the_fields_of_the_recorded_ones() {
    let recorded: Vec<Value> = serde_json::from_str(EVENTS).unwrap();
    let made = event("u", "s", Some("t"), "password", 1);
    let fields = |value: &Value| -> Vec<String> {
        let mut names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    let recorded = &recorded[1]["event"];
    assert_eq!(fields(&made), fields(recorded));
    assert_eq!(fields(&made["claims"]), fields(&recorded["claims"]));
    assert_eq!(fields(&made["metadata"]), fields(&recorded["metadata"]));
    assert!(made["claims"]["aud"].is_string() && recorded["claims"]["aud"].is_string());
}
