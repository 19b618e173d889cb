//! Killed or failed before and after every step, then the same command again: exactly one of
//! everything, and nothing left over.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::Operator;
use crate::support::faults::{
    STRIKES, assert_closed, assert_next_is_empty, assert_usable, contents, create_line,
    for_each_step, has_mine, issue, line_with, make, migrated_line, strike,
};

fn create_survives(step: &str) {
    let operator = Operator::new();
    // What was struck late is compared in full; a seed is the costly part of it.
    let line = |slug: &str| match step {
        "seed" => create_line(slug),
        _ => migrated_line(slug),
    };
    let _ran = operator.run(&line("clean")).success();
    for (moment, how) in STRIKES {
        let slug = format!("{moment}-{how}");
        strike(&operator, step, &slug, moment, how, &line(&slug));
        let again = operator.run(&format!("-o json {}", line(&slug))).success().json();
        let is_behind = step == "activate" && moment == "after";
        let outcome = if is_behind { "already_there" } else { "continued" };
        assert_eq!(again["outcome"], outcome, "{slug}");
        assert_usable(&operator, &slug);
        assert_eq!(contents(&operator, &slug), contents(&operator, "clean"), "{slug}");
    }
    operator.assert_sound();
}

for_each_step! { create_survives:
    create_is_struck_at_place "place"
    create_is_struck_at_secure "secure"
    create_is_struck_at_register "register"
    create_is_struck_at_migrate "migrate"
    create_is_struck_at_seed "seed"
    create_is_struck_at_verify "verify"
    create_is_struck_at_activate "activate"
}

fn delete_survives(step: &str) {
    let operator = Operator::new();
    for (moment, how) in STRIKES {
        let slug = format!("{moment}-{how}");
        make(&operator, &slug);
        let jti = issue(&operator, &slug);
        let line = format!("tenant delete {slug} --confirm {slug}");
        strike(&operator, step, &slug, moment, how, &line);
        let _ran = operator.run(&line).success();
        assert_eq!(operator.tenant(&slug).status, "deleted");
        assert_closed(&operator, &slug);
        let _ran = operator.run(&format!("session check {jti}")).fails_with(11);
    }
    operator.assert_sound();
}

for_each_step! { delete_survives:
    delete_is_struck_at_mark "mark"
    delete_is_struck_at_close "close"
}

fn restore_survives(step: &str) {
    let operator = Operator::new();
    for (moment, how) in STRIKES {
        let slug = format!("{moment}-{how}");
        make(&operator, &slug);
        let jti = issue(&operator, &slug);
        let _ran = operator.run(&format!("tenant delete {slug} --confirm {slug}")).success();
        let line = format!("tenant restore {slug}");
        strike(&operator, step, &slug, moment, how, &line);
        let _ran = operator.run(&line).success();
        assert_usable(&operator, &slug);
        assert!(has_mine(&operator, &slug));
        let _ran = operator.run(&format!("session check {jti}")).fails_with(11);
    }
    operator.assert_sound();
}

for_each_step! { restore_survives:
    restore_is_struck_at_open "open"
    restore_is_struck_at_mark "mark"
}

fn purge_survives(step: &str) {
    let operator = Operator::new();
    for (moment, how) in STRIKES {
        let slug = format!("{moment}-{how}");
        make(&operator, &slug);
        let _ran = operator.run(&format!("tenant delete {slug} --confirm {slug}")).success();
        let line = format!("tenant purge {slug} --no-backup --confirm {slug}");
        strike(&operator, step, &slug, moment, how, &line);
        let _ran = operator.run(&line).success();
        assert_eq!(operator.tenants(&slug)[0].status, "purged");
        assert_next_is_empty(&operator, &slug);
    }
    operator.assert_sound();
}

for_each_step! { purge_survives:
    purge_is_struck_at_check "check"
    purge_is_struck_at_commit "commit"
    purge_is_struck_at_drop "drop"
    purge_is_struck_at_role "role"
    purge_is_struck_at_tombstone "tombstone"
}

