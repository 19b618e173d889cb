//! What the operator may type: clap's types and nothing else.
//!
//! Doc comments here are the manual. This room never connects, prints, or reads the environment.

mod audit;
mod command;
mod complete;
mod global;
mod init;
mod local;
mod lockdown;
mod migration;
mod on_demand;
mod parse;
mod seed;
mod selector;
mod session;
mod shell;
mod tenant;
mod token;
mod values;

pub use audit::{AuditCommand, AuditListArgs};
pub use command::{Cli, Command};
pub use complete::complete_tenants_with;
pub use global::{ColorChoice, GlobalArgs, OutputFormat};
pub use init::InitArgs;
pub use local::{LocalCommand, LocalUpArgs, LocalUrlArgs};
pub use lockdown::LockdownArgs;
pub use migration::{ApplyArgs, MigrateCommand, StatusArgs};
pub use on_demand::OnDemand;
pub use parse::{parse, wants_json};
pub use seed::{SeedApplyArgs, SeedCommand};
pub use selector::SelectorArgs;
pub use session::{
    SessionCommand, SessionIssueArgs, SessionJtiArgs, SessionListArgs, SessionPruneArgs,
    SessionRevokeArgs,
};
pub use shell::{CompletionsArgs, Shell};
pub use tenant::{
    AdoptArgs, CreateArgs, DeleteArgs, ListArgs, NewTenantArgs, PurgeArgs, SlugArgs, TenantCommand,
    UrlArgs, WriteSlugArgs,
};
pub use token::{
    JwksArgs, JwksCommand, TenantChoice, TokenCommand, TokenInputArgs, TokenVerifyArgs,
};
