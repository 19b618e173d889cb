//! A value with its origin.

use std::fmt;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag of the command line.
    Flag(&'static str),
    /// An environment variable.
    Environment(&'static str),
    /// A file, and the profile's table in it.
    File(PathBuf, Option<String>),
    /// No flag, variable or file has it.
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}
