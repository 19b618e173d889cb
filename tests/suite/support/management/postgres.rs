//! The Postgres behind the fake's projects: one private server, its superuser named as Supabase's
//! is, and the roles a hosted project has.
//!
//! Each project is a database of it. Roles are the server's, so where a project has its own
//! `postgres` and its own login role, the server has one with the project's ref in its name; the
//! way in (`wire.rs`) translates.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use uuid::Uuid;

/// Runs the server until nobody holds the pipe, then ends it and tidies up.
const KEEPER: &str = r#"directory=$1; shift
"$@" & server=$!
cat >/dev/null
kill -INT $server; wait $server
rm -rf -- "$directory""#;

const ROLES: &str = "
    CREATE ROLE postgres LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS;
    CREATE ROLE anon NOLOGIN NOINHERIT;
    CREATE ROLE authenticated NOLOGIN NOINHERIT;
    CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
    CREATE ROLE authenticator LOGIN NOINHERIT;
    CREATE ROLE supabase_auth_admin LOGIN NOINHERIT;
    GRANT anon, authenticated, service_role TO authenticator;
    GRANT anon, authenticated, service_role, authenticator, pg_monitor, pg_read_all_data,
        pg_signal_backend TO postgres WITH ADMIN OPTION;";

/// The server.
pub(crate) struct Postgres {
    directory: PathBuf,
    _keeper: Child,
}

impl Postgres {
    /// Starts a server with the programs of a folder.
    pub(crate) async fn start(programs: &Path) -> Self {
        let account = account();
        let directory =
            Path::new("/tmp").join(format!("sfake-{}", &Uuid::new_v4().simple().to_string()[..8]));
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        if let Some((uid, gid)) = account {
            chown(&directory, Some(uid), Some(gid)).unwrap();
        }
        let data = directory.join("data");
        let command = |program: &Path| {
            let mut command = Command::new(program);
            command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
            command.current_dir("/").stdin(Stdio::null()).process_group(0);
            if let Some((uid, gid)) = account {
                command.uid(uid).gid(gid);
            }
            command
        };
        let said = command(&programs.join("initdb"))
            .args(["--no-sync", "--username=supabase_admin", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(said.status.success(), "initdb: {}", String::from_utf8_lossy(&said.stderr));
        let rules = "local all supabase_admin trust\nlocal all all scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), rules).unwrap();
        let log = fs::File::create(directory.join("log")).unwrap();
        let mut keeper = command(Path::new("/bin/sh"));
        keeper.arg("-c").arg(KEEPER).arg("sh").arg(&directory);
        keeper.arg(programs.join("postgres")).arg("-D").arg(&data);
        let socket = format!("unix_socket_directories={}", directory.display());
        for setting in [
            "listen_addresses=",
            &socket,
            "fsync=off",
            "full_page_writes=off",
            "max_connections=120",
        ] {
            keeper.arg("-c").arg(setting);
        }
        keeper.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        let keeper = keeper.spawn().unwrap();
        let server = Self { directory, _keeper: keeper };
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = server.options("postgres").connect().await {
            assert!(Instant::now() < deadline, "the fake's Postgres does not answer: {error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server.run("postgres", ROLES).await;
        server
    }

    /// Returns the socket's path.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join(".s.PGSQL.5432")
    }

    fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("localhost")
            .socket(&self.directory)
            .port(5432)
            .username("supabase_admin")
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
        self.run("postgres", &format!("CREATE DATABASE p_{reference} OWNER postgres")).await;
        let role = format!("postgres_{reference}");
        let password = password.replace('\'', "''");
        self.run(
            "postgres",
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
        self.run("postgres", &drop).await;
        let roles = format!("DROP ROLE IF EXISTS postgres_{reference}, cli_login_{reference}");
        self.run("postgres", &roles).await;
    }

    /// Gives a project's own role a password.
    pub(crate) async fn set_password(&self, role: &str, password: &str) {
        let password = password.replace('\'', "''");
        self.run("postgres", &format!("ALTER ROLE {role} LOGIN PASSWORD '{password}'")).await;
    }

    /// Gives a project's own role a password that opens sessions for so many seconds.
    pub(crate) async fn set_password_for(&self, role: &str, password: &str, seconds: u32) {
        self.set_password(role, password).await;
        let limit = format!(
            "DO $$ BEGIN EXECUTE format('ALTER ROLE {role} VALID UNTIL %L', \
             now() + interval '{seconds} seconds'); END $$"
        );
        self.run("postgres", &limit).await;
    }

    /// Runs SQL in a project's database as its `postgres` and returns the rows as JSON.
    ///
    /// # Errors
    /// What the API makes of the server's refusal.
    pub(crate) async fn query(
        &self,
        reference: &str,
        sql: &str,
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
        // Rows as JSON where the statement is one that can stand inside another.
        let wrapped = format!("SELECT to_jsonb(q) FROM ({}) q", sql.trim().trim_end_matches(';'));
        let wrapped = sqlx::query(AssertSqlSafe(wrapped)).fetch_all(&mut connection).await;
        let rows = if let Ok(rows) = wrapped {
            rows.iter().map(|row| row.get(0)).collect()
        } else {
            let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
            statement.execute(&mut connection).await.map_err(|error| told(&error))?;
            Vec::new()
        };
        drop(connection.close().await);
        Ok(rows)
    }
}

/// Returns whom to become when we are root, since Postgres refuses root.
fn account() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        let line = passwd.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let fields: Vec<_> = line.split(':').collect();
        Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
    };
    of("postgres").or_else(|| of("nobody"))
}
