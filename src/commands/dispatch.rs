//! Runs a command from its own file.

use super::context::Context;
use super::reach::{Reach, reach};
use super::{
    audit, completions, config, demo, health, init, jwks, local, lockdown, man, member, migration,
    profile, query, seed, session, tenant, token, unlock,
};
use crate::cli::{Command, OnDemand};
use crate::model::ErrorKind;
use crate::output::{Ending, Failure, Format};
use crate::services::tenant::meant;

pub(crate) async fn dispatch(command: Command, context: &Context) -> Result<Ending, Failure> {
    say_where(&command, context);
    if context.console().format() == Format::Csv && !command.is_list() {
        let message = "write CSV: this command's result is no list";
        return Err(Failure::new(ErrorKind::Usage, message).hint("pass -o json or -o ndjson"));
    }
    match Box::pin(run(command, context)).await {
        Err(failure) if !failure.missing_tenants().is_empty() => {
            let meant = meant_instead(&failure.missing_tenants()[0], context).await;
            Err(failure.better_hint(meant))
        }
        ending => ending,
    }
}

async fn run(command: Command, context: &Context) -> Result<Ending, Failure> {
    match command {
        Command::Demo(args) => demo::run(args, context).await,
        Command::Local(OnDemand(command)) => local::run(command, context).await,
        Command::Init(args) => init::run(args, context).await,
        Command::Tenant(OnDemand(command)) => tenant::run(command, context).await,
        Command::Migrate(OnDemand(command)) => Box::pin(migration::run(command, context)).await,
        Command::Seed(OnDemand(command)) => seed::run(command, context).await,
        Command::Query(args) => Box::pin(query::run(args, context)).await,
        Command::Session(OnDemand(command)) => session::run(command, context).await,
        Command::Member(OnDemand(command)) => member::run(command, context).await,
        Command::Lockdown(args) => Box::pin(lockdown::run(args, context)).await,
        Command::Unlock(args) => unlock::run(args, context).await,
        Command::Token(OnDemand(command)) => token::run(command, context).await,
        Command::Jwks(OnDemand(command)) => jwks::run(command, context).await,
        Command::Health => health::run(context).await,
        Command::Audit(OnDemand(command)) => audit::run(command, context).await,
        Command::Config(OnDemand(command)) => config::run(&command, context),
        Command::Profile(OnDemand(command)) => {
            profile::run(&command, context);
            Ok(None)
        }
        Command::Completions(args) => {
            completions::run(&args, context);
            Ok(None)
        }
        Command::Man(args) => man::run(&args, context),
    }
}

/// Says where a write acts, and with `-v` where a read looks.
fn say_where(command: &Command, context: &Context) {
    let is_said = match reach(command) {
        Reach::Writes => true,
        Reach::Reads => context.console().is_verbose(),
        Reach::Elsewhere => return,
    };
    if let Some(address) = context.act_on_plane()
        && is_said
    {
        context.console().say_where(address);
    }
}

/// Asks the control plane once more for a name like the one that no tenant has.
async fn meant_instead(named: &str, context: &Context) -> Option<String> {
    let plane = context.plane().await.ok()?;
    meant(&plane, named).await.ok()?
}
