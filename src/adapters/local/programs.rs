//! Finding the programs of an installed Postgres, 15 or newer.
//!
//! Looks in the configured folder, else on the search path and where packages put them, best first.
//! It runs `postgres --version` and nothing else, as the user that will run the server, so that
//! what it finds can really be run.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::timeout;

use super::account::Account;
use super::error::LocalError;
use super::report::Looked;

/// The oldest major version whose rights and settings we rely on.
const OLDEST: u32 = 15;
const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];
const PATIENCE: Duration = Duration::from_secs(10);

/// A folder with programs that run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    pub(super) folder: PathBuf,
    pub(super) version: String,
    pub(super) major: u32,
}

/// Where to look.
#[derive(Debug)]
pub(super) struct Search<'a> {
    /// The one folder to use, if the operator named it.
    pub(super) explicit: Option<&'a Path>,
    /// The value of `PATH`.
    pub(super) path: Option<&'a OsString>,
    /// Where our own downloads are.
    pub(super) downloads: &'a Path,
    /// The major version an existing cluster needs.
    pub(super) major: Option<u32>,
}

/// What a search saw that found nothing.
#[derive(Debug, Default)]
pub(super) struct Missing {
    pub(super) looked: Vec<Looked>,
    /// The majors of programs that run and do not fit the cluster.
    pub(super) others: Vec<u32>,
}

impl Search<'_> {
    /// Returns the first programs that will do.
    pub(super) async fn run(&self, account: &Account) -> Result<Programs, Missing> {
        let mut missing = Missing::default();
        for (group, folders) in self.places() {
            let mut seen = 0;
            for folder in folders {
                seen += 1;
                let refused = match inspect(&folder, account).await {
                    Ok(programs) if self.major.is_none_or(|major| major == programs.major) => {
                        return Ok(programs);
                    }
                    Ok(programs) => {
                        missing.others.push(programs.major);
                        format!("Postgres {}", programs.version)
                    }
                    Err(reason) => reason,
                };
                missing.looked.push(Looked { place: folder.display().to_string(), found: refused });
            }
            if seen == 0 {
                missing.looked.push(Looked { place: group.to_owned(), found: "none".to_owned() });
            }
        }
        missing.others.sort_unstable();
        missing.others.dedup();
        Err(missing)
    }

    /// Returns the groups of folders, best first.
    fn places(&self) -> Vec<(&'static str, Vec<PathBuf>)> {
        if let Some(folder) = self.explicit {
            let below = folder.join("bin");
            let folder = if below.join("postgres").exists() { below } else { folder.to_path_buf() };
            return vec![("the folder that was set", vec![folder])];
        }
        let on_path =
            self.path.map(|path| env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
        let on_path = on_path
            .into_iter()
            .filter(|folder| folder.is_absolute() && folder.join("postgres").exists());
        let packaged =
            [versions("/usr/lib/postgresql", "", "bin"), versions("/usr", "pgsql-", "bin")]
                .concat();
        let homebrew = ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"];
        let homebrew =
            homebrew.iter().flat_map(|parent| versions(parent, "postgresql@", "bin")).collect();
        vec![
            ("PATH", on_path.collect()),
            ("/usr/lib/postgresql/*/bin", packaged),
            ("Homebrew", homebrew),
            ("Postgres.app", versions("/Applications/Postgres.app/Contents/Versions", "", "bin")),
            ("earlier downloads", versions(self.downloads, "", "bin")),
        ]
    }
}

/// Returns the folders in which a program of a client may be, best first: the one that was set, those
/// on the search path, and where packages put it.
pub(super) fn folders_of_clients(
    explicit: Option<&Path>,
    search_path: Option<&OsString>,
) -> Vec<PathBuf> {
    let set = explicit.map(|folder| [folder.join("bin"), folder.to_owned()]);
    let on_path = search_path.map(|path| env::split_paths(path).collect::<Vec<_>>());
    let on_path = on_path.unwrap_or_default().into_iter().filter(|folder| folder.is_absolute());
    let packaged = versions("/usr/lib/postgresql", "", "bin");
    let packaged = packaged.into_iter().chain(versions("/usr", "pgsql-", "bin"));
    let homebrew = ["/opt/homebrew/opt/libpq/bin", "/usr/local/opt/libpq/bin"].map(PathBuf::from);
    set.into_iter().flatten().chain(on_path).chain(packaged).chain(homebrew).collect()
}

