//! The three worlds that sessions live in: Auth beside the control plane with the hook, without it, and
//! Auth elsewhere.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::claims::{create, judged};
use super::{AUTH_KEY, AuthServer, Operator, Person, Session, Tokens};

/// A control plane, the tenants `acme` and `globex`, and Auth.
pub(crate) struct World {
    pub(crate) operator: Operator,
    pub(crate) plane: Session,
    pub(crate) auth: AuthServer,
    pub(crate) acme: String,
    pub(crate) globex: String,
}

/// Tells everybody that it is over as soon as it is dropped, also when a test fails.
pub(crate) struct Over<'f>(pub(crate) &'f AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl World {
    /// Auth beside the control plane, with the hook on.
    pub(crate) fn with_hook() -> Self {
        Self::new(Operator::beside_auth(), AuthServer::beside)
    }

    /// Auth beside the control plane, without the hook: what nobody recorded passes.
    pub(crate) fn without_hook() -> Self {
        let world = Self::new(Operator::beside_auth(), AuthServer::beside_without_hook);
        world.passing_unrecorded()
    }

    /// Auth with a database of its own, whose admin API alone is in reach.
    pub(crate) fn elsewhere() -> Self {
        let mut world =
            Self::new(Operator::new(), |_| AuthServer::elsewhere()).passing_unrecorded();
        world.operator = world.operator.with("TENANTCTL_AUTH_SERVICE_KEY", AUTH_KEY);
        world
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

    /// Returns what the control plane says of a token.
    pub(crate) fn judged(&mut self, tokens: &Tokens) -> String {
        judged(&mut self.plane, &tokens.claims())
    }

    /// Refreshes and judges what came of it.
    #[track_caller]
    pub(crate) fn refreshed(&mut self, tokens: &Tokens) -> String {
        let tokens = self.auth.refresh(tokens).tokens();
        self.judged(&tokens)
    }

    /// Signs a new member of `acme` up and in.
    pub(crate) fn member_of_acme(&self) -> (Person, Tokens) {
        let person = self.auth.member(&self.acme);
        let tokens = self.auth.sign_in(&person).tokens();
        (person, tokens)
    }

    /// Lets Auth's clock leave the second of every mark behind: a session that begins in it, or across
    /// its end, is dead until its user signs in again.
    pub(crate) fn later(&self) {
        self.auth.set_clock(30);
    }

    /// Runs a command that must work and takes a reason.
    pub(crate) fn run(&self, line: &str) -> Value {
        self.operator.run(&format!("-o json --yes {line} --reason r")).success().json()
    }
}
