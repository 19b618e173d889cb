//! `local.json`: the port, the socket directory and the two secrets.
//!
//! Written before the server exists, replaced in one step, readable by its owner only. It says what
//! was chosen, never whether the server runs.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::error::LocalError;
use super::files;
use super::layout::Layout;
use super::listen;
use super::process::PidFile;
use super::report::{LocalEvent, OnEvent};
use crate::adapters::postgres::ScramError;

const FORMAT: u32 = 1;
const SECRET_BYTES: usize = 32;

/// What was chosen for one data dir.
pub(super) struct State {
    pub(super) port: u16,
    pub(super) socket_dir: PathBuf,
    pub(super) password: Zeroizing<String>,
    pub(super) secret_key: Zeroizing<String>,
}

/// What was read from the file's path.
#[derive(Debug)]
pub(super) enum StateFile {
    Nothing,
    Unreadable,
    Usable(State),
}

impl StateFile {
    /// Returns the state, if it can be used.
    pub(super) fn usable(self) -> Option<State> {
        match self {
            Self::Usable(state) => Some(state),
            Self::Nothing | Self::Unreadable => None,
        }
    }
}

/// The file's shape.
#[derive(Serialize, Deserialize)]
struct Wire<T> {
    format: u32,
    port: u16,
    socket_dir: PathBuf,
    password: T,
    secret_key: T,
}

impl State {
    /// Reads the state, or makes a new one when none can be used.
    ///
    /// # Errors
    /// [`LocalError::OtherOwner`] when we may not read the file.
    pub(super) fn load_or_make(
        layout: &Layout,
        has_cluster: bool,
        on_event: OnEvent<'_>,
    ) -> Result<Self, LocalError> {
        let kept_as = match Self::load(&layout.state)? {
            StateFile::Usable(state) => return Ok(state),
            StateFile::Nothing => None,
            StateFile::Unreadable => {
                let aside = layout.state.with_extension("json.unreadable");
                fs::rename(&layout.state, &aside)
                    .map_err(files::io_error("put aside", &layout.state))?;
                Some(aside)
            }
        };
        if has_cluster || kept_as.is_some() {
            on_event(LocalEvent::StateReplaced { kept_as });
        }
        let port = PidFile::read(&layout.cluster)
            .and_then(|file| file.port)
            .unwrap_or_else(listen::free_port);
        let state = Self::generate(port, layout.socket_dirs().swap_remove(0))?;
        state.save(&layout.state)?;
        Ok(state)
    }

    /// Returns a state with fresh secrets.
    pub(super) fn generate(port: u16, socket_dir: PathBuf) -> Result<Self, LocalError> {
        Ok(Self {
            port,
            socket_dir,
            // URL-safe, so that it can stand in a connection string as it is.
            password: random(|bytes| URL_SAFE_NO_PAD.encode(bytes))?,
            secret_key: random(|bytes| STANDARD.encode(bytes))?,
        })
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`LocalError::OtherOwner`] when we may not read the file.
    pub(super) fn load(path: &Path) -> Result<StateFile, LocalError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound => return Ok(StateFile::Nothing),
                io::ErrorKind::PermissionDenied => {
                    let problem = "belongs to another user, and holds passwords".to_owned();
                    return Err(LocalError::OtherOwner { path: path.to_path_buf(), problem });
                }
                _ => return Err(files::io_error("read", path)(error)),
            },
        };
        Ok(match serde_json::from_slice::<Wire<String>>(&bytes) {
            Ok(wire)
                if wire.format == FORMAT
                    && is_key(&wire.secret_key)
                    && !wire.password.is_empty() =>
            {
                StateFile::Usable(Self {
                    port: wire.port,
                    socket_dir: wire.socket_dir,
                    password: Zeroizing::new(wire.password),
                    secret_key: Zeroizing::new(wire.secret_key),
                })
            }
            _ => StateFile::Unreadable,
        })
    }

    /// Replaces the file.
    pub(super) fn save(&self, path: &Path) -> Result<(), LocalError> {
        let wire = Wire {
            format: FORMAT,
            port: self.port,
            socket_dir: self.socket_dir.clone(),
            password: self.password.as_str(),
            secret_key: self.secret_key.as_str(),
        };
        let json = serde_json::to_vec_pretty(&wire).map_err(io::Error::from);
        let json = Zeroizing::new(json.map_err(files::io_error("write", path))?);
        files::write_private(path, &json, files::owner_beside(path))
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("port", &self.port)
            .field("socket_dir", &self.socket_dir)
            .finish_non_exhaustive()
    }
}

fn random(encode: impl FnOnce(&[u8]) -> String) -> Result<Zeroizing<String>, LocalError> {
    let mut bytes = [0; SECRET_BYTES];
    rand::fill(&mut bytes).map_err(|_| LocalError::Random(ScramError::Random))?;
    let text = Zeroizing::new(encode(&bytes));
    bytes.zeroize();
    Ok(text)
}

fn is_key(text: &str) -> bool {
    STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == SECRET_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("local.json");
        let state = State::generate(25432, PathBuf::from("/run/x")).unwrap();
        state.save(&path).unwrap();
        match State::load(&path).unwrap() {
            StateFile::Usable(read) => {
                assert_eq!((read.port, &read.socket_dir), (25432, &state.socket_dir));
                assert_eq!(
                    (&read.password, &read.secret_key),
                    (&state.password, &state.secret_key)
                );
            }
            other => panic!("{other:?}"),
        }
        assert!(!format!("{state:?}").contains(state.password.as_str()));
    }

    #[test]
    fn a_truncated_file_is_unreadable_and_none_is_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("local.json");
        assert!(matches!(State::load(&path).unwrap(), StateFile::Nothing));
        State::generate(1, PathBuf::new()).unwrap().save(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(matches!(State::load(&path).unwrap(), StateFile::Unreadable), "{length}");
        }
    }

    #[test]
    fn secrets_are_long_fresh_and_fit_a_url() {
        let (a, b) = (
            State::generate(1, PathBuf::new()).unwrap(),
            State::generate(1, PathBuf::new()).unwrap(),
        );
        assert_ne!(a.password, b.password);
        assert_eq!(a.password.len(), 43);
        assert!(
            a.password.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        assert!(is_key(&a.secret_key));
    }
}
