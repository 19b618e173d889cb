//! Clients that sign in and refresh without pause while sessions are revoked and tenants locked: of
//! what began before, nothing is alive afterwards and nothing can be refreshed into life.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::scope;

use serde_json::{Value, json};

use crate::support::claims::quoted;
use crate::support::dice::rounds;
use crate::support::tokens::micros;
use crate::support::worlds::{Over, World};
use crate::support::{AuthServer, PATIENCE, Person, Tokens, until};

const CLIENTS: usize = 3;

/// A sign-in as its client knows it.
struct SignIn {
    /// When the client had the answer, in microseconds.
    at: i64,
    /// The claims of every token of it.
    claims: Vec<Value>,
    /// The newest.
    last: Tokens,
}

/// Signs in and refreshes twice, over and over.
fn client(
    auth: &AuthServer,
    person: &Person,
    has_begun: &AtomicUsize,
    is_over: &AtomicBool,
) -> Vec<SignIn> {
    let mut kept = Vec::new();
    while !is_over.load(Ordering::SeqCst) {
        let answer = auth.sign_in(person);
        let at = micros();
        if answer.status != 200 {
            continue;
        }
        let last = answer.tokens();
        let mut one = SignIn { at, claims: vec![last.claims()], last };
        for _ in 0..2 {
            let answer = auth.refresh(&one.last);
            if answer.status == 200 {
                one.last = answer.tokens();
                one.claims.push(one.last.claims());
            }
        }
        kept.push(one);
        has_begun.fetch_add(1, Ordering::SeqCst);
    }
    kept
}

fn alive(world: &mut World, claims: &[Value]) -> Vec<Value> {
    let all = quoted(&json!(claims));
    let alive: Vec<(sqlx::types::Json<Value>,)> = world.plane.rows(&format!(
        "SELECT c FROM jsonb_array_elements('{all}') c WHERE control_plane.are_claims_valid(c)"
    ));
    alive.into_iter().map(|(claims,)| claims.0).collect()
}

/// Returns how many tokens there were from before.
fn race(world: &mut World, round: u64) -> usize {
    world.auth.set_clock(0);
    let people: Vec<_> = (0..CLIENTS).map(|_| world.auth.member(&world.acme)).collect();
    let (has_begun, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let sign_ins = scope(|threads| {
        let (auth, has_begun, is_over) = (&world.auth, &has_begun, &is_over);
        let clients: Vec<_> = people
            .iter()
            .map(|person| threads.spawn(move || client(auth, person, has_begun, is_over)))
            .collect();
        let over = Over(is_over);
        until("clients to be at work", PATIENCE, || {
            let begun = has_begun.load(Ordering::SeqCst);
            if begun > 2 * CLIENTS { Ok(()) } else { Err(format!("{begun} sign-ins")) }
        });
        if round.is_multiple_of(2) {
            world.run("session revoke --tenant acme");
        } else {
            world.run("lockdown acme");
            world.run("unlock acme");
        }
        drop(over);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    let mark: i64 = world.plane.value(
        "SELECT floor(extract(epoch FROM sessions_not_before) * 1000000)::bigint \
         FROM control_plane.tenant_metadata WHERE slug = 'acme'",
    );
    let before: Vec<_> = sign_ins.iter().filter(|one| one.at < mark).collect();
    let claims: Vec<_> = before.iter().flat_map(|one| one.claims.clone()).collect();
    assert!(before.len() > 2 * CLIENTS && claims.len() > before.len(), "{}", claims.len());
    assert_eq!(alive(world, &claims), Vec::<Value>::new(), "round {round}: alive");
    world.later();
    let refreshed: Vec<_> = before
        .iter()
        .map(|one| world.auth.refresh(&one.last))
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.tokens().claims())
        .collect();
    assert_eq!(alive(world, &refreshed), Vec::<Value>::new(), "round {round}: refreshed");
    let fresh = world.auth.sign_in(&people[0]).tokens();
    assert_eq!(alive(world, &[fresh.claims()]).len(), 1, "round {round}: a new sign-in is let in");
    claims.len() + refreshed.len()
}

fn races(mut world: World) {
    let mut tokens = 0;
    for round in 0..rounds(2) {
        tokens += race(&mut world, round);
        // Nobody of this round is in the way of the next.
        world.auth.session().run("DELETE FROM auth.users");
    }
    assert_eq!(world.auth.failures(), Vec::<String>::new());
    eprintln!("{} rounds: {tokens} tokens from before, 0 alive", rounds(2));
}

#[test]
fn with_the_hook_nothing_from_before_is_alive_or_refreshed() {
    races(World::with_hook());
}

#[test]
fn without_the_hook_nothing_from_before_is_alive_or_refreshed() {
    races(World::without_hook());
}

#[test]
fn with_the_admin_api_alone_nothing_from_before_is_alive_or_refreshed() {
    races(World::elsewhere());
}
