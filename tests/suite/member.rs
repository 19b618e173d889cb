//! Who belongs to a tenant, by whose word: listed, added, removed for good, and given back.

use rustix::process::Signal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::claims::{create, event, hook, judged, now, quoted, token, user};
use crate::support::lockdown::{pairs, results};
use crate::support::{AUTH_KEY, AuthServer, Operator, PATIENCE, Session, server, until};

const REFUSED: [(&str, &str); 2] = [("session", "refused"), ("gate", "refused")];

/// A token that Auth issues in this second, naming the tenant.
fn fresh(user: &str, tenant: &str, at: i64) -> Value {
    let mut claims = token(user, tenant, at);
    claims["amr"] = json!([{ "method": "password", "timestamp": at }]);
    claims
}

/// How many rows a client of the tenant's Data API sees with these claims.
fn rows(app: &mut Session, claims: &Value) -> i64 {
    app.run(&format!("SELECT set_config('request.jwt.claims', '{}', false)", quoted(claims)));
    app.value("SELECT count(*) FROM public.vendors")
}

fn seeded(operator: &Operator, slug: &str) -> String {
    let _ran = operator.run(&format!("tenant create {slug} --name {slug} --seed")).success();
    operator.tenant(slug).id
}

/// Returns each member's state, word and id.
fn listed(operator: &Operator) -> Vec<(String, String, String)> {
    let ran = operator.run("-o json member list acme").success().json();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let members = ran["members"].as_array().unwrap();
    members.iter().map(|m| (text(&m["state"]), text(&m["by"]), text(&m["user_id"]))).collect()
}

#[test]
fn a_removal_is_final_beside_auth_until_the_user_is_added_again() {
    let operator = Operator::beside_auth();
    let acme = seeded(&operator, "acme");
    let (mut auth, mut plane, user) = (operator.auth(), operator.plane(), user());
    let mut app = operator.login("acme").unwrap();
    operator.sign_up(&user, &json!({ "tenant_id": acme, "provider": "email" }).to_string());
    plane.run(&format!("UPDATE auth.users SET email = 'ann@example.com' WHERE id = '{user}'"));
    assert_eq!(listed(&operator), [("member".into(), "auth".into(), user.clone())]);
    let session = Uuid::new_v4().to_string();
    plane.run(&format!("INSERT INTO auth.sessions (id, user_id) VALUES ('{session}', '{user}')"));
    let at = now(&mut plane);
    let signed_in = hook(&mut auth, &event(&user, &session, Some(&acme), "password", at));
    let before = signed_in["claims"].clone();
    assert!(rows(&mut app, &before) > 0);

    let line = "-o json --yes member remove acme Ann@Example.com --reason left";
    let planned = operator.run(&format!("{line} --dry-run")).success().json();
    let plan = &planned["plan"];
    assert_eq!((&plan["changed"], &plan["member"]["sessions"]), (&json!(true), &json!(1)));
    assert_eq!(judged(&mut plane, &before), "valid");
    let removed = operator.run(line).success().json();
    let done = ["control_plane", "gate", "claim", "auth"].map(|layer| (layer, "done"));
    assert_eq!(results(&removed, "layers"), pairs(&done), "{removed}");
    assert_eq!(results(&removed, "probes"), pairs(&REFUSED), "{removed}");
    assert_eq!(removed["member"]["sessions"], 1);
    let left: (i64, String) = plane
        .rows(
            "SELECT (SELECT count(*) FROM auth.sessions), raw_app_meta_data::text FROM auth.users",
        )
        .remove(0);
    assert_eq!(left, (0, "{\"provider\": \"email\"}".to_owned()));
    assert_eq!(listed(&operator), [("removed".into(), "auth".into(), user.clone())]);

    // Whatever comes now: refresh, sign-in, the claim again, a token of Auth's own, `session issue`.
    assert_eq!(judged(&mut plane, &before), "not_a_member");
    assert_eq!(rows(&mut app, &before), 0);
    // In either case, as a token that names it is judged.
    let claim = json!({ "tenant_id": acme.to_uppercase() });
    plane.run(&format!("UPDATE auth.users SET raw_app_meta_data = '{claim}'"));
    for method in ["token_refresh", "password"] {
        let later = event(&user, &Uuid::new_v4().to_string(), Some(&acme), method, at + 5);
        assert_eq!(hook(&mut auth, &later)["claims"]["app_metadata"], json!({}), "{method}");
    }
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    let own = fresh(&user, &acme, at + 20);
    assert_eq!(judged(&mut plane, &own), "not_a_member");
    assert_eq!(rows(&mut app, &own), 0);
    let issue = format!("-o json session issue --user {user} --tenant acme");
    let refused = operator.run(&issue).fails_with(5).error();
    assert_eq!(refused["hint"], format!("tenantctl member add acme {user}"));
    // Again is harmless, and takes the claim that came back.
    let again = operator.run(line).success().json();
    assert_eq!(again["changed"], false);
    let [first, _, third, _] = &results(&again, "layers")[..] else { panic!("{again}") };
    assert_eq!((&*first.1, &*third.1), ("unchanged", "done"), "{again}");

    // Given back by an operator's word, which the hook takes where no claim says otherwise.
    let added = operator.run("-o json member add acme ann@example.com --role admin").success();
    assert_eq!(added.json()["member"]["claim"], "none");
    assert_eq!(listed(&operator), [("member".into(), "operator".into(), user.clone())]);
    let later = at + 30;
    let new = hook(&mut auth, &event(&user, &Uuid::new_v4().to_string(), None, "password", later));
    let new = new["claims"].clone();
    assert_eq!(judged(&mut plane, &new), "valid");
    assert!(rows(&mut app, &new) > 0);
    assert_ne!(judged(&mut plane, &before), "valid", "sessions from before the removal stay dead");
    assert_eq!(rows(&mut app, &before), 0);
    let same = operator.run(&format!("-o json member add acme {user}")).success().json();
    assert_eq!((&same["changed"], &same["member"]["role"]), (&json!(false), &json!("admin")));
    let _ran = operator.run("audit verify").success();
}

