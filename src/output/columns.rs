//! How a table becomes characters: what is whole, what is cut, and what is left out in a narrow window.
//!
//! Identifiers and instants are there to be copied, so they are never broken.

use comfy_table::{ContentArrangement, Table as Columns};
use textwrap::core::display_width;

use super::line::{Line, dim, heading};
use super::look::Look;
use super::text::{Fit, Table};

/// Between two columns.
const GAP: usize = 2;

/// A free text is not cut below this, and prose not broken below it.
const LEAST: usize = 12;

/// Returns a table without lines.
pub(super) fn columns(table: &Table, look: Look) -> String {
    let mut layout = None;
    let text = page(table, look, &mut layout);
    match layout.and_then(|layout| layout.left_out(table)) {
        Some(line) => format!("{text}\n{}", line.painted(look.has_color)),
        None => text,
    }
}

/// Which columns a table has room for, decided by its first page.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The columns by their place.
    shown: Vec<usize>,
    /// How wide each column may be where its text is free.
    room: Vec<usize>,
    /// How wide each column was drawn so far.
    drawn: Vec<usize>,
}

impl Layout {
    /// Returns a line about the columns that had no room.
    pub(super) fn left_out(&self, table: &Table) -> Option<Line> {
        let out = (0..table.headings.len()).filter(|at| !self.shown.contains(at));
        let out: Vec<_> = out.map(|at| table.headings[at].as_str()).collect();
        (!out.is_empty())
            .then(|| dim(format_args!("Left out here: {}; --wide shows all.", out.join(", "))))
    }
}

