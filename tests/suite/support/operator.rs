//! An operator at the keyboard: runs our binary in an environment of the test's making.
//!
//! Nobody is at a terminal, and nothing of the test process's own environment reaches the command.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::management::private::ordinary_account;
use super::ran::{Ran, Running, launch};
use super::{Session, server};

/// Somebody who runs tenantctl.
pub(crate) struct Operator {
    plane: Option<String>,
    /// Another program than ours, and the user to run it as.
    ordinary: Option<(PathBuf, u32, u32)>,
    home: TempDir,
    variables: BTreeMap<OsString, OsString>,
}

/// A tenant as the control plane's table has it, read behind the command's back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TenantRow {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) database: String,
    pub(crate) is_quarantined: bool,
    pub(crate) is_locked: bool,
}

impl Operator {
    /// Returns an operator with a fresh control plane, installed and empty, and a secret key.
    pub(crate) fn new() -> Self {
        Self::on(&server().new_control_plane())
    }

    /// Returns an operator whose control plane is a database in which `init` has not run.
    pub(crate) fn before_init() -> Self {
        Self::on(&server().new_database())
    }

    /// Returns an operator who configured nothing but a data dir of their own.
    pub(crate) fn unconfigured() -> Self {
        let home = tempfile::tempdir().unwrap();
        // The server's user has to get through when the tests run as root.
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let operator = Self { plane: None, ordinary: None, home, variables: BTreeMap::new() };
        let (home, data) = (operator.home().to_owned(), operator.home().join("data"));
        operator
            .with("HOME", home)
            .with("PATH", "/usr/local/bin:/usr/bin:/bin")
            .with("COLUMNS", "100")
            .with("LC_ALL", "C.UTF-8")
            .with("TENANTCTL_DATA_DIR", data)
            .with("TENANTCTL_ACTOR", "tester")
            .with("TENANTCTL_POSTGRES_BIN", server().programs())
    }

    /// Returns an operator of the control plane in this database of the tests' server.
    pub(crate) fn on(database: &str) -> Self {
        let operator = Self::unconfigured();
        let key = operator.home().join("secret.key");
        fs::write(&key, "01".repeat(32)).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let mut operator = operator
            .with("TENANTCTL_CONTROL_PLANE_URL", server().url("operator", database))
            .with("TENANTCTL_SECRET_KEY_FILE", key);
        operator.plane = Some(database.to_owned());
        operator
    }

    /// Makes sure that commands run as an ordinary user: as root, that is somebody else with a copy
    /// of the program.
    pub(crate) fn ordinary(mut self) -> Self {
        if let Some((uid, gid)) = ordinary_account() {
            let program = self.home().join("tenantctl");
            fs::copy(env!("CARGO_BIN_EXE_tenantctl"), &program).unwrap();
            chown(self.home(), Some(uid), Some(gid)).unwrap();
            self.ordinary = Some((program, uid, gid));
        }
        self
    }

