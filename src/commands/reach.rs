//! What each command does to the control plane: which of them say where they act.

use crate::cli::{
    AuditCommand, Command, ConfigCommand, JwksCommand, MemberCommand, MigrateCommand, OnDemand,
    RunsCommand, SeedCommand, SessionCommand, TenantCommand, TokenCommand,
};

/// What a command does to the control plane and its tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It changes something, or opens a tenant's database to somebody.
    Writes,
    Reads,
    /// It has nothing to do with a control plane, or brings its own.
    Elsewhere,
}

/// Returns what a command does; a dry run counts as what it would do.
pub(super) fn reach(command: &Command) -> Reach {
    match command {
        Command::Init(_) | Command::Lockdown(_) | Command::Unlock(_) => Reach::Writes,
        Command::Tenant(OnDemand(command)) => match command {
            TenantCommand::List(_) | TenantCommand::Show(_) | TenantCommand::Url(_) => Reach::Reads,
            TenantCommand::Create(_)
            | TenantCommand::Adopt(_)
            | TenantCommand::Connect(_)
            | TenantCommand::Rotate(_)
            | TenantCommand::Update(_)
            | TenantCommand::Protect(_)
            | TenantCommand::Unprotect(_)
            | TenantCommand::Delete(_)
            | TenantCommand::Restore(_)
            | TenantCommand::Purge(_) => Reach::Writes,
        },
        Command::Migrate(OnDemand(command)) => match command {
            MigrateCommand::Apply(_)
            | MigrateCommand::Resume(_)
            | MigrateCommand::Repair(_)
            | MigrateCommand::Baseline(_) => Reach::Writes,
            MigrateCommand::Runs(args) => match args.command {
                Some(OnDemand(RunsCommand::Pause(_) | RunsCommand::Cancel(_))) => Reach::Writes,
                None | Some(_) => Reach::Reads,
            },
            MigrateCommand::Status(_) => Reach::Reads,
            MigrateCommand::New(_) | MigrateCommand::Export(_) | MigrateCommand::Lint(_) => {
                Reach::Elsewhere
            }
        },
        Command::Seed(OnDemand(command)) => match command {
            SeedCommand::Apply(_) => Reach::Writes,
            SeedCommand::List(_) => Reach::Elsewhere,
        },
        Command::Session(OnDemand(command)) => match command {
            SessionCommand::Issue(_) | SessionCommand::Revoke(_) | SessionCommand::Prune(_) => {
                Reach::Writes
            }
            SessionCommand::List(_) | SessionCommand::Show(_) | SessionCommand::Check(_) => {
                Reach::Reads
            }
        },
        Command::Member(OnDemand(command)) => match command {
            MemberCommand::Add(_) | MemberCommand::Remove(_) => Reach::Writes,
            MemberCommand::List(_) => Reach::Reads,
        },
        Command::Token(OnDemand(command)) => match command {
            TokenCommand::Verify(_) | TokenCommand::Explain(_) => Reach::Reads,
            TokenCommand::Decode(_) => Reach::Elsewhere,
        },
        Command::Audit(OnDemand(command)) => match command {
            AuditCommand::List(_) | AuditCommand::Verify | AuditCommand::Export => Reach::Reads,
        },
        Command::Jwks(OnDemand(command)) => match command {
            JwksCommand::Show(_) | JwksCommand::Refresh(_) | JwksCommand::Clear(_) => {
                Reach::Elsewhere
            }
        },
        Command::Health | Command::Query(_) => Reach::Reads,
        Command::Demo(_)
        | Command::Local(_)
        | Command::Config(_)
        | Command::Profile(_)
        | Command::Completions(_)
        | Command::Man(_) => Reach::Elsewhere,
    }
}

/// Returns whether nothing that a command does not need may stand in its way.
pub(crate) fn is_urgent(command: &Command) -> bool {
    matches!(command, Command::Lockdown(_))
}

/// Returns whether a command writes settings: what is named on its command line need not be there yet.
pub(crate) fn makes_settings(command: &Command) -> bool {
    matches!(command, Command::Config(OnDemand(ConfigCommand::Init)))
}