/// Without Auth and its hook, tokens are judged by their claims alone.
#[test]
fn a_removal_is_final_where_auth_is_elsewhere() {
    let operator = Operator::new();
    let acme = seeded(&operator, "acme");
    let (mut plane, user) = (operator.plane(), user());
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    let mut app = operator.login("acme").unwrap();
    let at = now(&mut plane);
    let token = fresh(&user, &acme, at + 10);
    assert_eq!(judged(&mut plane, &token), "unrecorded");
    assert!(rows(&mut app, &token) > 0);
    let unknown = operator.run("-o json --yes member remove acme ann@example.com --reason r");
    assert_eq!(unknown.fails_with(3).error()["hint"], "pass the user's UUID");
    let line = format!("-o json --yes member remove acme {user} --reason r");
    let removed = operator.run(&line).success().json();
    let layers = [
        ("control_plane", "done"),
        ("gate", "done"),
        ("claim", "not_covered"),
        ("auth", "not_covered"),
    ];
    assert_eq!(results(&removed, "layers"), pairs(&layers));
    assert_eq!(results(&removed, "probes"), pairs(&REFUSED));
    assert_eq!(judged(&mut plane, &token), "not_a_member");
    assert_eq!(rows(&mut app, &token), 0);
    assert_eq!(listed(&operator), [("removed".into(), "-".into(), user.clone())]);
    let _ran = operator.run(&format!("member add acme {user}")).success();
    let later = fresh(&user, &acme, at + 40);
    assert_eq!(judged(&mut plane, &later), "unrecorded");
    assert!(rows(&mut app, &later) > 0);
}

/// What could not be told is done by the same command, and what opens a gate tells it first.
#[test]
fn a_gate_that_was_out_of_reach_learns_of_a_removal() {
    let operator = Operator::new();
    let acme = seeded(&operator, "acme");
    let (mut plane, [one, two, three]) = (operator.plane(), [user(), user(), user()]);
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    let at = now(&mut plane) + 20;
    let remove = |user: &str| format!("-o json --yes member remove acme {user} --reason r");
    let database = operator.tenant("acme").database;
    let mut inside = server().superuser(&database);
    inside.run("ALTER TABLE tenantctl.denied RENAME TO away");
    let failed = operator.run(&remove(&one)).fails_with(8).json();
    assert_eq!(results(&failed, "layers")[1], ("gate".to_owned(), "failed".to_owned()));
    assert_eq!(failed["proven"], false);
    assert_eq!(judged(&mut plane, &fresh(&one, &acme, at)), "not_a_member");
    inside.run("ALTER TABLE tenantctl.away RENAME TO denied");
    let mut app = operator.login("acme").unwrap();
    assert!(rows(&mut app, &fresh(&one, &acme, at)) > 0);
    let _ran = operator.run(&remove(&one)).success();
    assert_eq!(rows(&mut app, &fresh(&one, &acme, at)), 0);
    // An unlock opens the gate to everybody but those who were removed.
    let _ran = operator.run("lockdown acme --reason r").success();
    let _ran = operator.run(&remove(&two)).success();
    inside.run("DELETE FROM tenantctl.denied");
    let _ran = operator.run("--yes unlock acme --reason r").success();
    let mut app = operator.login("acme").unwrap();
    let [first, second] = [&one, &two].map(|user| rows(&mut app, &fresh(user, &acme, at + 30)));
    assert_eq!([first, second], [0, 0]);
    // A restore does.
    drop((app, inside));
    let _ran = operator.run("tenant delete acme --confirm acme").success();
    let removed = operator.run(&remove(&three)).success().json();
    assert_eq!(results(&removed, "layers")[1], ("gate".to_owned(), "unchanged".to_owned()));
    let _ran = operator.run("tenant restore acme").success();
    let mut app = operator.login("acme").unwrap();
    assert_eq!(rows(&mut app, &fresh(&three, &acme, at + 30)), 0);
    assert!(rows(&mut app, &fresh(&user(), &acme, at + 30)) > 0);
}

