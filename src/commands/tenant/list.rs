//! `tenantctl tenant list`.

use crate::cli::ListArgs;
use crate::commands::arrangement::of_list;
use crate::commands::context::Context;
use crate::output::{Ending, Failure, TenantLines, TenantShape};
use crate::services::tenant::{ListRequest, TenantFilter, list};

/// Lists tenants, page by page.
pub(super) async fn run(args: ListArgs, context: &Context) -> Result<Ending, Failure> {
    let shape = if args.locked { TenantShape::Locks } else { TenantShape::Tenants };
    let arrangement = of_list(&args.shape, &shape.columns())?;
    let filter = TenantFilter {
        status: args.status,
        plan: args.plan,
        labels: args.label,
        search: args.search,
        locked: args.locked,
    };
    let request = ListRequest {
        filter,
        expects_projects: context.settings().placement.value.is_awaited(),
        patience: context.patience,
    };
    let world = context.world().await?;
    let places = (!args.recorded).then_some(&world.homes);
    let mut lines = TenantLines::new(context.console(), shape, arrangement);
    let listed = list(&world.plane, places, &request, |page| lines.page_or_stop(&page)).await?;
    if let Ok(report) = listed {
        lines.finish(report);
    }
    Ok(None)
}
