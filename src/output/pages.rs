//! Long results, written piece by piece.

use super::appearance::Format;
use super::columns::{Layout, page};
use super::console::Console;
use super::csv::csv;
use super::json::json_pretty;
use super::spool::Spool;
use super::text::Table;
use super::view::View;

impl Console {
    /// Writes a page of a table; the first one decides on the layout.
    pub(super) fn page(&self, table: &Table, is_wide: bool, layout: &mut Option<Layout>) {
        let is_first = layout.is_none();
        match self.format() {
            Format::Csv => {
                // Its layout is that of any table that is not cut.
                layout.get_or_insert_default();
                self.write_out(&csv(table, is_first));
            }
            _ => self.write_out(&(page(table, self.look_of_results(is_wide), layout) + "\n")),
        }
    }

    /// Writes what follows the last page of a table: which columns had no room.
    pub(super) fn end_of_pages(&self, table: &Table, layout: &Layout) {
        if self.format() == Format::Table
            && let Some(line) = layout.left_out(table)
        {
            self.write_out(&(line.painted(self.look_of_results(false).has_color) + "\n"));
        }
    }

    /// Writes a document whose list came in pieces; `around` has the list empty.
    pub(super) fn show_spooled(&self, around: &View, spool: Spool) {
        let text = around.document(json_pretty) + "\n";
        if let Err(error) = spool.document(&text, |piece| self.write_out(piece)) {
            self.break_stdout(error);
        }
    }
}
