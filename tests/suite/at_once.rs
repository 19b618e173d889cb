//! Everything at once on one tenant: whatever the order, the end is the end of one of the orders.
//!
//! `TENANTCTL_TEST_SEED` repeats the choices that a failure names, `TENANTCTL_TEST_ROUNDS` asks for
//! more rounds than a usual run has time for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use crate::support::dice::{Dice, rounds};
use crate::support::{Operator, Ran, Running, Session, server};

/// What is run side by side, and how it may end: done, no such tenant yet, or refused for a state
/// that another left or a lock that another holds.
const ACTS: [(&str, &[i32]); 8] = [
    ("tenant create SLUG --name Acme", &[0, 5]),
    ("tenant delete SLUG --confirm SLUG", &[0, 4, 5]),
    ("tenant restore SLUG", &[0, 4, 5]),
    ("tenant rotate SLUG", &[0, 4, 5]),
    ("migrate apply --tenant SLUG", &[0, 4, 5]),
    ("--yes session revoke --tenant SLUG --reason r", &[0, 4]),
    ("lockdown SLUG --reason r", &[0, 4]),
    (UNLOCK, &[0, 4, 5]),
];

const UNLOCK: &str = "--yes unlock SLUG --reason r";

/// How a tenant stands before a round.
const STARTS: [&[&str]; 5] = [
    &[],
    &["tenant create SLUG --name Acme"],
    &["tenant create SLUG --name Acme --no-migrate"],
    &["tenant create SLUG --name Acme", "lockdown SLUG --reason r"],
    &["tenant create SLUG --name Acme", "tenant delete SLUG --confirm SLUG"],
];

#[test]
fn whatever_the_order_the_end_is_that_of_an_order() {
    let dice = Dice::from_environment();
    let rounds = rounds(4);
    eprintln!("seed {}, {rounds} rounds", dice.seed());
    let operator = Operator::new();
    let mut bad = Vec::new();
    for round in 0..rounds {
        let slug = format!("round-{round}");
        let found = play(&operator, &slug, &mut dice.of_worker(round));
        if !found.is_empty() {
            bad.push(format!("seed {}, {slug}: {}", dice.seed(), found.join("\n    ")));
        }
    }
    assert!(bad.is_empty(), "{} of {rounds} rounds end badly:\n{}", bad.len(), bad.join("\n"));
    operator.assert_sound();
}

/// Plays a round and returns what is wrong at its end.
fn play(operator: &Operator, slug: &str, dice: &mut Dice) -> Vec<String> {
    let run = |line: &str| operator.run(&line.replace("SLUG", slug));
    for line in STARTS[dice.below(STARTS.len())] {
        let _ran = run(line).success();
    }
    // Without an unlock among them nothing may be open once a lockdown has said that it is proved.
    let is_unlocked = dice.below(2) == 0;
    let mut acts: Vec<_> = ACTS.iter().filter(|(line, _)| is_unlocked || *line != UNLOCK).collect();
    for _ in 0..2 {
        acts.push(acts[dice.below(acts.len())]);
    }
    for last in (1..acts.len()).rev() {
        acts.swap(last, dice.below(last + 1));
    }
    let is_over = AtomicBool::new(false);
    let (ended, open_at) = scope(|threads| {
        let watcher = threads.spawn(|| watch(operator, slug, &is_over));
        let running: Vec<_> = acts
            .iter()
            .map(|(line, codes)| {
                sleep(Duration::from_millis(u64::try_from(dice.below(60)).unwrap()));
                // These two sweep sessions and wait for those that are on their way in, the watcher's
                // and a probe's among them, which takes longer than that.
                let is_sweep =
                    ["tenant delete", "tenant restore"].iter().any(|act| line.starts_with(act));
                let shortest = if is_sweep { "30s" } else { "5s" };
                let patience = ["30s", "30s", shortest][dice.below(3)];
                let line = format!("{line} --timeout {patience} -o json").replace("SLUG", slug);
                let running: Running = operator.start(&line, &[]);
                threads.spawn(move || {
                    let ran = running.wait();
                    (line, codes, ran, Instant::now())
                })
            })
            .collect();
        let ended: Vec<_> = running.into_iter().map(|thread| thread.join().unwrap()).collect();
        is_over.store(true, Ordering::SeqCst);
        (ended, watcher.join().unwrap())
    });
    let mut bad = Vec::new();
    for (line, codes, ran, at) in &ended {
        let code = ran.code();
        let says = |text: &str| ran.stdout().contains(text) || ran.stderr().contains(text);
        // Of a login that is being made nobody has the password yet, so none can be tried.
        let is_untried = code == 12 && says("the login's password is not kept") && !says("got_in");
        // It ran out of its own time, and says so.
        let is_out = matches!(code, 7 | 8 | 12) && says("failed to finish within");
        let is_undone = code == 5 && is_unlocked && says("it meanwhile, ");
        if !(codes.contains(&code) || is_untried || is_out || is_undone) {
            bad.push(format!("`{line}` ended {code}: {}{}", ran.stderr(), ran.stdout()));
        }
        // In its error, or in the report of what was done in parts.
        let parts = ["\"message\"", "\"reason\"", "\"overtaken\": \"", "by now"];
        if code == 5 && !parts.iter().any(|part| says(part)) {
            bad.push(format!("`{line}` does not say what it met: {}", ran.stderr()));
        }
        if line.starts_with("lockdown") && code == 0 && !is_unlocked {
            let later = open_at.iter().filter(|(seen, _)| seen > at).map(|(_, what)| what);
            let later: BTreeSet<_> = later.collect();
            bad.extend(later.iter().map(|what| format!("{what} after a lockdown was proved")));
        }
    }
    if operator.tenants(slug).iter().any(|tenant| tenant.status != "purged") {
        judge(operator, slug, &mut bad);
        settle(operator, slug, &mut bad);
    }
    if !bad.is_empty() {
        let order: Vec<_> = ended.iter().map(|(line, _, ran, _)| (line, ran.code())).collect();
        bad.push(format!("the round: {order:?}"));
    }
    bad
}

