//! `tenantctl tenant list`.

use crate::cli::ListArgs;
use crate::commands::Context;
use crate::output::{Ending, Failure, TenantLines};
use crate::services::tenant::{ListRequest, TenantFilter, list};

/// Lists tenants, page by page.
pub(super) async fn run(args: ListArgs, context: &Context) -> Result<Ending, Failure> {
    let filter = TenantFilter {
        status: args.status,
        plan: args.plan,
        labels: args.label,
        search: args.search,
    };
    let plane = context.plane().await?;
    let mut lines = TenantLines::new(context.console());
    let request = ListRequest { filter };
    if list(&plane, &request, |page| lines.page_or_stop(page)).await?.is_ok() {
        lines.finish();
    }
    Ok(None)
}
