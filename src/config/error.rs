//! What can be wrong with the settings; nothing was contacted when one of these appears.

use std::path::PathBuf;

use crate::model::{Classified, ErrorKind};

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that was named is not there or cannot be read.
    #[error("read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is not what a config file is.
    #[error("read {}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        problem: String,
    },
    /// A file that holds a secret can be read by others.
    #[error("use {}: it holds a secret and {problem}", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// What is wrong about it.
        problem: &'static str,
    },
    /// A value cannot be used.
    #[error("use {name} from {origin}: {problem}")]
    Value {
        /// The setting.
        name: &'static str,
        /// Where it came from.
        origin: String,
        /// What is wrong; never the value of a secret.
        problem: String,
    },
    /// A profile that was asked for is nowhere.
    #[error("find profile `{name}` in {looked_in}")]
    NoProfile {
        /// The profile.
        name: String,
        /// The files that were looked at.
        looked_in: String,
    },
    /// There is no home directory to put data under.
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
            Self::NoProfile { name, .. } => Some(format!(
                "add a table `[profiles.{name}]` to tenantctl.toml, or name another profile with \
                 --profile"
            )),
            Self::NoHome => Some("set TENANTCTL_DATA_DIR".to_owned()),
            Self::Value { name: "secret_key", .. } => {
                Some("make one with: openssl rand -base64 32".to_owned())
            }
            Self::Unreadable { .. } | Self::Invalid { .. } | Self::Value { .. } => None,
        }
    }
}
