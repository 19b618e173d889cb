//! `tenantctl token` and `tenantctl jwks`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{StringValueParser, TypedValueParser};
use clap::{ArgGroup, Args, Subcommand, ValueHint};

use super::values::{duration, ttl};
use crate::model::{JwksSource, SecretText, Slug, TenantId};

/// Access tokens, as Supabase issues them.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Say whether a token is valid; exit code 0 or 11
    ///
    /// Checks the signature against the published keys, then every rule, then the session at the
    /// control plane when there is one. When the keys or the control plane cannot be reached there is
    /// no verdict: exit code 7, never valid. Pass the token by - or --file: an argument can be read
    /// by everybody on the machine.
    #[command(after_help = "\
Examples:
  pbpaste | tenantctl token verify -
  tenantctl token verify --file token.txt --tenant acme
  tenantctl token verify --file token.txt --jwks keys.json --no-session   offline
  tenantctl token verify --file token.txt --secret-file jwt-secret        legacy HS256")]
    Verify(TokenVerifyArgs),
    /// Show every check of a token: pass, fail or skipped, and why; exit code 0 or 11
    ///
    /// Makes each check on its own, whatever the others say.
    #[command(after_help = "\
Examples:
  pbpaste | tenantctl token explain -
  tenantctl token explain --file token.txt --jwks keys.json
  tenantctl token explain --file token.txt -o json | jq '.checks[] | select(.result == \"fail\")'")]
    Explain(TokenVerifyArgs),
    /// Show what a token says, without verifying any of it
    #[command(after_help = "\
Examples:
  pbpaste | tenantctl token decode -
  tenantctl token decode --file token.txt -o json | jq .token.claims")]
    Decode(TokenInputArgs),
}

/// The keys that sign tokens, and the copy of them on disk.
#[derive(Debug, Subcommand)]
pub enum JwksCommand {
    /// Show the published keys, and what was left out of them
    ///
    /// From the copy on disk while it is younger than an hour, else from the endpoint.
    #[command(after_help = "\
Examples:
  tenantctl jwks show
  tenantctl jwks show --jwks https://REF.supabase.co/auth/v1/.well-known/jwks.json")]
    Show(JwksArgs),
    /// Ask the endpoint for the keys now
    ///
    /// Never needed for a new key, which is noticed by itself; useful after a key was revoked. An
    /// answer that is no good leaves the copy as it is.
    #[command(after_help = "Examples:\n  tenantctl jwks refresh")]
    Refresh(JwksArgs),
    /// Remove the copy on disk
    #[command(after_help = "Examples:\n  tenantctl jwks clear")]
    Clear(JwksArgs),
}

/// A token, from one of three places.
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

/// A token, and what is expected of it.
#[derive(Debug, Args)]
pub struct TokenVerifyArgs {
    /// The token.
    #[command(flatten)]
    pub input: TokenInputArgs,
    /// The published keys
    #[command(flatten)]
    pub keys: JwksArgs,
    /// Who must have issued it, letter by letter
    ///
    /// The default is the Auth server's address, `TENANTCTL_AUTH_URL`.
    #[arg(long, value_name = "TEXT")]
    pub issuer: Option<String>,
    /// Whom it must be for, letter by letter
    #[arg(long, value_name = "TEXT")]
    pub audience: Option<String>,
    /// Tenant that `app_metadata.tenant_id` must name, by slug or id
    #[arg(long, value_name = "SLUG|UUID", value_parser = tenant)]
    pub tenant: Option<TenantChoice>,
    /// How far clocks may be apart
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
    pub leeway: Duration,
    /// Longest life of a token, from iat to exp
    #[arg(long, value_name = "DURATION", value_parser = ttl, default_value = "1d")]
    pub max_lifetime: Duration,
    /// File that holds the secret of HS256 tokens, mode 0600
    ///
    /// `TENANTCTL_JWT_SECRET` and `TENANTCTL_JWT_SECRET_FILE` bring one as well. Without one HS256 is
    /// refused.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub secret_file: Option<PathBuf>,
    /// Judge signature and claims only
    #[arg(long)]
    pub no_session: bool,
}

/// Where the keys are published.
#[derive(Debug, Args)]
pub struct JwksArgs {
    /// Published keys: a file, used as it is, or an https address, whose answer is kept for an hour
    ///
    /// The default is `TENANTCTL_JWKS_URL`, else `/.well-known/jwks.json` of `TENANTCTL_AUTH_URL`.
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath)]
    pub jwks: Option<JwksSource>,
}

/// A tenant, by either of its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantChoice {
    /// By id; nobody has to be asked.
    Id(TenantId),
    /// By slug.
    Slug(Slug),
}

/// Reads an id where the text is one: a slug could look the same, but nobody would choose it.
fn tenant(text: &str) -> Result<TenantChoice, String> {
    if text.len() == 36
        && let Ok(id) = text.parse::<TenantId>()
    {
        return Ok(TenantChoice::Id(id));
    }
    text.parse().map(TenantChoice::Slug).map_err(|error: crate::model::SlugError| error.to_string())
}
