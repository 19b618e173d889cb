//! Flags over environment over files: the text of each setting, and which layer it is from.
//!
//! Everything is text here. Secrets are trimmed here, once, and refused when they are empty.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::env::Environment;
use super::error::ConfigError;
use super::file::{self, Found, Section};
use super::secret_file::SecretFile;
use super::setting::{Origin, Setting};
use super::spec::{PROFILE_VARIABLE, SPECS, Secrecy, Spec};
use super::{defaults, secret_file};
use crate::model::{Actor, Classified, SecretText, escape_controls};

/// The profile of the private local Postgres; it needs no table.
const LOCAL_PROFILE: &str = "local";

/// Settings on the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    pub profile: Option<String>,
    pub config: Option<PathBuf>,
    pub actor: Option<Actor>,
    /// Whether the profile and the config file need not be there yet: who makes them names them.
    pub may_be_new: bool,
    /// Whether a config file that cannot be read stands in nobody's way, where the control plane is said
    /// by a variable.
    pub is_urgent: bool,
}

/// A place where a config file was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LookedAt {
    pub path: PathBuf,
    pub is_there: bool,
}

/// A profile that a config file has, or the one that needs none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub name: String,
    /// Whether every write asks for confirmation and requires `--actor`.
    pub is_protected: bool,
}

/// A setting's text. All are `SecretText`, secret or not, so that no `Debug` shows one.
type Text = Setting<SecretText>;

/// The texts of all settings that have one.
#[derive(Debug, Clone)]
pub(super) struct Layers {
    pub(super) profile: Option<Setting<String>>,
    pub(super) is_protected: bool,
    /// Where config files were looked for, the nearest first.
    pub(super) looked_at: Vec<LookedAt>,
    /// The profiles of all files.
    pub(super) profiles: Vec<Profile>,
    /// What the operator should know of the files that secrets came from.
    pub(super) warnings: Vec<String>,
    texts: BTreeMap<&'static str, Text>,
}

impl Layers {
    pub(super) fn read(
        flags: &Flags,
        environment: Environment<'_>,
        working_dir: &Path,
    ) -> Result<Self, ConfigError> {
        let Files { found: files, looked_at, warnings } =
            find_files(flags, environment, working_dir)?;
        let profile = profile(flags, environment, &files)?;
        let is_protected = profile.as_ref().is_some_and(|profile| {
            let tables = files.iter().filter_map(|f| f.content.profiles.get(&profile.value));
            tables.into_iter().any(|table| table.protected)
        });
        let profiles = profiles(&files);
        let mut layers =
            Self { profile, is_protected, looked_at, profiles, warnings, texts: BTreeMap::new() };
        if let Some(actor) = &flags.actor {
            let text = Text { value: actor.to_string().into(), origin: Origin::Flag("--actor") };
            layers.texts.insert("actor", text);
        }
        for spec in SPECS {
            if layers.get(spec.name).is_none()
                && let Some(text) = layers.find(spec, environment, &files)?
            {
                layers.texts.insert(spec.name, text);
            }
        }
        Ok(layers)
    }

    /// Returns a setting's text; the name is one of the table.
    pub(super) fn get(&self, name: &str) -> Option<&Text> {
        debug_assert!(SPECS.iter().any(|spec| spec.name == name), "no such setting: {name}");
        self.texts.get(name)
    }

    /// Returns a setting from its variable, from the file that its variable names, or from the config
    /// files.
    fn find(
        &mut self,
        spec: &Spec,
        environment: Environment<'_>,
        files: &[Found],
    ) -> Result<Option<Text>, ConfigError> {
        if let Some(value) = variable(environment, spec.name, spec.variable)? {
            return checked(spec, value.into(), Origin::Environment(spec.variable)).map(Some);
        }
        let file_variable = spec.file_variable().and_then(|name| environment(&name));
        if let Some(path) = file_variable.filter(|path| !path.is_empty()) {
            return self.read_file(spec, PathBuf::from(path)).map(Some);
        }
        let profile = self.profile.as_ref();
        if let Some(Setting { value, origin }) = in_files(spec.name, files, profile) {
            return checked(spec, value.into(), origin).map(Some);
        }
        let path = spec.file_key().and_then(|key| in_files(&key, files, profile));
        path.map(|path| self.read_file(spec, PathBuf::from(path.value))).transpose()
    }

