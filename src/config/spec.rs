//! The table of settings: each row is one setting's name, variable and secrecy.
//!
//! Looking up, accepting keys of a file, and `-v` all go by this table. What a setting means stands
//! at its field of `Settings`.

/// One setting.
#[derive(Debug)]
pub(super) struct Spec {
    /// The name in `-v` and in errors, and the key in a config file.
    pub(super) name: &'static str,
    /// The environment variable.
    pub(super) variable: &'static str,
    pub(super) secrecy: Secrecy,
}

/// Who may see a value, and where it may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// Everybody may see it.
    Open,
    /// A connection string. A config file with a password in one must be private; it may also stand
    /// in a file of its own, which `<name>_file` or `<VARIABLE>_FILE` names.
    ConnectionString,
    /// A token or a key. It never stands in a config file, only in a variable or a file of its own.
    Token,
    /// As a token, but spaces at either end belong to it: HS256 takes any text as its key.
    Phrase,
}

impl Spec {
    pub(super) fn is_secret(&self) -> bool {
        self.secrecy != Secrecy::Open
    }

    /// Returns whether the value itself may stand in a config file.
    pub(super) fn is_key(&self) -> bool {
        matches!(self.secrecy, Secrecy::Open | Secrecy::ConnectionString)
    }

    /// Returns the key that names a file with the value.
    pub(super) fn file_key(&self) -> Option<String> {
        self.is_secret().then(|| format!("{}_file", self.name))
    }

    /// Returns the variable that names a file with the value.
    pub(super) fn file_variable(&self) -> Option<String> {
        self.is_secret().then(|| format!("{}_FILE", self.variable))
    }
}

/// Returns whether a variable of this name is read, by us or by the tests' harness.
pub(super) fn is_known_variable(name: &str) -> bool {
    let is_of =
        |spec: &Spec| spec.variable == name || spec.file_variable().as_deref() == Some(name);
    SPECS.iter().any(is_of)
        || [PROFILE_VARIABLE, "TENANTCTL_HASTE", "TENANTCTL_FAIL"].contains(&name)
        || name.starts_with("TENANTCTL_TEST_")
}

/// Returns the variable whose name is most like another text, where it is like it at all.
pub(super) fn variable_like(name: &str) -> Option<String> {
    let all = SPECS.iter().flat_map(|spec| [Some(spec.variable.to_owned()), spec.file_variable()]);
    let all = all.flatten().chain([PROFILE_VARIABLE.to_owned()]);
    let scored = all.map(|known| (strsim::jaro_winkler(name, &known), known));
    let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(score, _)| *score > 0.92).map(|(_, known)| known)
}

/// The profile, which decides where the other settings are looked for.
pub(super) const PROFILE_VARIABLE: &str = "TENANTCTL_PROFILE";

/// Every key that a config file may hold.
pub(super) fn keys() -> impl Iterator<Item = String> {
    SPECS.iter().flat_map(|spec| {
        let key = spec.is_key().then(|| spec.name.to_owned());
        key.into_iter().chain(spec.file_key())
    })
}

/// Every setting but the profile, which decides where the others are looked for.
pub(super) const SPECS: &[Spec] = &[
    connection_string("control_plane_url", "TENANTCTL_CONTROL_PLANE_URL"),
    connection_string("cluster_url", "TENANTCTL_CLUSTER_URL"),
    open("placement", "TENANTCTL_PLACEMENT"),
    token("secret_key", "TENANTCTL_SECRET_KEY"),
    // The name that Supabase's own tools use.
    token("access_token", "SUPABASE_ACCESS_TOKEN"),
    open("management_api_url", "TENANTCTL_MANAGEMENT_API_URL"),
    open("organization", "TENANTCTL_ORGANIZATION"),
    open("region", "TENANTCTL_REGION"),
    open("project_root_cert", "TENANTCTL_PROJECT_ROOT_CERT"),
    open("auth_url", "TENANTCTL_AUTH_URL"),
    token("auth_service_key", "TENANTCTL_AUTH_SERVICE_KEY"),
    open("jwks_url", "TENANTCTL_JWKS_URL"),
    Spec { secrecy: Secrecy::Phrase, ..token("jwt_secret", "TENANTCTL_JWT_SECRET") },
    open("migrations_dir", "TENANTCTL_MIGRATIONS_DIR"),
    open("seeds_dir", "TENANTCTL_SEEDS_DIR"),
    open("postgres_bin", "TENANTCTL_POSTGRES_BIN"),
    open("actor", "TENANTCTL_ACTOR"),
    open("data_dir", "TENANTCTL_DATA_DIR"),
];

const fn open(name: &'static str, variable: &'static str) -> Spec {
    Spec { name, variable, secrecy: Secrecy::Open }
}

const fn connection_string(name: &'static str, variable: &'static str) -> Spec {
    Spec { name, variable, secrecy: Secrecy::ConnectionString }
}

const fn token(name: &'static str, variable: &'static str) -> Spec {
    Spec { name, variable, secrecy: Secrecy::Token }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_stands_once_and_in_the_manual() {
        let manual = include_str!("../../README.md");
        for spec in SPECS {
            let same = SPECS.iter().filter(|s| s.name == spec.name || s.variable == spec.variable);
            assert_eq!(same.count(), 1, "{}", spec.name);
            assert!(manual.contains(&format!("`{}`", spec.variable)), "{}", spec.variable);
            let key =
                if spec.is_key() { spec.name.to_owned() } else { format!("{}_file", spec.name) };
            assert!(manual.contains(&format!("`{key}`")), "{key}");
        }
    }
}
