//! A tenant's failure, in a form that can be compared with those of others.

use crate::model::{Classified, DatabaseName, ErrorKind, Refusal, Tenant};

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

/// Returns a text without the tenant's own names.
fn without_names(text: &str, tenant: &Tenant) -> String {
    let id = tenant.id.to_string();
    let project = tenant.project_ref.as_ref().map(ToString::to_string);
    let database = tenant.database.as_ref();
    let mut names = vec![(tenant.slug.as_str(), "<tenant>"), (&id, "<tenant>")];
    names.extend(project.as_deref().map(|project| (project, "<project>")));
    names.extend(database.map(|name| (name.login(), "<database>")));
    // That of every project, and a word of messages.
    let own = database.map(DatabaseName::as_str).filter(|name| *name != DatabaseName::SUPABASE);
    names.extend(own.map(|name| (name, "<database>")));
    taken_out(text, &names)
}

/// Returns a text with names replaced by what stands for them. Only whole words are, so that what is
/// around one, its quotes among it, stays as it is.
fn taken_out(text: &str, names: &[(&str, &str)]) -> String {
    let mut common = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_of_word) {
        let (between, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_of_word(c)).unwrap_or(from.len()));
        let bare = word.trim_matches('-');
        common.push_str(between);
        match names.iter().find(|(name, _)| *name == bare) {
            Some((_, stands_for)) => common.push_str(&word.replacen(bare, stands_for, 1)),
            None => common.push_str(word),
        }
        rest = after;
    }
    common + rest
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenants_names_are_taken_out_and_quotes_stay_balanced() {
        let names = [("acme", "<tenant>"), ("tenant_acme_0a1b2c3d", "<database>")];
        for (said, common) in [
            ("find database `NAME` on the cluster", "find database `<database>` on the cluster"),
            ("database \"NAME\" does not exist", "database \"<database>\" does not exist"),
            ("connect to db:5432/NAME as NAME", "connect to db:5432/<database> as <database>"),
            ("prove `acme`, acme's (acme)", "prove `<tenant>`, <tenant>'s (<tenant>)"),
            ("`acme-`, -acme and macme, acme_x", "`<tenant>-`, -<tenant> and macme, acme_x"),
            ("NAME_old is another", "tenant_acme_0a1b2c3d_old is another"),
            ("'NAME", "'<database>"),
        ] {
            assert_eq!(taken_out(&said.replace("NAME", names[1].0), &names), common);
        }
    }
}
