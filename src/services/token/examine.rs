//! A token examined: keys are fetched, the control plane is asked for its clock and the session, and
//! nothing is requested that the verdict does not need.

use time::OffsetDateTime;

use super::check::{CheckName, Finding};
use super::error::TokenError;
use super::header::Algorithm;
use super::read::Token;
use super::rules::{self, Rules};
use super::secret::SharedSecret;
use super::verify::{Keys, Obstacle, Outcome, Verdict, verify};
use super::{clocks, session};
use crate::adapters::control_plane::{self, ControlPlane};
use crate::adapters::jwks::{Jwks, Published};
use crate::model::{Classified, Clock, ErrorKind, SessionState, TenantId, TenantRef};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The verdict: no more requests once the token is refused.
    Verdict,
    /// Every check that can be made.
    EveryCheck,
}

/// A token, and what is expected of it.
#[derive(Debug)]
pub struct ExamineRequest<'a> {
    pub token: &'a Token,
    /// What is expected of its claims.
    pub rules: Rules,
    /// The secret for HS256, if the operator gave one.
    pub secret: Option<SharedSecret>,
    pub depth: Depth,
}

/// The control plane, when one is configured.
#[derive(Debug)]
pub enum Plane {
    Open(Box<ControlPlane>),
    /// Why none is wanted or configured.
    Absent(&'static str),
    /// It is configured and cannot be used.
    Broken(Obstacle),
}

#[derive(Debug)]
pub struct Examination {
    pub verdict: Verdict,
    /// The keys that were used, if any.
    pub keys: Option<Published>,
    pub judged_at: OffsetDateTime,
}

/// Examines a token. Without an answer from the keys' endpoint or the control plane the verdict is
/// open, never `valid`. The control plane is opened only when it is needed.
pub async fn examine(
    request: &ExamineRequest<'_>,
    jwks: Option<&Jwks<'_>>,
    open_plane: impl AsyncFnOnce() -> Plane,
    clock: &dyn Clock,
) -> Examination {
    let (keys, doubt) = published(request, jwks).await;
    let with = Keys {
        set: keys.as_ref().map(|keys| &keys.set),
        secret: request.secret.as_ref(),
        doubt: doubt.as_ref(),
    };
    let judged_at = clock.now();
    let mut verdict = verify(request.token, &with, &request.rules, judged_at);
    if request.depth == Depth::Verdict && is_over(&verdict) {
        let why = "not asked: the other checks are enough";
        verdict.set(CheckName::Session, Finding::skipped(why));
        return Examination { verdict, keys, judged_at };
    }
    match open_plane().await {
        Plane::Absent(why) => verdict.set(CheckName::Session, Finding::skipped(why)),
        Plane::Broken(trouble) => cannot_ask(&mut verdict, trouble),
        Plane::Open(plane) => match ask(request, &plane, &with, clock).await {
            Ok(None) => {
                let why = "the payload holds no claims";
                verdict.set(CheckName::Session, Finding::skipped(why));
            }
            Ok(Some((verdict, judged_at))) => return Examination { verdict, keys, judged_at },
            Err(error) => cannot_ask(&mut verdict, obstacle(&error)),
        },
    }
    Examination { verdict, keys, judged_at }
}

/// Asks the control plane once for its clock and the session's state, and judges the token by both;
/// nothing when the token has no claims to ask about.
async fn ask(
    request: &ExamineRequest<'_>,
    plane: &ControlPlane,
    keys: &Keys<'_>,
    clock: &dyn Clock,
) -> Result<Option<(Verdict, OffsetDateTime)>, TokenError> {
    let Some(claims) = request.token.claims() else { return Ok(None) };
    let question = serde_json::Value::Object(claims.all().clone());
    let mut connection = plane.session().await?;
    let before = clock.now();
    let judged = control_plane::judge_claims(&mut connection, &question).await?;
    let clocks = clocks::apart(before, judged.now, clock.now());
    let mut verdict = verify(request.token, keys, &request.rules, judged.now);
    verdict.set(CheckName::Session, session::session(claims, &judged));
    let compared = rules::tenant(claims, &request.rules);
    if let Some(finding) = session::tenant(claims, &judged, &compared) {
        verdict.set(CheckName::Tenant, finding);
    }
    if let Some(trouble) = clocks {
        let of_session = (judged.state == SessionState::Expired).then_some(CheckName::Session);
        for name in TIMES.into_iter().chain(of_session) {
            verdict.set(name, Finding::skipped("it is not known what time it is"));
        }
        verdict.set(CheckName::Expiry, Finding::skipped(format!("cannot {}", trouble.message)));
        verdict.doubt(trouble);
    }
    Ok(Some((verdict, judged.now)))
}

fn cannot_ask(verdict: &mut Verdict, trouble: Obstacle) {
    verdict.set(CheckName::Session, Finding::skipped(format!("cannot {}", trouble.message)));
    verdict.doubt(trouble);
}

/// The checks that a clock decides.
const TIMES: [CheckName; 3] = [CheckName::Expiry, CheckName::NotBefore, CheckName::IssuedAt];

/// Returns whether no answer of the control plane, its clock included, would change the verdict.
fn is_over(verdict: &Verdict) -> bool {
    verdict.obstacle().is_some() || verdict.failures().any(|failure| !TIMES.contains(&failure.name))
}

/// Returns the id of the tenant a token is expected to belong to.
///
/// # Errors
/// When there is none of that name, or the control plane does not answer.
pub(crate) async fn find_tenant(
    plane: &ControlPlane,
    named: &TenantRef,
) -> Result<TenantId, TokenError> {
    let tenant = control_plane::find_live(&mut *plane.session().await?, named).await?;
    tenant.map(|tenant| tenant.id).ok_or_else(|| TokenError::NoTenant(named.to_string()))
}

/// Returns the published keys, when this token needs any.
async fn published(
    request: &ExamineRequest<'_>,
    jwks: Option<&Jwks<'_>>,
) -> (Option<Published>, Option<Obstacle>) {
    let is_hopeless = request.depth == Depth::Verdict && request.token.problem().is_some();
    let Some(header) = request.token.header().filter(|_| !is_hopeless) else { return (None, None) };
    let needs_one = matches!(
        header.algorithm(request.secret.is_some()),
        Ok(Algorithm::Rs256 | Algorithm::Es256 | Algorithm::EdDsa)
    );
    let (Some(jwks), true) = (jwks, needs_one) else { return (None, None) };
    match jwks.keys(header.kid().ok().flatten()).await {
        Ok(keys) => {
            let doubt = keys.problem.as_ref().map(|problem| Obstacle {
                kind: ErrorKind::Unavailable,
                message: format!("get newer keys from {}: {problem}", keys.source),
                hint: None,
            });
            (Some(keys), doubt)
        }
        Err(error) => (None, Some(obstacle(&error))),
    }
}

/// Returns an error with its causes as an obstacle.
fn obstacle(error: &impl Classified) -> Obstacle {
    Obstacle { kind: error.kind(), message: error.chain().join(": "), hint: error.hint() }
}

impl Examination {
    /// Returns the kind of ending; nothing when the token is valid.
    pub fn ending(&self) -> Option<ErrorKind> {
        match self.verdict.outcome() {
            Outcome::Valid => None,
            Outcome::Rejected => Some(ErrorKind::Rejected),
            Outcome::Undecided => {
                Some(self.verdict.obstacle().map_or(ErrorKind::Unavailable, |found| found.kind))
            }
        }
    }
}
