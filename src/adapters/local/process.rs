//! Postgres's pid file, and whether the process it names still serves our cluster.
//!
//! A process id in a file proves nothing: the process may be gone, a zombie, or another program by
//! now. Whether the server *works* is decided by connecting (`connect.rs`); this file only says
//! whether it is safe to start another.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal};

use super::error::LocalError;
use super::files;
use crate::files::Owner;

/// A process id no system gives out; Postgres finds it gone and carries on.
const NO_SUCH_PROCESS: i32 = i32::MAX;

/// What a running server wrote into its `postmaster.pid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: i32,
    pub(super) port: Option<u16>,
    pub(super) socket_dir: Option<PathBuf>,
}

impl PidFile {
    /// Reads the pid file of a cluster; none, or one without a process id, is `None`.
    pub(super) fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(cluster.join("postmaster.pid")).ok()?)
    }

    /// Lines: pid, data directory, start time, port, socket directory, listen address, …
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
        let mut rest = lines.skip(2);
        let port = rest.next().and_then(|line| line.trim().parse().ok());
        let socket_dir = rest.next().filter(|line| line.starts_with('/')).map(PathBuf::from);
        Some(Self { pid, port, socket_dir })
    }
}

/// Returns whether the cluster has a pid file, of whatever content.
pub(super) fn has_pid_file(cluster: &Path) -> bool {
    fs::symlink_metadata(cluster.join("postmaster.pid")).is_ok()
}

/// Changes a pid file whose process is not ours so that a new server starts in spite of it.
///
/// Postgres will not start while any process of its own user has the recorded id. Only that id is
/// overwritten: the shared memory key below it lets the new server notice backends that outlived a
/// killed one, so the file must stay. A file that ends early (the disk was full) has no such key
/// and is removed.
pub(super) fn disown_pid_file(cluster: &Path, owner: Owner) -> Result<(), LocalError> {
    let path = cluster.join("postmaster.pid");
    let bytes = fs::read(&path).map_err(files::io_error("read", &path))?;
    let text = String::from_utf8_lossy(&bytes);
    match text.split_once('\n') {
        Some((_pid, rest)) if text.lines().count() >= 7 => {
            files::write_private(&path, format!("{NO_SUCH_PROCESS}\n{rest}").as_bytes(), owner)
        }
        _ => files::remove_file(&path),
    }
}

/// Returns whether process `pid` lives and works in this cluster.
pub(super) fn serves(pid: i32, cluster: &Path) -> bool {
    if Path::new("/proc/self/stat").exists() {
        let process = PathBuf::from(format!("/proc/{pid}"));
        // Every server process changes to its data directory; a zombie has none.
        return fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == cluster)
            && fs::read_to_string(process.join("stat")).is_ok_and(|stat| !is_zombie(&stat));
    }
    let listing = std::process::Command::new("ps")
        .args(["-o", "stat=,args=", "-p", &pid.to_string()])
        .output();
    listing.is_ok_and(|listing| {
        let line = String::from_utf8_lossy(&listing.stdout).into_owned();
        !line.trim_start().starts_with('Z')
            && cluster.to_str().is_some_and(|path| line.contains(path))
    })
}

/// Returns the processes that work in this cluster, where the system lists them (Linux).
pub(super) fn holders(cluster: &Path) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| serves(*pid, cluster)).collect()
}

/// Sends a signal, if the process still exists.
pub(super) fn signal(pid: i32, signal: Signal) -> Result<(), std::io::Error> {
    match Pid::from_raw(pid).map(|pid| rustix::process::kill_process(pid, signal)) {
        Some(Err(errno)) if errno != rustix::io::Errno::SRCH => Err(errno.into()),
        _ => Ok(()),
    }
}

/// Reads the state out of `/proc/PID/stat`: the letter after the name, which is in parentheses and
/// may itself contain any of them.
fn is_zombie(stat: &str) -> bool {
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
    matches!(state, Some("Z" | "X") | None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "7276\n/var/lib/x/postgres\n1732454400\n25432\n/var/lib/x/run\n127.0.0.1\n  123 456\nready   \n";

    #[test]
    fn a_pid_file_is_read_and_garbage_is_none() {
        let read = PidFile::parse(FILE).unwrap();
        assert_eq!(
            (read.pid, read.port, read.socket_dir),
            (7276, Some(25432), Some(PathBuf::from("/var/lib/x/run")))
        );
        let short = PidFile::parse("12\n").unwrap();
        assert_eq!((short.pid, short.port, short.socket_dir), (12, None, None));
        for garbage in ["", "x\n", "-3\n", "0\n"] {
            assert_eq!(PidFile::parse(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn disowning_keeps_the_shared_memory_key() {
        let cluster = tempfile::tempdir().unwrap();
        let path = cluster.path().join("postmaster.pid");
        fs::write(&path, FILE).unwrap();
        disown_pid_file(cluster.path(), None).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, FILE.replacen("7276", "2147483647", 1));
        for cut_off in ["7276\n", "72", "", "7276\n/x\n"] {
            fs::write(&path, cut_off).unwrap();
            disown_pid_file(cluster.path(), None).unwrap();
            assert!(!has_pid_file(cluster.path()), "{cut_off:?}");
        }
    }

    #[test]
    fn the_state_is_found_behind_any_name() {
        assert!(is_zombie("12 (postgres) Z 1 12"));
        assert!(!is_zombie("12 (a) Z (b)) S 1 12"));
        assert!(is_zombie(""));
    }

    #[test]
    fn we_ourselves_do_not_serve_a_cluster() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(!serves(me, Path::new("/nowhere")));
    }
}
