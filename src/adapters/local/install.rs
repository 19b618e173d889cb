//! Installing the system's Postgres package, when the operator asked for it.
//!
//! Debian and its derivatives only. The package would start a server of its own on port 5432; its
//! settings are written so that it does not, and existing clusters are left alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::error::LocalError;
use super::files;
use super::report::{LocalEvent, OnEvent};
use crate::model::excerpt;

const APT: &str = "/usr/bin/apt-get";
const CLUSTER_SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";
const PATIENCE: Duration = Duration::from_mins(15);

/// Returns whether this system has the package manager we know.
pub(super) fn is_possible() -> bool {
    Path::new(APT).exists()
}

/// Installs the `postgresql` package.
///
/// # Errors
/// [`LocalError::NeedsRoot`] for everyone but root, [`LocalError::InstallFailed`] with what the
/// package manager printed.
pub(super) async fn install(on_event: OnEvent<'_>) -> Result<(), LocalError> {
    if !rustix::process::geteuid().is_root() {
        return Err(LocalError::NeedsRoot {
            command: "sudo apt-get install -y postgresql".to_owned(),
        });
    }
    keep_the_package_from_making_a_cluster()?;
    apt(&["update"], on_event).await?;
    // The settings file is ours, so the package's own version of it must not ask.
    let keep = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"];
    let install = ["install", "-y", "--no-install-recommends", "postgresql"];
    apt(&[keep.as_slice(), install.as_slice()].concat(), on_event).await
}

fn keep_the_package_from_making_a_cluster() -> Result<(), LocalError> {
    let path = Path::new(CLUSTER_SETTINGS);
    let failed = || files::io_error("write", path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed())?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file
            .write_all(b"# Written by `tenantctl local up`, which runs a server of its own.\ncreate_main_cluster = false\n")
            .map_err(failed()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed()(error)),
    }
}

/// Runs one `apt-get` command, which keeps the operator's environment for its proxies.
async fn apt(arguments: &[&str], on_event: OnEvent<'_>) -> Result<(), LocalError> {
    let words = arguments.iter().filter(|word| **word != "-o" && !word.contains("::"));
    let command = words.fold("apt-get".to_owned(), |line, word| line + " " + word);
    on_event(LocalEvent::Installing { command: command.clone() });

    let mut child = Command::new(APT);
    child
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("UCF_FORCE_CONFFOLD", "1")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let refused = |output: String| LocalError::InstallFailed { command: command.clone(), output };
    match timeout(PATIENCE, child.output()).await {
        Err(_) => Err(refused(format!("no end after {} s", PATIENCE.as_secs()))),
        Ok(Err(error)) => Err(refused(error.to_string())),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let said = [output.stdout, output.stderr].concat();
            Err(refused(excerpt(&String::from_utf8_lossy(&said))))
        }
    }
}
