//! The Postgres behind the fake's projects: one private server, its superuser named as Supabase's
//! is, and the roles a hosted project has.
//!
//! Each project is a database of it, or has a server of its own that was copied from an image, as
//! hosted projects are. Roles are the server's, so where a project has its own `postgres` and its
//! own login role, the server has one with the project's ref in its name; the way in (`wire.rs`)
//! translates.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use super::private::{Private, Recipe, initdb};

const SUPERUSER: &str = "supabase_admin";

/// The database that is every server's own, whatever its projects are called.
const KEPT: &str = "template1";

const ROLES: &str = "
    CREATE ROLE postgres LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS;
    CREATE ROLE anon NOLOGIN NOINHERIT;
    CREATE ROLE authenticated NOLOGIN NOINHERIT;
    CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
    CREATE ROLE authenticator LOGIN NOINHERIT;
    CREATE ROLE supabase_auth_admin LOGIN NOINHERIT;
    CREATE ROLE supabase_storage_admin LOGIN NOINHERIT;
    GRANT anon, authenticated, service_role TO authenticator;
    GRANT anon, authenticated, service_role, authenticator, pg_monitor, pg_read_all_data,
        pg_signal_backend TO postgres WITH ADMIN OPTION;
    GRANT supabase_storage_admin TO postgres;";

/// What a project's database holds from the beginning, as far as people's migrations name it
/// (supabase/postgres `migrations/db`, read 2026-11). Hosted, an extension lets `postgres` change the
/// policies of Storage (`supautils.policy_grants`); here it is a member of their owner. What
/// `postgres` makes in `public` was open to the API in every project made before 2026-05.
const SCHEMAS: &str = "
    CREATE SCHEMA extensions AUTHORIZATION postgres;
    GRANT USAGE ON SCHEMA extensions TO anon, authenticated, service_role;
    CREATE FUNCTION extensions.uuid_generate_v4() RETURNS uuid LANGUAGE sql
        AS 'SELECT gen_random_uuid()';
    CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin;
    CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);
    ALTER TABLE auth.users OWNER TO supabase_auth_admin;
    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
        $$ SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
    GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, postgres;
    GRANT ALL ON auth.users TO postgres;
    CREATE SCHEMA storage AUTHORIZATION supabase_storage_admin;
    CREATE TABLE storage.buckets (id text PRIMARY KEY, name text NOT NULL);
    CREATE TABLE storage.objects (id uuid PRIMARY KEY, bucket_id text REFERENCES storage.buckets);
    ALTER TABLE storage.buckets OWNER TO supabase_storage_admin;
    ALTER TABLE storage.objects OWNER TO supabase_storage_admin;
    ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;
    GRANT USAGE ON SCHEMA storage TO anon, authenticated, service_role, postgres;
    GRANT ALL ON ALL TABLES IN SCHEMA storage TO postgres;
    CREATE PUBLICATION supabase_realtime;
    ALTER PUBLICATION supabase_realtime OWNER TO postgres;
    GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
    GRANT ALL ON SCHEMA public TO postgres;
    ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public
        GRANT ALL ON TABLES TO anon, authenticated, service_role;";

/// The server.
pub(crate) struct Postgres {
    private: Private,
    programs: PathBuf,
    image: OnceLock<PathBuf>,
}

impl Postgres {
    /// Starts a server with the programs of a folder.
    pub(crate) async fn start(programs: &Path) -> Self {
        Self::start_on(programs, None).await
    }

    /// Starts another server, on the data directory that every server made so has: the same system
    /// identifier, and databases of the same oids.
    pub(crate) async fn start_from_image(&self) -> Self {
        let image = self.image.get_or_init(|| {
            let image = self.private.directory().join("image");
            initdb(&self.programs, SUPERUSER, &image);
            image
        });
        Self::start_on(&self.programs, Some(image)).await
    }