/// Returns when the tenant was seen open, and what of it, until the round is over.
fn watch(operator: &Operator, slug: &str, is_over: &AtomicBool) -> Vec<(Instant, &'static str)> {
    let mut open_at = Vec::new();
    let mut superuser = server().superuser("postgres");
    while !is_over.load(Ordering::SeqCst) {
        let at = Instant::now();
        let tenants = operator.tenants(slug);
        let Some(tenant) = tenants.last() else {
            sleep(Duration::from_millis(5));
            continue;
        };
        let (can_login, is_gate_open) = openings(&mut superuser, &tenant.database, &tenant.id);
        if can_login {
            open_at.push((at, "the login was open"));
        }
        if is_gate_open {
            open_at.push((at, "the gate was open"));
        }
        sleep(Duration::from_millis(2));
    }
    open_at
}

/// Returns whether the application may log in, and whether the gate would let its statement through.
fn openings(superuser: &mut Session, database: &str, id: &str) -> (bool, bool) {
    let doors: Vec<(bool, bool)> = superuser.rows(&format!(
        "SELECT datallowconn, rolcanlogin FROM pg_database JOIN pg_roles ON rolname = datname \
         WHERE datname = '{database}'"
    ));
    let can_login = doors == [(true, true)];
    let ask = format!(
        "SET ROLE tenantctl_app; SET app.current_tenant_id = '{id}'; \
         SELECT tenantctl.access_allowed()"
    );
    // Closed, or without a gate yet: nothing gets through.
    let inside = server().login("postgres", None, database);
    let is_open = inside.is_ok_and(|mut inside| inside.says(&ask) == "t");
    (can_login, is_open)
}

/// Compares what is recorded with what is there.
fn judge(operator: &Operator, slug: &str, bad: &mut Vec<String>) {
    let tenant = operator.tenant(slug);
    let is_locked: bool = operator.plane().value(&format!(
        "SELECT locked_at IS NOT NULL FROM control_plane.tenant_metadata \
         WHERE tenant_id = '{}'",
        tenant.id
    ));
    let mut superuser = server().superuser("postgres");
    let (can_login, is_gate_open) = openings(&mut superuser, &tenant.database, &tenant.id);
    let (status, end) = (tenant.status.as_str(), (can_login, is_gate_open));
    if is_locked || status == "deleted" {
        if end != (false, false) {
            bad.push(format!("{status}, locked: {is_locked}; login and gate open: {end:?}"));
        }
    } else if status == "active" && end != (true, true) {
        bad.push(format!("active and not locked; login and gate open: {end:?}"));
    }
    let memberships: Vec<(String,)> = superuser.rows(&format!(
        "SELECT m.member::regrole::text FROM pg_auth_members m \
         WHERE m.roleid = (SELECT oid FROM pg_roles WHERE rolname = '{}') \
         AND coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)",
        tenant.database
    ));
    if !memberships.is_empty() {
        bad.push(format!("members of the login: {memberships:?}"));
    }
}

/// Brings the tenant back to where it can be used, as an operator would, and tries its password.
fn settle(operator: &Operator, slug: &str, bad: &mut Vec<String>) {
    let run = |line: &str| operator.run(&line.replace("SLUG", slug));
    let mut expect = |line: &str, ran: &Ran| {
        if ran.code() != 0 {
            bad.push(format!("afterwards `{line}` ended {}: {}", ran.code(), ran.stderr()));
        }
    };
    for line in [UNLOCK, "tenant restore SLUG", "tenant create SLUG --name Acme"] {
        expect(line, &run(line));
    }
    let tenant = operator.tenant(slug);
    let mut superuser = server().superuser("postgres");
    if openings(&mut superuser, &tenant.database, &tenant.id) != (true, true) {
        bad.push(format!("afterwards it is {}, and not open", tenant.status));
    }
    let asked = operator.login(slug).map(|mut app| app.says("SELECT tenantctl.access_allowed()"));
    if asked.as_deref() != Ok("t") {
        bad.push(format!("the application with the sealed password gets {asked:?} afterwards"));
    }
    let purge = "tenant delete SLUG --purge --no-backup --confirm SLUG";
    let ran = run(purge);
    if ran.code() != 0 {
        bad.push(format!("afterwards `{purge}` ended {}: {}", ran.code(), ran.stderr()));
    }
}
