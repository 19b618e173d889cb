//! The settings a command runs with, typed.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::defaults;
use super::env::{Environment, environment};
use super::error::ConfigError;
use super::layers::{Flags, Layers, LookedAt, Profile};
use super::setting::{Origin, Setting};
use super::spec::{PROFILE_VARIABLE, SPECS};
use crate::model::{
    Actor, JwksSource, MigrationsBase, Placement, SecretText, WebUrl, escape_controls,
};

/// The settings, resolved. A command that needs an optional one reports that it is missing.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Set by `--profile` or its variable.
    pub profile: Option<Setting<String>>,
    /// Whether every write asks for confirmation and requires `--actor`.
    pub is_protected: bool,
    /// The private local Postgres when not set.
    pub control_plane_url: Option<Setting<SecretText>>,
    /// The control plane's own server when not set.
    pub cluster_url: Option<Setting<SecretText>>,
    /// For new tenants.
    pub placement: Setting<Placement>,
    /// The key that seals stored passwords: 32 bytes in base64 or hex, not decoded yet.
    pub secret_key: Option<Setting<SecretText>>,
    /// The access token of the Management API.
    pub access_token: Option<Setting<SecretText>>,
    pub management_api_url: Setting<String>,
    /// The organization of new projects, by its slug; the token's only one when not set.
    pub organization: Option<Setting<String>>,
    /// The region of new projects without `--region`.
    pub region: Option<Setting<String>>,
    /// The certificate authorities that projects' databases are verified with.
    pub project_root_cert: Option<Setting<PathBuf>>,
    /// Migrations after the embedded ones, or instead of them.
    pub migrations_dir: Option<Setting<PathBuf>>,
    /// Which of the two; the files' numbers say it when not set.
    pub migrations_base: Option<Setting<MigrationsBase>>,
    /// Seed sets to use instead of the embedded ones.
    pub seeds_dir: Option<Setting<PathBuf>>,
    pub actor: Setting<Actor>,
    /// The folder of the private local Postgres and of caches.
    /// None where nothing sets it and there is no home directory.
    data_dir: Option<Setting<PathBuf>>,
    /// The folder of `initdb`, `pg_ctl` and `postgres`, for the private local Postgres.
    pub postgres_bin: Option<Setting<PathBuf>>,
    /// The Auth server; its URL is the issuer of its tokens.
    pub auth_url: Option<Setting<WebUrl>>,
    /// The key of the Auth server's admin API.
    pub auth_service_key: Option<Setting<SecretText>>,
    /// From `jwks_url`, else at the usual place of `auth_url`.
    pub jwks: Option<Setting<JwksSource>>,
    /// The key of HS256 tokens.
    pub jwt_secret: Option<Setting<SecretText>>,
    /// `PATH`, where the system's programs are looked for.
    pub search_path: Option<OsString>,
    /// Where config files were looked for, the nearest first.
    pub looked_at: Vec<LookedAt>,
    /// The profiles of the config files.
    pub profiles: Vec<Profile>,
    explained: Vec<Explained>,
    warnings: Vec<String>,
    /// What the command line said, to resolve for another profile.
    flags: Flags,
    working_dir: PathBuf,
}

/// Resolves the settings: flag over environment over `./tenantctl.toml` over the user's file over
/// the default.
pub(crate) fn resolve(
    flags: &Flags,
    environment: Environment<'_>,
    working_dir: &Path,
) -> Result<Settings, ConfigError> {
    let mut layers = Layers::read(flags, environment, working_dir)?;
    layers.set_default("placement", || defaults::PLACEMENT.to_owned());
    layers.set_default("management_api_url", || defaults::MANAGEMENT_API_URL.to_owned());
    layers.set_default("actor", || defaults::actor(environment));
    let data_dir = match path(&layers, "data_dir") {
        Some(data_dir) => Some(data_dir),
        None => {
            defaults::data_dir(environment).map(|value| Setting { value, origin: Origin::Default })
        }
    };
    if let Some(data_dir) = &data_dir {
        layers.set_default("data_dir", || data_dir.value.display().to_string());
    }
    let auth_url = parsed(&layers, "auth_url")?;
    Ok(Settings {
        control_plane_url: secret(&layers, "control_plane_url"),
        cluster_url: secret(&layers, "cluster_url"),
        placement: required(&layers, "placement")?,
        secret_key: secret(&layers, "secret_key"),
        access_token: secret(&layers, "access_token"),
        management_api_url: required(&layers, "management_api_url")?,
        organization: parsed(&layers, "organization")?,
        region: parsed(&layers, "region")?,
        project_root_cert: path(&layers, "project_root_cert"),
        migrations_dir: path(&layers, "migrations_dir"),
        migrations_base: parsed(&layers, "migrations_base")?,
        seeds_dir: path(&layers, "seeds_dir"),
        postgres_bin: path(&layers, "postgres_bin"),
        jwks: jwks(&layers, auth_url.as_ref())?,
        auth_service_key: secret(&layers, "auth_service_key"),
        jwt_secret: secret(&layers, "jwt_secret"),
        auth_url,
        search_path: environment("PATH"),
        actor: required(&layers, "actor")?,
        data_dir,
        explained: explained(&layers),
        warnings: layers.warnings,
        looked_at: layers.looked_at,
        profiles: layers.profiles,
        is_protected: layers.is_protected,
        profile: layers.profile,
        flags: flags.clone(),
        working_dir: working_dir.to_owned(),
    })
}

