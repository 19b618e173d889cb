//! Acts on tenants in random order, killed at random moments: the same command once more ends each,
//! with nothing made twice and nothing left over.
//!
//! `TENANTCTL_TEST_ROUNDS=1000` goes as far as one likes, `TENANTCTL_TEST_SEED` repeats the choices
//! (the moments are those of the machine).

use std::collections::BTreeMap;
use std::thread::scope;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::dice::{Dice, rounds};
use crate::support::faults::USER;
use crate::support::{Operator, Session, server};

/// Tenants that live their lives side by side.
const WORKERS: u64 = 2;

/// Where a tenant stands, and so what may be done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Absent,
    Open,
    Locked,
    Deleted,
}

impl Standing {
    /// Reads it behind the command's back; a deleted tenant may be locked as well.
    fn of(operator: &Operator, slug: &str) -> Self {
        let found: Vec<(String, bool)> = operator.plane().rows(&format!(
            "SELECT status, locked_at IS NOT NULL FROM control_plane.tenant_metadata \
             WHERE slug = '{slug}' AND status <> 'purged'"
        ));
        match found.first().map(|(status, is_locked)| (status.as_str(), is_locked)) {
            None => Self::Absent,
            Some(("active", false)) => Self::Open,
            Some(("active", true)) => Self::Locked,
            Some(("deleted", _)) => Self::Deleted,
            Some(other) => panic!("{slug} is {other:?} after a command that succeeded"),
        }
    }

    fn acts(self) -> &'static [&'static Act] {
        match self {
            Self::Absent => &[&CREATE],
            Self::Open => &[
                &LOCKDOWN,
                &DELETE,
                &DELETE_AND_PURGE,
                &MIGRATE,
                &SEED,
                &ROTATE,
                &REVOKE,
                &REMOVE,
                &ADD,
            ],
            Self::Locked => &[&UNLOCK, &LOCKDOWN, &DELETE, &REVOKE, &REMOVE],
            Self::Deleted => &[&RESTORE, &PURGE, &DELETE, &LOCKDOWN, &UNLOCK],
        }
    }
}

/// A command, and where it may lead.
struct Act {
    line: &'static str,
    leads_to: &'static [Standing],
}

use Standing::{Absent, Deleted, Locked, Open};

const CREATE: Act = Act { line: "tenant create SLUG --name Acme", leads_to: &[Open] };
const LOCKDOWN: Act = Act { line: "lockdown SLUG --reason drill", leads_to: &[Locked, Deleted] };
const UNLOCK: Act = Act { line: "--yes unlock SLUG --reason over", leads_to: &[Open, Deleted] };
const DELETE: Act = Act { line: "tenant delete SLUG --confirm SLUG", leads_to: &[Deleted] };
const DELETE_AND_PURGE: Act =
    Act { line: "tenant delete SLUG --purge --no-backup --confirm SLUG", leads_to: &[Absent] };
const PURGE: Act =
    Act { line: "tenant purge SLUG --no-backup --confirm SLUG", leads_to: &[Absent] };
const RESTORE: Act = Act { line: "tenant restore SLUG", leads_to: &[Open, Locked] };
const MIGRATE: Act = Act { line: "migrate apply --tenant SLUG", leads_to: &[Open] };
const SEED: Act = Act { line: "seed apply --tenant SLUG", leads_to: &[Open] };
const ROTATE: Act = Act { line: "tenant rotate SLUG", leads_to: &[Open] };
const REVOKE: Act =
    Act { line: "--yes session revoke --tenant SLUG --reason drill", leads_to: &[Open, Locked] };

const REMOVE: Act = Act {
    line: "--yes member remove SLUG 7d3c1b62-3f6e-4c1e-9a57-0c8d5d2a4e11 --reason drill",
    leads_to: &[Open, Locked],
};
const ADD: Act =
    Act { line: "member add SLUG 7d3c1b62-3f6e-4c1e-9a57-0c8d5d2a4e11", leads_to: &[Open] };

#[test]
fn acts_that_are_killed_at_random_moments_are_ended_by_the_same_command() {
    let operator = Operator::new();
    let dice = Dice::from_environment();
    let all = rounds(8);
    eprintln!("seed {}, {all} rounds", dice.seed());
    let counts = scope(|threads| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|number| {
                let (operator, dice) = (&operator, dice.of_worker(number));
                let share = all / WORKERS + u64::from(number < all % WORKERS);
                threads.spawn(move || live(operator, &format!("acme-{number}"), dice, share))
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
    });
    let mut killed: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (line, kills) in counts.into_iter().flatten() {
        let count = killed.entry(line).or_default();
        *count = (count.0 + 1, count.1 + kills);
    }
    for (line, (runs, kills)) in &killed {
        eprintln!("{runs:5} rounds, {kills:5} killed: {line}");
    }
    operator.assert_sound();
}

/// Goes through so many rounds with one slug; returns each round's command and its kills.
fn live(operator: &Operator, slug: &str, mut dice: Dice, rounds: u64) -> Vec<(&'static str, u64)> {
    let mut told = Vec::new();
    let mut standing = Absent;
    let mut lasts = BTreeMap::new();
    for _ in 0..rounds {
        let act = dice.one_of(standing.acts());
        let line = act.line.replace("SLUG", slug);
        let lasts = lasts.entry(act.line).or_insert(Duration::from_millis(100));
        let mut kills = 0;
        for _ in 0..=dice.below(2) {
            if is_killed(operator, &line, lasts, &mut dice) {
                kills += 1;
            }
        }
        let _ran = operator.run(&line).success();
        standing = Standing::of(operator, slug);
        assert!(act.leads_to.contains(&standing), "{line} led to {standing:?}");
        assert_is(operator, slug, standing);
        told.push((act.line, kills));
    }
    told
}

/// Kills the command at a moment within the time that it lasts, and returns whether it was still
/// running; that time is learned on the way, since it is the machine's.
fn is_killed(operator: &Operator, line: &str, lasts: &mut Duration, dice: &mut Dice) -> bool {
    let began = Instant::now();
    let running = operator.start(line, &[]);
    let moment = began + lasts.mul_f64(dice.fraction());
    while Instant::now() < moment && running.is_running() {
        std::thread::yield_now();
    }
    let lasted = began.elapsed();
    running.signal(Signal::KILL);
    let ran = running.wait();
    let was_killed = ran.is_killed();
    if was_killed {
        *lasts = lasts.mul_f64(1.1);
    } else {
        let _ran = ran.success();
        *lasts = lasted;
    }
    was_killed
}

/// Looks whether the database, the login's password and the sessions are as the standing wants.
#[track_caller]
fn assert_is(operator: &Operator, slug: &str, standing: Standing) {
    let lives = operator.tenants(slug);
    let database = &lives.last().unwrap().database;
    let databases: i64 = server()
        .superuser("postgres")
        .value(&format!("SELECT count(*) FROM pg_database WHERE datname::text = '{database}'"));
    assert_eq!(databases, i64::from(standing != Absent), "databases {database}");
    if standing == Absent {
        return;
    }
    let issued = operator.run(&format!("session issue --user {USER} --tenant {slug}"));
    if standing == Open {
        let _ran = issued.success();
        let mut login = operator.login(slug).unwrap();
        assert!(login.value::<bool>("SELECT tenantctl.access_allowed()"));
    } else {
        assert_ne!(issued.code(), 0, "{slug} is {standing:?} and gets a session");
        let url = operator.run(&format!("tenant url {slug} --reveal"));
        let opens = url.code() == 0 && Session::at(url.stdout()).is_ok();
        assert!(!opens, "{slug} is {standing:?} and lets its login in");
    }
}
