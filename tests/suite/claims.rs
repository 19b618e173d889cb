//! Claims that cannot be read, and claims from the future: the tenant's gate, the control plane and
//! `token verify` refuse them alike, whatever version the server is.

use serde_json::{Value, json};
use tenantctl::testkit::token::{CheckName, Outcome, Rules};

use crate::support::claims::{create, is_valid, judged, now, quoted, token, user};
use crate::support::judge::{NOW, bench, changed, judge_by, rules};
use crate::support::two::two;
use crate::support::{Operator, Session, server};

const USER: &str = "5a5a5a5a-5a5a-4a5a-8a5a-5a5a5a5a5a5a";

/// Says how many vendors a request with these claims sees, after these steps at the gate.
fn sees(steps: &str, claims: &str) -> String {
    let acme = &two().acme;
    server().superuser(&acme.database).says_and_undoes(&[
        steps,
        &format!("SELECT set_config('app.current_tenant_id', '{}', true)", acme.id),
        &format!("SELECT set_config('request.jwt.claims', $claims${claims}$claims$, true)"),
        &format!("SET LOCAL ROLE {}", acme.database),
        "SELECT count(*) > 0 FROM public.vendors",
    ])
}

/// Says what the pre-request check makes of a request with these claims.
fn checked(plane: &mut Session, claims: &str) -> String {
    plane.says_and_undoes(&[
        &format!("SELECT set_config('request.jwt.claims', $claims${claims}$claims$, true)"),
        "SELECT control_plane.check_request()",
    ])
}