/// Returns the error for a search that found nothing.
pub(super) fn missing_error(
    missing: Missing,
    cluster: Option<(&Path, u32)>,
    download: Option<String>,
) -> LocalError {
    match cluster {
        Some((directory, major)) if !missing.others.is_empty() => LocalError::VersionMismatch {
            directory: directory.to_path_buf(),
            cluster: major,
            found: missing.others,
        },
        _ => LocalError::ProgramsMissing {
            wanted: cluster
                .map_or_else(|| format!("{OLDEST} or newer"), |(_, major)| major.to_string()),
            looked: missing.looked,
            download,
        },
    }
}

/// Checks one folder; the refusal says what is wrong with it.
async fn inspect(folder: &Path, account: &Account) -> Result<Programs, String> {
    if !folder.is_dir() {
        return Err("no such folder".to_owned());
    }
    if let Some(program) = NEEDED.into_iter().find(|program| !folder.join(program).is_file()) {
        return Err(format!("has no {program}"));
    }
    // Links (`/usr/local/bin/postgres` → the package) are resolved, since the programs find each
    // other beside themselves.
    let program = folder.join("postgres").canonicalize().map_err(|error| error.to_string())?;
    let real = program.parent().unwrap_or(folder);
    let folder =
        if NEEDED.iter().all(|program| real.join(program).is_file()) { real } else { folder };
    if let Err(LocalError::Blocked { directory, user }) = account.check_enterable(folder) {
        return Err(format!("user `{user}` cannot enter `{}`", directory.display()));
    }

    let mut command = account.command(&folder.join("postgres"));
    command.arg("--version").kill_on_drop(true);
    let output = match timeout(PATIENCE, command.output()).await {
        Err(_) => return Err("`postgres --version` gives no answer".to_owned()),
        Ok(Err(error)) => return Err(format!("postgres does not run: {error}")),
        Ok(Ok(output)) => output,
    };
    let said = String::from_utf8_lossy(&output.stdout);
    match parse_version(&said) {
        Some((version, major)) if major >= OLDEST => {
            Ok(Programs { folder: folder.to_path_buf(), version, major })
        }
        Some((version, _)) => Err(format!("Postgres {version}, older than {OLDEST}")),
        None => Err("`postgres --version` does not name a version".to_owned()),
    }
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn parse_version(said: &str) -> Option<(String, u32)> {
    let version = said
        .split_once(')')?
        .1
        .split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    let major = version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some((version.to_owned(), major))
}

/// Returns `parent/<prefix><version>/<below>` for every version that exists, newest first.
fn versions(parent: impl AsRef<Path>, prefix: &str, below: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut found: Vec<(Vec<u32>, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let numbers: Option<Vec<u32>> =
                name.strip_prefix(prefix)?.split('.').map(|part| part.parse().ok()).collect();
            Some((numbers?, entry.path().join(below)))
        })
        .collect();
    found.sort_by(|a, b| b.0.cmp(&a.0));
    found.into_iter().map(|(_, path)| path).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_every_packagers_wording() {
        let cases = [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(("15.18", 15))),
            ("postgres (PostgreSQL) 17.10\n", Some(("17.10", 17))),
            ("postgres (PostgreSQL) 18beta1\n", Some(("18beta1", 18))),
            ("postgres (PostgreSQL) 9.6.24", Some(("9.6.24", 9))),
            ("postgres (EnterpriseDB) build 16.4.1", Some(("16.4.1", 16))),
            ("", None),
            ("postgres: command not found", None),
            ("postgres (PostgreSQL) devel", None),
        ];
        for (said, expected) in cases {
            let expected = expected.map(|(version, major)| (version.to_owned(), major));
            assert_eq!(parse_version(said), expected, "{said:?}");
        }
    }

    #[test]
    fn folders_are_tried_newest_first_by_number() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["pg@9", "pg@17", "pg@16.4.0", "pg@latest", "other"] {
            fs::create_dir_all(parent.path().join(name).join("bin")).unwrap();
        }
        fs::create_dir(parent.path().join("pg@99")).unwrap();
        let found = versions(parent.path(), "pg@", "bin");
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(parent.path()).unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["pg@17/bin", "pg@16.4.0/bin", "pg@9/bin"]);
    }

    #[test]
    fn an_existing_cluster_turns_missing_programs_into_a_mismatch() {
        let missing = || Missing { looked: Vec::new(), others: vec![15] };
        let cluster = Some((Path::new("/c"), 16));
        assert!(matches!(
            missing_error(missing(), cluster, None),
            LocalError::VersionMismatch { cluster: 16, .. }
        ));
        assert!(matches!(
            missing_error(Missing::default(), cluster, None),
            LocalError::ProgramsMissing { .. }
        ));
    }
}
