//! The Auth that a tenant's own project has: everybody in it is banned and signed out by a lockdown, and
//! given back.

use std::thread::scope;

use serde_json::Value;
use uuid::Uuid;

use super::project::operator;
use crate::support::auth::tables;
use crate::support::lockdown::{ALL_REFUSED, LOCK, UNLOCK, pairs, results};
use crate::support::management::Fake;
use crate::support::{Operator, PATIENCE, until};

/// A tenant in a project whose Auth has these users, each with their `app_metadata`, a session and a
/// link.
struct Own {
    fake: Fake,
    operator: Operator,
    project: String,
}

impl Own {
    fn with(users: &[(Uuid, &str)]) -> Self {
        let (fake, operator) = operator();
        let _ran = operator.run("tenant create acme --name Acme --no-migrate").success();
        let project = fake.projects()[0].0.clone();
        let made = tables::statements("postgres");
        fake.change(&project, &format!("DROP TABLE auth.users; {made}"));
        let own = Self { fake, operator, project };
        let id = own.operator.tenant("acme").id;
        for (user, metadata) in users {
            own.sign_in(*user, &metadata.replace("ACME", &id));
        }
        own
    }

    fn sign_in(&self, user: Uuid, metadata: &str) {
        self.fake.change(
            &self.project,
            &format!(
                "INSERT INTO auth.users (id, aud, role, raw_app_meta_data, created_at) \
                   VALUES ('{user}', 'authenticated', 'authenticated', '{metadata}', now()); \
                 INSERT INTO auth.sessions (id, user_id, created_at) \
                   VALUES (gen_random_uuid(), '{user}', now()); \
                 INSERT INTO auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to) \
                   VALUES (gen_random_uuid(), '{user}', 'recovery_token', 'h', 'e')"
            ),
        );
    }

    /// Returns the users that a condition holds for.
    fn users(&self, condition: &str) -> Vec<String> {
        let sql = format!("SELECT id FROM auth.users u WHERE {condition} ORDER BY id");
        let rows = self.fake.inside(&self.project, &sql);
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    fn banned(&self) -> Vec<String> {
        self.users("banned_until > now() + interval '99 years'")
    }

    fn signed_in(&self) -> Vec<String> {
        self.users("EXISTS (SELECT FROM auth.sessions s WHERE s.user_id = u.id)")
    }
}

fn sorted(users: &[Uuid]) -> Vec<String> {
    let mut sorted: Vec<_> = users.iter().map(Uuid::to_string).collect();
    sorted.sort();
    sorted
}

fn layer<'r>(report: &'r Value, name: &str) -> &'r Value {
    report["layers"].as_array().unwrap().iter().find(|layer| layer["layer"] == name).unwrap()
}

#[test]
fn everybody_in_a_tenants_own_project_is_banned_signed_out_and_given_back() {
    let [bare, named, own_key, timed, elsewhere, late] = [(); 6].map(|()| Uuid::new_v4());
    let claim = "{\"tenant_id\": \"ACME\"}";
    let other = format!("{{\"tenant_id\": \"{}\"}}", Uuid::new_v4());
    let own = Own::with(&[
        (bare, "{}"),
        (named, claim),
        (own_key, "{\"tenant_id\": \"a word of the product\"}"),
        (timed, "{}"),
        (elsewhere, &other),
    ]);
    let timed_ban = "UPDATE auth.users SET banned_until = '2099-01-01Z' WHERE id = ";
    own.fake.change(&own.project, &format!("{timed_ban}'{timed}'"));
    let report = scope(|threads| {
        // Somebody signs up between the first sweep and the second.
        threads.spawn(|| {
            until("the first sweep", PATIENCE, || match own.signed_in().len() {
                1 => Ok(()),
                some => Err(format!("{some} signed in")),
            });
            own.sign_in(late, "{}");
        });
        own.operator.run(LOCK).success().json()
    });
    assert_eq!(layer(&report, "project_auth")["outcome"], "done", "{report}");
    assert_eq!(
        layer(&report, "project_auth")["detail"],
        "5 users banned, 4 sessions deleted, 1 more in the second sweep; who signs up there from now on \
         has the gate before them"
    );
    assert_eq!(own.banned(), sorted(&[bare, named, own_key, timed, late]));
    assert_eq!(own.signed_in(), sorted(&[elsewhere]), "another tenant's claim passes no gate here");
    let with_link = "EXISTS (SELECT FROM auth.one_time_tokens t WHERE t.user_id = u.id)";
    assert_eq!(own.users(with_link), sorted(&[elsewhere]));
    assert_eq!(results(&report, "probes"), pairs(&ALL_REFUSED));

    // Twice is harmless, and does not forget what there was before.
    let _ran = own.operator.run(LOCK).success();
    let opened = own.operator.run(UNLOCK).success().json();
    assert_eq!(layer(&opened, "project_auth")["detail"], "5 bans lifted");
    assert_eq!(own.banned(), Vec::<String>::new());
    assert_eq!(own.users("banned_until = '2099-01-01Z'"), sorted(&[timed]));
    assert_eq!(own.users("banned_until IS NULL").len(), 5);
}

