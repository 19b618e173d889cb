//! Where everything of the private Postgres lies under the data dir.
//!
//! Names only: what is written into these places is decided elsewhere.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::LocalError;
use super::files;
use crate::model::sha256;

/// The file inside the cluster that says it is ours and whole.
///
/// The directory gets its final name only after this file is in it, so a directory of that name
/// without the file was not made by us.
pub(super) const MARKER: &str = "made-by-tenantctl";

/// How the names of directories begin that are not, or no longer, a cluster.
const HALF: &str = "postgres.half-";

/// The longest path a Unix socket may have: `sun_path` less its closing NUL.
const SOCKET_PATH_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
/// The longest name Postgres gives to a socket, with the slash before it.
const SOCKET_NAME: &str = "/.s.PGSQL.65535";

/// The paths under one data dir.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) data_dir: PathBuf,
    /// The cluster itself, `PGDATA`.
    pub(super) cluster: PathBuf,
    /// The directory of the Unix socket, where its path is short enough.
    pub(super) run: PathBuf,
    pub(super) state: PathBuf,
    pub(super) lock: PathBuf,
    pub(super) log: PathBuf,
    pub(super) old_log: PathBuf,
    /// Programs that were downloaded.
    pub(super) programs: PathBuf,
}

impl Layout {
    /// Returns the layout under an absolute data dir.
    ///
    /// # Errors
    /// [`LocalError::BadPath`] when Postgres or our files could not carry the path.
    pub(super) fn new(data_dir: &Path) -> Result<Self, LocalError> {
        let refuse = |reason| LocalError::BadPath { path: data_dir.to_path_buf(), reason };
        let absolute =
            std::path::absolute(data_dir).map_err(|_| refuse("cannot be made absolute"))?;
        // Postgres compares and reports resolved paths, and a link may be repointed later.
        let data_dir = &fs::canonicalize(&absolute).unwrap_or(absolute);
        let text = data_dir.to_str().ok_or_else(|| refuse("is not UTF-8"))?;
        if text.chars().any(char::is_control) {
            return Err(refuse("contains control characters"));
        }
        Ok(Self {
            data_dir: data_dir.clone(),
            cluster: data_dir.join("postgres"),
            run: data_dir.join("run"),
            state: data_dir.join("local.json"),
            lock: data_dir.join("local.lock"),
            log: data_dir.join("postgres.log"),
            old_log: data_dir.join("postgres.log.1"),
            programs: data_dir.join("programs"),
        })
    }

    /// Returns whether a cluster of ours exists.
    ///
    /// # Errors
    /// [`LocalError::NotOurs`] for a directory with content and without our marker,
    /// [`LocalError::Damaged`] when ours lacks what every cluster has.
    pub(super) fn has_cluster(&self) -> Result<bool, LocalError> {
        if !self.is_ours()? {
            return Ok(false);
        }
        for missing in ["PG_VERSION", "global/pg_control"] {
            if !self.cluster.join(missing).is_file() {
                return Err(LocalError::Damaged { directory: self.cluster.clone(), missing });
            }
        }
        Ok(true)
    }

