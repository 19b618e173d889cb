//! Sessions through the stand-in of Supabase Auth: signed in and refreshed over HTTP, judged by
//! `claims_state`, `session check` and `token verify`.

use serde_json::Value;

use crate::support::claims::{create, judged};
use crate::support::{AuthServer, Operator, Session, Tokens};

/// A control plane, the tenants `acme` and `globex`, and Auth.
struct World {
    operator: Operator,
    plane: Session,
    auth: AuthServer,
    acme: String,
    globex: String,
}

impl World {
    fn with_hook() -> Self {
        Self::new(Operator::beside_auth(), AuthServer::beside)
    }

    fn without_hook() -> Self {
        let world = Self::new(Operator::beside_auth(), AuthServer::beside_without_hook);
        world.passing_unrecorded()
    }

    fn elsewhere() -> Self {
        Self::new(Operator::new(), |_| AuthServer::elsewhere()).passing_unrecorded()
    }

    fn new(operator: Operator, auth: impl Fn(&Operator) -> AuthServer) -> Self {
        let (acme, globex) = (create(&operator, "acme"), create(&operator, "globex"));
        let (plane, auth) = (operator.plane(), auth(&operator));
        let operator = operator.with("TENANTCTL_AUTH_URL", auth.url());
        Self { operator, plane, auth, acme, globex }
    }

    fn passing_unrecorded(mut self) -> Self {
        self.plane.run("UPDATE control_plane.settings SET unrecorded_passes = true");
        self
    }

    fn judged(&mut self, tokens: &Tokens) -> String {
        judged(&mut self.plane, &tokens.claims())
    }

    /// Refreshes and judges what came of it.
    #[track_caller]
    fn refreshed(&mut self, tokens: &Tokens) -> String {
        let tokens = self.auth.refresh(tokens).tokens();
        self.judged(&tokens)
    }

    fn run(&self, line: &str) -> Value {
        self.operator.run(&format!("-o json --yes {line} --reason r")).success().json()
    }
}

/// Findings 3 and 4: nothing ends the session in Auth, and still it is dead.
#[test]
fn where_auth_is_elsewhere_a_session_from_before_is_dead_by_its_beginning() {
    let mut world = World::elsewhere();
    for (tenant, act, word) in [
        (world.acme.clone(), "session revoke --tenant acme", "tenant_revoked"),
        (world.globex.clone(), "session revoke --user USER", "user_revoked"),
    ] {
        let person = world.auth.member(&tenant);
        world.auth.set_clock(-30);
        let tokens = world.auth.sign_in(&person).tokens();
        world.run(&act.replace("USER", &person.id));
        world.auth.set_clock(30);
        assert_eq!(world.refreshed(&tokens), word, "{act}");
        let fresh = world.auth.sign_in(&person).tokens();
        assert_eq!(world.judged(&fresh), "unrecorded", "{act}");
        assert_eq!(world.refreshed(&fresh), "unrecorded", "{act}");
    }
}

/// Findings 1 and 2, without the race: what began before the mark, refreshed after it.
#[test]
fn without_the_hook_a_session_from_before_is_dead_by_its_beginning() {
    let mut world = World::without_hook();
    let person = world.auth.member(&world.globex);
    let tokens = world.auth.sign_in(&person).tokens();
    assert_eq!(world.judged(&tokens), "unrecorded");
    let ran = world.operator.run_reading(&tokens.access, "token verify - --tenant globex");
    assert!(ran.success().stdout().starts_with("valid\n"));
    world.run("session revoke --tenant globex");
    assert_eq!(world.auth.refresh(&tokens).refusal(), (400, "refresh_token_not_found"));
    assert_eq!(world.judged(&tokens), "tenant_revoked");
    let _ran = world.operator.run_reading(&tokens.access, "token verify -").fails_with(11);
    let recorded = World::with_hook();
    let person = recorded.auth.member(&recorded.globex);
    let tokens = recorded.auth.sign_in(&person).tokens();
    let ran = recorded.operator.run_reading(&tokens.access, "token verify - --tenant globex");
    assert!(ran.success().stdout().starts_with("valid\n"));
}
