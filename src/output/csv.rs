//! A list as RFC 4180 has it: one line of headings, then a line for each row.

use super::text::Table;

/// Returns a table as CSV, or a page of one. Control characters are escaped as they are everywhere; a cell
/// that a spreadsheet would take for a formula has `'` in front of it, which it takes for text.
pub(super) fn csv(table: &Table, has_headings: bool) -> String {
    let headings = table.headings.iter().map(|heading| heading.to_lowercase());
    let rows = table.rows.iter().map(|row| line(row.iter().map(super::line::Line::plain)));
    has_headings.then(|| line(headings)).into_iter().chain(rows).collect()
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells.map(guarded).map(|cell| {
        if cell.contains([',', '"', '\n', '\r']) || cell != cell.trim() {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
}

/// What a spreadsheet takes for the beginning of a formula, white space before it included.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Numbers are none, whatever their sign.
fn guarded(cell: String) -> String {
    let begins = |text: &str| {
        text.starts_with(FORMULA) || text.starts_with("\\t") || text.starts_with("\\r")
    };
    if begins(&cell) && cell.parse::<f64>().is_err() { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::line::{Line, bad};

    #[test]
    fn cells_are_quoted_where_they_must_be_and_harmless_everywhere() {
        let row = [Line::from("Acme, \"Ltd\""), bad("a\u{1b}[2J\nb"), Line::from("1+1")];
        let text = csv(&Table::new(["NAME", "STATUS", "PLAN"], [row]), true);
        assert_eq!(text, "name,status,plan\r\n\"Acme, \"\"Ltd\"\"\",a\\u{1b}[2J\\nb,1+1\r\n");
    }

    #[test]
    fn a_spreadsheet_takes_no_cell_for_a_formula_and_numbers_stay_numbers() {
        for formula in ["=1+1", "+cmd|'/C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-", "-x"]
        {
            let text = csv(&Table::new(["A"], [[Line::from(formula)]]), true);
            let cell = text.lines().nth(1).unwrap().trim_matches('"');
            assert!(cell.starts_with('\''), "{formula:?}: {text:?}");
        }
        for number in ["-5", "+7", "-1.25", "-1e9", "0"] {
            let text = csv(&Table::new(["A"], [[Line::from(number)]]), true);
            assert_eq!(text, format!("a\r\n{number}\r\n"));
        }
    }
}
