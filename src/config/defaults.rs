//! The values of settings that no flag, variable or file sets.

use std::path::PathBuf;

use super::env::Environment;
use crate::model::Actor;

pub(super) const PLACEMENT: &str = "database";

pub(super) const MANAGEMENT_API_URL: &str = "https://api.supabase.com";

pub(super) fn home(environment: Environment<'_>) -> Option<PathBuf> {
    absolute(environment, "HOME")
}

/// Returns a folder from the environment; XDG says that a relative one is to be ignored.
pub(super) fn absolute(environment: Environment<'_>, variable: &str) -> Option<PathBuf> {
    environment(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Postgres refuses to run as root, and its user cannot enter root's home: root's data is elsewhere.
pub(super) fn data_dir(environment: Environment<'_>) -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(PathBuf::from("/var/lib/tenantctl"));
    }
    absolute(environment, "XDG_DATA_HOME")
        .or_else(|| home(environment).map(|home| home.join(".local/share")))
        .map(|data| data.join("tenantctl"))
}

/// Returns `user@machine`. It is a name for people: the database records the login beside it.
pub(super) fn actor(environment: Environment<'_>) -> String {
    let user = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| environment(name)?.into_string().ok())
        .filter(|name| !name.is_empty())
        .or_else(|| Some(uzers::get_current_username()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| format!("uid{}", rustix::process::getuid().as_raw()));
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name = format!("{user}@{machine}");
    if name.parse::<Actor>().is_ok() { name } else { "unknown".to_owned() }
}
