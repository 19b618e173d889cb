//! Getting hold of the programs: found, installed when asked for, or downloaded.

use std::path::Path;

use super::account::Account;
use super::download;
use super::error::LocalError;
use super::install;
use super::programs::{self, Programs, Search};
use super::report::OnEvent;

/// Returns the programs to use.
///
/// `cluster` is the directory and major version of an existing cluster. Only with `install` may a
/// system package be installed.
///
/// # Errors
/// [`LocalError::ProgramsMissing`] with all the places that were searched, or
/// [`LocalError::VersionMismatch`] when there are programs that cannot run the cluster.
pub(super) async fn provide(
    search: &Search<'_>,
    account: &Account,
    cluster: Option<(&Path, u32)>,
    install: bool,
    on_event: OnEvent<'_>,
) -> Result<Programs, LocalError> {
    let mut missing = match search.run(account).await {
        Ok(programs) => return Ok(programs),
        Err(missing) => missing,
    };
    // Who configured a folder wants that one, or to read what is wrong with it.
    if search.explicit.is_some() {
        return Err(programs::missing_error(missing, cluster, None));
    }
    if install && install::is_possible() {
        install::install(on_event).await?;
        match search.run(account).await {
            Ok(programs) => return Ok(programs),
            Err(still) => missing = still,
        }
    }
    let reason = match download::download(search.downloads, search.major, on_event).await {
        Err(reason) => Some(reason),
        Ok(()) => match search.run(account).await {
            Ok(programs) => return Ok(programs),
            Err(still) => {
                missing = still;
                None
            }
        },
    };
    Err(programs::missing_error(missing, cluster, reason))
}
