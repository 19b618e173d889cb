//! Values that must never reach a terminal, a log, an error or an argument list.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// A value that prints as dots and is wiped when dropped.
///
/// It has no `Display` and no `Serialize`; the value is read with `expose`, which can be searched
/// for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

/// A secret text: a password, a connection string.
pub type SecretText = Secret<String>;

impl<T: Zeroize> Secret<T> {
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••")
    }
}

impl From<String> for SecretText {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl From<Zeroizing<String>> for SecretText {
    fn from(value: Zeroizing<String>) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_dots() {
        let secret = SecretText::new("hunter2".to_owned());
        assert_eq!(format!("{secret:?}"), "••••");
        assert_eq!(secret.expose(), "hunter2");
    }
}
