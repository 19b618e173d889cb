//! One file for each subcommand: Args → Request → service → Report → output.
//!
//! A command decides nothing about tenants; it only connects the rooms.

mod audit;
mod complete;
mod completions;
mod consent;
mod context;
mod demo;
mod health;
mod init;
mod jwks;
mod local;
mod lockdown;
mod man;
mod migration;
mod seed;
mod selection;
mod session;
mod tenant;
mod token;
mod unlock;

use crate::cli::{Command, OnDemand};
use crate::output::{Ending, Failure};

pub use complete::tenants_by_prefix;
pub use context::Context;

pub async fn dispatch(command: Command, context: &Context) -> Result<Ending, Failure> {
    match command {
        Command::Demo(args) => demo::run(args, context).await,
        Command::Local(OnDemand(command)) => local::run(command, context).await,
        Command::Init(args) => init::run(args, context).await,
        Command::Tenant(OnDemand(command)) => tenant::run(command, context).await,
        Command::Migrate(OnDemand(command)) => migration::run(command, context).await,
        Command::Seed(OnDemand(command)) => seed::run(command, context).await,
        Command::Session(OnDemand(command)) => session::run(command, context).await,
        Command::Lockdown(args) => Box::pin(lockdown::run(args, context)).await,
        Command::Unlock(args) => unlock::run(args, context).await,
        Command::Token(OnDemand(command)) => token::run(command, context).await,
        Command::Jwks(OnDemand(command)) => jwks::run(command, context).await,
        Command::Health => health::run(context).await,
        Command::Audit(OnDemand(command)) => audit::run(command, context).await,
        Command::Completions(args) => completions::run(&args, context),
        Command::Man => man::run(context),
    }
}
