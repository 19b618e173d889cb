//! Commands that are interrupted by a signal at any step, fleets that are killed, and machines whose
//! clock is off.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::dice::Dice;
use crate::support::faults::{USER, assert_usable, bare_line};
use crate::support::lockdown::{LOCK, UNLOCK, access, with_tenant};
use crate::support::preload::{self, CLOCK_IS_OFF};
use crate::support::product::{NOTES, Product, verdicts};
use crate::support::{Operator, PATIENCE, Terminal, plain, server, until};

/// Stops the command itself at the point, and interrupts it there.
fn interrupted_at(operator: &Operator, point: &str, signal: Signal, line: &str) {
    let running = operator.start(line, &[("TENANTCTL_FAIL", &format!("{point}:pause"))]);
    running.wait_until_stopped();
    running.signal(signal);
    running.signal(Signal::CONT);
    let ran = running.wait();
    // Behind the last step there is nothing left to interrupt.
    assert!([0, 130].contains(&ran.code()), "{point}: {ran}");
    if ran.code() == 130 {
        assert!(ran.stderr().contains("the same command"), "{point}: {ran}");
    }
}

#[test]
fn a_signal_at_any_step_is_saved_and_the_same_command_goes_on() {
    let operator = Operator::new();
    let steps = ["place", "secure", "register", "activate"];
    for (number, step) in steps.into_iter().enumerate() {
        for moment in ["before", "after"] {
            let signal = [Signal::INT, Signal::TERM, Signal::HUP][number % 3];
            let slug = format!("{step}-{moment}");
            let point = format!("{step}.{moment}");
            interrupted_at(&operator, &point, signal, &bare_line(&slug));
            let _ran = operator.run(&bare_line(&slug)).success();
            assert_usable(&operator, &slug);
        }
    }
    for (step, line) in [
        ("close", "tenant delete SLUG --confirm SLUG"),
        ("open", "tenant restore SLUG"),
        ("drop", "tenant delete SLUG --purge --no-backup --confirm SLUG"),
    ] {
        let line = line.replace("SLUG", "place-before");
        interrupted_at(&operator, &format!("{step}.before"), Signal::INT, &line);
        let _ran = operator.run(&line).success();
    }
    operator.assert_sound();
}

#[test]
fn a_fleet_that_is_killed_again_and_again_is_migrated_once() {
    const SLUGS: [&str; 6] = ["a1", "b2", "c3", "d4", "e5", "f6"];
    let product = Product::new();
    product.create(&SLUGS);
    product.add("V8__notes.sql", NOTES);
    product.add(
        "V9__once.sql",
        "CREATE TABLE public.once (n int); INSERT INTO public.once VALUES (1);",
    );
    let mut dice = Dice::from_environment();
    eprintln!("seed {}", dice.seed());
    let line = "migrate apply --all --jobs 2";
    for _ in 0..6 {
        let running = product.operator.start(line, &[]);
        let moment = Instant::now() + Duration::from_millis(300).mul_f64(dice.fraction());
        while Instant::now() < moment && running.is_running() {
            std::thread::yield_now();
        }
        running.signal(Signal::KILL);
        let _ran = running.wait();
    }
    let _ran = product.run(line).success();
    let again = product.run(&format!("-o json {line}")).success().json();
    assert!(!verdicts(&again).contains(":done"), "{again}");
    for slug in SLUGS {
        assert_eq!(product.history(slug), "1,2,3,4,5,6,7,8,9");
        assert_eq!(product.recorded(slug), "9");
        assert_eq!(product.database(slug).value::<i64>("SELECT count(*) FROM public.once"), 1);
    }
    product.operator.assert_sound();
}

/// A statement that cannot go on ends at the server as well: nothing waits there for a command that
/// is gone.
#[test]
fn a_statement_that_waits_for_ever_ends_here_and_at_the_server() {
    let operator = Operator::new();
    let _ran = operator.run(&bare_line("acme")).success();
    let mut holder = operator.plane();
    holder.run("BEGIN; LOCK TABLE control_plane.tenant_metadata IN ACCESS EXCLUSIVE MODE");
    let line = "tenant create globex --name Globex --timeout 2s -o json";
    let error = operator.run(line).fails_with(7).error();
    assert_eq!(error["retryable"], true, "{error}");
    let mut watcher = server().superuser("postgres");
    let plane = operator.plane_name();
    until("the abandoned statements to end", PATIENCE, || {
        let left: i64 = watcher.value(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{plane}' \
             AND application_name LIKE 'tenantctl/%'"
        ));
        if left == 0 { Ok(()) } else { Err(format!("{left} sessions")) }
    });
    holder.run("ROLLBACK");
    assert_eq!(operator.tenants("globex"), []);
    operator.assert_sound();
}

