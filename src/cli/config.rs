//! `tenantctl config` and `tenantctl profile`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show every setting, with secrets masked
    ///
    /// Contacts nothing. What each setting means: tenantctl help environment.
    #[command(after_help = "\
Examples:
  tenantctl config show
  tenantctl config show --origin -p production
  tenantctl config show -o json | jq '.settings[] | select(.value != null)'")]
    Show(ConfigShowArgs),
    /// Show where config files are looked for, and which are there
    #[command(after_help = "Examples:\n  tenantctl config path")]
    Path,
    /// Write a config file to start from
    ///
    /// Into ./tenantctl.toml, or the file that --config names, readable by its owner alone. With
    /// --profile it begins that profile's table. A file that is there is never touched.
    #[command(after_help = "\
Examples:
  tenantctl config init
  tenantctl config init --profile production
  tenantctl config init --config ~/.config/tenantctl/tenantctl.toml")]
    Init,
}

#[derive(Debug, Args)]
pub struct ConfigShowArgs {
    /// Also show where each value came from
    #[arg(long)]
    pub origin: bool,
}

#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// List the profiles of the config files, and where each leads
    ///
    /// Contacts nothing. A variable such as `TENANTCTL_CONTROL_PLANE_URL` wins over every profile, here as
    /// elsewhere.
    #[command(after_help = "\
Examples:
  tenantctl profile list
  tenantctl profile list -o json")]
    List,
}