fn secret(layers: &Layers, name: &'static str) -> Option<Setting<SecretText>> {
    layers.get(name).cloned()
}

fn path(layers: &Layers, name: &'static str) -> Option<Setting<PathBuf>> {
    let Setting { value, origin } = layers.get(name)?;
    Some(Setting { value: PathBuf::from(value.expose()), origin: origin.clone() })
}

fn parsed<T: FromStr<Err: fmt::Display>>(
    layers: &Layers,
    name: &'static str,
) -> Result<Option<Setting<T>>, ConfigError> {
    let Some(Setting { value, origin }) = layers.get(name) else { return Ok(None) };
    match value.expose().parse() {
        Ok(value) => Ok(Some(Setting { value, origin: origin.clone() })),
        Err(error) => Err(unusable(name, origin, &error)),
    }
}

/// Returns a setting that has a default.
fn required<T: FromStr<Err: fmt::Display>>(
    layers: &Layers,
    name: &'static str,
) -> Result<Setting<T>, ConfigError> {
    parsed(layers, name)?.ok_or_else(|| unusable(name, &Origin::Default, &"it has no value"))
}

/// Returns where the keys are published: as set, else at the Auth server's usual place.
fn jwks(
    layers: &Layers,
    auth_url: Option<&Setting<WebUrl>>,
) -> Result<Option<Setting<JwksSource>>, ConfigError> {
    if let Some(Setting { value, origin }) = parsed(layers, "jwks_url")? {
        return Ok(Some(Setting { value: JwksSource::Url(value), origin }));
    }
    let Some(Setting { value, origin }) = auth_url else { return Ok(None) };
    match JwksSource::of_auth_server(value) {
        Ok(value) => Ok(Some(Setting { value, origin: origin.clone() })),
        Err(error) => Err(unusable("auth_url", origin, &error)),
    }
}

fn unusable(name: &'static str, origin: &Origin, problem: &dyn fmt::Display) -> ConfigError {
    ConfigError::Value { name, origin: origin.to_string(), problem: problem.to_string() }
}

/// A setting as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explained {
    pub name: &'static str,
    pub variable: &'static str,
    /// Without what is secret in it, and where it came from; nothing where it is not set.
    pub value: Option<Setting<String>>,
}

fn explained(layers: &Layers) -> Vec<Explained> {
    let profile =
        Explained { name: "profile", variable: PROFILE_VARIABLE, value: layers.profile.clone() };
    let others = SPECS.iter().map(|spec| {
        let value = layers.get(spec.name).map(|setting| Setting {
            value: escape_controls(&spec.shown(setting.value.expose())),
            origin: setting.origin.clone(),
        });
        Explained { name: spec.name, variable: spec.variable, value }
    });
    std::iter::once(profile).chain(others).collect()
}

impl Settings {
    /// Returns the settings of another profile, with the same command line.
    pub(crate) fn of_profile(&self, name: &str) -> Result<Self, ConfigError> {
        let flags = Flags { profile: Some(name.to_owned()), ..self.flags.clone() };
        resolve(&flags, &environment, &self.working_dir)
    }

    /// Returns every setting there is, the profile first.
    pub(crate) fn explain(&self) -> &[Explained] {
        &self.explained
    }

    /// Returns what the operator should know of the files that secrets came from.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the data directory.
    ///
    /// # Errors
    /// When nothing sets it and there is no home directory: what needs none is not refused for it.
    pub(crate) fn data_dir(&self) -> Result<&Path, ConfigError> {
        let data_dir = self.data_dir.as_ref().ok_or(ConfigError::NoHome)?;
        Ok(&data_dir.value)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::documented::documented;

    fn sample(variable: &str) -> &'static str {
        match variable {
            PROFILE_VARIABLE => "local",
            "TENANTCTL_PLACEMENT" => "project",
            "TENANTCTL_MIGRATIONS_BASE" => "none",
            "TENANTCTL_ACTOR" => "somebody",
            name if name.ends_with("CONTROL_PLANE_URL") || name.ends_with("CLUSTER_URL") => {
                "postgresql://somebody@db.example/x"
            }
            name if name.ends_with("_URL") => "https://somewhere.example/x",
            _ => "/some/where",
        }
    }

    /// Returns the typed settings as text, without the table of what was found; and that table.
    fn resolved(variable: &str, value: &str) -> (String, Vec<Explained>) {
        let environment = |name: &str| (name == variable).then(|| OsString::from(value));
        let settings = resolve(&Flags::default(), &environment, Path::new("/nowhere")).unwrap();
        let explained = settings.explained.clone();
        (format!("{:?}", Settings { explained: Vec::new(), ..settings }), explained)
    }

    #[test]
    fn every_variable_of_the_manual_reaches_a_setting_and_is_shown() {
        let (plain, shown) = resolved("", "");
        let directory = tempfile::tempdir().unwrap();
        for setting in documented() {
            let value = sample(setting.variable);
            let file = directory.path().join(setting.variable);
            std::fs::write(&file, value).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            let file = file.to_str().unwrap();
            let by_file = setting.file_variable.as_deref().map(|variable| (variable, file));
            for (variable, value) in [(setting.variable, value)].into_iter().chain(by_file) {
                let (typed, now_shown) = resolved(variable, value);
                assert_ne!(typed, plain, "{variable} changes no setting");
                assert_ne!(now_shown, shown, "{variable} is not shown");
            }
        }
    }
}
