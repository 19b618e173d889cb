//! A tenant's failure, in a form that can be compared with those of others.

use crate::model::{Classified, ErrorKind, Refusal, Tenant};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    pub kind: ErrorKind,
    /// The SQLSTATE and the migration, if a server refused one.
    pub refusal: Refusal,
    /// The message and its causes, outermost first.
    pub chain: Vec<String>,
    pub hint: Option<String>,
    /// The chain without the tenant's own names: equal for all tenants that failed the same way.
    pub common: String,
    /// Whether nobody else should be touched before a person looked.
    pub is_alarming: bool,
}

impl Cause {
    pub(super) fn of(error: &impl Classified, tenant: &Tenant) -> Self {
        let cause = Self::told(error.kind(), error.chain(), error.hint(), tenant);
        Self { refusal: error.refusal(), ..cause }
    }

    /// Returns the cause that a report tells.
    pub(super) fn told(
        kind: ErrorKind,
        chain: Vec<String>,
        hint: Option<String>,
        tenant: &Tenant,
    ) -> Self {
        let common = without_names(&chain.join(": "), tenant);
        Self { kind, refusal: Refusal::default(), hint, chain, common, is_alarming: false }
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
