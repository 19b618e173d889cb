//! What a reader wants of a list: which columns, in which order, how many.

use std::cmp::Ordering;

use super::failure::Failure;
use super::line::Line;
use super::text::Table;
use crate::model::{ErrorKind, did_you_mean, nearest};

/// What a reader wants of a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrangement {
    /// Whether nothing is cut or left out where the window is narrow.
    pub(super) is_wide: bool,
    /// The columns by their place, in the order that was asked for; none for all.
    columns: Vec<usize>,
    /// The column that rows are sorted by, and whether backwards.
    sort: Option<(usize, bool)>,
    limit: Option<usize>,
    /// Whether each item has its row, also where many are alike.
    has_each: bool,
}

impl Arrangement {
    /// Returns an arrangement of a list with these headings.
    ///
    /// # Errors
    /// When a column is named that the list does not have.
    pub(crate) fn new(
        headings: &[&'static str],
        is_wide: bool,
        columns: &[String],
        sort: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Self, Failure> {
        let place = |name: &str| {
            headings.iter().position(|heading| heading.eq_ignore_ascii_case(name)).ok_or_else(
                || {
                    let known: Vec<_> =
                        headings.iter().map(|heading| heading.to_lowercase()).collect();
                    let message = format!("find column `{name}`: the list has none");
                    let near = nearest(&name.to_lowercase(), known.iter().map(String::as_str));
                    let meant = did_you_mean(&near).map_or(String::new(), |meant| meant + " ");
                    Failure::new(ErrorKind::Usage, message)
                        .hint(format!("{meant}its columns are {}", known.join(", ")))
                },
            )
        };
        let columns = columns.iter().map(|name| place(name.trim())).collect::<Result<_, _>>()?;
        let sort = match sort.map(|key| (key, key.strip_suffix(":desc"))) {
            None => None,
            Some((_, Some(key))) => Some((place(key)?, true)),
            Some((key, None)) => Some((place(key)?, false)),
        };
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Self { is_wide, columns, sort, limit, has_each: false })
    }

    /// Returns whether the list is wanted in an order of its own.
    pub(super) fn is_sorted(&self) -> bool {
        self.sort.is_some()
    }

    /// Returns how many more items are wanted after so many.
    pub(super) fn room(&self, shown: usize) -> usize {
        self.limit.map_or(usize::MAX, |limit| limit.saturating_sub(shown))
    }

    /// Returns the same with a row for each item, as a program wants it.
    #[must_use]
    pub(crate) fn with_each(self) -> Self {
        Self { has_each: true, ..self }
    }

    /// Returns whether nothing was asked for: then what is alike may be said once.
    pub(super) fn is_plain(&self) -> bool {
        !(self.has_each || self.is_sorted() || self.limit.is_some() || self.is_wide)
            && self.takes_all_columns()
    }

    /// Returns whether every column is shown.
    pub(super) fn takes_all_columns(&self) -> bool {
        self.columns.is_empty()
    }

    /// Sorts and cuts rows and, beside them, the values they were made of.
    pub(super) fn apply<T: Default>(&self, table: &mut Table, values: &mut Vec<T>) {
        let is_paired = table.rows.len() == values.len();
        if let Some((column, is_backwards)) = self.sort {
            let mut order: Vec<usize> = (0..table.rows.len()).collect();
            order.sort_by(|a, b| {
                let order = compare(&table.rows[*a][column], &table.rows[*b][column]);
                if is_backwards { order.reverse() } else { order }
            });
            table.rows = order.iter().map(|at| std::mem::take(&mut table.rows[*at])).collect();
            if is_paired {
                *values = order.iter().map(|at| std::mem::take(&mut values[*at])).collect();
            }
        }
        if let Some(limit) = self.limit {
            table.rows.truncate(limit);
            values.truncate(limit);
        }
        self.pick(table);
    }

    /// Keeps the columns that are wanted.
    pub(super) fn pick(&self, table: &mut Table) {
        if !self.columns.is_empty() {
            table.keep(&self.columns);
        }
    }
}

/// Numbers and versions by their size, anything else as text; what is empty comes last.
fn compare(a: &Line, b: &Line) -> Ordering {
    let (a, b) = (a.plain(), b.plain());
    let number = |text: &str| text.strip_prefix('V').unwrap_or(text).parse::<i64>().ok();
    match (number(&a), number(&b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.is_empty().cmp(&b.is_empty()).then(a.cmp(&b)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sorted(key: &str, limit: Option<u32>) -> (Vec<String>, Vec<Value>) {
        let headings = ["SLUG", "SCHEMA"];
        let arrangement =
            Arrangement::new(&headings, false, &["schema".to_owned()], Some(key), limit).unwrap();
        let rows = [["b", "V9"], ["a", "V10"], ["c", ""]].map(|row| row.map(Line::from));
        let mut table = Table::new(headings, rows);
        let mut values = vec![json!("b"), json!("a"), json!("c")];
        arrangement.apply(&mut table, &mut values);
        assert_eq!(table.headings, ["SCHEMA"]);
        (table.rows.iter().map(|row| row[0].plain()).collect(), values)
    }

    #[test]
    fn rows_and_values_are_sorted_and_cut_together() {
        let slugs = |slugs: &[&str]| slugs.iter().map(|slug| json!(slug)).collect::<Vec<_>>();
        assert_eq!(sorted("schema", None).0, ["V9", "V10", ""]);
        assert_eq!(sorted("slug", None).1, slugs(&["a", "b", "c"]));
        assert_eq!(sorted("SLUG:desc", Some(2)).1, slugs(&["c", "b"]));
    }

    #[test]
    fn a_column_that_is_not_there_is_refused_with_those_that_are() {
        let refused = Arrangement::new(&["SLUG"], false, &[], Some("slgu"), None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Usage);
        assert!(refused.line().contains("`slgu`"));
        let hint = refused.json()["error"]["hint"].to_string();
        assert!(hint.contains("did you mean `slug`? its columns are slug"), "{hint}");
    }
}
