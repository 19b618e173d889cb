//! One private Postgres for the whole test process, with an operator of the shape hosted Postgres
//! gives its customers. Its directory goes with the process, unless a test failed and
//! `TENANTCTL_TEST_KEEP` is set.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use super::management::private::{Private, Recipe, copy};
use super::{Operator, Session, programs, until};

/// The control plane that every test's own is cloned from.
const TEMPLATE: &str = "cp_template";

/// The private server.
pub(crate) struct Server {
    private: Private,
    programs: PathBuf,
    template: OnceLock<()>,
}

/// Returns the server, started when it is first asked for.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&[], &[]))
}

impl Server {
    /// Starts a server for one test alone, for what would disturb the others or be disturbed by them.
    pub(crate) fn alone() -> Self {
        Self::start(&[], &[])
    }

    /// Starts a server for one test alone, with further variables in its environment.
    pub(crate) fn alone_with(variables: &[(&str, &OsStr)]) -> Self {
        Self::start(variables, &[])
    }

    /// Starts a server for one test alone, with settings that differ from the others'.
    pub(crate) fn alone_set(differences: &[&str]) -> Self {
        Self::start(&[], differences)
    }

    /// Starts other servers with all that this one holds: one base backup, restored beside it.
    pub(crate) fn restored<const N: usize>(&self) -> [Self; N] {
        let directory = self.private.directory();
        let (data, backup) = (directory.join("data"), directory.join("backup"));
        let mut session = self.superuser("postgres");
        session.run("SELECT pg_backup_start('copy', true)");
        copy(&data, &backup);
        let label: String =
            session.value("SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)");
        // What was written while it was copied.
        copy(&data.join("pg_wal/."), &backup.join("pg_wal"));
        fs::write(backup.join("backup_label"), label).unwrap();
        fs::remove_file(backup.join("postmaster.pid")).unwrap();
        let restored = std::array::from_fn(|_| Self::start_on(Some(&backup), &[], &[]));
        fs::remove_dir_all(backup).unwrap();
        restored
    }

    /// Returns the process id of its first process.
    pub(crate) fn pid(&self) -> i32 {
        let path = self.private.directory().join("data/postmaster.pid");
        fs::read_to_string(path).unwrap().lines().next().unwrap().parse().unwrap()
    }

    /// Returns the folder of the Postgres programs in use.
    pub(crate) fn programs(&self) -> &Path {
        &self.programs
    }

    /// Returns a connection string for a role that is let in without a password.
    pub(crate) fn url(&self, role: &str, database: &str) -> String {
        format!("postgresql://{role}@/{database}?host={}&port=5432", self.socket().display())
    }

    /// Opens a session as the superuser, whom tenantctl itself never is.
    pub(crate) fn superuser(&self, database: &str) -> Session {
        self.login("postgres", None, database).unwrap()
    }

    /// Opens a session as the operator.
    pub(crate) fn operator(&self, database: &str) -> Session {
        self.login("operator", None, database).unwrap()
    }

    /// Logs in; tenants' logins need their password, everybody else is let in.
    ///
    /// # Errors
    /// The SQLSTATE and message of the refusal.
    pub(crate) fn login(
        &self,
        role: &str,
        password: Option<&str>,
        database: &str,
    ) -> Result<Session, String> {
        let options = PgConnectOptions::new_without_pgpass()
            .host("localhost")
            .socket(self.socket())
            .port(5432)
            .username(role)
            .password(password.unwrap_or(""))
            .database(database);
        Session::open(&options)
    }

    /// Makes a database that belongs to the operator and is empty, and returns its name.
    pub(crate) fn new_database(&self) -> String {
        let name = new_name();
        let make = format!("CREATE DATABASE {name} OWNER operator TEMPLATE template0");
        self.superuser("postgres").run(&make);
        name
    }

    /// Makes a control plane of its own kind: installed, with its own id, and without tenants.
    pub(crate) fn new_control_plane(&self) -> String {
        self.template.get_or_init(|| {
            let mut superuser = self.superuser("postgres");
            superuser.run(&format!("CREATE DATABASE {TEMPLATE} OWNER operator TEMPLATE template0"));
            let _ran = Operator::on(TEMPLATE).run("init").success();
        });
        let name = new_name();
        let make = format!("CREATE DATABASE {name} OWNER operator TEMPLATE {TEMPLATE}");
        self.superuser("postgres").run(&make);
        // Stamps compare it: two clones of one id would take each other's tenants for their own.
        let identify = "UPDATE control_plane.identity SET control_plane_id = gen_random_uuid()";
        self.operator(&name).run(identify);
        name
    }

    /// Keeps the server's directory when the process ends, if that was asked for: a whole run
    /// leaves gigabytes.
    pub(crate) fn keep(&self) {
        let directory = self.private.directory();
        if super::environment("TENANTCTL_TEST_KEEP").is_some() {
            drop(fs::write(directory.join("keep"), "a test failed\n"));
            eprintln!("the server's directory stays: {}", directory.display());
        } else {
            eprintln!("the server's directory goes; TENANTCTL_TEST_KEEP=1 lets it stay");
        }
    }

    /// Returns what the server has logged so far.
    pub(crate) fn log(&self) -> String {
        self.private.log()
    }

    /// Returns the directory of its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.private.socket()
    }

    fn start(variables: &[(&str, &OsStr)], differences: &[&str]) -> Self {
        let server = Self::start_on(None, variables, differences);
        server.superuser("postgres").run(
            "CREATE ROLE operator LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS; \
             GRANT pg_signal_backend, pg_monitor, pg_read_all_data TO operator",
        );
        server
    }

    fn start_on(image: Option<&Path>, variables: &[(&str, &OsStr)], differences: &[&str]) -> Self {
        let programs = programs::find();
        let is_tenant = "+tenantctl_app";
        // The operator is a member of that group as well, hence its lines come first.
        let rules = format!(
            "local all operator trust\nlocal replication operator trust\nlocal all postgres \
             trust\nlocal all {is_tenant} scram-sha-256\nlocal all all trust\n"
        );
        let mut settings = vec![
            "synchronous_commit=off",
            "max_connections=200",
            "wal_level=logical",
            "max_prepared_transactions=8",
        ];
        // Of a setting given twice the server takes the last.
        settings.extend(differences);
        let recipe = Recipe {
            prefix: "tctl",
            superuser: "postgres",
            rules: &rules,
            settings: &settings,
            variables,
            image,
        };
        let private = Private::start(&programs, &recipe);
        let server = Self { private, programs, template: OnceLock::new() };
        let _answers = until("the server to answer", Duration::from_secs(30), || {
            let opened = server.login("postgres", None, "postgres");
            opened.map_err(|error| format!("{error}; its log: {}", server.log()))
        });
        server
    }
}

fn new_name() -> String {
    format!("cp_{}", &Uuid::new_v4().simple().to_string()[..12])
}