    /// Sets a variable for every command from here on.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// Takes a variable away for every command from here on.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.remove(OsStr::new(name));
        self
    }

    /// Returns the operator's home, where commands also run.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs a command line such as `tenant create acme --name 'Acme Ltd'` to its end.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.start(line, &[]).wait()
    }

    /// Runs a command line to its end with the fault injected, as in `place.before:kill`.
    pub(crate) fn run_failing(&self, fault: &str, line: &str) -> Ran {
        self.start(line, &[("TENANTCTL_FAIL", fault)]).wait()
    }

    /// Runs a command given as single words to its end.
    pub(crate) fn run_words(&self, words: &[&OsStr]) -> Ran {
        self.spawn(words, &[]).wait()
    }

    /// Starts a command line with further variables.
    pub(crate) fn start(&self, line: &str, variables: &[(&str, &str)]) -> Running {
        let words = shell_words::split(line).unwrap();
        let words: Vec<_> = words.iter().map(OsStr::new).collect();
        self.spawn(&words, variables)
    }

    /// Returns a command line in the operator's environment, not started, its streams inherited.
    pub(crate) fn command(&self, line: &str) -> Command {
        let words = shell_words::split(line).unwrap();
        self.command_of(&words.iter().map(OsStr::new).collect::<Vec<_>>())
    }

    fn command_of(&self, words: &[&OsStr]) -> Command {
        let mut command = match &self.ordinary {
            None => Command::new(env!("CARGO_BIN_EXE_tenantctl")),
            Some((program, uid, gid)) => {
                let mut command = Command::new(program);
                command.uid(*uid).gid(*gid);
                command
            }
        };
        command.args(words).env_clear().envs(&self.variables).current_dir(self.home());
        command
    }

    /// Runs a command line to its end with this text on stdin.
    pub(crate) fn run_reading(&self, text: &str, line: &str) -> Ran {
        let path = self.home().join("stdin");
        fs::write(&path, text).unwrap();
        let mut command = self.command(line);
        command.stdin(fs::File::open(path).unwrap());
        launch(line.to_owned(), command).wait()
    }

    fn spawn(&self, words: &[&OsStr], variables: &[(&str, &str)]) -> Running {
        let mut command = self.command_of(words);
        command.envs(variables.iter().copied()).stdin(Stdio::null());
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        launch(words.join(" "), command)
    }

    /// Returns the name of the control plane's database.
    pub(crate) fn plane_name(&self) -> &str {
        self.plane.as_deref().unwrap()
    }

    /// Opens a session on the control plane as the operator.
    pub(crate) fn plane(&self) -> Session {
        server().operator(self.plane_name())
    }

    /// Opens a session inside a tenant's database as its owner, row security and all.
    pub(crate) fn inside(&self, slug: &str) -> Session {
        let tenant = self.tenant(slug);
        let mut session = server().operator(&tenant.database);
        session
            .run(&format!("SET ROLE tenantctl_owner; SET app.current_tenant_id = '{}'", tenant.id));
        session
    }

    /// Logs in as the tenant's application, with the password that `tenant url` reveals.
    ///
    /// # Errors
    /// The SQLSTATE and message of the refusal.
    pub(crate) fn login(&self, slug: &str) -> Result<Session, String> {
        let url = self.run(&format!("tenant url {slug} --reveal")).success();
        let mut session = Session::at(url.stdout())?;
        let id = self.tenant(slug).id;
        session.run(&format!("SET app.current_tenant_id = '{id}'"));
        Ok(session)
    }

    /// Issues a session for a user of a tenant and returns its id.
    pub(crate) fn issue(&self, user: &str, slug: &str) -> String {
        let line = format!("session issue --user {user} --tenant {slug} -o json");
        self.run(&line).success().json()["session"]["jti"].as_str().unwrap().to_owned()
    }

    /// Returns the tenant that has the slug now.
    pub(crate) fn tenant(&self, slug: &str) -> TenantRow {
        let mut found = self.tenants(slug);
        found.retain(|tenant| tenant.status != "purged");
        assert_eq!(found.len(), 1, "tenants `{slug}`: {found:?}");
        found.remove(0)
    }

    /// Returns how many tenants are quarantined.
    pub(crate) fn tenants_quarantined(&self) -> i64 {
        self.plane().value(
            "SELECT count(*) FROM control_plane.tenant_metadata WHERE quarantined_at IS NOT NULL",
        )
    }

    /// Returns every tenant that has or had the slug, oldest first.
    pub(crate) fn tenants(&self, slug: &str) -> Vec<TenantRow> {
        let rows: Vec<(String, String, String, bool, bool)> = self.plane().rows(&format!(
            "SELECT tenant_id::text, status, database_name, quarantined_at IS NOT NULL, locked_at IS NOT NULL \
             FROM control_plane.tenant_metadata WHERE slug = '{slug}' ORDER BY created_at"
        ));
        rows.into_iter()
            .map(|(id, status, database, is_quarantined, is_locked)| TenantRow {
                id,
                status,
                database,
                is_quarantined,
                is_locked,
            })
            .collect()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        if std::thread::panicking() && self.plane.is_some() {
            eprintln!("the control plane was {}", self.plane_name());
            server().keep();
        }
    }
}
