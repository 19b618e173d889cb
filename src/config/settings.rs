//! The settings a command runs with, and where each came from.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::file::{Found, Section};
use super::{ConfigError, Environment, env, file, secret_file};
use crate::model::{Actor, JwksSource, Placement, SecretText, WebUrl, escape_controls};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line.
    Flag(&'static str),
    /// An environment variable.
    Environment(&'static str),
    /// A config file, and the profile's table in it.
    File(PathBuf, Option<String>),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Environment(name) => f.write_str(name),
            Self::File(path, None) => write!(f, "{}", path.display()),
            Self::File(path, Some(profile)) => {
                write!(f, "[profiles.{profile}] of {}", path.display())
            }
            Self::Default => f.write_str("the default"),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

/// What the command line said about settings.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--profile`.
    pub profile: Option<String>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--actor`.
    pub actor: Option<Actor>,
}

/// The settings, resolved. What is optional here is decided by whoever needs it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The profile in force; nothing when none was asked for.
    pub profile: Option<Setting<String>>,
    /// Whether the profile asks for confirmation on every write.
    pub is_protected: bool,
    /// The control plane's connection string.
    pub control_plane_url: Option<Setting<SecretText>>,
    /// The cluster's connection string.
    pub cluster_url: Option<Setting<SecretText>>,
    /// Where new tenants' databases live.
    pub placement: Setting<Placement>,
    /// The key that seals stored credentials, as it was written.
    pub secret_key: Option<Setting<SecretText>>,
    /// The access token of the Management API.
    pub access_token: Option<Setting<SecretText>>,
    /// Where the Management API is.
    pub management_api_url: Setting<String>,
    /// The organization that new projects are made in.
    pub organization: Option<Setting<String>>,
    /// The region that new projects are made in when nobody names another.
    pub region: Option<Setting<String>>,
    /// A file of certificate authorities that projects' databases are verified by.
    pub project_root_cert: Option<Setting<PathBuf>>,
    /// A folder of migrations instead of the embedded ones.
    pub migrations_dir: Option<Setting<PathBuf>>,
    /// A folder of seed sets instead of the embedded ones.
    pub seeds_dir: Option<Setting<PathBuf>>,
    /// Who acts.
    pub actor: Setting<Actor>,
    /// Where the private local Postgres and caches live.
    pub data_dir: Setting<PathBuf>,
    /// A folder with Postgres's programs.
    pub postgres_bin: Option<Setting<PathBuf>>,
    /// The Auth server.
    pub auth_url: Option<Setting<WebUrl>>,
    /// The key that Auth's admin API is entered with.
    pub auth_service_key: Option<Setting<SecretText>>,
    /// Where the keys that sign tokens are published.
    pub jwks: Option<Setting<JwksSource>>,
    /// The secret that HS256 tokens are signed with.
    pub jwt_secret: Option<Setting<SecretText>>,
    /// Where the system's programs are looked for (`PATH`).
    pub search_path: Option<OsString>,
}

/// Resolves the settings: flag over environment over `./tenantctl.toml` over the user's file over
/// the default.
///
/// # Errors
/// When a file or a value cannot be used; nothing is contacted.
pub fn resolve(
    flags: &Flags,
    environment: Environment<'_>,
    working_dir: &Path,
) -> Result<Settings, ConfigError> {
    let files = find_files(flags, environment, working_dir)?;
    let layers = Layers::new(flags, environment, files)?;
    let actor = match &flags.actor {
        Some(actor) => Setting { value: actor.clone(), origin: Origin::Flag("--actor") },
        None => match layers.parsed::<Actor>("actor", Some(env::ACTOR))? {
            Some(actor) => actor,
            None => Setting { value: default_actor(environment), origin: Origin::Default },
        },
    };
    let data_dir = match layers.path("data_dir", env::DATA_DIR)? {
        Some(path) => path,
        None => Setting { value: default_data_dir(environment)?, origin: Origin::Default },
    };
    let auth_url = layers.parsed("auth_url", Some(env::AUTH_URL))?;
    Ok(Settings {
        control_plane_url: layers.secret("control_plane_url", env::CONTROL_PLANE_URL)?,
        cluster_url: layers.secret("cluster_url", env::CLUSTER_URL)?,
        placement: layers
            .parsed("placement", Some(env::PLACEMENT))?
            .unwrap_or(Setting { value: Placement::Database, origin: Origin::Default }),
        secret_key: layers.secret("secret_key", env::SECRET_KEY)?,
        access_token: layers.secret("access_token", env::ACCESS_TOKEN)?,
        management_api_url: layers
            .text("management_api_url", Some(env::MANAGEMENT_API_URL))?
            .unwrap_or(Setting { value: MANAGEMENT_API.to_owned(), origin: Origin::Default }),
        organization: layers.text("organization", Some(env::ORGANIZATION))?,
        region: layers.text("region", Some(env::REGION))?,
        project_root_cert: layers.path("project_root_cert", env::PROJECT_ROOT_CERT)?,
        migrations_dir: layers.path("migrations_dir", env::MIGRATIONS_DIR)?,
        seeds_dir: layers.path("seeds_dir", env::SEEDS_DIR)?,
        postgres_bin: layers.path("postgres_bin", env::POSTGRES_BIN)?,
        jwks: layers.jwks(auth_url.as_ref())?,
        auth_service_key: layers.secret("auth_service_key", env::AUTH_SERVICE_KEY)?,
        jwt_secret: layers.secret("jwt_secret", env::JWT_SECRET)?,
        auth_url,
        search_path: environment("PATH"),
        actor,
        data_dir,
        is_protected: layers.is_protected(),
        profile: layers.profile,
    })
}

impl Settings {
    /// Returns a line for each setting that has a value: name, value without secrets, origin.
    pub fn explain(&self) -> Vec<(&'static str, String, String)> {
        let mut lines = Vec::new();
        let mut line = |name, shown: Option<(String, &Origin)>| {
            if let Some((value, origin)) = shown {
                lines.push((name, escape_controls(&value), escape_controls(&origin.to_string())));
            }
        };
        let secret = |setting: &Option<Setting<SecretText>>| {
            setting.as_ref().map(|s| ("••••".to_owned(), s.origin.clone()))
        };
        let text = |setting: &Option<Setting<String>>| {
            setting.as_ref().map(|s| (s.value.clone(), s.origin.clone()))
        };
        let path = |setting: &Setting<PathBuf>| {
            (setting.value.display().to_string(), setting.origin.clone())
        };
        let secrets = [
            ("control_plane_url", secret(&self.control_plane_url)),
            ("cluster_url", secret(&self.cluster_url)),
            ("secret_key", secret(&self.secret_key)),
            ("jwt_secret", secret(&self.jwt_secret)),
            ("auth_service_key", secret(&self.auth_service_key)),
            ("auth_url", self.auth_url.as_ref().map(|s| (s.value.to_string(), s.origin.clone()))),
            ("jwks", self.jwks.as_ref().map(|s| (s.value.to_string(), s.origin.clone()))),
            ("access_token", secret(&self.access_token)),
            ("organization", text(&self.organization)),
            ("region", text(&self.region)),
            ("project_root_cert", self.project_root_cert.as_ref().map(path)),
            ("migrations_dir", self.migrations_dir.as_ref().map(path)),
            ("seeds_dir", self.seeds_dir.as_ref().map(path)),
            ("postgres_bin", self.postgres_bin.as_ref().map(path)),
        ];
        line("profile", self.profile.as_ref().map(|s| (s.value.clone(), &s.origin)));
        for (name, shown) in &secrets {
            line(name, shown.as_ref().map(|(value, origin)| (value.clone(), origin)));
        }
        line("placement", Some((self.placement.value.word().to_owned(), &self.placement.origin)));
        line("actor", Some((self.actor.value.to_string(), &self.actor.origin)));
        line("data_dir", Some((self.data_dir.value.display().to_string(), &self.data_dir.origin)));
        lines
    }
}

/// The layers below the flags, highest first.
struct Layers<'a> {
    environment: Environment<'a>,
    files: Vec<Found>,
    profile: Option<Setting<String>>,
}

impl<'a> Layers<'a> {
    fn new(
        flags: &Flags,
        environment: Environment<'a>,
        files: Vec<Found>,
    ) -> Result<Self, ConfigError> {
        let mut layers = Self { environment, files, profile: None };
        layers.profile = match &flags.profile {
            Some(name) => Some(Setting { value: name.clone(), origin: Origin::Flag("--profile") }),
            None => layers
                .variable("profile", env::PROFILE)?
                .map(|value| Setting { value, origin: Origin::Environment(env::PROFILE) }),
        };
        if let Some(profile) = &layers.profile {
            let is_known = profile.value == LOCAL_PROFILE
                || layers.files.iter().any(|f| f.content.profiles.contains_key(&profile.value));
            if !is_known {
                let paths: Vec<_> =
                    layers.files.iter().map(|f| f.path.display().to_string()).collect();
                return Err(ConfigError::NoProfile {
                    name: escape_controls(&profile.value),
                    looked_in: if paths.is_empty() {
                        "any config file: there is none".to_owned()
                    } else {
                        paths.join(" and ")
                    },
                });
            }
        }
        Ok(layers)
    }

    fn is_protected(&self) -> bool {
        self.profile.as_ref().is_some_and(|profile| {
            let tables = self.files.iter().filter_map(|f| f.content.profiles.get(&profile.value));
            tables.into_iter().any(|table| table.protected)
        })
    }

    /// Returns a variable's text; an empty one counts as not set.
    fn variable(
        &self,
        name: &'static str,
        variable: &'static str,
    ) -> Result<Option<String>, ConfigError> {
        match (self.environment)(variable).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => value.into_string().map(Some).map_err(|_| ConfigError::Value {
                name,
                origin: variable.to_owned(),
                problem: "it is not UTF-8".to_owned(),
            }),
        }
    }

    /// Returns a key from the first file that has it, a profile's table before the top.
    fn in_files(&self, key: &str) -> Option<Setting<String>> {
        let text =
            |section: &Section| section.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        self.files.iter().find_map(|found| {
            let of_profile = self.profile.as_ref().and_then(|profile| {
                let table = found.content.profiles.get(&profile.value)?;
                Some((text(&table.section)?, Some(profile.value.clone())))
            });
            let (value, table) = of_profile.or_else(|| Some((text(&found.content.top)?, None)))?;
            Some(Setting { value, origin: Origin::File(found.path.clone(), table) })
        })
    }

    fn text(
        &self,
        name: &'static str,
        variable: Option<&'static str>,
    ) -> Result<Option<Setting<String>>, ConfigError> {
        if let Some(variable) = variable
            && let Some(value) = self.variable(name, variable)?
        {
            return Ok(Some(Setting { value, origin: Origin::Environment(variable) }));
        }
        Ok(self.in_files(name))
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(
        &self,
        name: &'static str,
        variable: Option<&'static str>,
    ) -> Result<Option<Setting<T>>, ConfigError> {
        let Some(Setting { value, origin }) = self.text(name, variable)? else { return Ok(None) };
        match value.parse() {
            Ok(value) => Ok(Some(Setting { value, origin })),
            Err(error) => Err(ConfigError::Value {
                name,
                origin: origin.to_string(),
                problem: error.to_string(),
            }),
        }
    }

    /// Returns where the keys are published: as said, else at the Auth server's usual place.
    fn jwks(
        &self,
        auth_url: Option<&Setting<WebUrl>>,
    ) -> Result<Option<Setting<JwksSource>>, ConfigError> {
        let said: Option<Setting<WebUrl>> = self.parsed("jwks_url", Some(env::JWKS_URL))?;
        if let Some(Setting { value, origin }) = said {
            return Ok(Some(Setting { value: JwksSource::Url(value), origin }));
        }
        let Some(Setting { value, origin }) = auth_url else { return Ok(None) };
        match JwksSource::of_auth_server(value) {
            Ok(value) => Ok(Some(Setting { value, origin: origin.clone() })),
            Err(error) => Err(ConfigError::Value {
                name: "auth_url",
                origin: origin.to_string(),
                problem: error.to_string(),
            }),
        }
    }

    fn path(
        &self,
        name: &'static str,
        variable: &'static str,
    ) -> Result<Option<Setting<PathBuf>>, ConfigError> {
        let found = self.text(name, Some(variable))?;
        Ok(found.map(|Setting { value, origin }| Setting { value: PathBuf::from(value), origin }))
    }

    /// Returns a secret from its variable, from the file `<VARIABLE>_FILE` names, or from a config
    /// file's `name` or `name_file`.
    fn secret(
        &self,
        name: &'static str,
        variable: &'static str,
    ) -> Result<Option<Setting<SecretText>>, ConfigError> {
        if let Some(value) = self.variable(name, variable)? {
            let origin = Origin::Environment(variable);
            return Ok(Some(Setting { value: SecretText::new(value), origin }));
        }
        let file_variable = format!("{variable}_FILE");
        if let Some(path) = (self.environment)(&file_variable).filter(|value| !value.is_empty()) {
            let path = PathBuf::from(path);
            let value = secret_file::read_secret(&path)?;
            return Ok(Some(Setting { value, origin: Origin::File(path, None) }));
        }
        if let Some(Setting { value, origin }) = self.in_files(name) {
            return Ok(Some(Setting { value: SecretText::new(value), origin }));
        }
        let Some(Setting { value, .. }) = self.in_files(&format!("{name}_file")) else {
            return Ok(None);
        };
        let path = PathBuf::from(value);
        let value = secret_file::read_secret(&path)?;
        Ok(Some(Setting { value, origin: Origin::File(path, None) }))
    }
}

/// Where Supabase's Management API is.
const MANAGEMENT_API: &str = "https://api.supabase.com";

/// The profile of the private local Postgres; it needs no table.
const LOCAL_PROFILE: &str = "local";

fn find_files(
    flags: &Flags,
    environment: Environment<'_>,
    working_dir: &Path,
) -> Result<Vec<Found>, ConfigError> {
    if let Some(path) = &flags.config {
        return Ok(file::read(path, true)?.into_iter().collect());
    }
    let mut files = Vec::new();
    files.extend(file::read(&working_dir.join("tenantctl.toml"), false)?);
    let config_home = environment("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| home(environment).map(|home| home.join(".config")));
    if let Some(config_home) = config_home {
        files.extend(file::read(&config_home.join("tenantctl/tenantctl.toml"), false)?);
    }
    Ok(files)
}

fn home(environment: Environment<'_>) -> Option<PathBuf> {
    environment("HOME").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Root's own home is closed to the user Postgres has to run as, so root's data is elsewhere.
fn default_data_dir(environment: Environment<'_>) -> Result<PathBuf, ConfigError> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/tenantctl"));
    }
    environment("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| home(environment).map(|home| home.join(".local/share")))
        .map(|data| data.join("tenantctl"))
        .ok_or(ConfigError::NoHome)
}

/// Returns `user@machine`; the login recorded beside it by the database is the one that counts.
fn default_actor(environment: Environment<'_>) -> Actor {
    let user = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| environment(name)?.into_string().ok())
        .filter(|name| !name.is_empty())
        .or_else(|| whoami::username().ok())
        .unwrap_or_else(|| format!("uid{}", rustix::process::getuid().as_raw()));
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let unknown = || "unknown".parse();
    format!("{user}@{machine}")
        .parse()
        .or_else(|_| unknown())
        .unwrap_or_else(|_| unreachable!("`unknown` is a valid actor"))
}