    /// Returns whether the cluster's directory exists and carries our marker, whole or damaged.
    ///
    /// An empty marker counts: its name is the mark, the text in it is for people.
    ///
    /// # Errors
    /// [`LocalError::NotOurs`] for a directory with content and without our marker.
    pub(super) fn is_ours(&self) -> Result<bool, LocalError> {
        let failed = || files::io_error("read", &self.cluster);
        let found = match fs::symlink_metadata(&self.cluster) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            found => found.map_err(failed())?,
        };
        if found.is_dir() {
            if self.cluster.join(MARKER).is_file() {
                return Ok(true);
            }
            if fs::read_dir(&self.cluster).map_err(failed())?.next().is_none() {
                return Ok(false);
            }
        }
        Err(LocalError::NotOurs { directory: self.cluster.clone(), marker: MARKER })
    }

    /// Returns where `initdb` is to work.
    ///
    /// Each process has a place of its own: an `initdb` that outlives a killed tenantctl ends by
    /// emptying its directory, which must not be the next one's.
    pub(super) fn half_made(&self) -> PathBuf {
        self.data_dir.join(format!("{HALF}made-{}", std::process::id()))
    }

    /// Returns where the cluster is put to be removed.
    pub(super) fn half_removed(&self) -> PathBuf {
        self.data_dir.join(format!("{HALF}removed-{}", std::process::id()))
    }

    /// Returns the existing directories of both kinds.
    pub(super) fn leftovers(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.data_dir).into_iter().flatten().flatten();
        let is_half = |path: &PathBuf| {
            path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(HALF))
        };
        entries.map(|entry| entry.path()).filter(is_half).collect()
    }

    /// Returns the major version that made the cluster.
    pub(super) fn major(&self) -> Result<u32, LocalError> {
        let path = self.cluster.join("PG_VERSION");
        let text = fs::read_to_string(&path).map_err(files::io_error("read", &path))?;
        let damaged =
            LocalError::Damaged { directory: self.cluster.clone(), missing: "PG_VERSION" };
        text.trim().parse().map_err(|_| damaged)
    }

    /// Returns the directories that may hold the socket, best first.
    ///
    /// Those under `/tmp` carry a hash of the data dir, so two data dirs never meet there; the
    /// later ones are for a name that another user took.
    pub(super) fn socket_dirs(&self) -> Vec<PathBuf> {
        if fits_a_socket(&self.run) {
            return vec![self.run.clone()];
        }
        let hash = sha256(self.data_dir.as_os_str().as_encoded_bytes());
        let hash = hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        (0..8).map(|n| Path::new("/tmp").join(format!("tenantctl-{hash:016x}-{n}"))).collect()
    }
}

/// Returns whether a socket in `directory` has a path the system can take.
fn fits_a_socket(directory: &Path) -> bool {
    directory.as_os_str().len() + SOCKET_NAME.len() <= SOCKET_PATH_LIMIT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(length: usize) -> Layout {
        Layout::new(Path::new(&format!("/{}", "x".repeat(length - 1)))).unwrap()
    }

    #[test]
    fn a_short_data_dir_holds_its_own_socket() {
        assert_eq!(layout(20).socket_dirs(), [layout(20).run]);
    }

    #[test]
    fn the_longest_path_that_fits_is_used_and_one_more_is_not() {
        let longest = SOCKET_PATH_LIMIT - SOCKET_NAME.len() - "/run".len();
        assert!(layout(longest).socket_dirs()[0].ends_with("run"));
        let elsewhere = layout(longest + 1).socket_dirs();
        assert!(elsewhere[0].starts_with("/tmp"), "{elsewhere:?}");
        assert!(elsewhere.iter().all(|directory| fits_a_socket(directory)));
    }

    #[test]
    fn two_long_data_dirs_get_two_socket_directories() {
        assert_ne!(layout(120).socket_dirs()[0], layout(121).socket_dirs()[0]);
    }

    #[test]
    fn paths_that_postgres_files_cannot_carry_are_refused() {
        assert!(matches!(Layout::new(Path::new("/a\nb")), Err(LocalError::BadPath { .. })));
    }

    #[test]
    fn a_strange_directory_is_not_ours_and_an_empty_marker_is() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path()).unwrap();
        assert!(!layout.is_ours().unwrap());
        fs::create_dir(&layout.cluster).unwrap();
        assert!(!layout.is_ours().unwrap(), "empty is as good as absent");
        fs::write(layout.cluster.join("PG_VERSION"), "15\n").unwrap();
        assert!(matches!(layout.is_ours(), Err(LocalError::NotOurs { .. })));
        fs::write(layout.cluster.join(MARKER), "").unwrap();
        assert!(layout.is_ours().unwrap());
        assert!(matches!(layout.has_cluster(), Err(LocalError::Damaged { .. })));
        assert_eq!(layout.major().unwrap(), 15);
    }

    #[test]
    fn leftovers_are_the_half_made_and_the_half_removed() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path()).unwrap();
        for path in [&layout.cluster, &layout.run, &layout.half_made(), &layout.half_removed()] {
            fs::create_dir(path).unwrap();
        }
        let mut leftovers = layout.leftovers();
        leftovers.sort();
        assert_eq!(leftovers, [layout.half_made(), layout.half_removed()]);
    }
}