    async fn start_on(programs: &Path, image: Option<&Path>) -> Self {
        let recipe = Recipe {
            prefix: "sfake",
            superuser: SUPERUSER,
            rules: "local all supabase_admin trust
local all all scram-sha-256
",
            settings: &["max_connections=120"],
            variables: &[],
            image,
        };
        let private = Private::start(programs, &recipe);
        let server = Self { private, programs: programs.to_owned(), image: OnceLock::new() };
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = server.options(KEPT).connect().await {
            assert!(Instant::now() < deadline, "the fake's Postgres does not answer: {error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server.run(KEPT, ROLES).await;
        server
    }

    /// Returns the socket's path.
    pub(crate) fn socket(&self) -> PathBuf {
        self.private.socket().join(".s.PGSQL.5432")
    }

    fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("localhost")
            .socket(self.private.socket())
            .port(5432)
            .username(SUPERUSER)
            .database(database)
            .disable_statement_logging()
    }

    async fn connect(&self, database: &str) -> PgConnection {
        self.options(database).connect().await.unwrap()
    }

    /// Runs statements as the superuser.
    pub(crate) async fn run(&self, database: &str, sql: &str) {
        let mut connection = self.connect(database).await;
        let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        statement.execute(&mut connection).await.unwrap();
        drop(connection.close().await);
    }

    /// Makes a project's database, and its `postgres`.
    pub(crate) async fn create_project(&self, reference: &str, password: &str) {
        // Not from the database that others are just now in.
        let make = format!("CREATE DATABASE p_{reference} OWNER postgres TEMPLATE template0");
        self.run(KEPT, &make).await;
        self.furnish(reference, password).await;
    }

    /// Makes the database `postgres` of a server of its own a project's, and its `postgres`.
    pub(crate) async fn become_project(&self, reference: &str, password: &str) {
        let name = format!("p_{reference}");
        self.run(KEPT, &format!("ALTER DATABASE postgres RENAME TO {name}")).await;
        self.run(KEPT, &format!("ALTER DATABASE {name} OWNER TO postgres")).await;
        self.furnish(reference, password).await;
    }

    async fn furnish(&self, reference: &str, password: &str) {
        self.run(&format!("p_{reference}"), SCHEMAS).await;
        let role = format!("postgres_{reference}");
        let password = password.replace('\'', "''");
        self.run(
            KEPT,
            &format!(
                "CREATE ROLE {role} LOGIN CREATEDB CREATEROLE REPLICATION BYPASSRLS \
                 PASSWORD '{password}'; GRANT postgres TO {role}; \
                 CREATE ROLE cli_login_{reference} NOLOGIN NOINHERIT; \
                 GRANT postgres TO cli_login_{reference}"
            ),
        )
        .await;
    }

    /// Drops all of it.
    pub(crate) async fn drop_project(&self, reference: &str) {
        let drop = format!("DROP DATABASE IF EXISTS p_{reference} WITH (FORCE)");
        self.run(KEPT, &drop).await;
        let roles = format!("DROP ROLE IF EXISTS postgres_{reference}, cli_login_{reference}");
        self.run(KEPT, &roles).await;
    }

    /// Gives a project's own role a password.
    pub(crate) async fn set_password(&self, role: &str, password: &str) {
        let password = password.replace('\'', "''");
        self.run(KEPT, &format!("ALTER ROLE {role} LOGIN PASSWORD '{password}'")).await;
    }

    /// Ends a project's login role.
    pub(crate) async fn close_login(&self, reference: &str) {
        self.run(KEPT, &format!("ALTER ROLE cli_login_{reference} NOLOGIN")).await;
    }

    /// Gives a project's own role a password that opens sessions for so many seconds.
    pub(crate) async fn set_password_for(&self, role: &str, password: &str, seconds: u32) {
        self.set_password(role, password).await;
        let limit = format!(
            "DO $$ BEGIN EXECUTE format('ALTER ROLE {role} VALID UNTIL %L', \
             now() + interval '{seconds} seconds'); END $$"
        );
        self.run(KEPT, &limit).await;
    }

    /// Runs SQL in a project's database as its `postgres`, with parameters as text for the server to
    /// read by their types, and returns the rows as JSON.
    ///
    /// # Errors
    /// What the API makes of the server's refusal.
    pub(crate) async fn query(
        &self,
        reference: &str,
        sql: &str,
        parameters: &[serde_json::Value],
    ) -> Result<Vec<serde_json::Value>, String> {
        let mut connection = self.connect(&format!("p_{reference}")).await;
        let told = |error: &sqlx::Error| match error.as_database_error() {
            Some(found) => format!(
                "Failed to run sql query: ERROR:  {}: {}\n",
                found.code().unwrap_or_default(),
                found.message()
            ),
            None => format!("Failed to run sql query: {error}"),
        };
        sqlx::raw_sql("SET ROLE postgres").execute(&mut connection).await.unwrap();
        let sql = sql.trim().trim_end_matches(';');
        // Rows as JSON where the statement is one that can stand inside another.
        let wrapped = given(&format!("SELECT to_jsonb(q) FROM ({sql}) q"), parameters);
        let wrapped = sqlx::raw_sql(AssertSqlSafe(wrapped)).fetch_all(&mut connection).await;
        let rows = if let Ok(rows) = wrapped {
            // The simple protocol sends every value as text.
            let text = |row: &sqlx::postgres::PgRow| row.get_unchecked::<String, _>(0);
            rows.iter().map(|row| serde_json::from_str(&text(row)).unwrap()).collect()
        } else {
            let statement = sqlx::raw_sql(AssertSqlSafe(given(sql, parameters)));
            statement.execute(&mut connection).await.map_err(|error| told(&error))?;
            Vec::new()
        };
        drop(connection.close().await);
        Ok(rows)
    }
}

/// Returns a statement with its parameters' values, which the server reads by the types it finds for
/// them, as it does for clients that send text.
fn given(sql: &str, parameters: &[serde_json::Value]) -> String {
    if parameters.is_empty() {
        return sql.to_owned();
    }
    let values: Vec<_> = parameters.iter().map(literal).collect();
    format!("DEALLOCATE ALL; PREPARE given AS {sql}; EXECUTE given ({})", values.join(", "))
}

fn literal(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "NULL".to_owned(),
        serde_json::Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        serde_json::Value::Array(items) => {
            format!("ARRAY[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        other => format!("'{}'", other.to_string().replace('\'', "''")),
    }
}