/// Returns a page of a table. The first one has the headings and decides on the layout; in a later one
/// what is there to be copied stays whole, should it be wider.
pub(super) fn page(table: &Table, look: Look, layout: &mut Option<Layout>) -> String {
    let widths: Vec<usize> = (0..table.headings.len()).map(|at| natural(table, at)).collect();
    let is_first = layout.is_none();
    let layout = layout.get_or_insert_with(|| {
        let (shown, room) = match look.width {
            None => ((0..widths.len()).collect(), vec![usize::MAX; widths.len()]),
            Some(width) => fitted(table, &widths, width),
        };
        Layout { shown, room, drawn: vec![0; widths.len()] }
    });
    for (at, drawn) in layout.drawn.iter_mut().enumerate() {
        let is_whole = table.fit(at) == Fit::Whole;
        *drawn = (*drawn).max(if is_whole { widths[at] } else { widths[at].min(layout.room[at]) });
    }
    let mut drawn = Columns::new();
    drawn.load_style(comfy_table::presets::NOTHING);
    // Width and colour are decided here, not guessed by the library.
    drawn.force_no_tty();
    drawn.set_content_arrangement(ContentArrangement::Disabled);
    drawn.set_header(layout.shown.iter().map(|at| {
        let name = &table.headings[*at];
        // A page is as wide as those before it.
        let missing = layout.drawn[*at].saturating_sub(display_width(name));
        heading(name).painted(look.has_color) + &" ".repeat(missing)
    }));
    for cells in &table.rows {
        drawn.add_row(layout.shown.iter().map(|at| match (look.width, table.fit(*at)) {
            (Some(_), Fit::Prose) => {
                broken(&cells[*at], layout.room[*at], look.has_color).join("\n")
            }
            (Some(_), Fit::Cut) => cells[*at].clone().cut(layout.room[*at]).painted(look.has_color),
            (None, _) | (Some(_), Fit::Whole) => cells[*at].painted(look.has_color),
        }));
    }
    for column in drawn.column_iter_mut() {
        column.set_padding((0, u16::try_from(GAP).unwrap_or_default()));
    }
    let lines = drawn.lines().skip(usize::from(!is_first));
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn natural(table: &Table, at: usize) -> usize {
    let cells = table.rows.iter().map(|row| display_width(&row[at].plain()));
    cells.chain([display_width(&table.headings[at])]).max().unwrap_or(0)
}

/// Returns which columns a window of this width has room for, and how wide each is.
fn fitted(table: &Table, widths: &[usize], width: usize) -> (Vec<usize>, Vec<usize>) {
    let mut shown: Vec<usize> = (0..widths.len()).collect();
    let least = |at: usize| match table.fit(at) {
        Fit::Whole => widths[at],
        Fit::Cut | Fit::Prose => widths[at].min(LEAST.max(table.headings[at].len())),
    };
    let gaps = |shown: &[usize]| GAP * shown.len().saturating_sub(1);
    let needed = |shown: &[usize]| shown.iter().map(|at| least(*at)).sum::<usize>() + gaps(shown);
    while needed(&shown) > width
        && let Some(out) = table
            .droppable
            .iter()
            .rev()
            .find_map(|heading| shown.iter().position(|at| table.headings[*at] == *heading))
    {
        shown.remove(out);
    }
    // What had to go may have been wide: something narrower may have room again.
    for heading in &table.droppable {
        let Some(at) = table.headings.iter().position(|known| known == heading) else { continue };
        let mut more = shown.clone();
        more.push(at);
        more.sort_unstable();
        if !shown.contains(&at) && needed(&more) <= width {
            shown = more;
        }
    }
    let mut given = widths.to_vec();
    let mut spare = width.saturating_sub(needed(&shown));
    for at in shown.iter().copied().filter(|at| table.fit(*at) != Fit::Whole) {
        let more = spare.min(widths[at] - least(at));
        given[at] = least(at) + more;
        spare -= more;
    }
    (shown, given)
}

/// Breaks prose between words; what is one word stays whole.
fn broken(cell: &Line, width: usize, has_color: bool) -> Vec<String> {
    let options = textwrap::Options::new(width.max(1))
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let text = cell.painted(has_color);
    textwrap::wrap(&text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions() -> Table {
        let id = "01a21718-bae7-7064-8860-edf5b03e14d8";
        let row = |device: &str| {
            let cells = [id, "acme", "2026-11-26T08:30:57Z", device];
            cells.map(Line::from)
        };
        let device = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36";
        Table::new(
            ["JTI", "TENANT", "ISSUED", "DEVICE"],
            [row(device), row("電話電話電話電話電話")],
        )
        .cut("DEVICE")
        .dropping(&["DEVICE", "ISSUED"])
    }

    fn shown(table: &Table, width: usize) -> String {
        columns(table, Look { has_color: false, width: Some(width), wraps: false })
    }

    #[test]
    fn identifiers_and_instants_stay_whole_and_free_text_is_cut() {
        let text = shown(&sessions(), 84);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[1].ends_with("2026-11-26T08:30:57Z  Mozilla/5.0 (X1…"), "{text}");
        assert!(lines[2].ends_with("電話電話電話電…"), "two columns a character: {text}");
        assert!(lines.iter().all(|line| display_width(line) <= 84), "{text}");
    }

    #[test]
    fn what_matters_least_is_left_out_and_named() {
        let text = shown(&sessions(), 56);
        let first = text.lines().nth(1).unwrap();
        assert_eq!(first, "01a21718-bae7-7064-8860-edf5b03e14d8  acme");
        assert!(text.ends_with("Left out here: ISSUED, DEVICE; --wide shows all."), "{text}");
        // What cannot be left out is not broken either.
        let narrow = shown(&sessions(), 20);
        assert!(narrow.contains("01a21718-bae7-7064-8860-edf5b03e14d8  acme"), "{narrow}");
    }

    #[test]
    fn a_table_that_has_room_is_as_wide_as_it_is() {
        let table = sessions();
        let whole = columns(&table, Look { has_color: false, width: None, wraps: false });
        assert_eq!(shown(&table, 200), whole);
        assert!(whole.contains("AppleWebKit/537.36"));
    }

    #[test]
    fn a_later_page_stands_below_the_first_and_grows_where_it_must() {
        let look = Look { has_color: false, width: Some(30), wraps: false };
        let table = |rows: &[[&str; 3]]| {
            let rows = rows.iter().map(|row| row.map(Line::from));
            Table::new(["SLUG", "NAME", "PLAN"], rows).cut("NAME").dropping(&["PLAN"])
        };
        let mut layout = None;
        let first = page(&table(&[["acme", "Acme Limited", "gold"]]), look, &mut layout);
        assert_eq!(first, "SLUG  NAME          PLAN\nacme  Acme Limited  gold");
        let narrow = page(&table(&[["a1", "Globex", ""], ["b", "C", "x"]]), look, &mut layout);
        assert_eq!(narrow, "a1    Globex\nb     C             x");
        let wide = page(&table(&[["a-long-slug", "A name that is long", "g"]]), look, &mut layout);
        assert_eq!(wide, "a-long-slug  A name that…  g");
    }

    #[test]
    fn prose_is_broken_between_words() {
        let row = ["gate", "shut in the tenant's own database"].map(Line::from);
        let text = shown(&Table::new(["LAYER", "DETAIL"], [row]), 24);
        let expected = "LAYER  DETAIL\ngate   shut in the\n       tenant's own\n       database";
        assert_eq!(text, expected);
    }
}
