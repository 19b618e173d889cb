//! `tenantctl local url`.

use crate::cli::LocalUrlArgs;
use crate::commands::context::Context;
use crate::model::{ErrorKind, SecretText};
use crate::output::{Ending, Failure, render_revealed_url, render_url};
use crate::services::local::LocalEndpoint;

/// Prints the connection string; nothing is contacted.
pub(super) fn run(args: &LocalUrlArgs, context: &Context) -> Result<Ending, Failure> {
    let Some(found) = context.local_server()?.endpoint()? else {
        let message = "find the private local Postgres: there is none";
        return Err(Failure::new(ErrorKind::NotFound, message).hint("tenantctl local up"));
    };
    let view = if args.reveal {
        render_revealed_url(&SecretText::new(with_password(&found, &found.password)))
    } else {
        render_url(&masked(&found))
    };
    context.console().show(&view);
    Ok(None)
}

/// Returns the connection string without its password.
pub(in crate::commands) fn masked(endpoint: &LocalEndpoint) -> String {
    with_password(endpoint, "****")
}

fn with_password(endpoint: &LocalEndpoint, password: &str) -> String {
    let LocalEndpoint { host, port, user, database, .. } = endpoint;
    format!("postgresql://{user}:{password}@{host}:{port}/{database}")
}
