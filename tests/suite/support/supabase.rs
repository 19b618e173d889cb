//! Supabase's roles and Auth's tables, in the shapes that hosted projects have them.
//!
//! The columns are those that tenantctl reads or that decide what a statement does: keys, cascades,
//! and row security without a policy (supabase/auth `migrations/`, read 2026-11).

use std::sync::OnceLock;

use super::{Operator, Session, server};

/// Each is made unless it is there: the roles belong to the whole server and stay.
const ROLES: [(&str, &str); 5] = [
    ("anon", "NOLOGIN NOINHERIT"),
    ("authenticated", "NOLOGIN NOINHERIT"),
    ("service_role", "NOLOGIN NOINHERIT BYPASSRLS"),
    ("authenticator", "LOGIN NOINHERIT"),
    ("supabase_auth_admin", "LOGIN NOINHERIT CREATEROLE"),
];

const TABLES: &str = "
    CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin;
    SET ROLE supabase_auth_admin;
    CREATE TABLE auth.users (id uuid PRIMARY KEY, aud varchar(255), role varchar(255),
        email varchar(255), banned_until timestamptz, deleted_at timestamptz,
        raw_app_meta_data jsonb, raw_user_meta_data jsonb,
        email_confirmed_at timestamptz, phone_confirmed_at timestamptz,
        confirmation_token varchar(255), recovery_token varchar(255),
        email_change_token_new varchar(255), email_change_token_current varchar(255) DEFAULT '',
        phone_change_token varchar(255) DEFAULT '', reauthentication_token varchar(255) DEFAULT '',
        is_anonymous boolean NOT NULL DEFAULT false, created_at timestamptz);
    CREATE TABLE auth.sessions (id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
        created_at timestamptz, updated_at timestamptz, factor_id uuid, not_after timestamptz,
        refreshed_at timestamp, user_agent text, ip inet, tag text, oauth_client_id uuid,
        scopes text, refresh_token_hmac_key text, refresh_token_counter bigint);
    CREATE INDEX sessions_user_id_idx ON auth.sessions (user_id);
    CREATE TABLE auth.refresh_tokens (id bigserial PRIMARY KEY, token varchar(255),
        user_id varchar(255), revoked boolean, parent varchar(255),
        session_id uuid REFERENCES auth.sessions ON DELETE CASCADE,
        created_at timestamptz, updated_at timestamptz);
    CREATE TABLE auth.flow_state (id uuid PRIMARY KEY, user_id uuid, auth_code text,
        code_challenge text, provider_type text, authentication_method text);
    CREATE TABLE auth.one_time_tokens (id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE, token_type text,
        token_hash text, relates_to text);
    CREATE TABLE auth.oauth_authorizations (id uuid PRIMARY KEY,
        authorization_id text NOT NULL, client_id uuid NOT NULL,
        user_id uuid REFERENCES auth.users ON DELETE CASCADE, redirect_uri text NOT NULL,
        scope text NOT NULL, authorization_code text, created_at timestamptz NOT NULL DEFAULT now());
    ALTER TABLE auth.oauth_authorizations ENABLE ROW LEVEL SECURITY;
    ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
    ALTER TABLE auth.sessions ENABLE ROW LEVEL SECURITY;
    ALTER TABLE auth.refresh_tokens ENABLE ROW LEVEL SECURITY;
    ALTER TABLE auth.flow_state ENABLE ROW LEVEL SECURITY;
    ALTER TABLE auth.one_time_tokens ENABLE ROW LEVEL SECURITY;
    GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, operator;
    GRANT ALL ON ALL TABLES IN SCHEMA auth TO operator;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA auth TO operator;
    RESET ROLE;";

impl Operator {
    /// Returns an operator whose control plane stands beside Supabase Auth, as hosted.
    pub(crate) fn beside_auth() -> Self {
        static ROLES_ARE_THERE: OnceLock<()> = OnceLock::new();
        ROLES_ARE_THERE.get_or_init(|| {
            let mut superuser = server().superuser("postgres");
            for (role, attributes) in ROLES {
                if let Err(refusal) = superuser.attempt(&format!("CREATE ROLE {role} {attributes}"))
                {
                    let is_there = refusal.starts_with("42710") || refusal.starts_with("23505");
                    assert!(is_there, "{refusal}");
                }
            }
            // Hosted, an extension allows `postgres` the parameters of PostgREST (supabase/supautils,
            // `supautils.privileged_role_allowed_configs`).
            superuser.run(
                "GRANT SET ON PARAMETER \"pgrst.db_pre_request\" TO operator; \
                 GRANT anon, authenticated, service_role TO authenticator; \
                 GRANT anon, authenticated, service_role, authenticator TO operator \
                   WITH ADMIN OPTION",
            );
        });
        let operator = Self::new();
        let plane = operator.plane_name();
        server().superuser(plane).run(TABLES);
        // Hosted, the database is not ours alone, and its services enter it as PUBLIC.
        let open = format!("GRANT CONNECT, TEMPORARY ON DATABASE {plane} TO PUBLIC");
        server().superuser(plane).run(&open);
        // The roles came later than the control plane.
        let _ran = operator.run("init").success();
        operator
    }

    /// Signs a user up in Auth; `metadata` is their `app_metadata`.
    pub(crate) fn sign_up(&self, user: &str, metadata: &str) {
        self.plane().run(&format!(
            "INSERT INTO auth.users (id, role, raw_app_meta_data) \
             VALUES ('{user}', 'authenticated', '{metadata}')"
        ));
    }

    /// Opens a session as Auth itself: its role, with the limit its hooks run under.
    pub(crate) fn auth(&self) -> Session {
        let mut session = server().login("supabase_auth_admin", None, self.plane_name()).unwrap();
        session.run("SET statement_timeout = 2000");
        session
    }
}
