//! The real `PgBouncer` in front of the tests' server: a Unix socket in a directory of its own, and
//! no port. It dies with the process, like the server.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use uuid::Uuid;

use super::management::private::ordinary_account;
use super::{PATIENCE, programs, server, until};

/// What the shell does: run it, wait until nobody holds the pipe, end it, tidy up.
const KEEPER: &str = r#""$2" "$1/pgbouncer.ini" & bouncer=$!
cat >/dev/null
kill -INT $bouncer; wait $bouncer; rm -rf -- "$1""#;

/// A running one; it ends when this is dropped.
pub(crate) struct Pgbouncer {
    directory: PathBuf,
    /// Holds the pipe.
    _keeper: Child,
}

impl Pgbouncer {
    /// Starts one in this pool mode: `session`, `transaction` or `statement`. Every client works as
    /// the operator.
    pub(crate) fn start(mode: &str) -> Self {
        let name = format!("tctl-bouncer-{}", &Uuid::new_v4().simple().to_string()[..8]);
        let directory = PathBuf::from("/tmp").join(name);
        fs::create_dir(&directory).unwrap();
        let behind = server().socket();
        let config = format!(
            "[databases]\n* = host={} port=5432 user=operator\n[pgbouncer]\npool_mode = {mode}\n\
             auth_type = any\nlisten_port = 5432\nunix_socket_dir = {}\nlogfile = {}/log\n",
            behind.display(),
            directory.display(),
            directory.display(),
        );
        // What a session of the tests' own sets at its start; in session mode only ours is tried.
        let ignored = if mode == "session" { "" } else { "extra_float_digits" };
        let config = format!("{config}ignore_startup_parameters = {ignored}\n");
        fs::write(directory.join("pgbouncer.ini"), config).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
        let mut keeper = Command::new("/bin/sh");
        keeper.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
        keeper.arg("-c").arg(KEEPER).arg("sh").arg(&directory).arg(programs::find_pgbouncer());
        if let Some((uid, gid)) = ordinary_account() {
            chown(&directory, Some(uid), Some(gid)).unwrap();
            keeper.uid(uid).gid(gid);
        }
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let keeper = keeper.spawn().unwrap();
        let bouncer = Self { directory, _keeper: keeper };
        let socket = bouncer.directory.join(".s.PGSQL.5432");
        until("PgBouncer to listen", PATIENCE, || {
            UnixStream::connect(&socket).map(drop).map_err(|error| error.to_string())
        });
        bouncer
    }

    /// Returns a connection string for a database through it.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgresql://operator@/{database}?host={}&port=5432", self.directory.display())
    }
}
