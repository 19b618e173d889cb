//! An entry of a set that was left out.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its name in the set, where it has one.
    pub kid: Option<String>,
    pub reason: String,
}
