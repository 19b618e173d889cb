//! `tenantctl migrate new`.

use crate::cli::NewArgs;
use crate::commands::context::Context;
use crate::model::{Clock, ErrorKind, SystemClock};
use crate::output::{Ending, Failure, render_new_migration};
use crate::services::migration::{NewRequest, begin};

/// Begins a migration in the operator's folder; nothing is contacted.
pub(super) fn run(args: NewArgs, context: &Context) -> Result<Ending, Failure> {
    let own = context.own_migrations(args.dir)?.ok_or_else(|| {
        Failure::new(ErrorKind::Usage, "find the folder of your migrations: none is set")
            .hint("pass --dir DIR, or set TENANTCTL_MIGRATIONS_DIR")
    })?;
    let now = SystemClock.now();
    let request = NewRequest { title: args.name, own, now, is_dry_run: args.dry_run };
    let report = begin(&request)?;
    let configured = context.settings().migrations_dir.as_ref();
    let is_configured = configured.is_some_and(|it| it.value == request.own.folder);
    context.console().show(&render_new_migration(&report, is_configured));
    Ok(None)
}
