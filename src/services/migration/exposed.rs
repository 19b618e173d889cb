//! What lets a client past row security, in words: what it is, and what to write.

use super::shared::SHARED;

/// What lets a client past row security, and what to write against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exposed {
    /// As in `row security is not forced on notes`.
    pub what: String,
    /// The file that makes it, where that can be told.
    pub file: Option<String>,
    /// The statement that mends it.
    pub line: String,
    /// The table, where it can be declared as shared.
    pub table: Option<String>,
}

/// Returns the findings as one clause.
pub(super) fn clause(found: &[Exposed]) -> String {
    let clause = |it: &Exposed| match &it.file {
        Some(file) => format!("{} ({file})", it.what),
        None => it.what.clone(),
    };
    found.iter().map(clause).collect::<Vec<_>>().join("; ")
}

/// Returns what to write, before the files ran anywhere and after.
pub(crate) fn remedy(found: &[Exposed], has_run: bool) -> String {
    let lines: Vec<_> = found.iter().map(|it| format!("`{}`", it.line)).collect();
    let lines = lines.join(" ");
    let file = match found {
        [Exposed { file: Some(file), .. }, ..] if !has_run => file.clone(),
        _ => "a new migration (tenantctl migrate new protect)".to_owned(),
    };
    let shared = found.iter().find_map(|it| it.table.as_ref());
    let shared =
        shared.map(|table| format!(", or, when it is meant so, `{SHARED} {table} because …`"));
    format!("write into {file}: {lines}{}", shared.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_names_the_file_until_it_ran() {
        let found = [Exposed {
            what: "row security is not forced on notes".to_owned(),
            file: Some("V8__notes.sql".to_owned()),
            line: "SELECT tenantctl.protect('public.notes');".to_owned(),
            table: Some("public.notes".to_owned()),
        }];
        assert_eq!(clause(&found), "row security is not forced on notes (V8__notes.sql)");
        let before = remedy(&found, false);
        assert!(
            before.starts_with("write into V8__notes.sql: `SELECT tenantctl.protect("),
            "{before}"
        );
        let after = remedy(&found, true);
        assert!(after.starts_with("write into a new migration"), "{after}");
        assert!(after.ends_with("`-- tenantctl: shared public.notes because …`"), "{after}");
    }
}
