//! `tenantctl tenant purge`.

use crate::cli::PurgeArgs;
use crate::commands::Context;
use crate::commands::context::Reach;
use crate::model::{Consent, ErrorKind, Slug};
use crate::output::{Ending, Failure, Progress, render_due, render_life_plan, render_purge};
use crate::services::tenant::{PurgeReport, PurgeRequest, TenantError, due, plan_purge, purge};

/// What has to be confirmed to purge every tenant that is due.
const DUE: &str = "due";

/// Destroys a deleted tenant, or all whose grace is over.
pub(super) async fn run(args: PurgeArgs, context: &Context) -> Result<Ending, Failure> {
    match &args.slug {
        Some(slug) => one(slug, &args, context).await,
        None => all_due(&args, context).await,
    }
}

async fn one(slug: &Slug, args: &PurgeArgs, context: &Context) -> Result<Ending, Failure> {
    let console = context.console();
    if !args.dry_run {
        context.require_consent_possible(slug, args.confirm.as_deref())?;
    }
    let reach = context.reach().await?;
    if args.dry_run {
        console.show(&render_life_plan(&plan_purge(&reach.plane, slug).await?));
        return Ok(None);
    }
    if args.confirm.is_none() {
        let plan = plan_purge(&reach.plane, slug).await?;
        console.show_affected(&plan.tenant, plan.status);
    }
    let consent = context.consent("destroy", slug, args.confirm.as_deref())?;
    let report = destroy(&reach, consent, context).await?;
    console.show(&render_purge(&report));
    Ok(None)
}

async fn all_due(args: &PurgeArgs, context: &Context) -> Result<Ending, Failure> {
    let console = context.console();
    if !args.dry_run {
        match args.confirm.as_deref() {
            Some(DUE) => {}
            Some(_) => {
                let message = "purge what is due: --confirm says something else";
                return Err(Failure::new(ErrorKind::Refused, message).hint("pass --confirm due"));
            }
            None => console.require_somebody("--confirm due (--yes is not enough)")?,
        }
    }
    let reach = context.reach().await?;
    let tenants = due(&reach.plane).await?;
    if args.dry_run || tenants.is_empty() {
        console.show(&render_due(&[], &tenants, &[], args.dry_run));
        return Ok(None);
    }
    if args.confirm.is_none() {
        console.show(&render_due(&[], &tenants, &[], true));
        let typed = console.ask("Type `due` to destroy all of these", "--confirm due")?;
        if typed.trim() != DUE {
            let message = "purge what is due: what was typed is not `due`";
            return Err(Failure::new(ErrorKind::Refused, message));
        }
    }
    let (mut reports, mut failed) = (Vec::new(), Vec::new());
    for tenant in tenants {
        // Each was confirmed by its slug when it was deleted, and its grace is over.
        let Some(consent) = Consent::given(&tenant.slug, tenant.slug.as_str()) else { continue };
        match destroy(&reach, consent, context).await {
            Ok(report) => reports.push(report),
            Err(error @ TenantError::Interrupted { .. }) => return Err(error.into()),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                let text = format!("failed to {error}{}", cause.unwrap_or_default());
                failed.push((tenant.slug.to_string(), text));
            }
        }
    }
    console.show(&render_due(&reports, &[], &failed, false));
    Ok((!failed.is_empty()).then_some(ErrorKind::Partial))
}

async fn destroy(
    reach: &Reach,
    consent: Consent,
    context: &Context,
) -> Result<PurgeReport, TenantError> {
    let request = PurgeRequest { consent, patience: context.patience, actor: context.actor() };
    let progress = Progress::new(context.console());
    let on_event = |event| progress.step(&event);
    purge(&reach.plane, &reach.places, &request, context.interrupt(), &on_event).await
}
