//! `tenantctl token` and `tenantctl jwks`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{StringValueParser, TypedValueParser};
use clap::{ArgGroup, Args, Subcommand, ValueHint};

use super::values::{duration, ttl};
use crate::model::{JwksSource, SecretText, TenantRef};

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Check whether a token is valid; exit code 0 or 11
    ///
    /// Checks the signature against the published keys, then every rule, then the session in the
    /// control plane if one is configured. If the keys or the control plane cannot be reached there is
    /// no verdict: exit code 7. Pass the token with - or --file: every user of the machine can read the
    /// arguments of a process.
    #[command(after_help = "\
Examples:
  pbpaste | tenantctl token verify -
  tenantctl token verify --file token.txt --tenant acme
  tenantctl token verify --file token.txt --jwks keys.json --no-session
  tenantctl token verify --file token.txt --secret-file jwt-secret    HS256")]
    Verify(TokenVerifyArgs),
    /// Show every check of a token: pass, fail or skipped, and why; exit code 0 or 11
    ///
    /// Makes every check, even after one has failed.
    #[command(after_help = "\
Examples:
  pbpaste | tenantctl token explain -
  tenantctl token explain --file token.txt --jwks keys.json
  tenantctl token explain --file token.txt -o json | jq .checks")]
    Explain(TokenVerifyArgs),
    /// Show what a token says, without verifying any of it
    #[command(after_help = "\
Examples:
  pbpaste | tenantctl token decode -
  tenantctl token decode --file token.txt -o json | jq .token.claims")]
    Decode(TokenInputArgs),
}

#[derive(Debug, Subcommand)]
pub enum JwksCommand {
    /// Show the published keys, and which entries cannot be used
    ///
    /// From the copy on disk if it is younger than an hour, else from the endpoint.
    #[command(after_help = "\
Examples:
  tenantctl jwks show
  tenantctl jwks show --jwks https://keys.example.com/jwks.json")]
    Show(JwksArgs),
    /// Fetch the keys from the endpoint now
    ///
    /// Not needed for a new key, which is fetched when a token first uses it; useful after a key was
    /// revoked. An unusable answer leaves the copy as it is.
    #[command(after_help = "Examples:\n  tenantctl jwks refresh")]
    Refresh(JwksArgs),
    /// Remove the copy on disk
    #[command(after_help = "Examples:\n  tenantctl jwks clear")]
    Clear(JwksClearArgs),
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("input").required(true).args(["token", "file"])))]
pub struct TokenInputArgs {
    /// The token, or - to read it from stdin
    #[arg(value_name = "TOKEN", value_parser = StringValueParser::new().map(SecretText::new))]
    pub token: Option<SecretText>,
    /// File that holds the token
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TokenVerifyArgs {
    #[command(flatten)]
    pub input: TokenInputArgs,
    #[command(flatten)]
    pub keys: JwksArgs,
    /// Issuer it must have, compared exactly
    ///
    /// The default is the Auth server's address, `TENANTCTL_AUTH_URL`.
    #[arg(long, value_name = "TEXT")]
    pub issuer: Option<String>,
    /// Audience it must have, compared exactly
    #[arg(long, value_name = "TEXT")]
    pub audience: Option<String>,
    /// Tenant that `app_metadata.tenant_id` must name, by slug or id
    #[arg(long, value_name = "SLUG|UUID")]
    pub tenant: Option<TenantRef>,
    /// Allowed difference between clocks, for iat at most 1m
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
    pub leeway: Duration,
    /// Longest lifetime, from iat to exp
    #[arg(long, value_name = "DURATION", value_parser = ttl, default_value = "1d")]
    pub max_lifetime: Duration,
    /// File that holds the secret of HS256 tokens, mode 0600
    ///
    /// Also set by `TENANTCTL_JWT_SECRET` and `TENANTCTL_JWT_SECRET_FILE`. Without one HS256 is refused.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub secret_file: Option<PathBuf>,
    /// Check signature and claims only
    #[arg(long)]
    pub no_session: bool,
}

#[derive(Debug, Args)]
pub struct JwksClearArgs {
    #[command(flatten)]
    pub jwks: JwksArgs,
    /// Show what would be removed and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct JwksArgs {
    /// Published keys: a file, or an https URL whose answer is cached for an hour
    ///
    /// The default is `TENANTCTL_JWKS_URL`, else `/.well-known/jwks.json` of `TENANTCTL_AUTH_URL`.
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath)]
    pub jwks: Option<JwksSource>,
}
