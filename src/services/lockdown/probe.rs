//! Probes: what a client would try after a lockdown, and what it got.
//!
//! A lockdown claims nothing that was not tried.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::layer::{NOT_IN_TIME, in_time};
use crate::adapters::control_plane;
use crate::adapters::postgres::{self, Endpoint, PgError, Purpose};
use crate::adapters::server::{Hole, Home, Reached, ServerError, TenantDatabase};
use crate::model::{
    Classified, Jti, Marks, Patience, SecretText, SessionState, Tenant, TenantStatus,
};
use crate::services::home::{RenewableHome, World};

/// What the gate's probe says when nothing got through.
const REFUSED: &str =
    "statements with a fresh token were refused, as the hook issues it and as Auth does";

/// What the gate answered.
enum Answer {
    /// It let a statement through, with this kind of token.
    LetIn(&'static str),
    /// It comes with the migrations, and before them no application reads anything.
    NoGateYet,
    Refused(Reached),
}

/// How many ways in a line names.
const NAMED: usize = 3;

/// What a probe got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProbeVerdict {
    /// It was refused, as it must be.
    Refused,
    /// It got in.
    GotIn,
    /// It could not be tried; why.
    CouldNotRun(String),
}

/// One probe's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProbeReport {
    /// Its word: `session`, `gate`, `login`.
    pub probe: &'static str,
    /// What it got.
    pub verdict: ProbeVerdict,
    /// What was tried and seen.
    pub detail: String,
    /// Which ways in are open, where tables were tried.
    pub holes: Vec<Hole>,
    /// How long after the command began it was known.
    pub at: Duration,
}

/// What the probes need.
pub(super) struct Probes<'a> {
    pub(super) world: &'a World,
    pub(super) home: &'a RenewableHome<'a>,
    pub(super) tenant: &'a Tenant,
    pub(super) password: Option<SecretText>,
    /// A session that was valid until the lockdown's commit.
    pub(super) session: Option<Jti>,
    /// As the lockdown's commit left them.
    pub(super) marks: Marks,
    pub(super) patience: Patience,
    pub(super) started: Instant,
}

