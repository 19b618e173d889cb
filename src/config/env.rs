//! The process's environment, read here and nowhere else.
//!
//! libpq's variables (`PGHOST`, `PGOPTIONS` …) are deliberately not settings: a parent process must
//! not be able to send an operator's command to another server.

use std::ffi::OsString;

use super::spec;
use crate::model::{escape_controls, shorten};

/// The process's environment, or a test's.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Returns a warning for each variable that is named like a setting and is none: misspelt, it would
/// leave the command to another server.
pub(crate) fn unknown_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter_map(|name| unknown(&name)).collect()
}

fn unknown(name: &str) -> Option<String> {
    if !name.starts_with("TENANTCTL_") || spec::is_known_variable(name) {
        return None;
    }
    let meant = spec::variable_like(name).map(|known| format!("; did you mean {known}?"));
    let shown = shorten(&escape_controls(name), 60);
    Some(format!("{shown} is set and is no setting{}", meant.unwrap_or_default()))
}

/// Reads a variable of the process's environment.
pub(crate) fn environment(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_setting_is_told_and_what_it_is_like() {
        let told = unknown("TENANTCTL_CONTROL_PLAN_URL").unwrap();
        assert!(told.ends_with("did you mean TENANTCTL_CONTROL_PLANE_URL?"), "{told}");
        let told = unknown("TENANTCTL_CLUSTER_URL_FILES").unwrap();
        assert!(told.ends_with("did you mean TENANTCTL_CLUSTER_URL_FILE?"), "{told}");
        assert_eq!(unknown("TENANTCTL_X").unwrap(), "TENANTCTL_X is set and is no setting");
        for known in ["TENANTCTL_ACTOR", "TENANTCTL_PROFILE", "TENANTCTL_SECRET_KEY_FILE", "HOME"] {
            assert_eq!(unknown(known), None);
        }
    }
}
