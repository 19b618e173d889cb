//! `tenantctl lockdown`.

use std::cell::RefCell;

use super::records::Reported;
use super::selection::{Which, which};
use crate::cli::{LockArgs, LockdownArgs};
use crate::commands::context::Context;
use crate::model::{Act, ErrorKind, TenantRef};
use crate::output::{
    Cases, Ending, Failure, Progress, render_alone, render_lockdown, render_lockdown_plan,
    render_lockdown_plans, render_lockdowns,
};
use crate::services::fleet::{Listener, lockdown_ending, lockdown_many, select};
use crate::services::lockdown::{
    LayerVerdict, LockdownEvent, LockdownPlan, LockdownRequest, Roll, lockdown, lockdown_alone,
    plan,
};
use crate::services::tenant::opened_password;

const COMMAND: &str = "lockdown";

/// Locks tenants down and proves it. It is urgent, and `unlock` undoes it, so nothing is asked first,
/// not even for an actor in a protected profile.
pub(super) async fn run(args: LockdownArgs, context: &Context) -> Result<Ending, Failure> {
    let records = context.records(COMMAND, args.act.record.junit.clone())?;
    records.of(Box::pin(lock(args, context))).await
}

async fn lock(args: LockdownArgs, context: &Context) -> Reported {
    if args.without_control_plane {
        return alone(args.act, context).await;
    }
    let args = args.act;
    let named: Vec<_> = args.named.iter().map(ToString::to_string).collect();
    let which = which(args.named, args.selector)?;
    if args.dry_run {
        return show_plan((Act::Lockdown, COMMAND), which, context).await;
    }
    let world = context.world().await.map_err(|failure| nothing_locked(failure, &named))?;
    let request = LockdownRequest {
        reason: args.reason,
        actor: context.urgent_actor(&world.plane).await,
        patience: context.patience,
        auth_admin: context.auth_admin()?,
        roll: Roll::default(),
    };
    // A key that cannot be read must not stop the lockdown; the probe of the login reports it.
    let key = context.secret_key().ok().flatten();
    let open_password = |tenant: &_| opened_password(tenant, key.as_ref());
    let console = context.console();
    let progress = Progress::new(console);
    match which {
        Which::One(named) => {
            let standing = RefCell::new(Standing::default());
            let on_event = |event: LockdownEvent<'_>| {
                if let Some(what) = standing.borrow_mut().hears(&event) {
                    let what = format!("{named} is {what}");
                    context.interrupt().stands(what, ErrorKind::Unproven);
                }
                progress.lockdown(event);
            };
            let interrupt = context.interrupt();
            let locking = lockdown(&world, &named, &request, &open_password, interrupt, &on_event);
            let report = Box::pin(locking).await?;
            drop(progress);
            console.show(&render_lockdown(&report));
            let ending = report.ending();
            let (slug, took) = (&report.tenant.slug, report.elapsed);
            let short = ending.map(|kind| (kind, report.problems()));
            Ok((ending, Cases::of_one(COMMAND, slug, took, "locked down, and proved", short)))
        }
        Which::Many(selector) => {
            let tenants = select(&world.plane, &selector).await?;
            let listener = Listener {
                interrupt: context.interrupt(),
                on_event: &|event| progress.fleet(&event),
            };
            let report = lockdown_many(&world, tenants, &request, &open_password, listener).await;
            drop(progress);
            console.show(&render_lockdowns(&report));
            Ok((lockdown_ending(&report), Cases::of_fleet(COMMAND, &report.fleet)))
        }
    }
}

/// What of a lockdown is in force, and what is not done yet.
#[derive(Debug, Default)]
struct Standing {
    cut: Vec<&'static str>,
    left: Vec<&'static str>,
}

impl Standing {
    /// Takes an event in; returns what to say from now on, once something is in force.
    fn hears(&mut self, event: &LockdownEvent<'_>) -> Option<String> {
        match event {
            LockdownEvent::Begun(words) => self.left = words.to_vec(),
            LockdownEvent::Layer(layer) => {
                self.left.retain(|word| *word != layer.layer);
                if layer.layer == "control_plane" {
                    self.left = vec!["gate", "auth", "connections"];
                }
                if matches!(layer.verdict, LayerVerdict::Done | LayerVerdict::Unchanged) {
                    self.cut.push(layer.layer);
                }
            }
            _ => return None,
        }
        let said = |words: &[&str]| words.join(", ").replace('_', " ");
        let left = if self.left.is_empty() {
            String::new()
        } else {
            format!("; {} not done", said(&self.left))
        };
        (!self.cut.is_empty())
            .then(|| format!("locked at: {}{left}, and not yet proved", said(&self.cut)))
    }
}

/// Says of a control plane that is away what is in force, and the way without it.
fn nothing_locked(failure: Failure, named: &[String]) -> Failure {
    if failure.kind() != ErrorKind::Unavailable {
        return failure;
    }
    let named = if named.is_empty() { "TENANT".to_owned() } else { named.join(" ") };
    failure.and_hint(&format!(
        "nothing was locked; from the cluster alone: tenantctl lockdown {named} --reason '…' \
         --without-control-plane"
    ))
}

/// Shuts tenants' databases from the cluster alone.
async fn alone(args: LockArgs, context: &Context) -> Reported {
    let request = LockdownRequest {
        reason: args.reason,
        actor: context.actor(),
        patience: context.patience,
        auth_admin: None,
        roll: Roll::default(),
    };
    let cluster = context.cluster_alone()?;
    let reports = lockdown_alone(&cluster, &args.named, &request, args.dry_run).await?;
    context.console().show(&render_alone(&reports));
    let ending = (!args.dry_run).then_some(ErrorKind::Unproven);
    Ok((ending, Cases::of_alone(COMMAND, &reports)))
}

/// Shows what locking tenants down, or unlocking them, would do.
pub(super) async fn show_plan(
    (act, command): (Act, &'static str),
    which: Which,
    context: &Context,
) -> Reported {
    let case = |plan: &LockdownPlan| (plan.tenant.slug.to_string(), plan.what().to_owned());
    let plane = context.plane().await?;
    let selector = match which {
        Which::One(named) => {
            let plan = plan(&plane, act, &named).await?;
            context.console().show(&render_lockdown_plan(&plan));
            return Ok((None, Cases::of_plans(command, [case(&plan)])));
        }
        Which::Many(selector) => selector,
    };
    let mut all = Vec::new();
    for tenant in select(&plane, &selector).await? {
        all.push(plan(&plane, act, &TenantRef::from(tenant.id)).await?);
    }
    context.console().show(&render_lockdown_plans(&all));
    Ok((None, Cases::of_plans(command, all.iter().map(case))))
}
