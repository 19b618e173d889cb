//! Tables that a migration says are shared on purpose: `-- tenantctl: shared TABLE because …`.
//!
//! What is declared so may be read by whoever was granted it, whatever tenant they are; nothing else
//! of the judgement is waived.

use super::lint::Problem;
use crate::model::escape_controls;

/// What begins such a line.
pub(super) const SHARED: &str = "-- tenantctl: shared";

/// The rule of a line that says too little.
const RULE: &str = "shared";

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shared {
    /// With its schema.
    pub table: String,
    /// Why, for those who read the file.
    pub because: String,
}

/// Returns the tables that a file declares.
///
/// # Errors
/// The line that names no table or says no reason.
pub(super) fn declared(text: &str) -> Result<Vec<Shared>, Problem> {
    let lines = text.lines().enumerate();
    let declared = lines.filter_map(|(index, line)| {
        let rest = line.trim().strip_prefix(SHARED)?;
        let said =
            rest.split_once(" because ").map(|(table, because)| (table.trim(), because.trim()));
        Some(match said {
            Some((table, because)) if is_name(table) && !because.is_empty() => Ok(Shared {
                table: if table.contains('.') {
                    table.to_owned()
                } else {
                    format!("public.{table}")
                },
                because: escape_controls(because),
            }),
            _ => Err(Problem {
                rule: RULE,
                line: index + 1,
                what: format!("`{SHARED}` needs a table and a reason"),
                remedy: format!(
                    "write it like: {SHARED} public.currencies because ISO 4217 is everybody's"
                ),
            }),
        })
    });
    declared.collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_shared_with_a_reason() {
        let text = "-- tenantctl: shared currencies because ISO 4217\ncreate table currencies ();\n\
                    \t-- tenantctl: shared more.rates because published daily\n\
                    --   (as in `-- tenantctl: shared TABLE because …`)";
        let names = |it: Vec<Shared>| it.into_iter().map(|it| it.table).collect::<Vec<_>>();
        assert_eq!(names(declared(text).unwrap()), ["public.currencies", "more.rates"]);
        for bad in
            ["shared", "shared x", "shared x because ", "shared because y", "shared a b because c"]
        {
            let problem = declared(&format!("select 1;\n-- tenantctl: {bad}")).unwrap_err();
            assert_eq!(problem.line, 2, "{bad}");
        }
    }
}
