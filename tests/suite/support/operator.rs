//! An operator at the keyboard: runs our binary in an environment of the test's making.
//!
//! Nobody is at a terminal, and nothing of the test process's own environment reaches the command.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chown;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::postgres::ordinary_account;
use super::{Session, server, until};

/// How long any command may take before it counts as hanging.
const HANGS: Duration = Duration::from_mins(2);

/// Somebody who runs tenantctl.
pub(crate) struct Operator {
    plane: Option<String>,
    /// Another program than ours, and the user to run it as.
    ordinary: Option<(PathBuf, u32, u32)>,
    home: TempDir,
    variables: BTreeMap<OsString, OsString>,
}

/// A command that ended. Say `.success()`, or which failure it has to be.
#[must_use]
#[derive(Debug)]
pub(crate) struct Ran {
    arguments: String,
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// A command that may still run; killed when nobody waits for it any more.
pub(crate) struct Running {
    arguments: String,
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

/// A tenant as the control plane's table has it, read behind the command's back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TenantRow {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) database: String,
    pub(crate) is_quarantined: bool,
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
        let words = split(line);
        let words: Vec<_> = words.iter().map(OsStr::new).collect();
        self.spawn(&words, variables)
    }

    /// Returns a command line in the operator's environment, not started, its streams inherited.
    pub(crate) fn command(&self, line: &str) -> Command {
        let words = split(line);
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
        let rows: Vec<(String, String, String, bool)> = self.plane().rows(&format!(
            "SELECT tenant_id::text, status, database_name, quarantined_at IS NOT NULL \
             FROM control_plane.tenant_metadata WHERE slug = '{slug}' ORDER BY created_at"
        ));
        rows.into_iter()
            .map(|(id, status, database, is_quarantined)| TenantRow {
                id,
                status,
                database,
                is_quarantined,
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

impl Ran {
    /// Expects exit code 0.
    pub(crate) fn success(self) -> Self {
        self.fails_with(0)
    }

    /// Expects this exit code.
    #[track_caller]
    pub(crate) fn fails_with(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// Expects that it was ended by a kill.
    #[track_caller]
    pub(crate) fn was_killed(self) -> Self {
        assert_eq!(self.status.signal(), Some(9), "{self}");
        self
    }

    /// Returns the exit code.
    #[track_caller]
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("it was ended by a signal: {self}"))
    }

    /// Returns what stands on stdout.
    pub(crate) fn stdout(&self) -> &str {
        &self.stdout
    }

    /// Returns what stands on stderr.
    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    /// Returns stdout read as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// Returns the error object on the last line of stderr, as `-o json` writes it.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        let line = self.stderr.lines().last().unwrap_or_default();
        let mut object: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {self}"));
        object["error"].take()
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { arguments, status, stdout, stderr } = self;
        write!(f, "tenantctl {arguments}\n{status}\nstdout:\n{stdout}\nstderr:\n{stderr}")
    }
}

impl Running {
    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ran {
        let status = until(&format!("the end of `{}`", self.arguments), HANGS, || {
            self.child.try_wait().unwrap().ok_or_else(|| "it still runs".to_owned())
        });
        let text = |reader: Option<JoinHandle<String>>| reader.unwrap().join().unwrap();
        Ran {
            arguments: self.arguments.clone(),
            status,
            stdout: text(self.stdout.take()),
            stderr: text(self.stderr.take()),
        }
    }

    /// Sends a signal, by its name in `kill -NAME`.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits until it has stopped itself, as a `pause` does.
    pub(crate) fn wait_until_stopped(&self) {
        until(&format!("`{}` to stop itself", self.arguments), HANGS, || {
            let state = state_of(self.pid());
            if state.starts_with('T') { Ok(()) } else { Err(format!("its state is `{state}`")) }
        });
    }

    /// Returns its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns the letter by which the system calls a process's state.
fn state_of(pid: u32) -> String {
    // Where there is no /proc, there is a `ps`.
    if let Ok(line) = fs::read_to_string(format!("/proc/{pid}/stat")) {
        return line.rsplit(") ").next().unwrap_or_default().to_owned();
    }
    let arguments = ["-o", "state=", "-p", &pid.to_string()];
    let said = Command::new("ps").args(arguments).output().unwrap();
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

fn launch(arguments: String, mut command: Command) -> Running {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    Running {
        arguments,
        stdout: child.stdout.take().map(read),
        stderr: child.stderr.take().map(read),
        child,
    }
}

fn read(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Splits a line at blanks; what stands in single quotes stays together.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for character in line.chars() {
        match character {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}