/// A ban that nobody remembers is never lifted: what there was is kept before it is written.
#[test]
fn a_lockdown_killed_at_a_projects_bans_is_given_back_all_the_same() {
    let [timed, bare] = [(); 2].map(|()| Uuid::new_v4());
    let own = Own::with(&[(timed, "{}"), (bare, "{}")]);
    own.fake.change(
        &own.project,
        &format!(
            "UPDATE auth.users SET banned_until = '2099-01-01Z' WHERE id = '{timed}'; \
             CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS \
               $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$; \
             CREATE TRIGGER slow BEFORE DELETE ON auth.sessions FOR EACH STATEMENT \
               EXECUTE FUNCTION public.slow()"
        ),
    );
    let locking = own.operator.start(LOCK, &[]);
    until("the bans", PATIENCE, || match own.banned().len() {
        2 => Ok(()),
        some => Err(format!("{some} banned")),
    });
    locking.signal(rustix::process::Signal::KILL);
    let _ran = locking.wait().was_killed();
    own.fake.change(
        &own.project,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'; \
         DROP FUNCTION public.slow CASCADE",
    );
    let _ran = own.operator.run(UNLOCK).success();
    assert_eq!(own.banned(), Vec::<String>::new());
    assert_eq!(own.users("banned_until = '2099-01-01Z'"), sorted(&[timed]));
}

#[test]
fn a_projects_auth_that_may_not_be_written_is_said_not_to_be_covered() {
    let user = Uuid::new_v4();
    let own = Own::with(&[(user, "{}")]);
    own.fake.change(&own.project, "REVOKE UPDATE ON auth.users FROM postgres");
    let report = own.operator.run(LOCK).success().json();
    let auth = layer(&report, "project_auth");
    assert_eq!(auth["outcome"], "not_covered", "{report}");
    let said = "not covered: its tables may not be written, so signing in and refreshing there still \
                gives tokens (ban the tenant's users in Supabase Auth: ";
    assert!(auth["detail"].as_str().unwrap().starts_with(said), "{auth}");
    assert_eq!(own.banned(), Vec::<String>::new());
    let _ran = own.operator.run(UNLOCK).success();
}

#[test]
fn a_revocation_ends_sessions_in_the_auth_of_the_tenants_project() {
    let [one, two, three] = [(); 3].map(|()| Uuid::new_v4());
    let own = Own::with(&[(one, "{}"), (two, "{}"), (three, "{}")]);
    let session = own
        .fake
        .inside(&own.project, &format!("SELECT id FROM auth.sessions WHERE user_id = '{one}'"))[0]
        ["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // As the application records it: a part of the project's sign-in, with a name of its own.
    let id = own.operator.tenant("acme").id;
    let _recorded: Vec<(bool,)> = own.operator.plane().rows(&format!(
        "SELECT true FROM control_plane.record_session('part', '{session}', '{one}', '{id}', '1 h', \
         NULL, NULL, '{{}}')"
    ));
    let revoke = |what: &str| {
        let line = format!("-o json --yes session revoke {what} --reason r");
        let ran = own.operator.run(&line).success();
        ran.json()["revocation"]["gates"][0]["project_auth"].clone()
    };
    let ended =
        |sessions: u64| serde_json::json!({ "sessions": sessions, "told": true, "problem": null });
    assert_eq!(revoke("--jti part"), ended(1));
    assert_eq!(own.signed_in(), sorted(&[two, three]));
    assert_eq!(own.operator.run("session check part").code(), 11);
    assert_eq!(revoke(&format!("--user {two} --tenant acme")), ended(1));
    assert_eq!(own.signed_in(), sorted(&[three]));
    assert_eq!(revoke("--tenant acme"), ended(1));
    assert_eq!(own.signed_in(), Vec::<String>::new());
    assert_eq!(own.banned(), Vec::<String>::new(), "a revocation bans nobody");

    own.sign_in(Uuid::new_v4(), "{}");
    own.fake.change(&own.project, "REVOKE DELETE ON auth.sessions FROM postgres");
    let ran = own.operator.run("--yes session revoke --tenant acme --reason r").fails_with(8);
    let said = ran.stdout().split_whitespace().collect::<Vec<_>>().join(" ");
    let refused = "in the project of acme: no session ended, so tokens are refreshed; what began before \
                   this moment, by the `amr` and `iat` in it, stays refused, recorded or not: failed to \
                   delete the sessions in Supabase Auth: ";
    assert!(said.contains(refused), "{ran}");
}