/// Ctrl-C while the layers of a lockdown are cut, or given back: what is in force and what goes on is
/// said at once, above nothing that was left standing there; then what was not done.
#[test]
fn a_lockdown_and_an_unlock_that_are_interrupted_say_what_is_in_force() {
    let operator = with_tenant();
    let before = access(&operator);
    let name = operator.tenant("acme").database;
    let interrupted = |line: &str, hold: &str, goes_on: &str| {
        let mut holder = server().superuser(&name);
        holder.run(&format!("BEGIN; {hold}"));
        let mut command = operator.command(line);
        command.env("COLUMNS", "200");
        let mut terminal = Terminal::start(&command, 200);
        terminal.sees("waiting for a lock");
        terminal.presses("\u{3}");
        terminal.sees(&format!("stopping after {goes_on}; interrupt again to abort"));
        holder.run("ROLLBACK");
        let (code, seen) = terminal.end();
        assert_eq!(code, 130, "{seen}");
        // The lines that are redrawn are gone by then, and whatever the terminal wrote at the cursor.
        let (drawn, _) = seen.split_once("acme is ").unwrap();
        assert!(drawn.trim_end_matches('\r').ends_with("\u{1b}[J"), "{drawn:?}");
        plain(&seen)
    };
    let lock = "lockdown acme --reason drill";
    let gate = "SELECT FROM tenantctl.gate FOR UPDATE";
    let seen = interrupted(lock, gate, "the layers that are being cut");
    assert!(seen.contains("acme is locked at: control plane"), "{seen}");
    assert!(seen.contains("gate not done, and not yet proved; stopping"), "{seen}");
    assert!(seen.contains("locked down, and nothing was tried: interrupted"), "{seen}");
    assert!(seen.contains("Not done: no session"), "{seen}");
    let proven: bool = operator
        .plane()
        .value("SELECT lock_proven_at IS NOT NULL FROM control_plane.tenant_metadata");
    assert!(!proven, "what was not tried is not proved");
    let report = operator.run(LOCK).success().json();
    assert_eq!(report["interrupted"], false, "{report}");

    let login = format!("ALTER ROLE \"{name}\" CONNECTION LIMIT 7");
    let unlock = "--yes unlock acme --reason over";
    let seen = interrupted(unlock, &login, "giving the connections back");
    assert!(seen.contains("acme is still locked; stopping"), "{seen}");
    assert!(seen.contains("`acme` is still locked: interrupted."), "{seen}");
    assert!(operator.tenant("acme").is_locked);
    let _ran = operator.run(UNLOCK).success();
    assert_eq!(access(&operator), before);
}

/// Order and expiry are the servers' business: a clock that is two hours off changes no result.
#[test]
fn a_clock_that_is_off_changes_no_result() {
    for off in ["-7200", "7200"] {
        let operator =
            Operator::new().with("LD_PRELOAD", preload::library()).with(CLOCK_IS_OFF, off);
        let _ran = operator.run(&bare_line("acme")).success();
        let jti = operator.issue(USER, "acme");
        let line = format!("session check {jti}");
        let _ran = operator.run(&line).success();
        let seconds: i64 = operator.plane().value(
            "SELECT abs(extract(epoch FROM now() - issued_at))::bigint FROM control_plane.sessions",
        );
        assert!(seconds < 600, "{off}: issued {seconds} s from now");
        let _ran = operator.run("--yes session revoke --tenant acme --reason drill").success();
        let _ran = operator.run(&line).fails_with(11);
        // One issued behind the revocation counts, though this clock may say it came before.
        let jti = operator.issue(USER, "acme");
        let _ran = operator.run(&format!("session check {jti}")).success();
        let _ran = operator.run("lockdown acme --reason drill").success();
        let _ran = operator.run("--yes unlock acme --reason over").success();
        let _ran = operator.run("tenant delete acme --grace 90m --confirm acme").success();
        let _ran = operator.run("--yes tenant purge --due --no-backup");
        assert_eq!(operator.tenant("acme").status, "deleted", "{off}: its grace is not over");
        operator.assert_sound();
    }
}
