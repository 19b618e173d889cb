//! What the operator may type: clap's types and nothing else.
//!
//! Doc comments here are the manual. This room never connects, prints, or reads the environment.

mod audit;
mod command;
mod complete;
mod config;
mod fleet;
mod global;
mod init;
mod local;
mod lockdown;
mod manual;
mod member;
mod migration;
mod on_demand;
mod parse;
mod query;
mod run;
mod seed;
mod selector;
mod session;
mod shell;
mod table;
mod tenant;
mod token;
mod topics;
mod values;

pub(crate) use audit::{AuditCommand, AuditListArgs};
pub use command::Cli;
pub(crate) use command::Command;
pub(crate) use complete::{Fitting, Offer, Source, Typed, Wanted, offers};
pub(crate) use config::{ConfigCommand, ConfigShowArgs, ProfileCommand};
pub(crate) use global::{ColorChoice, GlobalArgs, OutputFormat, global_options};
pub(crate) use init::InitArgs;
pub(crate) use local::{LocalCommand, LocalDryRunArgs, LocalUpArgs, LocalUrlArgs};
pub(crate) use lockdown::{LockArgs, LockdownArgs};
pub(crate) use manual::whole;
pub(crate) use member::{MemberAddArgs, MemberCommand, MemberListArgs, MemberRemoveArgs};
pub(crate) use migration::{
    ApplyArgs, BaselineArgs, ExportArgs, LintArgs, MigrateCommand, NewArgs, RecordsArgs,
    RepairArgs, StatusArgs,
};
pub(crate) use on_demand::OnDemand;
pub(crate) use parse::{parse, wants_json};
pub(crate) use query::QueryArgs;
pub(crate) use run::{ResumeArgs, RunArgs, RunChangeArgs, RunsCommand, RunsListArgs};
pub(crate) use seed::{SeedApplyArgs, SeedCommand, SeedListArgs};
pub(crate) use selector::SelectorArgs;
pub(crate) use session::{
    SessionCommand, SessionIssueArgs, SessionJtiArgs, SessionListArgs, SessionPruneArgs,
    SessionRevokeArgs,
};
pub(crate) use shell::{CompletionsArgs, ManArgs, Shell};
pub(crate) use table::{ListShapeArgs, TableArgs};
pub(crate) use tenant::{
    AdoptArgs, ConnectArgs, ConnectChoice, CreateArgs, DeleteArgs, ListArgs, NewTenantArgs,
    PurgeArgs, TenantArgs, TenantCommand, UpdateArgs, UrlArgs, WriteTenantArgs,
};
pub(crate) use token::{
    JwksArgs, JwksClearArgs, JwksCommand, TokenCommand, TokenInputArgs, TokenVerifyArgs,
};
pub(crate) use topics::{
    CONFIG, ENVIRONMENT, LINT, OPTIONS, OTHER_VARIABLES, OUTPUT, SELECTORS, TOPICS,
};
