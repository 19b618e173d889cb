//! The table of settings: each row is one setting's name, variable, secrecy and meaning.
//!
//! Looking up, accepting keys of a file, `-v`, `config show`, `help environment` and the README all go
//! by this table.

use url::Url;

/// One setting.
#[derive(Debug)]
pub(super) struct Spec {
    /// The name in `-v` and in errors, and the key in a config file.
    pub(super) name: &'static str,
    /// The environment variable.
    pub(super) variable: &'static str,
    pub(super) secrecy: Secrecy,
    /// What it is, for the manual.
    pub(super) meaning: &'static str,
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

    /// Returns a value as it may be shown: of a connection string, where it leads and as whom.
    pub(super) fn shown(&self, value: &str) -> String {
        match self.secrecy {
            Secrecy::Open => value.to_owned(),
            Secrecy::ConnectionString => without_password(value).unwrap_or_else(|| MASK.to_owned()),
            Secrecy::Token | Secrecy::Phrase => MASK.to_owned(),
        }
    }

    /// Returns whether the value itself may stand in a config file.
    pub(super) fn is_key(&self) -> bool {
        matches!(self.secrecy, Secrecy::Open | Secrecy::ConnectionString)
    }

    /// Returns the keys that a config file may hold for it, the one with the value first.
    pub(super) fn keys(&self) -> Vec<String> {
        let key = self.is_key().then(|| self.name.to_owned());
        key.into_iter().chain(self.file_key()).collect()
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

/// What is shown of a secret.
const MASK: &str = "••••";

/// Returns a connection string with its password masked and without parameters that lead nowhere;
/// nothing where it is none, since any part of it may be the password then.
fn without_password(value: &str) -> Option<String> {
    let value = value.trim();
    let is_socket = value.contains("@/");
    let url = Url::parse(&value.replacen("@/", "@socket.invalid/", 1)).ok()?;
    let is_postgres = matches!(url.scheme(), "postgres" | "postgresql");
    if !is_postgres || url.username().is_empty() || !url.has_host() {
        return None;
    }
    let login = match url.password() {
        Some(_) => format!("{}:****", url.username()),
        None => url.username().to_owned(),
    };
    if is_socket {
        let (_, folder) = url.query_pairs().find(|(key, _)| key == "host")?;
        return Some(format!("postgresql://{login}@{}?host={folder}", url.path()));
    }
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("postgresql://{login}@{}{port}{}", url.host_str()?, url.path()))
}

/// Returns whether a variable of this name is read, by us or by the tests' harness.
pub(super) fn is_known_variable(name: &str) -> bool {
    let is_of =
        |spec: &Spec| spec.variable == name || spec.file_variable().as_deref() == Some(name);
    SPECS.iter().any(is_of)
        || [PROFILE_VARIABLE, "TENANTCTL_HASTE", "TENANTCTL_FAIL", "TENANTCTL_LEASE_MS"]
            .contains(&name)
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
    SPECS.iter().flat_map(Spec::keys)
}

/// What the profile is, for the manual.
pub(super) const PROFILE_MEANING: &str = "which `[profiles.NAME]` table applies (`--profile`)";

/// Every setting but the profile, which decides where the others are looked for.
pub(super) const SPECS: &[Spec] = &[
    connection_string(
        "control_plane_url",
        "TENANTCTL_CONTROL_PLANE_URL",
        "the database that knows all tenants; the private local Postgres when not set",
    ),
    connection_string(
        "cluster_url",
        "TENANTCTL_CLUSTER_URL",
        "the server that holds their databases; the control plane's own when not set",
    ),
    open(
        "placement",
        "TENANTCTL_PLACEMENT",
        "`database`: one in the shared cluster; `project`: a Supabase project each",
    ),
    token(
        "secret_key",
        "TENANTCTL_SECRET_KEY",
        "32 bytes in base64 or hex that seal the tenants' passwords; without it they are not kept",
    ),
    token(
        "access_token",
        // The name that Supabase's own tools use.
        "SUPABASE_ACCESS_TOKEN",
        "the Management API's access token, for placement `project`",
    ),
    open(
        "management_api_url",
        "TENANTCTL_MANAGEMENT_API_URL",
        "where that API is; `https://api.supabase.com`",
    ),
    open(
        "organization",
        "TENANTCTL_ORGANIZATION",
        "where new projects are made; the token's only organization when not set",
    ),
    open(
        "region",
        "TENANTCTL_REGION",
        "the region of new projects (`--region`); what the API recommends when not set",
    ),
    open(
        "project_root_cert",
        "TENANTCTL_PROJECT_ROOT_CERT",
        "the certificate authority of projects' databases (`prod-ca-2021.crt`): they are verified by \
         it, and never entered in the clear",
    ),
    open(
        "auth_url",
        "TENANTCTL_AUTH_URL",
        "the Auth server, `https://<ref>.supabase.co/auth/v1`: the issuer of tokens (`--issuer`)",
    ),
    token(
        "auth_service_key",
        "TENANTCTL_AUTH_SERVICE_KEY",
        "its secret key, with which `lockdown` bans through the admin API where Auth's tables are \
         out of reach",
    ),
    open(
        "jwks_url",
        "TENANTCTL_JWKS_URL",
        "where its keys are published (`--jwks`); `/.well-known/jwks.json` of the Auth server when \
         not set",
    ),
    Spec {
        secrecy: Secrecy::Phrase,
        ..token(
            "jwt_secret",
            "TENANTCTL_JWT_SECRET",
            "the secret of HS256 tokens (`--secret-file`); without it HS256 is refused",
        )
    },
    open("migrations_dir", "TENANTCTL_MIGRATIONS_DIR", "a folder of migrations of your own"),
    open(
        "migrations_base",
        "TENANTCTL_MIGRATIONS_BASE",
        "`embedded`: they come after the embedded ones; `none`: they are all there are; when not set, \
         their numbers say it",
    ),
    open(
        "seeds_dir",
        "TENANTCTL_SEEDS_DIR",
        "a folder of seed sets to use instead of the embedded ones",
    ),
    open("actor", "TENANTCTL_ACTOR", "who acts, for the audit trail (`--actor`); user@machine"),
    open(
        "data_dir",
        "TENANTCTL_DATA_DIR",
        "where the private local Postgres and caches live; `/var/lib/tenantctl` for root, else \
         `~/.local/share/tenantctl`",
    ),
    open(
        "postgres_bin",
        "TENANTCTL_POSTGRES_BIN",
        "a folder with `initdb`, `pg_ctl` and `postgres` for it",
    ),
];

const fn open(name: &'static str, variable: &'static str, meaning: &'static str) -> Spec {
    Spec { name, variable, secrecy: Secrecy::Open, meaning }
}

const fn connection_string(
    name: &'static str,
    variable: &'static str,
    meaning: &'static str,
) -> Spec {
    Spec { name, variable, secrecy: Secrecy::ConnectionString, meaning }
}

const fn token(name: &'static str, variable: &'static str, meaning: &'static str) -> Spec {
    Spec { name, variable, secrecy: Secrecy::Token, meaning }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_shows_where_it_leads_and_nothing_else() {
        for (value, shown) in [
            (
                "postgresql://op:canary@db:6543/cp?sslmode=require",
                "postgresql://op:****@db:6543/cp",
            ),
            ("postgres://op@db/cp", "postgresql://op@db/cp"),
            ("postgresql://op:canary@/cp?host=/run/pg", "postgresql://op:****@/cp?host=/run/pg"),
            ("postgresql://op:canary@/cp", MASK),
            ("mysql://op:canary@db/cp", MASK),
            ("canary", MASK),
            ("postgresql://canary", MASK),
        ] {
            assert_eq!(SPECS[0].shown(value), shown, "{value}");
        }
    }

    #[test]
    fn every_setting_stands_once() {
        for spec in SPECS {
            let same = SPECS.iter().filter(|s| s.name == spec.name || s.variable == spec.variable);
            assert_eq!(same.count(), 1, "{}", spec.name);
        }
    }
}