/// Deleting and destroying in one go is one command, and that command continues what it began.
fn delete_and_purge_survives(step: &str) {
    let operator = Operator::new();
    for (moment, how) in STRIKES {
        let slug = format!("{moment}-{how}");
        make(&operator, &slug);
        let line = format!("tenant delete {slug} --purge --no-backup --confirm {slug}");
        strike(&operator, step, &slug, moment, how, &line);
        let _ran = operator.run(&line).success();
        assert_eq!(operator.tenants(&slug)[0].status, "purged");
    }
    operator.assert_sound();
}

for_each_step! { delete_and_purge_survives:
    delete_and_purge_is_struck_at_mark "mark"
    delete_and_purge_is_struck_at_close "close"
    delete_and_purge_is_struck_at_check "check"
    delete_and_purge_is_struck_at_commit "commit"
    delete_and_purge_is_struck_at_drop "drop"
    delete_and_purge_is_struck_at_role "role"
    delete_and_purge_is_struck_at_tombstone "tombstone"
}

/// A create that nobody wants to continue is given up by `delete`, wherever it stopped.
#[test]
fn what_a_killed_create_left_can_be_deleted_and_purged() {
    let operator = Operator::new();
    for step in ["place", "secure", "register", "migrate", "seed", "verify", "activate"] {
        for moment in ["before", "after"] {
            let slug = format!("{step}-{moment}");
            let fault = format!("{step}.{moment}:kill");
            let _ran = operator.run_failing(&fault, &line_with(step, &slug)).was_killed();
            let _ran = operator.run(&format!("tenant delete {slug} --confirm {slug}")).success();
            let _ran = operator
                .run(&format!("tenant purge {slug} --no-backup --confirm {slug}"))
                .success();
        }
    }
    operator.assert_sound();
    assert_next_is_empty(&operator, "migrate-after");
    operator.assert_sound();
}

/// Deleted and restored in between, a create is still continued by the same command.
#[test]
fn a_killed_create_that_was_deleted_and_restored_is_continued() {
    let operator = Operator::new();
    for step in ["place", "secure", "register", "migrate", "verify"] {
        for moment in ["before", "after"] {
            let slug = format!("{step}-{moment}");
            let fault = format!("{step}.{moment}:kill");
            let _ran = operator.run_failing(&fault, &line_with(step, &slug)).was_killed();
            let _ran = operator.run(&format!("tenant delete {slug} --confirm {slug}")).success();
            let _ran = operator.run(&format!("tenant restore {slug}")).success();
            assert_eq!(operator.tenant(&slug).status, "provisioning");
            let _ran = operator.run(&line_with(step, &slug)).success();
            assert_usable(&operator, &slug);
        }
    }
    operator.assert_sound();
}

#[test]
fn struck_again_and_again_it_still_ends_well() {
    let operator = Operator::new();
    for step in ["place", "secure", "register", "migrate", "seed", "verify", "activate"] {
        for moment in ["before", "before", "after", "after"] {
            let fault = format!("{step}.{moment}:kill");
            let ran = operator.run_failing(&fault, &create_line("acme"));
            if step == "activate" && ran.stdout().contains("exists already") {
                continue;
            }
            let _ran = ran.was_killed();
        }
    }
    let _ran = operator.run(&create_line("acme")).success();
    assert_usable(&operator, "acme");
    let _ran = operator.run(&create_line("clean")).success();
    assert_eq!(contents(&operator, "acme"), contents(&operator, "clean"));
    operator.assert_sound();
}

/// `CREATE DATABASE` outlives a client that is killed: the next one must neither trip over it nor
/// make a second.
#[test]
fn killed_at_any_moment_and_run_again_at_once() {
    let operator = Operator::new();
    for round in 0..16 {
        let slug = format!("round-{round}");
        let running = operator.start(&create_line(&slug), &[]);
        let moment = std::time::Instant::now() + Duration::from_millis(20 * round);
        // The moment is what is varied; whether the command is through by then does not matter.
        while std::time::Instant::now() < moment {
            std::thread::yield_now();
        }
        running.signal(Signal::KILL);
        let _ran = running.wait();
        let _ran = operator.run(&create_line(&slug)).success();
        assert_usable(&operator, &slug);
    }
    operator.assert_sound();
}