/// Whichever of two commands on one user is stopped between the control plane and the gate: the gate
/// ends as the control plane says, and the one that was overtaken says so.
#[test]
fn an_add_and_a_removal_at_once_end_as_the_control_plane_says() {
    let operator = Operator::new();
    let acme = seeded(&operator, "acme");
    let (mut plane, user) = (operator.plane(), user());
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    let add = format!("-o json member add acme {user}");
    let remove = format!("-o json --yes member remove acme {user} --reason r");
    let database = operator.tenant("acme").database;
    // Runs the first as far as the tenant's database, then the second to its end.
    let overtaken = |first: &str, second: &str| {
        let mut holder = server().superuser(&database);
        holder.run("BEGIN; LOCK TABLE tenantctl.identity IN ACCESS EXCLUSIVE MODE");
        let running = operator.start(first, &[]);
        let mut watcher = server().superuser(&database);
        until("it to come to the database", PATIENCE, || {
            let waits: i64 = watcher.value(
                "SELECT count(*) FROM pg_locks WHERE NOT granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            );
            if waits > 0 { Ok(()) } else { Err("not yet".to_owned()) }
        });
        running.signal(Signal::STOP);
        holder.run("ROLLBACK");
        let _ran = operator.run(second).success();
        running.signal(Signal::CONT);
        running.wait()
    };
    let _ran = operator.run(&remove).success();
    let at = now(&mut plane) + 60;
    let token = fresh(&user, &acme, at);
    let mut app = operator.login("acme").unwrap();

    let ran = overtaken(&add, &remove).fails_with(8);
    assert!(ran.stdout().contains("was removed again meanwhile"), "{ran}");
    assert_eq!((&*judged(&mut plane, &token), rows(&mut app, &token)), ("not_a_member", 0));

    let ran = overtaken(&remove, &add);
    // The first removal was done before: this one removes nobody new, and is overtaken all the same.
    let ran = ran.fails_with(5);
    assert!(ran.stdout().contains("added the user again meanwhile"), "{ran}");
    assert_eq!(judged(&mut plane, &token), "unrecorded");
    assert!(rows(&mut app, &token) > 0);
    operator.assert_sound();
}

#[test]
fn a_removal_that_a_token_gets_past_is_not_proved() {
    let operator = Operator::new();
    seeded(&operator, "acme");
    server().superuser(&operator.tenant("acme").database).run(
        "CREATE OR REPLACE FUNCTION tenantctl.access_allowed() RETURNS boolean \
         LANGUAGE sql STABLE RETURN true",
    );
    let line = format!("-o json --yes member remove acme {} --reason r", user());
    let report = operator.run(&line).fails_with(12).json();
    let seen = [("session", "refused"), ("gate", "got_in")];
    assert_eq!(results(&report, "probes"), pairs(&seen), "{report}");
}

/// Whoever works elsewhere keeps working there, and Auth's word about that is left alone.
#[test]
fn a_removal_ends_nothing_in_another_tenant() {
    let operator = Operator::beside_auth();
    let (acme, globex) = (create(&operator, "acme"), create(&operator, "globex"));
    let (mut auth, mut plane, user) = (operator.auth(), operator.plane(), user());
    operator.sign_up(&user, &json!({ "tenant_id": globex }).to_string());
    let at = now(&mut plane);
    let [both, only] = [(); 2].map(|()| Uuid::new_v4().to_string());
    for session in [&both, &only] {
        plane.run(&format!(
            "INSERT INTO auth.sessions (id, user_id) VALUES ('{session}', '{user}')"
        ));
        let first = hook(&mut auth, &event(&user, session, Some(&acme), "password", at));
        assert!(first["error"].is_null());
    }
    let there = hook(&mut auth, &event(&user, &both, Some(&globex), "token_refresh", at + 1));
    let line = format!("-o json --yes member remove acme {user} --reason r");
    let removed = operator.run(&line).success().json();
    assert_eq!(removed["member"]["sessions"], 2);
    assert_eq!(results(&removed, "layers")[2], ("claim".to_owned(), "unchanged".to_owned()));
    assert_eq!(judged(&mut plane, &there["claims"]), "valid");
    let left: Vec<(String,)> = plane.rows("SELECT id::text FROM auth.sessions");
    assert_eq!(left, [(both,)]);
    let claim: String = plane.value("SELECT raw_app_meta_data ->> 'tenant_id' FROM auth.users");
    assert_eq!(claim, globex);
    // By an operator's word they are a member of both, and tokens name what Auth names.
    let added = operator.run(&format!("-o json member add acme {user}")).success().json();
    assert_eq!(added["member"]["claim_names"], "globex");
    assert_eq!(listed(&operator), [("former".into(), "operator".into(), user)]);
}

#[test]
fn a_user_is_found_by_their_address_or_not_at_all() {
    let operator = Operator::beside_auth();
    create(&operator, "acme");
    let [one, two] = [user(), user()];
    for user in [&one, &two] {
        operator.sign_up(user, "{}");
    }
    // One of the two signs in by SSO.
    operator.plane().run(&format!(
        "UPDATE auth.users SET email = 'both@example.com', is_sso_user = id = '{two}'"
    ));
    let several = operator.run("-o json member add acme both@example.com").fails_with(5).error();
    let hint = several["hint"].as_str().unwrap();
    assert!(hint.contains(&one) && hint.contains(&two), "{several}");
    for line in ["add acme nobody@example.com", "remove acme nobody@example.com --reason r"] {
        let _ran = operator.run(&format!("--yes member {line}")).fails_with(4);
    }
    let nobody = user();
    for line in [format!("add acme {nobody}"), format!("remove acme {nobody} --reason r")] {
        let _ran = operator.run(&format!("--yes member {line}")).fails_with(4);
    }
    let _ran = operator.run(&format!("member add globex {one}")).fails_with(4);
    let _ran = operator.run("member list globex").fails_with(4);
    let _ran = operator.run(&format!("member remove acme {one} --reason r")).fails_with(3);
    assert_eq!(listed(&operator), []);
}

/// Auth's admin API takes the claim away where its tables are out of reach.
#[test]
fn with_the_admin_api_alone_the_claim_is_taken_away() {
    let auth = AuthServer::elsewhere();
    let operator = Operator::new()
        .with("TENANTCTL_AUTH_URL", auth.url())
        .with("TENANTCTL_AUTH_SERVICE_KEY", AUTH_KEY);
    let (acme, globex) = (create(&operator, "acme"), create(&operator, "globex"));
    let mut plane = operator.plane();
    plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
    let [here, elsewhere] = [&acme, &globex].map(|tenant| auth.member(tenant));
    let tokens = auth.sign_in(&here).tokens();
    for (person, verdict) in [(&here, "done"), (&elsewhere, "unchanged")] {
        let line = format!("-o json --yes member remove acme {} --reason r", person.id);
        let removed = operator.run(&line).success().json();
        let layers = results(&removed, "layers");
        assert_eq!(layers[2], ("claim".to_owned(), verdict.to_owned()), "{removed}");
        assert_eq!(layers[3], ("auth".to_owned(), "not_covered".to_owned()), "{removed}");
    }
    assert_eq!(judged(&mut plane, &auth.refresh(&tokens).tokens().claims()), "no_tenant");
    let there = auth.sign_in(&elsewhere).tokens().claims();
    assert_eq!(judged(&mut plane, &there), "unrecorded");
    auth.assert_true_to_the_document();
    auth.fail(&[500, 500, 500, 500, 500, 500]);
    let line = format!("-o json --yes --timeout 1s member remove acme {} --reason r", here.id);
    let failed = operator.with("TENANTCTL_HASTE", "100").run(&line).fails_with(8).json();
    assert_eq!(results(&failed, "layers")[2], ("claim".to_owned(), "failed".to_owned()));
    assert_eq!(results(&failed, "probes"), pairs(&REFUSED));
}
