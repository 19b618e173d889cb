//! Making a new cluster: `initdb`, our access rules, our marker, then the final name.
//!
//! Everything happens in a directory with a temporary name; the rename at the end makes it a
//! cluster. An interrupted run leaves nothing that could be mistaken for one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, fchown};
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::time::{sleep, timeout};

use super::account::Account;
use super::connect::SUPERUSER;
use super::error::LocalError;
use super::files;
use super::layout::{Layout, MARKER};
use super::process;
use super::programs::Programs;
use super::report::{LocalEvent, OnEvent};
use crate::model::excerpt;

const PATIENCE: Duration = Duration::from_mins(3);
const LEFTOVER_PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// Who may log in from where.
///
/// The superuser without a password, but only over the socket, whose directory only the server's
/// user and root can enter; all other roles by password; no role for replication.
pub(super) const ACCESS_RULES: &str = "\
# Written by `tenantctl local up` at every start; changes here do not last.
# TYPE  DATABASE  USER      ADDRESS       METHOD
local   all       postgres                trust
local   all       all                     scram-sha-256
host    all       postgres  127.0.0.1/32  reject
host    all       all       127.0.0.1/32  scram-sha-256
host    all       postgres  ::1/128       reject
host    all       all       ::1/128       scram-sha-256
";

/// Makes the cluster of `layout`.
///
/// # Errors
/// [`LocalError::DiskFull`] or [`LocalError::InitFailed`]; nothing is left behind.
pub(super) async fn make(
    layout: &Layout,
    account: &Account,
    programs: &Programs,
) -> Result<(), LocalError> {
    let making = &layout.half_made();
    // It may belong to the user of an earlier attempt, from before `postgres` existed.
    files::remove_dir(&layout.run)?;
    let made = fill(making, account, programs).await.and_then(|()| {
        fs::rename(making, &layout.cluster)
            .map_err(files::io_error("put in place", &layout.cluster))
    });
    if let Err(error) = made {
        // The reason counts more than whether this works; the next run removes it too.
        drop(files::remove_dir(making));
        return Err(error);
    }
    files::sync_parent(&layout.cluster)
}

/// Removes what an interrupted `up` or `destroy` left, and ends an `initdb` that still runs.
///
/// # Errors
/// [`LocalError::Io`] when a directory cannot be removed.
pub(super) async fn clear_leftovers(
    layout: &Layout,
    on_event: OnEvent<'_>,
) -> Result<(), LocalError> {
    for directory in layout.leftovers() {
        on_event(LocalEvent::RemovingLeftover { directory: directory.clone() });
        let began = Instant::now();
        loop {
            for pid in process::holders(&directory) {
                // It may have ended by itself in between.
                drop(process::signal(pid, Signal::KILL));
            }
            match files::remove_dir(&directory) {
                // Still being filled, by a process that the system did not list.
                Err(_) if began.elapsed() < LEFTOVER_PATIENCE => sleep(POLL).await,
                done => break done?,
            }
        }
    }
    Ok(())
}

/// Writes the access rules into a cluster, where they differ.
pub(super) fn write_access_rules(cluster: &Path, account: &Account) -> Result<(), LocalError> {
    let path = cluster.join("pg_hba.conf");
    if fs::read(&path).is_ok_and(|current| current == ACCESS_RULES.as_bytes()) {
        return Ok(());
    }
    files::write_private(&path, ACCESS_RULES.as_bytes(), account.owner())
}

async fn fill(making: &Path, account: &Account, programs: &Programs) -> Result<(), LocalError> {
    files::private_dir(making, account.uid, account.owner())?;
    let mut output = initdb(making, account, programs, "C.UTF-8").await?;
    if !output.status.success() && text(&output).contains("invalid locale") {
        output = initdb(making, account, programs, "C").await?;
    }
    if !output.status.success() {
        let said = text(&output);
        if files::says_disk_full(&said) {
            return Err(files::disk_full(making));
        }
        return Err(LocalError::InitFailed {
            directory: making.to_path_buf(),
            output: excerpt(&said),
        });
    }
    write_access_rules(making, account)?;
    write_marker(making, account, programs)
}

async fn initdb(
    making: &Path,
    account: &Account,
    programs: &Programs,
    locale: &str,
) -> Result<Output, LocalError> {
    let mut command = account.command(&programs.folder.join("initdb"));
    command
        .arg("--pgdata")
        .arg(making)
        .args(["--username", SUPERUSER, "--encoding", "UTF8", "--locale", locale])
        .args(["--auth-local", "trust", "--auth-host", "reject"])
        // Where `clear_leftovers` finds it, should we be killed before it ends.
        .current_dir(making)
        .kill_on_drop(true);
    match timeout(PATIENCE, command.output()).await {
        Ok(output) => output.map_err(files::io_error("run", &programs.folder.join("initdb"))),
        Err(_) => Err(LocalError::InitFailed {
            directory: making.to_path_buf(),
            output: format!("  no end after {} s", PATIENCE.as_secs()),
        }),
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn write_marker(making: &Path, account: &Account, programs: &Programs) -> Result<(), LocalError> {
    let path = making.join(MARKER);
    let words = format!(
        "This directory was made by `tenantctl local up` with Postgres {}, and\n\
         `tenantctl local destroy` removes it. Without this file it does not.\n",
        programs.version
    );
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(words.as_bytes())?;
        if let Some((uid, gid)) = account.owner() {
            fchown(&file, Some(uid), Some(gid))?;
        }
        file.sync_all()
    };
    write().map_err(files::io_error("write", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds the first line that decides, as the server does.
    fn method(kind: &str, user: &str, address: Option<&str>) -> Option<&'static str> {
        ACCESS_RULES.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
            let mut fields: Vec<&str> = line.split_whitespace().collect();
            let method = fields.pop()?;
            let fits =
                fields[0] == kind && fields[1] == "all" && ["all", user].contains(&fields[2]);
            (fits && fields.get(3).copied() == address).then_some(method)
        })
    }

    #[test]
    fn the_superuser_gets_in_over_the_socket_only() {
        assert_eq!(method("local", "postgres", None), Some("trust"));
        for address in ["127.0.0.1/32", "::1/128"] {
            assert_eq!(method("host", "postgres", Some(address)), Some("reject"));
        }
    }

    #[test]
    fn everybody_else_needs_a_password_everywhere() {
        assert_eq!(method("local", "tenantctl", None), Some("scram-sha-256"));
        for address in ["127.0.0.1/32", "::1/128"] {
            assert_eq!(method("host", "tenantctl", Some(address)), Some("scram-sha-256"));
        }
    }

    #[test]
    fn there_is_no_line_for_replication_or_other_hosts() {
        assert!(!ACCESS_RULES.contains("replication"));
        assert_eq!(method("host", "tenantctl", Some("0.0.0.0/0")), None);
    }
}
