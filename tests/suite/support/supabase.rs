//! Supabase's roles, and a control plane beside Auth's tables, in the shapes of hosted projects.

use std::sync::OnceLock;

use super::auth::tables;
use super::{Operator, Session, server};

/// Each is made unless it is there: the roles belong to the whole server and stay.
const ROLES: [(&str, &str); 5] = [
    ("anon", "NOLOGIN NOINHERIT"),
    ("authenticated", "NOLOGIN NOINHERIT"),
    ("service_role", "NOLOGIN NOINHERIT BYPASSRLS"),
    ("authenticator", "LOGIN NOINHERIT"),
    ("supabase_auth_admin", "LOGIN NOINHERIT CREATEROLE"),
];

/// Makes sure that Supabase's roles are there.
pub(super) fn roles() {
    static ROLES_ARE_THERE: OnceLock<()> = OnceLock::new();
    ROLES_ARE_THERE.get_or_init(|| {
        let mut superuser = server().superuser("postgres");
        for (role, attributes) in ROLES {
            if let Err(refusal) = superuser.attempt(&format!("CREATE ROLE {role} {attributes}")) {
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
}

impl Operator {
    /// Returns an operator whose control plane stands beside Supabase Auth, as hosted.
    pub(crate) fn beside_auth() -> Self {
        roles();
        let operator = Self::new();
        let plane = operator.plane_name();
        let mut superuser = server().superuser(plane);
        tables::make(&mut superuser);
        // Hosted, the database is not ours alone, and its services enter it as PUBLIC.
        superuser.run(&format!("GRANT CONNECT, TEMPORARY ON DATABASE {plane} TO PUBLIC"));
        // The roles came later than the control plane.
        let _ran = operator.run("init").success();
        operator
    }

    /// Writes a user's row as Auth would; `metadata` is their `app_metadata`.
    pub(crate) fn sign_up(&self, user: &str, metadata: &str) {
        self.plane().run(&format!(
            "INSERT INTO auth.users (instance_id, id, aud, role, raw_app_meta_data, created_at, \
               updated_at) \
             VALUES ('00000000-0000-0000-0000-000000000000', '{user}', 'authenticated', \
               'authenticated', '{metadata}', now(), now())"
        ));
    }

    /// Opens a session as Auth itself: its role, with the limit its hooks run under.
    pub(crate) fn auth(&self) -> Session {
        let mut session = server().login("supabase_auth_admin", None, self.plane_name()).unwrap();
        session.run("SET statement_timeout = 2000");
        session
    }
}
