//! A private Postgres: a Unix socket in a directory of its own, and no port.
//!
//! It dies with the process, also when that is killed: the shell that started it waits for the end
//! of a pipe which only this process holds open. It does not know when the server answers.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use uuid::Uuid;

/// The longest path a Unix socket may have, less the name of the socket itself.
const SOCKET_DIRECTORY_LIMIT: usize = 107 - "/.s.PGSQL.5432".len();

/// What the shell does: run the server, wait until nobody holds the pipe, end it, tidy up.
const KEEPER: &str = r#"directory=$1; shift
"$@" & server=$!
cat >/dev/null
kill -INT $server; wait $server
[ -e "$directory/keep" ] || rm -rf -- "$directory""#;

/// In what one server differs from another.
pub(crate) struct Recipe<'a> {
    /// What the directory's name begins with.
    pub(crate) prefix: &'a str,
    pub(crate) superuser: &'a str,
    /// The lines of `pg_hba.conf`.
    pub(crate) rules: &'a str,
    pub(crate) settings: &'a [&'a str],
    /// What its environment holds besides.
    pub(crate) variables: &'a [(&'a str, &'a OsStr)],
    /// A data directory to be copied, system identifier and oids included, in place of a new one.
    pub(crate) image: Option<&'a Path>,
}

/// The running server.
pub(crate) struct Private {
    directory: PathBuf,
    /// Holds the pipe.
    _keeper: Child,
}

impl Private {
    /// Starts a server with the programs of a folder; it may take a moment to answer.
    pub(crate) fn start(programs: &Path, recipe: &Recipe<'_>) -> Self {
        let account = ordinary_account();
        let directory = new_directory(recipe.prefix, account);
        let data = directory.join("data");
        match recipe.image {
            None => initdb(programs, recipe.superuser, &data),
            Some(image) => copy(image, &data),
        }
        fs::write(data.join("pg_hba.conf"), recipe.rules).unwrap();
        let log = fs::File::create(directory.join("log")).unwrap();
        let mut keeper = command(Path::new("/bin/sh"), account);
        keeper.arg("-c").arg(KEEPER).arg("sh").arg(&directory);
        keeper.arg(programs.join("postgres")).arg("-D").arg(&data);
        let socket = format!("unix_socket_directories={}", directory.join("socket").display());
        let common = ["listen_addresses=", &socket, "fsync=off", "full_page_writes=off"];
        for setting in common.iter().chain(recipe.settings) {
            keeper.arg("-c").arg(setting);
        }
        keeper.envs(recipe.variables.iter().copied());
        keeper.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        // A Ctrl-C at the terminal is for the tests; the server ends when they do.
        keeper.process_group(0);
        let keeper =
            keeper.spawn().unwrap_or_else(|error: io::Error| panic!("run /bin/sh: {error}"));
        Self { directory, _keeper: keeper }
    }

    /// Returns the directory that holds all of it.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the directory of its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    /// Returns what it has logged so far.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(self.directory.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Makes a data directory that no server has run in yet.
pub(crate) fn initdb(programs: &Path, superuser: &str, data: &Path) {
    let said = command(&programs.join("initdb"), ordinary_account())
        .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
        .arg(format!("--username={superuser}"))
        .arg("-D")
        .arg(data)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "initdb failed: {errors}");
}

/// Copies a directory as its owner.
pub(crate) fn copy(from: &Path, to: &Path) {
    let mut copying = command(Path::new("cp"), ordinary_account());
    let said = copying.arg("-a").arg(from).arg(to).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

/// Returns uid and gid of an ordinary user to become, since Postgres refuses root; nothing when we
/// are one.
pub(crate) fn ordinary_account() -> Option<(u32, u32)> {
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

/// Makes a directory of the account whose sockets have a path the system can take.
fn new_directory(prefix: &str, account: Option<(u32, u32)>) -> PathBuf {
    let name = format!("{prefix}-{}", &Uuid::new_v4().simple().to_string()[..8]);
    let mut directory = std::env::temp_dir().join(&name);
    if directory.join("socket").as_os_str().len() > SOCKET_DIRECTORY_LIMIT {
        directory = Path::new("/tmp").join(&name);
    }
    for made in [&directory, &directory.join("socket")] {
        fs::create_dir(made).unwrap();
        fs::set_permissions(made, fs::Permissions::from_mode(0o700)).unwrap();
        if let Some((uid, gid)) = account {
            chown(made, Some(uid), Some(gid)).unwrap();
        }
    }
    directory
}

fn command(program: &Path, account: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
    command.current_dir("/").stdin(Stdio::null());
    if let Some((uid, gid)) = account {
        command.uid(uid).gid(gid);
    }
    command
}
