//! Logins while anything of ours runs: each goes through, and none waits as long as Supabase Auth gives
//! its hook.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle, scope};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tenantctl::testkit::migration::upgrade_to;
use tenantctl::testkit::postgres::Endpoint;
use uuid::Uuid;

use crate::support::claims::{create, event, now, state_of_sign_in, user};
use crate::support::{Operator, PATIENCE, Session, environment, server, until};

/// Clients that sign in and refresh at the same time.
const CLIENTS: usize = 8;

/// How many sessions the control plane holds, unless `TENANTCTL_TEST_SESSIONS` says otherwise.
const SESSIONS: u64 = 20_000;

/// What clients saw.
#[derive(Debug, Default)]
struct Seen {
    signed_in: usize,
    refreshed: usize,
    /// The longest transaction.
    longest: Duration,
    failures: Vec<String>,
}

/// Calls the hook in Auth's transaction, after what Auth wrote itself, under its limit.
fn in_transaction(auth: &mut Session, first: &str, event: &Value) -> Result<Value, String> {
    let call = event.to_string().replace('\'', "''");
    let asked = auth.attempt(&format!("BEGIN; {first}; SET LOCAL statement_timeout = 2000"));
    let said = asked.and_then(|()| {
        let call = format!("SELECT control_plane.custom_access_token_hook('{call}')::text");
        auth.try_value::<String>(&call)
    });
    let ended = auth.attempt("COMMIT");
    let answer = said?;
    ended?;
    Ok(serde_json::from_str(&answer).unwrap())
}

/// Signs in as somebody new, or as somebody whom we know, and refreshes, until it is over.
fn client(operator: &Operator, tenant: &str, is_over: &AtomicBool) -> Seen {
    let (mut auth, mut seen, mut known) = (operator.auth(), Seen::default(), Vec::<String>::new());
    auth.run("SET statement_timeout = 0");
    let claim = json!({ "tenant_id": tenant }).to_string();
    while !is_over.load(Ordering::SeqCst) {
        let (session, at) = (Uuid::new_v4().to_string(), now(&mut auth));
        let is_new = known.len() < 20 || seen.signed_in.is_multiple_of(3);
        let one = if is_new { user() } else { known[seen.signed_in % known.len()].clone() };
        let about = if is_new {
            format!("INSERT INTO auth.users (id, raw_app_meta_data) VALUES ('{one}', '{claim}')")
        } else {
            format!("UPDATE auth.users SET role = 'authenticated' WHERE id = '{one}'")
        };
        let first = format!(
            "{about}; INSERT INTO auth.sessions (id, user_id, created_at) \
             VALUES ('{session}', '{one}', to_timestamp({at}))"
        );
        let write = format!("UPDATE auth.sessions SET refreshed_at = now() WHERE id = '{session}'");
        for (first, method) in [(first, "password"), (write, "token_refresh")] {
            let began = Instant::now();
            let event = event(&one, &session, Some(tenant), method, at);
            match in_transaction(&mut auth, &first, &event) {
                Ok(_) if method == "password" => seen.signed_in += 1,
                Ok(_) => seen.refreshed += 1,
                Err(failure) => seen.failures.push(format!("{method}: {failure}")),
            }
            seen.longest = seen.longest.max(began.elapsed());
        }
        if is_new {
            known.push(one);
        }
    }
    seen
}

/// Clients under way.
struct Logins<'s> {
    clients: Vec<ScopedJoinHandle<'s, Seen>>,
    is_over: &'s AtomicBool,
}

