//! Can we reach what we need: each thing asked once, all at the same time, with what it took.
//!
//! It repairs nothing and compares nothing; a monitor reads it.

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::adapters::control_plane::ControlPlane;
use crate::adapters::jwks::Jwks;
use crate::adapters::postgres::{Endpoint, Purpose};
use crate::adapters::server::Server;
use crate::model::{Classified, ErrorKind};
use crate::services::home::Projects;

/// What is to be asked.
#[derive(Debug)]
pub struct HealthRequest {
    /// Where the control plane is.
    pub control_plane: Endpoint,
    /// Where the cluster is.
    pub cluster: Endpoint,
    /// The projects, where there is an access token.
    pub projects: Option<Projects>,
    /// Where keys are published, if anybody said.
    pub jwks: Option<Jwks<'static>>,
    /// How long each may take.
    pub patience: Duration,
}

/// What came of asking one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It answers; in a few words, what it said.
    Reachable(String),
    /// It does not, or not to us.
    Failed {
        /// What kind of failure.
        kind: ErrorKind,
        /// The error and its causes.
        chain: Vec<String>,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Nobody configured it.
    NotConfigured(&'static str),
}

/// One thing that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is.
    pub name: &'static str,
    /// Where it is, without a password.
    pub address: Option<String>,
    /// What came of it.
    pub verdict: Verdict,
    /// How long it took.
    pub elapsed: Duration,
}

/// Everything that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// In the order of how much depends on it.
    pub checks: Vec<Check>,
}

impl HealthReport {
    /// Returns how a monitor should take it: unreachable before refused before anything else;
    /// nothing when all is well.
    pub fn ending(&self) -> Option<ErrorKind> {
        let kinds: Vec<_> = self
            .checks
            .iter()
            .filter_map(|check| match &check.verdict {
                Verdict::Failed { kind, .. } => Some(*kind),
                _ => None,
            })
            .collect();
        let of = |kind| kinds.contains(&kind).then_some(kind);
        of(ErrorKind::Unavailable)
            .or_else(|| of(ErrorKind::Denied))
            .or_else(|| kinds.first().copied())
    }
}

/// Asks everything.
pub async fn check(request: &HealthRequest) -> HealthReport {
    let control_plane =
        Box::pin(timed("control_plane", Some(&request.control_plane), request, async {
            let plane = ControlPlane::open(request.control_plane.clone()).await.map_err(failed)?;
            let said = format!("control plane {}", plane.id());
            plane.close().await;
            Ok(said)
        }));
    let cluster = Box::pin(timed("cluster", Some(&request.cluster), request, async {
        let cluster = Server::cluster(request.cluster.clone(), Uuid::nil());
        let session = cluster.operator(Purpose::query("health")).await.map_err(failed)?;
        Endpoint::close(session).await;
        Ok("the operator logs in".to_owned())
    }));
    let (control_plane, cluster, management, jwks) = tokio::join!(
        control_plane,
        cluster,
        Box::pin(management(request)),
        Box::pin(jwks(request))
    );
    HealthReport { checks: vec![control_plane, management, cluster, jwks] }
}

async fn management(request: &HealthRequest) -> Check {
    let name = "management_api";
    let Some(projects) = &request.projects else {
        let verdict = Verdict::NotConfigured("no SUPABASE_ACCESS_TOKEN");
        return Check { name, address: None, verdict, elapsed: Duration::ZERO };
    };
    let asking = async {
        let deadline = tokio::time::Instant::now() + request.patience;
        let found = projects.api().organizations(deadline).await.map_err(failed)?;
        Ok(format!("{} organizations", found.len()))
    };
    let mut check = timed(name, None, request, asking).await;
    check.address = Some(projects.api().address());
    check
}

/// Asks the endpoint itself: a copy on disk would hide that it is down.
async fn jwks(request: &HealthRequest) -> Check {
    let name = "jwks";
    let Some(jwks) = &request.jwks else {
        let verdict = Verdict::NotConfigured("no TENANTCTL_AUTH_URL or TENANTCTL_JWKS_URL");
        return Check { name, address: None, verdict, elapsed: Duration::ZERO };
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
    asking: impl Future<Output = Result<String, Verdict>>,
) -> Check {
    let started = Instant::now();
    let verdict = match tokio::time::timeout(request.patience, asking).await {
        Ok(Ok(said)) => Verdict::Reachable(said),
        Ok(Err(verdict)) => verdict,
        Err(_elapsed) => Verdict::Failed {
            kind: ErrorKind::Unavailable,
            chain: vec![format!("get an answer within {} s", request.patience.as_secs())],
            hint: None,
        },
    };
    let address = endpoint.map(ToString::to_string);
    Check { name, address, verdict, elapsed: started.elapsed() }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn failed<E: Classified>(error: E) -> Verdict {
    Verdict::Failed { kind: error.kind(), chain: error.chain(), hint: error.hint() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreachable_weighs_more_than_refused() {
        let check = |kind: Option<ErrorKind>| Check {
            name: "cluster",
            address: None,
            verdict: match kind {
                None => Verdict::Reachable(String::new()),
                Some(kind) => Verdict::Failed { kind, chain: Vec::new(), hint: None },
            },
            elapsed: Duration::ZERO,
        };
        let ending = |kinds: &[Option<ErrorKind>]| {
            HealthReport { checks: kinds.iter().map(|kind| check(*kind)).collect() }.ending()
        };
        let (denied, away) = (Some(ErrorKind::Denied), Some(ErrorKind::Unavailable));
        assert_eq!(ending(&[None, None]), None);
        assert_eq!(ending(&[denied, away]), away);
        assert_eq!(ending(&[Some(ErrorKind::Refused), denied]), denied);
        assert_eq!(ending(&[None, Some(ErrorKind::Refused)]), Some(ErrorKind::Refused));
    }
}