impl Probes<'_> {
    /// Tries all three.
    pub(super) async fn run(&self) -> Vec<ProbeReport> {
        let (session, gate, login) = tokio::join!(
            self.in_time("session", self.session()),
            self.in_time("gate", self.gate()),
            self.in_time("login", self.login())
        );
        vec![session, gate, login]
    }

    async fn in_time(
        &self,
        probe: &'static str,
        trying: impl Future<Output = ProbeReport>,
    ) -> ProbeReport {
        let tried = in_time(self.patience, trying).await;
        tried.unwrap_or_else(|| self.could_not_run(probe, NOT_IN_TIME.to_owned()))
    }

    async fn session(&self) -> ProbeReport {
        let Some(jti) = &self.session else { return self.claims().await };
        let asked = async {
            control_plane::session_state(&mut *self.world.plane.session().await?, jti).await
        };
        match asked.await {
            Ok(SessionState::Valid) => {
                let detail = format!("session {jti}, valid before, is still valid");
                self.report("session", ProbeVerdict::GotIn, detail)
            }
            Ok(state) => {
                let detail = format!("session {jti}, valid before, is now {}", state.word());
                self.report("session", ProbeVerdict::Refused, detail)
            }
            Err(error) => self.could_not_run("session", error.chain().join(": ")),
        }
    }

    /// Without a session to try, a token is judged that would have passed before.
    async fn claims(&self) -> ProbeReport {
        let asked = async {
            let mut session = self.world.plane.session().await?;
            let second = control_plane::now(&mut session).await?.unix_timestamp();
            control_plane::judge_claims(&mut session, &self.fresh_claims(second)).await
        };
        match asked.await {
            Ok(judged) => {
                let is_refused = !judged.passes && judged.state != SessionState::Unrecorded;
                let verdict = if is_refused { ProbeVerdict::Refused } else { ProbeVerdict::GotIn };
                let state = judged.state.word();
                let detail = format!("no session was valid before; a token issued now is {state}");
                self.report("session", verdict, detail)
            }
            Err(error) => self.could_not_run("session", error.chain().join(": ")),
        }
    }

    /// Those of a token of our hook that would have got in a moment before: issued in this second of the clock
    /// that judges it, and under the newest epoch, so that only the lock can refuse it.
    fn fresh_claims(&self, second: i64) -> serde_json::Value {
        serde_json::json!({
            "sub": uuid::Uuid::nil().to_string(),
            "iat": second,
            "exp": second + 3600,
            "app_metadata": { "tenant_id": self.tenant.id.to_string() },
            "tenant_epoch": self.marks.epoch,
        })
    }

    /// Those of every kind of token that is used against the tenant's database: as our hook issues it,
    /// as Auth does without the hook, and, where the tenant has an Auth of its own, which knows of no
    /// tenants, one that names none.
    fn tokens(&self, second: i64) -> Vec<(&'static str, serde_json::Value)> {
        let issued = |metadata: serde_json::Value| {
            serde_json::json!({
                "iss": "https://auth.example.com/auth/v1",
                "aud": "authenticated",
                "role": "authenticated",
                "sub": uuid::Uuid::nil().to_string(),
                "session_id": uuid::Uuid::nil().to_string(),
                "aal": "aal1",
                "amr": [{ "method": "password", "timestamp": second }],
                "iat": second,
                "exp": second + 3600,
                "email": "",
                "phone": "",
                "is_anonymous": false,
                "app_metadata": metadata,
                "user_metadata": {},
            })
        };
        let named = serde_json::json!({
            "provider": "email",
            "providers": ["email"],
            "tenant_id": self.tenant.id.to_string(),
        });
        let nameless = serde_json::json!({ "provider": "email", "providers": ["email"] });
        let mut tokens = vec![
            ("a token as the hook issues it", self.fresh_claims(second)),
            ("a token as Auth issues it", issued(named)),
        ];
        if self.home.has_own_auth() {
            tokens.push(("a token as the project's Auth issues it", issued(nameless)));
        }
        tokens
    }

    async fn gate(&self) -> ProbeReport {
        let asked = loop {
            let count = self.home.count().await;
            let home = match self.home.get().await {
                Ok(Some(home)) => home,
                Ok(None) => {
                    let detail = "there is no database".to_owned();
                    return self.report("gate", ProbeVerdict::Refused, detail);
                }
                Err(away) => return self.could_not_run("gate", away.to_string()),
            };
            match self.ask_the_gate(&home).await {
                Err(error) if self.home.is_worth_renewing(&error) => {
                    self.home.renew(count).await;
                }
                asked => break asked,
            }
        };
        match asked {
            Ok(Answer::LetIn(token)) => {
                let detail = format!("a statement with {token} got through");
                self.report("gate", ProbeVerdict::GotIn, detail)
            }
            Ok(Answer::NoGateYet) => {
                let detail = "there is no gate yet, and nothing behind it".to_owned();
                self.report("gate", ProbeVerdict::Refused, detail)
            }
            Ok(Answer::Refused(reached)) => self.judge(reached),
            Err(ServerError::NoDatabase(_)) => {
                let detail = "there is no such database".to_owned();
                self.report("gate", ProbeVerdict::Refused, detail)
            }
            Err(ServerError::Postgres(error)) if is_closed(&error) => {
                let detail = "the database allows no connections".to_owned();
                self.report("gate", ProbeVerdict::Refused, detail)
            }
            Err(error) => self.could_not_run("gate", error.chain().join(": ")),
        }
    }

    /// Says what came of the tries at the tables.
    fn judge(&self, reached: Reached) -> ProbeReport {
        let Reached { holes, refused, roles, untried } = reached;
        let count = holes.len();
        if count > 0 {
            let named: Vec<_> = holes.iter().take(NAMED).map(Hole::to_string).collect();
            let more = count.saturating_sub(NAMED);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            let detail = format!("{}{more}", named.join("; "));
            let report = self.report("gate", ProbeVerdict::GotIn, detail);
            return ProbeReport { holes, ..report };
        }
        if !untried.is_empty() {
            let reason = format!("the operator may not act as {}", untried.join(", "));
            return self.could_not_run("gate", reason);
        }
        let tables = match roles {
            0 => ", and no table is granted to a client".to_owned(),
            1 => format!(", and so were {refused} on the tables as one role"),
            _ => format!(", and so were {refused} on the tables as {roles} roles"),
        };
        let detail = format!("{REFUSED}{tables}");
        self.report("gate", ProbeVerdict::Refused, detail)
    }

    async fn ask_the_gate(&self, home: &Home) -> Result<Answer, ServerError> {
        let mut database = home.enter(Purpose::query("probe")).await?;
        match database.check_identity().await {
            // The gate comes with the migrations, and before them no application reads anything.
            Err(ServerError::Contradicted { .. })
                if self.tenant.status == TenantStatus::Provisioning =>
            {
                return Ok(Answer::NoGateYet);
            }
            checked => checked?,
        }
        let tokens = self.tokens(self.second_after_the_mark(&mut database).await?);
        for (token, claims) in &tokens {
            if database.gate_lets_in(claims).await? {
                return Ok(Answer::LetIn(token));
            }
        }
        let claims: Vec<_> = tokens.into_iter().map(|(_, claims)| claims).collect();
        let reached = database.reach(&claims).await?;
        database.close().await;
        Ok(Answer::Refused(reached))
    }

    /// Returns the present second of the tenant's server, once it is later than the mark: a token of
    /// the mark's own second, or within `clock_skew` after it, is refused whether or not the gate is
    /// locked. It is waited for that, and not for long.
    async fn second_after_the_mark(
        &self,
        database: &mut TenantDatabase,
    ) -> Result<i64, ServerError> {
        let mark = self.marks.not_before.map_or(i64::MIN, OffsetDateTime::unix_timestamp);
        let (mut second, mut looks) = (database.second().await?, 0);
        while second <= mark && looks < 12 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            (second, looks) = (database.second().await?, looks + 1);
        }
        Ok(second)
    }

    async fn login(&self) -> ProbeReport {
        let Some(name) = &self.tenant.database else {
            let detail = "there is no login".to_owned();
            return self.report("login", ProbeVerdict::Refused, detail);
        };
        let Some(password) = &self.password else {
            if self.is_closed_to_all().await {
                let detail = "the database allows no connections".to_owned();
                return self.report("login", ProbeVerdict::Refused, detail);
            }
            let reason = match self.tenant.credential {
                Some(_) => {
                    "the login's password is sealed, and TENANTCTL_SECRET_KEY is not set or does not \
                     open it"
                }
                None => "the login's password is not kept, so only the application could try it",
            };
            return self.could_not_run("login", reason.to_owned());
        };
        let Some(endpoint) = self.world.address(self.tenant, Some(password.clone())) else {
            let reason = "no address is recorded to log in at";
            return self.could_not_run("login", reason.to_owned());
        };
        match postgres::connect(&endpoint, Purpose::query("probe")).await {
            Ok(connection) => {
                Endpoint::close(connection).await;
                let detail = format!("{} logged in", name.login());
                self.report("login", ProbeVerdict::GotIn, detail)
            }
            Err(error) if error.is("28000") || is_closed(&error) || is_missing(&error) => {
                let detail = format!("{} was refused", name.login());
                self.report("login", ProbeVerdict::Refused, detail)
            }
            Err(error) => self.could_not_run("login", error.chain().join(": ")),
        }
    }

    /// Returns whether no database exists that a login could connect to.
    async fn is_closed_to_all(&self) -> bool {
        let home = match self.home.get().await {
            Ok(Some(home)) => home,
            Ok(None) => return true,
            Err(_) => return false,
        };
        let looked = async {
            let mut operator = home.operator(Purpose::query("probe")).await?;
            home.look(&mut operator).await
        };
        looked.await.is_ok_and(|found| found.is_none_or(|found| !found.allows_connections))
    }

    fn could_not_run(&self, probe: &'static str, reason: String) -> ProbeReport {
        self.report(probe, ProbeVerdict::CouldNotRun(reason.clone()), reason)
    }

    fn report(&self, probe: &'static str, verdict: ProbeVerdict, detail: String) -> ProbeReport {
        ProbeReport { probe, verdict, detail, holes: Vec::new(), at: self.started.elapsed() }
    }
}

/// Returns whether the database refuses everybody (`datallowconn`).
pub(super) fn is_closed(error: &PgError) -> bool {
    error.is("55000")
}

/// Returns whether there is no such database.
fn is_missing(error: &PgError) -> bool {
    error.is("3D000")
}
