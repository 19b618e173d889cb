//! Clean build × catalog → what differs, in words.
//!
//! What a database has beside a clean build is a difference where it belongs to something the clean
//! build has, stands in our schema, or lets somebody in. An adopted database's own tables and
//! functions are not, as long as no role was granted them.

use std::collections::{BTreeMap, BTreeSet};

use crate::adapters::server::CatalogObject;

/// Returns what differs, a clause each, sorted by name.
pub(super) fn differences(clean: &[CatalogObject], found: &[CatalogObject]) -> Vec<String> {
    let by_name = |objects: &'_ [CatalogObject]| -> BTreeMap<String, CatalogObject> {
        objects.iter().map(|object| (object.name.clone(), object.clone())).collect()
    };
    let (before, now) = (by_name(clean), by_name(found));
    let names: BTreeSet<_> = before.keys().chain(now.keys()).collect();
    let clause = |name: &String| match (before.get(name), now.get(name)) {
        (Some(clean), None) => {
            let is_told = !clean.parent.is_empty()
                && before.contains_key(&clean.parent)
                && !now.contains_key(&clean.parent);
            (!is_told).then(|| format!("{name} is missing"))
        }
        (Some(clean), Some(found)) if clean.hash != found.hash || clean.kind != found.kind => {
            Some(format!("{name} was changed"))
        }
        (None, Some(found)) if found.is_finding() => Some(name.clone()),
        (None, Some(found)) => {
            is_of_concern(found, &before, &now).then(|| format!("{name} was added"))
        }
        _ => None,
    };
    names.into_iter().filter_map(clause).collect()
}

/// Returns whether something that a clean build does not have is a difference.
fn is_of_concern(
    object: &CatalogObject,
    clean: &BTreeMap<String, CatalogObject>,
    found: &BTreeMap<String, CatalogObject>,
) -> bool {
    let is_attached = clean.contains_key(&object.parent);
    match object.kind.as_str() {
        "schema" | "table" | "function" | "type" | "extension" | "definer" => {
            object.name.contains(" tenantctl.")
        }
        // Whoever may call a function that runs with the caller's rights gets nothing by it, and
        // a schema holds nothing itself.
        "grant" => {
            let parent = found.get(&object.parent).map(|parent| parent.kind.as_str());
            is_attached || !matches!(parent, Some("function" | "schema"))
        }
        "owner" | "row security" | "column" | "constraint" | "index" | "policy" | "trigger"
        | "rule" => is_attached,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, parent: &str, name: &str, hash: &str) -> CatalogObject {
        let [kind, parent, name, hash] = [kind, parent, name, hash].map(str::to_owned);
        CatalogObject { kind, parent, name, hash }
    }

    #[test]
    fn what_differs_is_named_once() {
        let table = object("table", "", "table public.vendors", "1");
        let column = object("column", "table public.vendors", "column public.vendors.id", "1");
        let policy = object("policy", "table public.vendors", "policy gate_open on vendors", "1");
        let clean = [table.clone(), column.clone(), policy.clone()];
        assert_eq!(differences(&clean, &clean), [""; 0]);
        assert_eq!(differences(&clean, &[]), ["table public.vendors is missing"]);
        let changed = CatalogObject { hash: "2".to_owned(), ..policy };
        assert_eq!(
            differences(&clean, &[table, changed]),
            ["column public.vendors.id is missing", "policy gate_open on vendors was changed"]
        );
    }

    #[test]
    fn what_was_added_counts_where_it_lets_somebody_in() {
        let clean = [object("table", "", "table public.vendors", "1")];
        let added = |kind: &str, parent: &str, name: &str| {
            let found = [clean[0].clone(), object(kind, parent, name, "1")];
            !differences(&clean, &found).is_empty()
        };
        assert!(!added("table", "", "table public.theirs"));
        assert!(added("table", "", "table tenantctl.more"));
        assert!(!added("column", "table public.theirs", "column public.theirs.id"));
        assert!(added("column", "table public.vendors", "column public.vendors.more"));
        assert!(added("grant", "table public.theirs", "grant of SELECT on table public.theirs"));
        assert!(added("role", "", "tenantctl_app may bypass row security"));
        assert!(added("event trigger", "", "event trigger leak"));
    }
}
