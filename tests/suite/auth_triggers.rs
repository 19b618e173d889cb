//! The triggers on Auth's tables, held to what they promise while everybody is at work: no deadlock,
//! no statement of Auth's that fails or waits long by us, and nothing missed that a comparison does
//! not find.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

use serde_json::{Value, json};

use crate::support::dice::{Dice, rounds};
use crate::support::worlds::{Over, World};
use crate::support::{AuthServer, Session, server};

/// What a wait of Auth's may last before it is written down; half a second is what a trigger waits.
const LONGEST: &str = "700ms";

/// The users and sessions that clients had last.
type Known = Mutex<Vec<(String, String)>>;

/// Signs up, in and out, refreshes, changes the password, is banned, switches, goes.
fn client(world: &World, mut dice: Dice, known: &Known, is_over: &AtomicBool) {
    let auth = &world.auth;
    while !is_over.load(Ordering::SeqCst) {
        let tenant = dice.one_of(&[&*world.acme, &*world.globex]);
        let person = auth.member(tenant);
        let signed_in: Vec<_> = (0..2)
            .map(|_| auth.sign_in(&person))
            .filter(|answer| answer.status == 200)
            .map(crate::support::Answer::tokens)
            .collect();
        let Some(tokens) = signed_in.first() else { continue };
        if let Some(jti) = tokens.claims()["jti"].as_str() {
            known.lock().unwrap().push((person.id.clone(), jti.to_owned()));
        }
        let _answer = auth.refresh(tokens);
        let bearer = Some(&*tokens.access);
        let path = format!("/admin/users/{}", person.id);
        match dice.below(6) {
            0 => drop(auth.ask("POST", "/logout", bearer, &Value::Null)),
            1 => drop(auth.ask("PUT", "/user", bearer, &json!({ "password": "another" }))),
            2 => {
                auth.change(&person, &json!({ "ban_duration": "24h" }));
                auth.change(&person, &json!({ "ban_duration": "none" }));
            }
            3 => auth.put_into(&person, Some(&world.globex)),
            4 => auth.put_into(&person, None),
            _ => drop(auth.admin("DELETE", &path, &Value::Null)),
        }
        for tokens in &signed_in {
            let _answer = auth.refresh(tokens);
        }
    }
}

fn operate(world: &World, known: &Known) {
    for _ in 0..rounds(1) {
        world.run("session revoke --tenant acme");
        let last = known.lock().unwrap().last().cloned();
        if let Some((user, jti)) = last {
            world.run(&format!("session revoke --user {user}"));
            world.run(&format!("session revoke --jti {jti}"));
        }
        let _ran = world.operator.run("session prune").success();
        world.run("lockdown acme");
        world.run("unlock acme");
        let _ran = world.operator.run("session prune").success();
    }
}

#[test]
fn auths_statements_neither_fail_nor_wait_and_nothing_is_missed() {
    let world = World::with_hook();
    let plane = world.operator.plane_name().to_owned();
    let mut superuser = server().superuser(&plane);
    superuser.run(&format!(
        "ALTER ROLE supabase_auth_admin IN DATABASE {plane} SET log_lock_waits = on; \
         ALTER ROLE supabase_auth_admin IN DATABASE {plane} SET deadlock_timeout = '{LONGEST}'"
    ));
    let (known, is_over) = (Known::default(), AtomicBool::new(false));
    let dice = Dice::from_environment();
    scope(|threads| {
        for number in 0..5 {
            let (world, known, is_over) = (&world, &known, &is_over);
            let dice = dice.of_worker(number);
            threads.spawn(move || client(world, dice, known, is_over));
        }
        let _over = Over(&is_over);
        operate(&world, &known);
    });
    let seed = dice.seed();
    assert!(known.lock().unwrap().len() > 5, "seed {seed}: clients got somewhere");
    assert_eq!(world.auth.failures(), Vec::<String>::new(), "seed {seed}");
    assert_eq!(waits_by_others(&world.auth), Vec::<String>::new(), "seed {seed}");
    let _ran = world.operator.run("session prune").success();
    assert_eq!(missed(&mut superuser), Vec::<(String,)>::new(), "seed {seed}");
    eprintln!(
        "{} sessions, {} missed by a trigger",
        known.lock().unwrap().len(),
        unnoted(&world.auth)
    );
    let World { auth, .. } = world;
    // Its sessions write down their statistics as they end.
    drop(auth);
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(superuser.value::<i64>(deadlocks), 0, "seed {seed}");
}

/// Returns from the server's log who of Auth's waited long for somebody else.
fn waits_by_others(auth: &AuthServer) -> Vec<String> {
    let backends = auth.backends();
    let log = server().log();
    let lines: Vec<_> = log.lines().collect();
    let mut waits = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Some((_, wait)) = line.split_once("LOG:  process ") else { continue };
        if !wait.contains(" still waiting for ") || !backends.contains(&first_number(wait)) {
            continue;
        }
        let holders: BTreeSet<i32> = lines[number..]
            .iter()
            .take(3)
            .filter_map(|line| line.split_once("holding the lock: "))
            .flat_map(|(_, told)| told.split('.').next().unwrap().split(", "))
            .map(first_number)
            .collect();
        if holders.is_empty() || !holders.is_subset(&backends) {
            waits.push(lines[number..lines.len().min(number + 4)].join("\n"));
        }
    }
    waits
}

/// Returns how often a trigger gave way.
fn unnoted(auth: &AuthServer) -> usize {
    let backends = auth.backends();
    let log = server().log();
    let warnings = log.lines().filter(|line| line.contains("tenantctl did not note"));
    let pid = |line: &str| line.split_once('[').map(|(_, rest)| first_number(rest));
    warnings.filter(|line| pid(line).is_some_and(|pid| backends.contains(&pid))).count()
}

fn first_number(text: &str) -> i32 {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// Returns the sessions that count here and that Auth has ended.
fn missed(superuser: &mut Session) -> Vec<(String,)> {
    superuser.rows(
        "SELECT s.jti FROM control_plane.session_states s LEFT JOIN auth.sessions a \
           ON a.id::text = s.session_id LEFT JOIN auth.users u ON u.id = s.user_id \
         WHERE s.state = 'valid' AND (a.id IS NULL OR u.banned_until > now())",
    )
}
