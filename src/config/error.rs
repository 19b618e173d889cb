//! Settings that cannot be used. Nothing was contacted when one of these appears.

use std::path::PathBuf;

use crate::model::{Classified, ErrorKind, did_you_mean, nearest};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("read {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("read {}: {problem}", path.display())]
    Invalid { path: PathBuf, problem: String },
    #[error("use {}: it holds a secret and {problem}", path.display())]
    Exposed { path: PathBuf, problem: &'static str },
    #[error("use {name} from {origin}: {problem}")]
    Value {
        name: &'static str,
        origin: String,
        /// Never with the value of a secret.
        problem: String,
    },
    #[error("find profile `{name}` in {looked_in}")]
    NoProfile {
        name: String,
        looked_in: String,
        /// The profiles there are.
        known: Vec<String>,
    },
    #[error("choose a data directory: there is no home directory")]
    NoHome,
}

impl Classified for ConfigError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Exposed { path, .. } => Some(format!("chmod 600 {}", path.display())),
            Self::NoProfile { name, known, .. } => {
                let meant = nearest(name, known.iter().map(String::as_str));
                Some(did_you_mean(&meant).unwrap_or_else(|| {
                    format!(
                        "add a table `[profiles.{name}]` to tenantctl.toml, or name another profile \
                         with --profile"
                    )
                }))
            }
            Self::NoHome => Some("set TENANTCTL_DATA_DIR".to_owned()),
            Self::Value { name: "secret_key", .. } => {
                Some("make one with: openssl rand -base64 32".to_owned())
            }
            Self::Unreadable { path, source }
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                let other = if path.ends_with("tenantctl.toml") {
                    ", or name another config file with --config"
                } else {
                    ""
                };
                Some(format!("let this user enter its folders and read it{other}"))
            }
            Self::Unreadable { .. } | Self::Invalid { .. } | Self::Value { .. } => None,
        }
    }
}
