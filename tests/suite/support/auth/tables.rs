//! The tables of Supabase Auth, from what the real server was seen to have: columns, keys, cascades,
//! and row security without a policy.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::support::Session;

const COLUMNS: &str = include_str!("../../../data/auth/tables.tsv");
const KEYS: &str = include_str!("../../../data/auth/keys.tsv");

/// What the columns' list does not spell out: types, the tables of second factors (their columns were
/// not recorded; these are the ones in use), and the indexes that Auth's statements rely on.
const TYPES: &str = "
    CREATE TYPE auth.aal_level AS ENUM ('aal1', 'aal2', 'aal3');
    CREATE TYPE auth.code_challenge_method AS ENUM ('s256', 'plain');
    CREATE TYPE auth.one_time_token_type AS ENUM ('confirmation_token', 'reauthentication_token',
        'recovery_token', 'email_change_token_new', 'email_change_token_current',
        'phone_change_token');
    CREATE TYPE auth.oauth_registration_type AS ENUM ('dynamic', 'manual');
    CREATE TYPE auth.oauth_client_type AS ENUM ('public', 'confidential');
    CREATE TYPE auth.oauth_response_type AS ENUM ('code');
    CREATE TYPE auth.oauth_authorization_status AS ENUM ('pending', 'approved', 'denied', 'expired');
    CREATE TABLE auth.mfa_factors (id uuid NOT NULL, user_id uuid NOT NULL, friendly_name text,
        factor_type text NOT NULL, status text NOT NULL, created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL, secret text, last_challenged_at timestamptz);
    CREATE TABLE auth.mfa_challenges (id uuid NOT NULL, factor_id uuid NOT NULL,
        created_at timestamptz NOT NULL, verified_at timestamptz);";

const INDEXES: &str = "
    CREATE INDEX sessions_user_id_idx ON auth.sessions (user_id);
    CREATE INDEX refresh_tokens_session_id_idx ON auth.refresh_tokens (session_id);
    CREATE UNIQUE INDEX one_time_tokens_user_id_token_type_key
        ON auth.one_time_tokens (user_id, token_type);
    CREATE UNIQUE INDEX users_email_partial_key ON auth.users (email) WHERE is_sso_user = false;";

/// Makes them as a superuser, owned by Auth; `postgres` of a hosted project (here the operator) owns
/// none and may do everything.
pub(crate) fn make(superuser: &mut Session) {
    superuser.run("CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin");
    superuser.run(&statements("operator"));
}

/// Returns what makes them in a schema that is there, and gives them to a project's `postgres`.
pub(crate) fn statements(postgres: &str) -> String {
    format!(
        "SET ROLE supabase_auth_admin; SET search_path = auth; {TYPES} {tables} {INDEXES} \
         GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, {postgres}; \
         GRANT ALL ON ALL TABLES IN SCHEMA auth TO {postgres}; \
         GRANT ALL ON ALL SEQUENCES IN SCHEMA auth TO {postgres}; \
         RESET search_path; RESET ROLE",
        tables = tables()
    )
}

fn tables() -> String {
    let mut columns: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in COLUMNS.lines().skip(1) {
        let mut fields = line.split('\t');
        let [table, name, kind, nullable, default] =
            std::array::from_fn(|_| fields.next().unwrap_or_default());
        columns.entry(table).or_default().push(column(name, kind, nullable, default));
    }
    let mut made = String::new();
    for (table, columns) in &columns {
        write!(made, "CREATE TABLE {table} ({}); ", columns.join(", ")).unwrap();
    }
    let is_ours = |table: &str| columns.contains_key(table) || table.starts_with("mfa_");
    // What a key refers to has its own first.
    for kind in ["PRIMARY KEY", "UNIQUE", "FOREIGN KEY"] {
        for line in KEYS.lines().skip(1) {
            let (table, key) = line.split_once('\t').unwrap();
            if key.starts_with(kind) && is_ours(table) {
                write!(made, "ALTER TABLE {table} ADD {key}; ").unwrap();
            }
        }
    }
    for table in columns.keys().chain(&["mfa_factors", "mfa_challenges"]) {
        write!(made, "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ").unwrap();
    }
    made
}

fn column(name: &str, kind: &str, nullable: &str, default: &str) -> String {
    let mut made = format!("{name} {kind}");
    if default.starts_with("nextval") {
        made = format!("{name} bigserial");
    } else if name == "confirmed_at" {
        made.push_str(
            " GENERATED ALWAYS AS (least(email_confirmed_at, phone_confirmed_at)) STORED",
        );
    } else if !default.is_empty() {
        write!(made, " DEFAULT {default}").unwrap();
    }
    if nullable == "NO" {
        made.push_str(" NOT NULL");
    }
    made
}
