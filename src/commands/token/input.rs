//! Reads the token, and turns the arguments of `verify` and `explain` into a request.

use std::fs::File;
use std::io::{self, IsTerminal, Read};

use zeroize::Zeroizing;

use crate::cli::{TokenInputArgs, TokenVerifyArgs};
use crate::commands::context::Context;
use crate::config;
use crate::model::{ErrorKind, SystemClock, TenantRef};
use crate::output::{Console, Failure};
use crate::services::token::{
    Depth, Examination, ExamineRequest, Obstacle, Plane, Rules, SIZE_LIMIT, SharedSecret, Token,
    examine as examine_token, find_tenant,
};

/// Reads the token from the argument, stdin (`-`) or `--file`.
pub(super) fn read(args: &TokenInputArgs, console: &Console) -> Result<Token, Failure> {
    match (&args.token, &args.file) {
        (Some(token), _) if token.expose() == "-" => {
            let stdin = io::stdin();
            if stdin.is_terminal() {
                console.note("paste the token, then press Enter and Ctrl-D");
            }
            from_stream(stdin.lock(), "stdin")
        }
        (Some(token), _) => Ok(Token::read(token.expose().as_bytes())),
        (None, Some(path)) => {
            let shown = path.display().to_string();
            let file = File::open(path).map_err(|error| unreadable(&shown, &error))?;
            from_stream(file, &shown)
        }
        (None, None) => Err(Failure::new(ErrorKind::Usage, "read the token: none was given")),
    }
}

pub(super) async fn examine(
    args: TokenVerifyArgs,
    context: &Context,
    depth: Depth,
) -> Result<Examination, Failure> {
    let token = read(&args.input, context.console())?;
    let secret = match &args.secret_file {
        Some(path) => {
            let file = config::read_secret(path)?;
            if let Some(warning) = &file.warning {
                context.console().warn(warning);
            }
            Some(SharedSecret::new(&file.text)?)
        }
        None => context.jwt_secret()?,
    };
    let jwks = context.jwks(args.keys.jwks)?;
    if depth == Depth::Verdict && jwks.is_none() && secret.is_none() {
        return Err(Failure::new(
            ErrorKind::Usage,
            "verify the token: neither published keys nor a secret are configured",
        )
        .hint("pass --jwks FILE|URL, or set TENANTCTL_AUTH_URL"));
    }
    let (tenant, opened) = match args.tenant {
        None => (None, None),
        Some(TenantRef::Id(id)) => (Some(id), None),
        Some(named @ TenantRef::Slug(_)) => {
            let plane = context.plane().await?;
            (Some(find_tenant(&plane, &named).await?), Some(plane))
        }
    };
    let rules = Rules {
        issuer: args.issuer.or_else(|| context.issuer()),
        audience: args.audience,
        tenant,
        leeway: args.leeway,
        longest_life: args.max_lifetime,
    };
    let request = ExamineRequest { token: &token, rules, secret, depth };
    let open_plane = async || match (args.no_session, opened) {
        (true, _) => Plane::Absent("not asked for: --no-session"),
        (false, Some(plane)) => Plane::Open(Box::new(plane)),
        (false, None) => open_plane(context).await,
    };
    Ok(examine_token(&request, jwks.as_ref(), open_plane, &SystemClock).await)
}

/// Opens the control plane, which judges sessions, when one is configured.
async fn open_plane(context: &Context) -> Plane {
    match context.configured_plane().await {
        None => Plane::Absent("no control plane is configured"),
        Some(Ok(plane)) => Plane::Open(Box::new(plane)),
        Some(Err(failure)) => {
            Plane::Broken(Obstacle { kind: failure.kind(), message: failure.line(), hint: None })
        }
    }
}

/// Returns the failure of a command that could reach no verdict.
pub(super) fn cannot_verify(obstacle: &Obstacle) -> Failure {
    let failure = Failure::new(
        obstacle.kind,
        format!("verify the token, so it is not valid: cannot {}", obstacle.message),
    );
    match &obstacle.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Reads a token and drops the line break that editors and shells put after it. Reads three bytes
/// more than the limit (`\r\n` and one), so that a token that is too large is recognised as such.
fn from_stream(stream: impl Read, name: &str) -> Result<Token, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let most = SIZE_LIMIT as u64 + 3;
    stream.take(most).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    let token = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let token = token.strip_suffix(b"\r").unwrap_or(token);
    Ok(Token::read(token))
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::new(ErrorKind::Usage, format!("read the token from {name}: {error}"))
}