impl<'s> Logins<'s> {
    fn begin<'e>(
        threads: &'s Scope<'s, 'e>,
        operator: &'s Operator,
        tenant: &'s str,
        is_over: &'s AtomicBool,
    ) -> Self {
        is_over.store(false, Ordering::SeqCst);
        let start = |_| threads.spawn(move || client(operator, tenant, is_over));
        Self { clients: (0..CLIENTS).map(start).collect(), is_over }
    }

    /// Ends them; none may have failed.
    #[track_caller]
    fn end(mut self, during: &str) {
        self.is_over.store(true, Ordering::SeqCst);
        let clients = std::mem::take(&mut self.clients);
        let seen = clients.into_iter().map(|client| client.join().unwrap());
        let all = seen.fold(Seen::default(), |sum, one| Seen {
            signed_in: sum.signed_in + one.signed_in,
            refreshed: sum.refreshed + one.refreshed,
            longest: sum.longest.max(one.longest),
            failures: [sum.failures, one.failures].concat(),
        });
        eprintln!(
            "{during}: {} signed in, {} refreshed, the longest in {} ms",
            all.signed_in,
            all.refreshed,
            all.longest.as_millis()
        );
        assert!(all.failures.is_empty(), "{during}: {:?}", all.failures);
        assert!(all.signed_in > 0 && all.refreshed > 0, "{during}: {all:?}");
    }
}

impl Drop for Logins<'_> {
    /// A test that failed is not held up by them.
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
    }
}

/// A control plane with many sessions: a quarter expired long ago, a quarter ended in Auth unseen.
fn with_sessions(operator: &Operator, tenant: &str) {
    let wanted = environment("TENANTCTL_TEST_SESSIONS");
    let count = wanted.map_or(SESSIONS, |count| count.to_str().unwrap().parse().unwrap());
    let mut plane = operator.plane();
    let id = "md5('s' || n)::uuid";
    plane.run(&format!(
        "INSERT INTO auth.users (id, raw_app_meta_data) \
           SELECT md5('u' || n)::uuid, '{{\"tenant_id\": \"{tenant}\"}}' \
           FROM generate_series(0, 9999) n; \
         INSERT INTO auth.sessions (id, user_id, created_at) \
           SELECT {id}, md5('u' || n % 10000)::uuid, now() FROM generate_series(1, {count}) n \
           WHERE n % 4 <> 1; \
         INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id, member_by) \
           SELECT md5('u' || n)::uuid, '{tenant}', 'auth' FROM generate_series(0, 9999) n; \
         INSERT INTO control_plane.sessions (jti, session_id, user_id, tenant_id, tenant_epoch, \
             user_epoch, issued_at, expires_at) \
           SELECT 'j' || n, {id}::text, md5('u' || n % 10000)::uuid, '{tenant}', 1, 1, \
             now() - interval '99 d', \
             now() + CASE n % 4 WHEN 0 THEN interval '-98 d' ELSE interval '1 d' END \
           FROM generate_series(1, {count}) n"
    ));
    for table in ["auth.users", "auth.sessions"] {
        server().superuser(operator.plane_name()).run(&format!("VACUUM ANALYZE {table}"));
    }
    plane.run("VACUUM ANALYZE control_plane.sessions");
}

/// Makes a control plane look as an older tenantctl left it: other functions, and no trigger.
fn as_from_before(operator: &Operator) {
    let mut plane = server().superuser(operator.plane_name());
    plane.run(
        "UPDATE control_plane.functions SET checksum = '1', installed_by = '0.0.1'; \
         DROP TRIGGER IF EXISTS tenantctl_sessions_ended ON auth.sessions; \
         DROP TRIGGER IF EXISTS tenantctl_user_changed ON auth.users; \
         DROP TRIGGER IF EXISTS guard_tenant_change ON control_plane.tenant_metadata; \
         DROP TRIGGER IF EXISTS remember_revoked_user ON control_plane.user_marks; \
         DROP TRIGGER IF EXISTS remember_revoked_user ON control_plane.user_mappings",
    );
}