    fn read_file(&mut self, spec: &Spec, path: PathBuf) -> Result<Text, ConfigError> {
        let SecretFile { text, warning } = secret_file::read_secret(&path)?;
        self.warnings.extend(warning);
        checked(spec, text, Origin::File(path, None))
    }

    /// Gives a setting that has no text its default.
    pub(super) fn set_default(&mut self, name: &'static str, value: impl FnOnce() -> String) {
        self.texts
            .entry(name)
            .or_insert_with(|| Setting { value: value().into(), origin: Origin::Default });
    }
}

/// Trims a secret that cannot contain spaces, and refuses an empty one.
fn checked(spec: &Spec, value: SecretText, origin: Origin) -> Result<Text, ConfigError> {
    if !spec.is_secret() {
        return Ok(Setting { value, origin });
    }
    if value.expose().trim().is_empty() {
        return Err(ConfigError::Value {
            name: spec.name,
            origin: origin.to_string(),
            problem: "it is empty".to_owned(),
        });
    }
    let value = match spec.secrecy {
        Secrecy::Phrase => value,
        _ => value.expose().trim().to_owned().into(),
    };
    Ok(Setting { value, origin })
}

/// Returns a variable's text; an empty one counts as not set.
fn variable(
    environment: Environment<'_>,
    name: &'static str,
    variable: &'static str,
) -> Result<Option<String>, ConfigError> {
    match environment(variable).filter(|value| !value.is_empty()) {
        None => Ok(None),
        Some(value) => value.into_string().map(Some).map_err(|_| ConfigError::Value {
            name,
            origin: variable.to_owned(),
            problem: "it is not UTF-8".to_owned(),
        }),
    }
}

/// Returns a key from the first file that has it, a profile's table before the top.
fn in_files(
    key: &str,
    files: &[Found],
    profile: Option<&Setting<String>>,
) -> Option<Setting<String>> {
    let text =
        |section: &Section| section.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    files.iter().find_map(|found| {
        let of_profile = profile.and_then(|profile| {
            let table = found.content.profiles.get(&profile.value)?;
            Some((text(&table.section)?, Some(profile.value.clone())))
        });
        let (value, table) = of_profile.or_else(|| Some((text(&found.content.top)?, None)))?;
        Some(Setting { value, origin: Origin::File(found.path.clone(), table) })
    })
}

fn profile(
    flags: &Flags,
    environment: Environment<'_>,
    files: &[Found],
) -> Result<Option<Setting<String>>, ConfigError> {
    let profile = match &flags.profile {
        Some(name) => Setting { value: name.clone(), origin: Origin::Flag("--profile") },
        None => match variable(environment, "profile", PROFILE_VARIABLE)? {
            Some(value) => Setting { value, origin: Origin::Environment(PROFILE_VARIABLE) },
            None => return Ok(None),
        },
    };
    let has_table = files.iter().any(|f| f.content.profiles.contains_key(&profile.value));
    if has_table || profile.value == LOCAL_PROFILE || flags.may_be_new {
        return Ok(Some(profile));
    }
    let paths: Vec<_> = files.iter().map(|f| f.path.display().to_string()).collect();
    let looked_in = if paths.is_empty() {
        "any config file: none exists".to_owned()
    } else {
        paths.join(" and ")
    };
    let known = profiles(files).into_iter().map(|profile| profile.name).collect();
    Err(ConfigError::NoProfile { name: escape_controls(&profile.value), looked_in, known })
}