/// Claims that hold `depth` containers in one another, the claims themselves among them.
fn nested(depth: usize, (open, value, close): (&str, &str, &str)) -> String {
    let (inner, outer) = (open.repeat(depth - 1), close.repeat(depth - 1));
    let about = format!(r#""sub":"{USER}","iat":1780000000"#);
    format!(
        r#"{{{about},"app_metadata":{{"tenant_id":"{}"}},"x":{inner}{value}{outer}}}"#,
        two().acme.id
    )
}

#[test]
fn claims_nested_deeper_than_anyone_reads_are_refused_by_all_who_are_asked() {
    let operator = Operator::new();
    let mut plane = operator.plane();
    for kind in [("[", "1", "]"), ("[", "", "]"), (r#"{"a":"#, "1", "}"), (r#"[{"a":"#, "1", "}]")]
    {
        let step = kind.2.len();
        let claims = |depth: usize| nested(1 + (depth - 1) / step, kind);
        // The two-bracket kind has an odd number of containers.
        let most = if step == 1 { 64 } else { 63 };
        assert_eq!(sees("SELECT", &claims(most)), "t", "{kind:?}");
        for depth in [most + step, 66 + step, 500, 1000, 2000] {
            let claims = claims(depth);
            assert_eq!(sees("SELECT", &claims), "f", "{kind:?} {depth}");
            assert_eq!(checked(&mut plane, &claims), "ERROR PGRST", "{kind:?} {depth}");
            let claims: Value = json!(claims);
            let state: String = plane.value(&format!(
                "SELECT control_plane.claims_state('{}')",
                claims.as_str().unwrap()
            ));
            assert_eq!(state, "unknown", "{kind:?} {depth}");
        }
    }
    // So deep that a server of version 17 still parses it, and one of 15 does not.
    for depth in [5_000, 6_000, 7_900] {
        let claims = nested(depth, ("[", "1", "]"));
        assert_eq!(sees("SELECT", &claims), "f", "{depth}");
        assert_eq!(checked(&mut plane, &claims), "ERROR PGRST", "{depth}");
    }
    // Many brackets beside one another are no depth.
    let flat = nested(2, ("[", &vec!["[]"; 300].join(","), "]"));
    assert_eq!(sees("SELECT", &flat), "t");
    let brackets = nested(2, ("[", &format!("\"{}\"", "[{".repeat(300)), "]"));
    assert_eq!(sees("SELECT", &brackets), "t");
}

#[test]
fn no_instant_in_the_future_is_later_than_a_revocation_at_the_gate() {
    let own = format!(r#""app_metadata":{{"tenant_id":"{}"}}"#, two().acme.id);
    let revoke = "UPDATE tenantctl.gate SET sessions_not_before = now() - interval '5 s'";
    let deny = format!(
        "INSERT INTO tenantctl.denied (user_id, denied_at, until) \
         VALUES ('{USER}', now() - interval '5 s', 'infinity')"
    );
    let second = now(&mut server().superuser("postgres"));
    let year_9999 = "253402300799";
    for iat in [year_9999, "1e999", "1e10", "99999999999999999999", "253402300799.5"]
        .map(str::to_owned)
        .into_iter()
        .chain([(second + 120).to_string()])
    {
        for steps in ["SELECT", revoke, deny.as_str()] {
            for more in ["", r#","tenant_epoch":1"#] {
                let claims = format!(r#"{{"sub":"{USER}","iat":{iat}{more},{own}}}"#);
                assert_eq!(sees(steps, &claims), "f", "{steps}: {claims}");
            }
        }
    }
    // Clocks may be a minute apart: who signs in after the revocation gets in.
    for ahead in [0, 30] {
        for steps in ["SELECT", revoke, deny.as_str()] {
            let iat = now(&mut server().superuser("postgres")) + ahead;
            let claims = format!(r#"{{"sub":"{USER}","iat":{iat},{own}}}"#);
            assert_eq!(sees(steps, &claims), "t", "{steps}: {claims}");
        }
    }
}

#[test]
fn no_instant_in_the_future_is_later_than_a_revocation_in_the_control_plane() {
    let operator = Operator::new();
    let tenant = create(&operator, "acme");
    let mut plane = operator.plane();
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    let user = user();
    let claims = |iat: &str, text: &mut Session| {
        let second = now(text);
        let mut claims = token(&user, &tenant, second);
        claims["iat"] = json!("IAT");
        quoted(&claims).replace("\"IAT\"", iat)
    };
    for is_revoked in [false, true] {
        if is_revoked {
            let line = "--yes session revoke --tenant acme --reason r";
            let _ran = operator.run(line).success();
            let line = format!("--yes session revoke --user {user} --reason r");
            let _ran = operator.run(&line).success();
        }
        let soon = (now(&mut plane) + 120).to_string();
        // Neither may a time be of another kind.
        for iat in ["253402300799", "1e999", "1e10", soon.as_str(), "\"1\"", "[]", "true"] {
            let claims = claims(iat, &mut plane);
            let state: String =
                plane.value(&format!("SELECT control_plane.claims_state('{claims}')"));
            assert_eq!(state, "unknown", "{iat}");
            let passes: bool =
                plane.value(&format!("SELECT control_plane.are_claims_valid('{claims}')"));
            assert!(!passes, "{iat}");
            let checked = checked(&mut plane, &claims.replace("''", "'"));
            assert_eq!(checked, "ERROR PGRST", "{iat}");
        }
        let signed_in = token(&user, &tenant, now(&mut plane) + 30);
        assert_eq!(judged(&mut plane, &signed_in), "unrecorded");
        assert!(is_valid(&mut plane, &signed_in));
    }
    // A session that says when it began, as the hook records it, from the future as little.
    let falls: bool = plane.value(
        "SELECT control_plane.falls_under(253402300799, now() - interval '1 h', interval '0')",
    );
    assert!(falls);
    // What the issuer's clock may be ahead by is within the same minute.
    let said = plane.says("UPDATE control_plane.settings SET clock_skew = '61 s'");
    assert_eq!(said, "ERROR 23514");
}

#[test]
fn no_leeway_lets_a_token_be_issued_further_ahead_than_a_minute() {
    let bench = bench();
    for (leeway, ahead, is_valid) in [
        (3600, 60, true),
        (3600, 61, false),
        (3600, 253_402_300_799 - NOW - 3600, false),
        (30, 30, true),
        (30, 31, false),
    ] {
        let rules = Rules { leeway: std::time::Duration::from_secs(leeway), ..rules() };
        let issued_at = NOW + ahead;
        let claims = changed(&[("iat", json!(issued_at)), ("exp", json!(issued_at + 3600))]);
        let verdict = judge_by(bench.es.token(&claims), &bench.set, &rules);
        assert_eq!(verdict.outcome() == Outcome::Valid, is_valid, "{leeway} {ahead}");
        let failed: Vec<_> = verdict.failures().map(|check| check.name).collect();
        assert_eq!(failed.is_empty(), is_valid);
        assert!(is_valid || failed == [CheckName::IssuedAt], "{failed:?}");
    }
}
