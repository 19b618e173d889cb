//! Why a tenant failed, and what it has in common with others that did.

use crate::model::{Classified, ErrorKind, Refusal, Tenant};
use crate::services::migration::MigrationError;

/// One tenant's failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// The server's SQLSTATE and the migration, where they are behind it.
    pub refusal: Refusal,
    /// What failed, with its causes.
    pub chain: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The chain with the tenant's own names taken out: equal for all that failed alike.
    pub common: String,
}

impl Cause {
    /// Returns the cause of a tenant's failure.
    pub(super) fn of(error: &MigrationError, tenant: &Tenant) -> Self {
        let chain = error.chain();
        let common = without_names(&chain.join(": "), tenant);
        Self { kind: error.kind(), refusal: error.refusal(), hint: error.hint(), chain, common }
    }
}

fn without_names(text: &str, tenant: &Tenant) -> String {
    let names = tenant.database.iter().flat_map(|name| [name.as_str(), name.login()]);
    let unnamed = names.fold(text.to_owned(), |text, name| text.replace(name, "<database>"));
    let slug = tenant.slug.as_str();
    // A slug may be part of another word, as `a` is of `table`.
    let words = unnamed.split(' ').map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        if bare == slug { word.replace(slug, "<tenant>") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}
