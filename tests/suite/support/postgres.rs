//! One private Postgres for the whole test process: a Unix socket in a directory of our own, and an
//! operator of the shape hosted Postgres gives its customers.
//!
//! It dies with the process, also when that is killed: the shell that started it waits for the end
//! of a pipe which only this process holds open. When a test failed, its directory stays.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

use super::{Operator, Session, programs, until};

/// The longest path a Unix socket may have, less the name of the socket itself.
const SOCKET_DIRECTORY_LIMIT: usize = 107 - "/.s.PGSQL.5432".len();

/// What the shell does: run the server, wait until nobody holds the pipe, end it, tidy up.
const KEEPER: &str = r#"directory=$1; shift
"$@" & server=$!
cat >/dev/null
kill -INT $server; wait $server
[ -e "$directory/keep" ] || rm -rf -- "$directory""#;

/// The control plane that every test's own is cloned from.
const TEMPLATE: &str = "cp_template";

/// The private server.
pub(crate) struct Server {
    directory: PathBuf,
    programs: PathBuf,
    template: OnceLock<()>,
    /// Holds the pipe.
    _keeper: Child,
}

/// Returns the server, started when it is first asked for.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

impl Server {
    /// Starts a server for one test alone, for what would disturb the others or be disturbed by them.
    pub(crate) fn alone() -> Self {
        Self::start()
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

    /// Keeps the server's directory when the process ends, and says where it is.
    pub(crate) fn keep(&self) {
        drop(fs::write(self.directory.join("keep"), "a test failed\n"));
        eprintln!("the server's directory stays: {}", self.directory.display());
    }

    /// Returns what the server has logged so far.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(self.directory.join("log")).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns the directory of its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    fn start() -> Self {
        let programs = programs::find();
        let account = Account::choose();
        let directory = account.new_directory();
        let data = directory.join("data");
        account.initdb(&programs, &data);
        let is_tenant = "+tenantctl_app";
        // The operator is a member of that group as well, hence its lines come first.
        let rules = format!(
            "local all operator trust\nlocal replication operator trust\nlocal all postgres \
             trust\nlocal all {is_tenant} scram-sha-256\nlocal all all trust\n"
        );
        fs::write(data.join("pg_hba.conf"), rules).unwrap();
        let keeper = account.keeper(&programs, &directory, &data);
        let server = Self { directory, programs, template: OnceLock::new(), _keeper: keeper };
        let log = server.directory.join("log");
        let mut superuser = until("the server to answer", Duration::from_secs(30), || {
            server.login("postgres", None, "postgres").map_err(|error| {
                let log = fs::read_to_string(&log).unwrap_or_default();
                format!("{error}; its log: {log}")
            })
        });
        superuser.run(
            "CREATE ROLE operator LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS; \
             GRANT pg_signal_backend, pg_monitor, pg_read_all_data TO operator",
        );
        server
    }
}

fn new_name() -> String {
    format!("cp_{}", &Uuid::new_v4().simple().to_string()[..12])
}

/// Returns uid and gid of an ordinary user to become; nothing when we are one.
pub(super) fn ordinary_account() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        let line = passwd.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let fields: Vec<_> = line.split(':').collect();
        Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
    };
    let account = of("postgres").or_else(|| of("nobody"));
    assert!(account.is_some(), "/etc/passwd knows neither `postgres` nor `nobody`");
    account
}

/// Whom the server runs as: ourselves, or for root, whom Postgres refuses, somebody else.
struct Account {
    switch: Option<(u32, u32)>,
}

impl Account {
    fn choose() -> Self {
        Self { switch: ordinary_account() }
    }

    /// Makes a directory of the account whose sockets have a path the system can take.
    fn new_directory(&self) -> PathBuf {
        let name = format!("tctl-{}", &Uuid::new_v4().simple().to_string()[..8]);
        let mut directory = std::env::temp_dir().join(&name);
        if directory.join("socket").as_os_str().len() > SOCKET_DIRECTORY_LIMIT {
            directory = Path::new("/tmp").join(&name);
        }
        for made in [&directory, &directory.join("socket")] {
            fs::create_dir(made).unwrap();
            fs::set_permissions(made, fs::Permissions::from_mode(0o700)).unwrap();
            if let Some((uid, gid)) = self.switch {
                chown(made, Some(uid), Some(gid)).unwrap();
            }
        }
        directory
    }

    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
        command.current_dir("/").stdin(Stdio::null());
        if let Some((uid, gid)) = self.switch {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn initdb(&self, programs: &Path, data: &Path) {
        let said = self
            .command(programs.join("initdb"))
            .args(["--no-sync", "--username=postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "-D"])
            .arg(data)
            .output();
        let said = said.unwrap();
        let errors = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "initdb failed: {errors}");
    }

    fn keeper(&self, programs: &Path, directory: &Path, data: &Path) -> Child {
        let log = fs::File::create(directory.join("log")).unwrap();
        let mut command = self.command("/bin/sh");
        command.arg("-c").arg(KEEPER).arg("sh").arg(directory);
        command.arg(programs.join("postgres")).arg("-D").arg(data);
        let socket = format!("unix_socket_directories={}", directory.join("socket").display());
        for setting in [
            "listen_addresses=",
            &socket,
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "max_connections=200",
            "wal_level=logical",
            "max_prepared_transactions=8",
        ] {
            command.arg("-c").arg(setting);
        }
        command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        // A Ctrl-C at the terminal is for the tests; the server ends when they do.
        command.process_group(0);
        command.spawn().unwrap_or_else(|error: io::Error| panic!("run /bin/sh: {error}"))
    }
}
