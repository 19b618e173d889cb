//! Tables and blocks of facts, fitted to the window.

use comfy_table::{ContentArrangement, Table};

use super::console::Console;
use crate::model::escape_controls;

/// What stands in a table: text, whatever it holds, that is shown as it is read, perhaps in colour.
pub(super) struct Cell(String);

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self(escape_controls(&text))
    }
}

impl Cell {
    /// Returns a word of ours in the colour of what is well.
    pub(super) fn good(console: &Console, word: &'static str) -> Self {
        Self(console.good(word))
    }

    /// Returns a word of ours in the colour of what is not.
    pub(super) fn bad(console: &Console, word: &'static str) -> Self {
        Self(console.bad(word))
    }
}

/// Returns a table without lines, as wide as the window at most; unbounded when piped.
pub(super) fn table<C: Into<Cell>>(
    console: &Console,
    headers: &[&str],
    rows: Vec<Vec<C>>,
) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(headers.iter().map(|header| console.heading(header)));
    for row in rows {
        table.add_row(row.into_iter().map(|cell| cell.into().0));
    }
    // Width and colour are the console's decisions, not the library's guess.
    table.force_no_tty();
    match console.width() {
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    let columns = headers.len();
    for index in 0..columns {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, if index + 1 == columns { 0 } else { 2 }));
        }
    }
    let text = table.to_string();
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// Returns names and values in two columns; facts without a value are left out.
pub(super) fn facts(console: &Console, facts: &[(&str, Option<String>)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (name, value) in facts {
        if let Some(value) = value {
            let name = console.dim(&format!("{name:width$}"));
            lines.push(format!("{name}  {}", escape_controls(value)));
        }
    }
    lines.join("\n")
}

/// Returns a text that begins in this column, broken at blanks where the window ends and continued
/// below its beginning; in one line when nobody looks at a window.
pub(super) fn hanging(console: &Console, text: &str, column: usize) -> String {
    match console.width() {
        Some(width) => broken(text, usize::from(width).saturating_sub(column), column),
        None => text.to_owned(),
    }
}

fn broken(text: &str, room: usize, column: usize) -> String {
    let mut lines = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', column));
            used = 0;
        } else if !lines.is_empty() {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_hangs_below_its_beginning() {
        assert_eq!(broken("one two three", 20, 4), "one two three");
        assert_eq!(broken("one two three", 7, 4), "one two\n    three");
        assert_eq!(broken("one two three", 2, 1), "one\n two\n three");
        assert_eq!(broken("", 2, 1), "");
    }
}
