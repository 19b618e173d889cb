//! What was written to one stream, kept for tests.

use std::io;
use std::sync::{Arc, Mutex};

use indicatif::TermLike;

/// What was written to one stream; a terminal that writes every line below the one before.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(Arc<Mutex<String>>);

impl Kept {
    pub(super) fn write(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }

    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl TermLike for Kept {
    fn width(&self) -> u16 {
        120
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.write(&format!("{line}\n"));
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.write(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
