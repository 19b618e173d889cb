//! `tenantctl tenant connect`.

use crate::cli::{ConnectArgs, ConnectChoice};
use crate::commands::context::Context;
use crate::model::ErrorKind;
use crate::output::{Ending, Failure};
use crate::services::local::Psql;
use crate::services::tenant::{ConnectAs, ConnectRequest, connect};

/// Runs psql, and ends as it does: a lost connection is 7, any other failure of it 8.
pub(super) async fn run(args: ConnectArgs, context: &Context) -> Result<Ending, Failure> {
    context.allow_write("connect to a tenant")?;
    let settings = context.settings();
    let programs = settings.postgres_bin.as_ref().map(|setting| setting.value.as_path());
    let psql = Psql::find(programs, settings.search_path.as_ref())?;
    let request = ConnectRequest {
        tenant: args.tenant,
        as_whom: match args.as_whom {
            ConnectChoice::Login => ConnectAs::Login,
            ConnectChoice::Operator => ConnectAs::Operator,
        },
        key: context.secret_key()?,
        arguments: args.arguments,
        psql,
        actor: context.actor(),
        deadline: context.patience.until(),
    };
    let world = context.world().await?;
    let status = Box::pin(connect(&world, &request, context.interrupt())).await?;
    Ok(match status.code() {
        Some(0) => None,
        Some(2) => Some(ErrorKind::Unavailable),
        Some(_) => Some(ErrorKind::Incomplete),
        None => Some(ErrorKind::Interrupted),
    })
}