#[test]
fn logins_go_through_while_anything_of_ours_runs() {
    let operator = Operator::beside_auth();
    let acme = create(&operator, "acme");
    let _globex = create(&operator, "globex");
    with_sessions(&operator, &acme);
    let person = |n: u32| format!("SELECT md5('u{n}')::uuid::text");
    let ids = [1, 2].map(|n| operator.plane().value::<String>(&person(n)));
    as_from_before(&operator);
    let revoke = |what: &str| format!("--yes session revoke {what} --reason r");
    let acts = [
        "init".to_owned(),
        "init".to_owned(),
        "session prune --keep 1d".to_owned(),
        revoke("--jti j2"),
        revoke(&format!("--user {}", ids[0])),
        revoke(&format!("--user {} --tenant acme", ids[1])),
        revoke("--tenant globex"),
        revoke("--tenant acme"),
        "lockdown globex --reason r".to_owned(),
        "--yes unlock globex --reason r".to_owned(),
        "tenant create initech --name Initech".to_owned(),
        "--yes tenant delete initech --confirm initech".to_owned(),
    ];
    let is_over = AtomicBool::new(false);
    for act in acts {
        scope(|threads| {
            let logins = Logins::begin(threads, &operator, &acme, &is_over);
            let began = Instant::now();
            let _ran = operator.run(&act).success();
            let took = began.elapsed().as_millis();
            logins.end(&format!("{act} ({took} ms)"));
        });
    }
    operator.assert_sound();
}

/// Somebody's transaction that is left open has locked what `init` wants: it asks for it a moment at a
/// time, so nobody queues behind it for long, and says in the end who is in the way.
#[test]
fn init_that_waits_for_a_lock_keeps_no_login_waiting() {
    let operator = Operator::beside_auth();
    let acme = create(&operator, "acme");
    let somebody = user();
    operator.sign_up(&somebody, &json!({ "tenant_id": acme }).to_string());
    operator.plane().run(&format!(
        "INSERT INTO control_plane.user_mappings (auth_user_id, tenant_id) \
         VALUES ('{somebody}', '{acme}')"
    ));
    let is_over = AtomicBool::new(false);
    for held in [
        "UPDATE control_plane.user_mappings SET role = 'admin'",
        "UPDATE auth.users SET email = 'x' WHERE id = '00000000-0000-0000-0000-000000000000'",
        "DELETE FROM auth.sessions WHERE id = '00000000-0000-0000-0000-000000000000'",
    ] {
        as_from_before(&operator);
        let mut holder = operator.plane();
        holder.run(&format!("SET application_name = 'a report of somebody''s'; BEGIN; {held}"));
        scope(|threads| {
            let logins = Logins::begin(threads, &operator, &acme, &is_over);
            let ran = operator.run("-o json init --timeout 4s").fails_with(7);
            logins.end(held);
            let error = ran.error();
            assert_eq!(error["kind"], "unavailable", "{ran}");
            assert!(error.to_string().contains("a report of somebody's"), "{ran}");
        });
        holder.run("COMMIT");
        let _ran = operator.run("init").success();
    }
    operator.assert_sound();
}

