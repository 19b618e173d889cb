//! `tenantctl demo`: the whole trip on a private local Postgres.
//!
//! Each leg is the very command an operator would type; it leaves everything running.

use std::time::{Duration, Instant};

use super::{Context, local};
use crate::cli::LocalUpArgs;
use crate::model::{ErrorKind, Placement, SessionState, Slug, TenantName, UserId};
use crate::output::{
    Ending, Failure, Format, Progress, TenantLines, render_check, render_create, render_install,
    render_issue, render_revoke, render_up,
};
use crate::services::migration::{find_set, install};
use crate::services::session::{IssueRequest, RevokeRequest, Target, check, issue, revoke};
use crate::services::tenant::{CreateRequest, ListRequest, create, list};

/// The tenant the demo creates.
const SLUG: &str = "acme";
/// Whose session it issues: an id that no real user has.
const USER: &str = "00000000-0000-4000-8000-000000000001";

/// Makes the trip.
pub(super) async fn run(args: LocalUpArgs, context: &Context) -> Result<Ending, Failure> {
    let started = Instant::now();
    let console = context.console();
    if context.settings().control_plane_url.is_some() {
        let message = "run the demo: TENANTCTL_CONTROL_PLANE_URL points at a control plane, and the \
                       demo only ever touches a private one";
        return Err(Failure::new(ErrorKind::Refused, message)
            .hint("unset TENANTCTL_CONTROL_PLANE_URL, or choose --profile local"));
    }
    let leg = |text: &str| console.note(&format!("\n── {text}"));

    leg("tenantctl local up");
    let up = local::bring_up(args, context, console).await?;
    if console.format() == Format::Table {
        console.show(&render_up(console, &up, &local::masked(&up.endpoint)).without_notes());
    }

    leg("tenantctl init");
    let endpoint = context.control_plane_endpoint()?;
    let installed = install(&endpoint, &context.actor(), context.patience, false).await?;
    if console.format() == Format::Table {
        console.show(&render_install(console, &installed, false).without_notes());
    }

    leg("tenantctl tenant create acme --name 'Acme Distributors' --seed");
    let reach = context.reach().await?;
    let request = CreateRequest {
        slug: known(SLUG.parse::<Slug>())?,
        id: None,
        name: known("Acme Distributors".parse::<TenantName>())?,
        plan: None,
        labels: std::collections::BTreeMap::new(),
        region: None,
        placement: Placement::Database,
        sets: context.sets()?,
        migrates: true,
        seed: Some(find_set(context.seeds_folder(), "demo")?),
        key: context.secret_key()?,
        patience: context.patience,
        actor: context.actor(),
    };
    let created = {
        let progress = Progress::new(console);
        let on_event = |event| progress.step(&event);
        create(&reach.plane, &reach.cluster, &request, context.interrupt(), &on_event).await?
    };
    if console.format() == Format::Table {
        console.show(&render_create(console, &created).without_notes());
    }

    leg("tenantctl session issue --user … --tenant acme");
    let user_id: UserId = known(USER.parse())?;
    let ttl = Duration::from_secs(3600);
    let request = IssueRequest {
        user_id,
        tenant: created.tenant.slug.clone(),
        ttl,
        ip: None,
        device: Some("tenantctl demo".to_owned()),
    };
    let session = issue(&reach.plane, &request).await?;
    let before = check(&reach.plane, &session.jti).await?;
    if console.format() == Format::Table {
        console.show(&render_issue(console, &session).without_notes());
        leg("tenantctl session check …");
        console.show(&render_check(console, &session.jti, before));
    }

    leg("tenantctl session revoke --jti … --reason 'the demo shows it'");
    let request = RevokeRequest {
        target: Target::Session(session.jti.clone()),
        reason: known("the demo shows it".parse())?,
        actor: context.actor(),
        is_dry_run: false,
    };
    let revoked = revoke(&reach.plane, &request).await?;
    let after = check(&reach.plane, &session.jti).await?;
    if console.format() == Format::Table {
        console.show(&render_revoke(console, &revoked));
        leg("tenantctl session check …");
        console.show(&render_check(console, &session.jti, after));
        leg("tenantctl tenant list");
    }

    let ending = (before, after);
    match console.format() {
        Format::Table => {
            let mut lines = TenantLines::new(console);
            let all = ListRequest::default();
            let listed = list(&reach.plane, &all, |page| lines.page_or_stop(page)).await?;
            if listed.is_ok() {
                lines.finish();
            }
        }
        _ => console.show(&render_create(console, &created).with_demo(
            &local::masked(&up.endpoint),
            &session,
            ending,
            started.elapsed(),
        )),
    }
    if ending != (SessionState::Valid, SessionState::Revoked) {
        let message = format!(
            "show a revocation: the session was `{}` before and `{}` after it",
            before.word(),
            after.word()
        );
        return Err(Failure::new(ErrorKind::Internal, message));
    }
    console.note(&format!(
        "\nAll of it took {:.1} s and is still running.\n\nNext:\n  tenantctl tenant show acme\n  \
         psql \"$(tenantctl tenant url acme --reveal)\"\n  tenantctl audit list\n  tenantctl local \
         down        stop it; the data stays",
        started.elapsed().as_secs_f64()
    ));
    Ok(None)
}

/// The demo's own words are valid; if not, that is our bug and not the operator's.
fn known<T, E: std::fmt::Display>(parsed: Result<T, E>) -> Result<T, Failure> {
    parsed.map_err(|error| {
        Failure::new(ErrorKind::Internal, format!("read the demo's words: {error}"))
    })
}
