//! How a server stands towards its tenants' logins: what they may enter, how many connections they
//! may open together, and who holds many of its locks.

use sqlx::postgres::PgConnection;

use super::error::ServerError;
use super::operator::Server;
use crate::adapters::postgres::{PgError, row};

row! {
    /// What one query sees.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct Standing {
        /// Connections that anybody may have: those for superusers and reserved ones are not counted.
        pub connections: i32,
        /// Whether some of the others are kept for the operator, or need not be.
        pub has_way_in: bool,
        /// Whether this Postgres can keep some: from 16 on.
        pub can_reserve: bool,
        /// The role that we logged in as.
        pub operator: String,
        /// Tenants' logins that may log in.
        pub logins: i64,
        /// Connections that these may have together.
        pub together: i64,
        /// Databases that any login may enter.
        pub open_databases: Vec<String>,
        /// Locks that the server has room for, at least.
        pub lock_room: i64,
        /// The tenant's login that holds the most locks.
        pub lock_holder: Option<String>,
        /// How many it holds.
        pub locks_held: i64,
    }
}

impl Server {
    /// Looks how the server stands towards the tenants' logins.
    pub(crate) async fn standing(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Standing, ServerError> {
        let standing = sqlx::query_as(
            r"WITH setting AS (
                SELECT current_setting('max_connections')::int AS most,
                    current_setting('superuser_reserved_connections')::int AS for_superusers,
                    coalesce(current_setting('reserved_connections', true), '0')::int AS reserved,
                    current_setting('max_locks_per_transaction')::bigint AS locks,
                    current_setting('max_prepared_transactions')::int AS prepared
            ), login AS (
                SELECT r.rolname, r.rolconnlimit FROM pg_roles r
                WHERE r.rolcanlogin AND shobj_description(r.oid, 'pg_authid') IS NOT NULL
                    AND r.rolname <> session_user AND EXISTS (
                        SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
                        WHERE g.rolname = 'tenantctl_app' AND m.member = r.oid)
            ), held AS (
                SELECT a.usename::text AS holder, count(*) AS locks
                FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                WHERE NOT l.fastpath AND a.usename IN (SELECT rolname FROM login)
                GROUP BY 1 ORDER BY 2 DESC LIMIT 1
            )
            SELECT s.most - s.for_superusers - s.reserved AS connections,
                (SELECT rolsuper FROM pg_roles WHERE rolname = session_user)
                    OR s.reserved > 0 AND EXISTS (
                        SELECT FROM pg_roles WHERE rolname = 'pg_use_reserved_connections'
                            AND pg_has_role(session_user, oid, 'USAGE')) AS has_way_in,
                current_setting('server_version_num')::int >= 160000 AS can_reserve,
                session_user::text AS operator,
                (SELECT count(*) FROM login) AS logins,
                (SELECT coalesce(sum(CASE WHEN rolconnlimit < 0 THEN s.most ELSE rolconnlimit END), 0)
                    FROM login)::bigint AS together,
                (SELECT coalesce(array_agg(datname::text ORDER BY datname), '{}') FROM pg_database
                    WHERE datallowconn AND has_database_privilege('public', oid, 'CONNECT'))
                    AS open_databases,
                s.locks * (s.most + s.prepared) AS lock_room,
                (SELECT holder FROM held) AS lock_holder,
                coalesce((SELECT locks FROM held), 0) AS locks_held
            FROM setting s",
        )
        .fetch_one(connection)
        .await
        .map_err(PgError::doing("look how the server stands towards tenants' logins"))?;
        Ok(standing)
    }
}