/// What a later tenantctl brings: an index is built while everybody goes on, also beside a transaction
/// that is left open; and a change that needs the whole table waits for it a moment at a time.
#[test]
fn a_migration_yet_to_come_keeps_no_login_waiting() {
    let operator = Operator::beside_auth();
    let acme = create(&operator, "acme");
    with_sessions(&operator, &acme);
    let url = server().url("operator", operator.plane_name());
    let upgrade = |later: &[(&str, &str)], patience| {
        let endpoint = Endpoint::parse(&url).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(upgrade_to(&endpoint, later, patience))
    };
    let index = (
        "V9__index",
        "-- tenantctl: no-transaction\n\
         CREATE INDEX CONCURRENTLY sessions_ip_idx ON control_plane.sessions (ip, device, jti)",
    );
    let column = ("V10__column", "ALTER TABLE control_plane.sessions ADD COLUMN later text");
    let is_over = AtomicBool::new(false);
    let mut reader = operator.plane();
    reader.run("SET application_name = 'a report'");
    let read = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM control_plane.sessions LIMIT 1";
    reader.run(read);
    scope(|threads| {
        let logins = Logins::begin(threads, &operator, &acme, &is_over);
        let building = threads.spawn(|| upgrade(&[index], PATIENCE));
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                     AND wait_event = 'virtualxid'";
        until("the build to wait for the reader", PATIENCE, || {
            let waiting: i64 = operator.plane().value(waits);
            if waiting == 1 { Ok(()) } else { Err(format!("{waiting} wait")) }
        });
        // Longer than any lock is asked for at once.
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(1) {
            assert!(!building.is_finished(), "{:?}", building.join().unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
        reader.run("COMMIT");
        building.join().unwrap().unwrap();
        reader.run(read);
        let refused = upgrade(&[index, column], Duration::from_secs(3)).unwrap_err();
        assert!(refused.to_string().contains("a report"), "{refused}");
        reader.run("COMMIT");
        upgrade(&[index, column], PATIENCE).unwrap();
        logins.end("an index and a column");
    });
    let made: Vec<(bool, bool)> = operator.plane().rows(
        "SELECT bool_and(indisvalid), EXISTS (SELECT FROM pg_attribute \
           WHERE attrelid = 'control_plane.sessions'::regclass AND attname = 'later') \
         FROM pg_index WHERE indrelid = 'control_plane.sessions'::regclass",
    );
    assert_eq!(made, [(true, true)]);
}

/// A revocation whose transaction is open, because its client was suspended or the trail's writer is
/// stuck, is in nobody's way: a login reads what is committed.
#[test]
fn a_revocation_under_way_keeps_no_login_waiting() {
    let operator = Operator::beside_auth();
    let acme = create(&operator, "acme");
    let somebody = user();
    operator.sign_up(&somebody, &json!({ "tenant_id": acme }).to_string());
    for word in ["'auth'", "NULL"] {
        operator.plane().run(&format!(
            "INSERT INTO control_plane.user_mappings AS m (auth_user_id, tenant_id, member_by) \
             VALUES ('{somebody}', '{acme}', {word}) \
             ON CONFLICT (auth_user_id, tenant_id) DO UPDATE SET member_by = {word}"
        ));
        for what in [
            format!("--user {somebody}"),
            format!("--user {somebody} --tenant acme"),
            format!("--user {} --tenant acme", user()),
            "--tenant acme".to_owned(),
        ] {
            let one = what.split(' ').nth(1).filter(|word| word.len() == 36).unwrap_or(&somebody);
            operator.plane().run(&format!(
                "INSERT INTO auth.users (id) VALUES ('{one}') ON CONFLICT DO NOTHING"
            ));
            let mut trail = operator.plane();
            trail.run("BEGIN; SELECT FROM control_plane.policy_sync_head FOR UPDATE");
            let revoking = operator.start(&format!("--yes session revoke {what} --reason r"), &[]);
            until("the revocation to wait for the trail", PATIENCE, || {
                let waiting: i64 = operator.plane().value(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                     AND wait_event_type = 'Lock' AND query LIKE '%policy_sync_log%'",
                );
                if waiting == 1 { Ok(()) } else { Err(format!("{waiting} wait")) }
            });
            let (mut auth, session) = (operator.auth(), Uuid::new_v4().to_string());
            let at = now(&mut auth) + 30;
            let first =
                format!("INSERT INTO auth.sessions (id, user_id) VALUES ('{session}', '{one}')");
            let event = event(one, &session, Some(&acme), "password", at);
            let answer = in_transaction(&mut auth, &first, &event);
            assert!(
                answer.as_ref().is_ok_and(|said| said["error"].is_null()),
                "{what}: {answer:?}"
            );
            trail.run("ROLLBACK");
            let _ran = revoking.wait().success();
            let state = state_of_sign_in(&mut operator.plane(), &session);
            assert!(state.ends_with("_revoked"), "{what}: {state}");
        }
    }
}
