//! `tenantctl demo`: create, migrate, seed, issue and revoke on a private local Postgres.
//!
//! It does what the commands it prints would do, and leaves everything running.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use super::local;
use crate::cli::LocalUpArgs;
use crate::commands::context::Context;
use crate::config::environment;
use crate::model::{ErrorKind, Placement, SessionState, Slug, TenantName, UserId, UserRef};
use crate::output::{
    Arrangement, Ending, Failure, Format, Progress, TenantLines, TenantShape, Text, View,
    render_check, render_create, render_install, render_issue, render_revoke, render_up,
};
use crate::services::home::World;
use crate::services::migration::{find_set, install};
use crate::services::session::{
    IssueReport, IssueRequest, RevokeRequest, Target, check, issue, revoke,
};
use crate::services::tenant::{CreateReport, CreateRequest, ListRequest, create, list};

const SLUG: &str = "acme";
/// The user of the session it issues; no real user has this id.
const USER: &str = "00000000-0000-4000-8000-000000000001";

pub(super) async fn run(args: LocalUpArgs, context: &Context) -> Result<Ending, Failure> {
    let started = Instant::now();
    let console = context.console();
    if context.settings().control_plane_url.is_some() {
        let message = "run the demo: TENANTCTL_CONTROL_PLANE_URL points at a control plane, and \
                       the demo only ever touches a private one";
        return Err(Failure::new(ErrorKind::Refused, message)
            .hint("unset TENANTCTL_CONTROL_PLANE_URL, or choose --profile local"));
    }

    leg(context, "tenantctl local up");
    let up = local::bring_up(args, context, console).await?;
    let url = local::masked(&up.endpoint);
    show(context, render_up(&up, &url));

    leg(context, "tenantctl init");
    let endpoint = context.control_plane_endpoint()?;
    let installed = install(&endpoint, &context.actor(), context.patience, false).await?;
    show(context, render_install(&installed, false));

    let world = context.world().await?;
    let created = make_tenant(&world, context).await?;
    let (session, states) = try_session(&world, &created, context).await?;

    if console.format() == Format::Table {
        leg(context, "tenantctl tenant list");
        let all = ListRequest { patience: context.patience, ..ListRequest::default() };
        let mut lines = TenantLines::new(console, TenantShape::Tenants, Arrangement::default());
        let places = Some(&world.homes);
        if let Ok(report) =
            list(&world.plane, places, &all, |page| lines.page_or_stop(&page)).await?
        {
            lines.finish(report);
        }
    } else {
        let (before, after) = states;
        let view = render_create(&created)
            .with("local", json!({ "url": url }))
            .with(
                "session",
                json!({
                    "jti": session.jti.as_str(),
                    "before_revocation": before.word(),
                    "after_revocation": after.word(),
                }),
            )
            .took(started.elapsed());
        console.show(&view);
    }
    let took = started.elapsed().as_secs_f64();
    let text = Text::new().blank();
    let text = text.line(format_args!("All of it took {took:.1} s and is still running."));
    let program = started_as();
    console.note(text.next_commands([
        format!("{program} tenant show acme"),
        format!("{program} tenant connect acme"),
        format!("{program} audit list"),
        format!("{program} local down        stop it; the data stays"),
    ]));
    Ok(None)
}

/// Returns what runs this program again: who tries the demo may have installed nothing yet.
fn started_as() -> String {
    // Cargo sets it for what it runs.
    if environment("CARGO_MANIFEST_DIR").is_some() {
        return "cargo run --".to_owned();
    }
    let program = std::env::args().next().filter(|name| name.contains('/'));
    program.unwrap_or_else(|| "tenantctl".to_owned())
}

async fn make_tenant(world: &World, context: &Context) -> Result<CreateReport, Failure> {
    leg(context, "tenantctl tenant create acme --name 'Acme Ltd' --label tier=gold --seed");
    let console = context.console();
    let request = CreateRequest {
        slug: known(SLUG.parse::<Slug>())?,
        id: None,
        name: known("Acme Ltd".parse::<TenantName>())?,
        plan: None,
        labels: BTreeMap::from([("tier".to_owned(), "gold".to_owned())]),
        region: None,
        adopts: None,
        placement: Placement::default(),
        sets: context.sets()?,
        migrates: true,
        baseline: None,
        seed: Some(find_set(context.seeds_folder(), "demo")?),
        key: context.secret_key()?,
        patience: context.patience,
        waits: true,
        actor: context.actor(),
    };
    let progress = Progress::new(console);
    let on_event = |event| progress.step(&event);
    let created = create(world, &request, context.interrupt(), &on_event).await?;
    drop(progress);
    show(context, render_create(&created));
    Ok(created)
}

async fn try_session(
    world: &World,
    created: &CreateReport,
    context: &Context,
) -> Result<(IssueReport, (SessionState, SessionState)), Failure> {
    leg(context, "tenantctl session issue --user … --tenant acme");
    let user_id: UserId = known(USER.parse())?;
    let request = IssueRequest {
        user: UserRef::Id(user_id),
        tenant: created.tenant.id.into(),
        ttl: Duration::from_hours(1),
        ip: None,
        device: Some("tenantctl demo".to_owned()),
        metadata: json!({}),
        is_dry_run: false,
    };
    let session = issue(&world.plane, &request).await?;
    show(context, render_issue(&session));

    leg(context, "tenantctl session check …");
    let before = check(&world.plane, &session.jti).await?;
    show(context, render_check(&session.jti, before));

    leg(context, "tenantctl session revoke --jti … --reason 'the demo shows it'");
    let target = Target::Session(session.jti.clone());
    let request = RevokeRequest {
        reason: known("the demo shows it".parse())?,
        actor: context.actor(),
        is_dry_run: false,
        has_admin_api: false,
    };
    let revoked = revoke(world, &target, &request).await?;
    show(context, render_revoke(&revoked));

    leg(context, "tenantctl session check …");
    let after = check(&world.plane, &session.jti).await?;
    show(context, render_check(&session.jti, after));

    if (before, after) != (SessionState::Valid, SessionState::Revoked) {
        let message = format!(
            "show a revocation: the session was `{}` before and `{}` after it",
            before.word(),
            after.word()
        );
        return Err(Failure::new(ErrorKind::Internal, message));
    }
    Ok((session, (before, after)))
}

fn leg(context: &Context, command: &str) {
    context.console().note(Text::new().blank().line(format_args!("── {command}")));
}

/// Shows a result in table format only: as JSON, one document comes at the end.
fn show(context: &Context, view: View) {
    if context.console().format() == Format::Table {
        context.console().show(&view.without_notes());
    }
}

/// Turns an invalid constant of the demo into an internal error: it is our bug.
fn known<T, E: std::fmt::Display>(parsed: Result<T, E>) -> Result<T, Failure> {
    parsed.map_err(|error| {
        Failure::new(ErrorKind::Internal, format!("parse the demo's constants: {error}"))
    })
}
