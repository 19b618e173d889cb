//! What a Supabase project has and other servers do not, as far as an operator's files rely on it.
//!
//! `supabase db push` runs migrations as `postgres`, whose `search_path` ends in `extensions`
//! (supabase/cli `pkg/migration`, read 2026-11). Only that role may refer to `auth.users`, change
//! Storage's policies, add to the publication of Realtime, or make what belongs to it. So an
//! operator's own files run as `postgres` in a project. What is embedded stays `tenantctl_owner`'s
//! everywhere: what `postgres` makes, default privileges of older projects give to `anon`.

use super::operator::Server;
use crate::adapters::postgres::MigrateError;

/// What an operator's files find in a project.
pub(super) const FOOTING: &str = "SET ROLE postgres; SET search_path = public, extensions";

/// Schemas, roles and a publication of Supabase's own.
const THINGS: [&str; 14] = [
    "auth",
    "storage",
    "extensions",
    "realtime",
    "vault",
    "graphql_public",
    "net",
    "cron",
    "anon",
    "authenticated",
    "service_role",
    "postgres",
    "supabase_realtime",
    "supabase_admin",
];

/// Says of a file that fails on a server without Supabase's own things what it misses.
pub(super) fn explain(mut error: MigrateError, server: &Server) -> MigrateError {
    if server.is_project() {
        return error;
    }
    if let MigrateError::Failed { fault, remedy, .. } = &mut error
        && matches!(
            fault.sqlstate.as_deref(),
            Some("3F000" | "42P01" | "42704" | "42883" | "42501")
        )
        && let Some(missing) = missing(&fault.message)
    {
        *remedy = format!(
            "the file relies on {missing} as a Supabase project has it: set \
             TENANTCTL_PLACEMENT=project, or let an earlier migration make what this one needs; then \
             run the same command again"
        );
    }
    error
}

/// Returns what of Supabase's a server's message names.
fn missing(message: &str) -> Option<String> {
    if message.contains("uuid_generate_v4") {
        return Some("`uuid-ossp` in schema `extensions`".to_owned());
    }
    let is_named = |thing: &str| {
        [format!("\"{thing}\""), format!("\"{thing}."), format!(" {thing}.")]
            .iter()
            .any(|form| message.contains(form))
    };
    THINGS.iter().find(|thing| is_named(thing)).map(|thing| format!("`{thing}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_names_what_is_supabases_is_known() {
        for (message, expected) in [
            ("schema \"auth\" does not exist", Some("`auth`")),
            ("function auth.uid() does not exist", Some("`auth`")),
            ("relation \"storage.buckets\" does not exist", Some("`storage`")),
            ("publication \"supabase_realtime\" does not exist", Some("`supabase_realtime`")),
            ("role \"authenticated\" does not exist", Some("`authenticated`")),
            ("must be member of role \"postgres\"", Some("`postgres`")),
            ("relation \"authors\" does not exist", None),
            ("relation \"my.auth_log\" does not exist", None),
        ] {
            assert_eq!(missing(message).as_deref(), expected, "{message}");
        }
    }
}
