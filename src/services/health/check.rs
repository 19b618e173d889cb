//! One request to each server we need, all at the same time, and how long each took.
//!
//! It repairs nothing and compares nothing; a monitor reads it.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::advice::{Advice, advice};
use crate::adapters::control_plane::{self, ControlPlane, FleetFacts};
use crate::adapters::jwks::Jwks;
use crate::adapters::postgres::{Endpoint, Purpose};
use crate::adapters::server::Server;
use crate::model::{Classified, ErrorKind, Patience};
use crate::services::home::Projects;

#[derive(Debug)]
pub(crate) struct HealthRequest {
    pub control_plane: Endpoint,
    /// What starts the control plane, where it is a server of our own.
    pub start_it: Option<&'static str>,
    pub cluster: Endpoint,
    /// Where there is an access token.
    pub projects: Option<Projects>,
    /// Where an address for keys is configured.
    pub jwks: Option<Jwks<'static>>,
    /// The fingerprint of our migrations, where they can be read.
    pub fingerprint: Option<String>,
    /// How long each may take.
    pub patience: Patience,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CheckOutcome {
    /// With its answer, in a few words.
    Reachable(String),
    Failed {
        kind: ErrorKind,
        /// The error and its causes.
        chain: Vec<String>,
        hint: Option<String>,
    },
    /// With the settings that are missing.
    NotConfigured(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    pub name: &'static str,
    /// Without a password.
    pub address: Option<String>,
    pub outcome: CheckOutcome,
    pub elapsed: Duration,
    /// What it lets a tenant do to others; it fails nothing.
    pub advice: Vec<Advice>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HealthReport {
    /// Most important first.
    pub checks: Vec<Check>,
    /// How the tenants stand; nothing where the control plane does not tell. It fails nothing.
    pub fleet: Option<FleetFacts>,
}

impl HealthReport {
    /// Returns the kind of ending: unavailable before denied before any other failure; nothing when
    /// all checks pass.
    pub(crate) fn ending(&self) -> Option<ErrorKind> {
        let kinds: Vec<_> = self
            .checks
            .iter()
            .filter_map(|check| match &check.outcome {
                CheckOutcome::Failed { kind, .. } => Some(*kind),
                _ => None,
            })
            .collect();
        let of = |kind| kinds.contains(&kind).then_some(kind);
        of(ErrorKind::Unavailable)
            .or_else(|| of(ErrorKind::Denied))
            .or_else(|| kinds.first().copied())
    }
}

/// Runs all checks.
pub(crate) async fn check(request: &HealthRequest) -> HealthReport {
    // A monitor is told that no connection is free, not kept waiting for one.
    let mut fleet = None;
    let asking_once = |endpoint: &Endpoint| endpoint.waiting(&endpoint.waits().asking_once());
    let first = Box::pin(timed("control_plane", Some(&request.control_plane), request, async {
        let endpoint = asking_once(&request.control_plane);
        let plane = ControlPlane::open(endpoint).await.map_err(failed)?;
        let said = format!("control plane {}", plane.id());
        let facts = async {
            let mut session = plane.session().await?;
            control_plane::fleet_facts(&mut session, request.fingerprint.as_deref()).await
        };
        fleet = Some(facts.await.map_err(failed)?);
        plane.close().await;
        Ok(said)
    }));
    let (mut first, cluster, management, jwks) = tokio::join!(
        first,
        Box::pin(cluster(request, asking_once(&request.cluster))),
        Box::pin(management(request)),
        Box::pin(jwks(request))
    );
    if let (CheckOutcome::Failed { kind: ErrorKind::Unavailable, hint, .. }, Some(command)) =
        (&mut first.outcome, request.start_it)
    {
        hint.get_or_insert(command.to_owned());
    }
    HealthReport { checks: vec![first, management, cluster, jwks], fleet }
}

async fn cluster(request: &HealthRequest, endpoint: Endpoint) -> Check {
    let mut told = Vec::new();
    let asking = async {
        let cluster = Server::cluster(endpoint, Uuid::nil());
        let mut session = cluster.operator(Purpose::query("health")).await.map_err(failed)?;
        told = advice(&cluster.standing(&mut session).await.map_err(failed)?);
        Endpoint::close(session).await;
        Ok("the operator logs in".to_owned())
    };
    let mut check = timed("cluster", Some(&request.cluster), request, asking).await;
    check.advice = told;
    check
}

async fn management(request: &HealthRequest) -> Check {
    let name = "management_api";
    let Some(projects) = &request.projects else {
        let outcome = CheckOutcome::NotConfigured("no SUPABASE_ACCESS_TOKEN");
        return Check { name, address: None, outcome, elapsed: Duration::ZERO, advice: Vec::new() };
    };
    let asking = async {
        let deadline = request.patience.until();
        let found = projects.api().organizations(deadline).await.map_err(failed)?;
        Ok(format!("{} organizations", found.len()))
    };
    let mut check = timed(name, None, request, asking).await;
    check.address = Some(projects.api().address());
    check
}

/// Fetches from the endpoint itself: a copy on disk would hide that it is down.
async fn jwks(request: &HealthRequest) -> Check {
    let name = "jwks";
    let Some(jwks) = &request.jwks else {
        let outcome = CheckOutcome::NotConfigured("no TENANTCTL_AUTH_URL or TENANTCTL_JWKS_URL");
        return Check { name, address: None, outcome, elapsed: Duration::ZERO, advice: Vec::new() };
    };
    let asking = async {
        let published = jwks.refresh().await.map_err(failed)?;
        let (usable, skipped) = (published.set.keys().len(), published.set.skipped().len());
        let left_out = if skipped == 0 { String::new() } else { format!(", {skipped} left out") };
        Ok(format!("keys that verify: {usable}{left_out}"))
    };
    let mut check = timed(name, None, request, asking).await;
    check.address = Some(jwks.source().to_string());
    check
}

async fn timed(
    name: &'static str,
    endpoint: Option<&Endpoint>,
    request: &HealthRequest,
    asking: impl Future<Output = Result<String, CheckOutcome>>,
) -> Check {
    let started = Instant::now();
    let outcome = match tokio::time::timeout_at(request.patience.until(), asking).await {
        Ok(Ok(said)) => CheckOutcome::Reachable(said),
        Ok(Err(outcome)) => outcome,
        Err(_elapsed) => CheckOutcome::Failed {
            kind: ErrorKind::Unavailable,
            chain: vec![format!(
                "get an answer within {} s",
                request.patience.length().as_secs_f64()
            )],
            hint: None,
        },
    };
    let address = endpoint.map(ToString::to_string);
    Check { name, address, outcome, elapsed: started.elapsed(), advice: Vec::new() }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn failed<E: Classified>(error: E) -> CheckOutcome {
    CheckOutcome::Failed { kind: error.kind(), chain: error.chain(), hint: error.hint() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unavailable_comes_before_denied() {
        let check = |kind: Option<ErrorKind>| Check {
            name: "cluster",
            address: None,
            outcome: match kind {
                None => CheckOutcome::Reachable(String::new()),
                Some(kind) => CheckOutcome::Failed { kind, chain: Vec::new(), hint: None },
            },
            elapsed: Duration::ZERO,
            advice: Vec::new(),
        };
        let ending = |kinds: &[Option<ErrorKind>]| {
            HealthReport { checks: kinds.iter().map(|kind| check(*kind)).collect(), fleet: None }
                .ending()
        };
        let (denied, away) = (Some(ErrorKind::Denied), Some(ErrorKind::Unavailable));
        assert_eq!(ending(&[None, None]), None);
        assert_eq!(ending(&[denied, away]), away);
        assert_eq!(ending(&[Some(ErrorKind::Refused), denied]), denied);
        assert_eq!(ending(&[None, Some(ErrorKind::Refused)]), Some(ErrorKind::Refused));
    }
}