/// Returns the profiles of all files by name; protected where any of them says so.
fn profiles(files: &[Found]) -> Vec<Profile> {
    let mut found: BTreeMap<&str, bool> = BTreeMap::new();
    for (name, table) in files.iter().flat_map(|file| &file.content.profiles) {
        *found.entry(name).or_default() |= table.protected;
    }
    let profile =
        |(name, is_protected): (&str, bool)| Profile { name: name.to_owned(), is_protected };
    found.into_iter().map(profile).collect()
}

/// The variables that say where the control plane is.
const CONTROL_PLANE: &str = "TENANTCTL_CONTROL_PLANE_URL";
const CONTROL_PLANE_FILE: &str = "TENANTCTL_CONTROL_PLANE_URL_FILE";

/// The config files, the nearest first.
#[derive(Debug, Default)]
struct Files {
    found: Vec<Found>,
    /// Where they were looked for.
    looked_at: Vec<LookedAt>,
    /// Which were passed over, and why.
    warnings: Vec<String>,
}

/// Reads the config files that are there.
fn find_files(
    flags: &Flags,
    environment: Environment<'_>,
    working_dir: &Path,
) -> Result<Files, ConfigError> {
    let (paths, must_exist) = match &flags.config {
        Some(path) => (vec![path.clone()], !flags.may_be_new),
        None => (usual_paths(environment, working_dir), false),
    };
    let says_where =
        [CONTROL_PLANE, CONTROL_PLANE_FILE].into_iter().any(|name| environment(name).is_some());
    let is_passed_over = flags.is_urgent && flags.config.is_none() && says_where;
    let mut files = Files::default();
    for path in paths {
        let found = match file::read(&path, must_exist) {
            Err(error) if is_passed_over => {
                files
                    .warnings
                    .push(format!("failed to {}; it is passed over", error.chain().join(": ")));
                None
            }
            found => found?,
        };
        files.looked_at.push(LookedAt { path, is_there: found.is_some() });
        files.found.extend(found);
    }
    Ok(files)
}

/// Returns where config files are looked for without `--config`, the nearest first.
fn usual_paths(environment: Environment<'_>, working_dir: &Path) -> Vec<PathBuf> {
    let config_home = defaults::absolute(environment, "XDG_CONFIG_HOME")
        .or_else(|| defaults::home(environment).map(|home| home.join(".config")));
    let mut paths = vec![working_dir.join("tenantctl.toml")];
    paths.extend(config_home.map(|folder| folder.join("tenantctl/tenantctl.toml")));
    paths
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Layers, ConfigError> {
        let environment = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Layers::read(&Flags::default(), &environment, Path::new("/nowhere"))
    }

    #[test]
    fn secrets_lose_the_spaces_around_them_unless_any_text_is_a_key() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("url");
        std::fs::write(&file, " postgresql://h/d \n\n").unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let layers = read(&[
            ("SUPABASE_ACCESS_TOKEN", " sbp_x\n"),
            ("TENANTCTL_JWT_SECRET", " s \n"),
            ("TENANTCTL_CLUSTER_URL_FILE", file.to_str().unwrap()),
            ("TENANTCTL_ACTOR", " me "),
        ])
        .unwrap();
        let text = |name| layers.get(name).unwrap().value.expose().as_str();
        assert_eq!(text("access_token"), "sbp_x");
        assert_eq!(text("cluster_url"), "postgresql://h/d");
        assert_eq!(text("jwt_secret"), " s \n");
        assert_eq!(text("actor"), " me ");
    }

    #[test]
    fn an_empty_secret_is_refused_and_an_empty_variable_is_none() {
        let error = read(&[("TENANTCTL_SECRET_KEY", " \n")]).unwrap_err().to_string();
        assert_eq!(error, "use secret_key from TENANTCTL_SECRET_KEY: it is empty");
        assert!(read(&[("TENANTCTL_SECRET_KEY", "")]).unwrap().get("secret_key").is_none());
    }
}
