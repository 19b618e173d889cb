//! A list as RFC 4180 has it: one line of headings, then a line for each row.

use super::text::Table;

/// Returns a table as CSV, or a page of one. Control characters are escaped as they are everywhere; a cell that a
/// spreadsheet takes for a formula stays what it is.
pub(super) fn csv(table: &Table, has_headings: bool) -> String {
    let headings = table.headings.iter().map(|heading| heading.to_lowercase());
    let rows = table.rows.iter().map(|row| line(row.iter().map(super::line::Line::plain)));
    has_headings.then(|| line(headings)).into_iter().chain(rows).collect()
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells.map(|cell| {
        if cell.contains([',', '"', '\n', '\r']) || cell != cell.trim() {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::line::{Line, bad};

    #[test]
    fn cells_are_quoted_where_they_must_be_and_harmless_everywhere() {
        let row = [Line::from("Acme, \"Ltd\""), bad("a\u{1b}[2J\nb"), Line::from("=1+1")];
        let text = csv(&Table::new(["NAME", "STATUS", "PLAN"], [row]), true);
        assert_eq!(text, "name,status,plan\r\n\"Acme, \"\"Ltd\"\"\",a\\u{1b}[2J\\nb,=1+1\r\n");
    }
}
