//! One judgement of row security for `migrate apply`, `tenant create` and `migrate status --verify`:
//! what the catalog shows, less the tables that a migration says are shared on purpose.

use super::exposed::Exposed;
use super::sets::Sets;
use crate::adapters::server::Finding;

/// Returns what of the findings in a database is not said to be so on purpose.
pub(crate) fn judge(findings: Vec<Finding>, sets: &Sets) -> Vec<Exposed> {
    let is_shared = |table: &Option<String>| {
        table.as_ref().is_some_and(|table| sets.shared.iter().any(|it| it.table == *table))
    };
    let findings = findings.into_iter().filter(|found| !is_shared(&found.relation));
    findings
        .map(|Finding { text, relation, line }| {
            let file = relation.as_ref().and_then(|relation| file_of(relation, sets));
            Exposed { what: text, file, line, table: relation }
        })
        .collect()
}

/// Returns the file of the operator's that makes a relation: the last one that names it where
/// something is created.
fn file_of(relation: &str, sets: &Sets) -> Option<String> {
    let name = relation.rsplit_once('.').map_or(relation, |(_, name)| name);
    let name = name.trim_matches('"').to_lowercase();
    let makes = |text: &str| {
        let text = text.to_lowercase();
        text.split(';').any(|statement| {
            let mut words = statement.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            words.any(|word| word == "create") && words.any(|word| word == name)
        })
    };
    let own = sets.domain.own_texts();
    own.into_iter().rev().find(|(_, text)| makes(text)).map(|(file, _)| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::migration::OwnMigrations;

    fn finding(relation: Option<&str>) -> Finding {
        Finding {
            text: "row security is not forced on notes".to_owned(),
            relation: relation.map(str::to_owned),
            line: "SELECT tenantctl.protect('public.notes');".to_owned(),
        }
    }

    fn exposed() -> Exposed {
        Exposed {
            what: "row security is not forced on notes".to_owned(),
            file: Some("V8__notes.sql".to_owned()),
            line: "SELECT tenantctl.protect('public.notes');".to_owned(),
            table: Some("public.notes".to_owned()),
        }
    }

    #[test]
    fn what_is_shared_is_not_found_and_the_rest_says_what_to_write() {
        let folder = tempfile::tempdir().unwrap();
        let own = OwnMigrations { folder: folder.path().to_owned(), base: None };
        let notes = "CREATE TABLE public.notes (tenant_id uuid);";
        std::fs::write(folder.path().join("V8__notes.sql"), notes).unwrap();
        std::fs::write(folder.path().join("V9__x.sql"), "select 'notes'; create table x ();")
            .unwrap();
        let sets = Sets::load(Some(&own)).unwrap();
        assert_eq!(judge(vec![finding(Some("public.notes"))], &sets), [exposed()]);
        let shared = format!("-- tenantctl: shared notes because they are everybody's\n{notes}");
        std::fs::write(folder.path().join("V8__notes.sql"), shared).unwrap();
        let sets = Sets::load(Some(&own)).unwrap();
        assert_eq!(judge(vec![finding(Some("public.notes"))], &sets), []);
        assert_eq!(judge(vec![finding(None)], &sets).len(), 1);
    }
}
