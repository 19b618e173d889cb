//! `tenantctl tenant restore`.

use crate::cli::WriteSlugArgs;
use crate::commands::Context;
use crate::output::{Ending, Failure, Progress, render_restore, render_tenant};
use crate::services::tenant::{RestoreRequest, restore, show};

/// Brings a deleted tenant back.
pub(super) async fn run(args: WriteSlugArgs, context: &Context) -> Result<Ending, Failure> {
    let console = context.console();
    if args.dry_run {
        let reach = context.reach().await?;
        console.note("Nothing is changed; this is the tenant that would be restored:");
        console.show(&render_tenant(&show(&reach.plane, &args.slug).await?));
        return Ok(None);
    }
    context.allow_write("restore a tenant")?;
    let reach = context.reach().await?;
    let request =
        RestoreRequest { slug: args.slug, patience: context.patience, actor: context.actor() };
    let progress = Progress::new(console);
    let on_event = |event| progress.step(&event);
    let report =
        restore(&reach.plane, &reach.places, &request, context.interrupt(), &on_event).await?;
    drop(progress);
    console.show(&render_restore(&report));
    Ok(None)
}
