//! Where the programs are that the tests run, Postgres and `PgBouncer`, and getting them where there
//! are none.
//!
//! No test is skipped because something is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::environment;

/// Names the folder whose `initdb` and `postgres` are to be used.
const VARIABLE: &str = "TENANTCTL_TEST_POSTGRES_BIN";

/// Returns the folder of a Postgres 15 or newer.
pub(super) fn find() -> PathBuf {
    if let Some(folder) = environment(VARIABLE).map(PathBuf::from) {
        let major = major(&folder);
        assert!(
            major.is_some_and(|major| major >= 15),
            "{VARIABLE}={} holds no initdb and postgres of Postgres 15 or newer (found: {major:?})",
            folder.display()
        );
        return folder;
    }
    if let Some(found) = search() {
        return found;
    }
    if may_install() {
        // Without the server on port 5432 that comes with it otherwise.
        let settings = Path::new("/etc/postgresql-common/createcluster.conf");
        if !settings.exists() {
            fs::create_dir_all(settings.parent().unwrap()).unwrap();
            fs::write(settings, "create_main_cluster = false\n").unwrap();
        }
        install("postgresql");
        if let Some(found) = search() {
            return found;
        }
    }
    panic!(
        "the tests need initdb and postgres of Postgres 15 or newer. Debian, Ubuntu: apt-get \
         install postgresql; macOS: brew install postgresql@17; or set {VARIABLE} to their folder"
    );
}

fn search() -> Option<PathBuf> {
    let mut folders = Vec::new();
    for parent in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt", "/usr"] {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| entry.path().join("bin")).filter(|bin| {
            let text = bin.to_string_lossy();
            text.contains("postgresql") || text.contains("pgsql")
        }));
    }
    let path = environment("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    let mut found: Vec<_> = folders
        .into_iter()
        .filter_map(|folder| Some((major(&folder).filter(|major| *major >= 15)?, folder)))
        .collect();
    found.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    found.into_iter().next().map(|(_, folder)| folder)
}

/// Returns the major version of the programs in a folder, if both are there and run.
fn major(folder: &Path) -> Option<u32> {
    if !folder.join("initdb").is_file() || !folder.join("postgres").is_file() {
        return None;
    }
    let said = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let version = text.split_whitespace().find(|word| word.starts_with(char::is_numeric))?;
    version.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// Returns the path of the `pgbouncer` program, installed where there is none.
pub(super) fn find_pgbouncer() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| find_program("pgbouncer"))
}

/// Returns the path of a program whose package has its name, installed where there is none.
pub(crate) fn find_program(name: &str) -> PathBuf {
    // Two tests may want it at once, and apt-get runs once at a time.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let search = || {
        let path = environment("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
        folders.map(|folder| folder.join(name)).find(|program| program.is_file())
    };
    if search().is_none() && may_install() {
        install(name);
    }
    search().unwrap_or_else(|| {
        panic!(
            "the tests need {name}. Debian, Ubuntu: apt-get install {name}; macOS: brew install {name}"
        )
    })
}

fn may_install() -> bool {
    rustix::process::geteuid().is_root() && Path::new("/etc/debian_version").exists()
}

/// Installs a package of Debian's.
fn install(package: &str) {
    for arguments in [&["update"][..], &["install", "-y", "--no-install-recommends", package][..]] {
        let ran = Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .output();
        match ran {
            Ok(done) if done.status.success() => {}
            Ok(done) => panic!(
                "the tests need {package}, and `apt-get {}` failed: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&done.stderr)
            ),
            Err(error) => panic!("the tests need {package}, and apt-get cannot be run: {error}"),
        }
    }
}
