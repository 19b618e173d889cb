//! A terminal's last lines, which are redrawn. The cursor rests at the beginning of the last one: what
//! the terminal writes there by itself, as `^C`, begins no new line, and after a resize all of them are
//! found again.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressDrawTarget, TermLike};
use textwrap::core::display_width;

use super::stream::Stream;

/// How high a terminal is that does not say it.
const HEIGHT: u16 = 24;

#[derive(Debug)]
pub(super) struct Screen {
    stream: Stream,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What was written since the last flush: each line, and then what fills it up.
    written: Vec<String>,
    /// How wide each line is that stands there.
    drawn: Vec<usize>,
    /// How much of the last line stands before the cursor: a window that just became narrower breaks it.
    before: usize,
}

/// Returns where lines that are redrawn go.
pub(super) fn target(stream: &Stream) -> ProgressDrawTarget {
    ProgressDrawTarget::term_like(match stream {
        #[cfg(test)]
        Stream::Kept(kept) => Box::new(kept.clone()),
        stream => Box::new(Screen::new(stream.clone())),
    })
}

impl Screen {
    fn new(stream: Stream) -> Self {
        Self { stream, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns how many rows are above the cursor, at the width that the terminal has by now.
fn rows_above(drawn: &[usize], before: usize, columns: usize) -> usize {
    let above = drawn.split_last().map_or(&[][..], |(_, above)| above);
    let rows: usize = above.iter().map(|width| width.div_ceil(columns).max(1)).sum();
    rows + before / columns
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.stream.columns().unwrap_or(80)
    }

    fn height(&self) -> u16 {
        self.stream.rows().unwrap_or(HEIGHT)
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

    fn write_line(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.state().written.push(text.to_owned());
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut state = self.state();
        let columns = usize::from(self.width().max(1));
        let up = match rows_above(&state.drawn, state.before, columns) {
            0 => String::new(),
            rows => format!("\u{1b}[{rows}A"),
        };
        let lines: Vec<_> = state.written.drain(..).step_by(2).collect();
        state.drawn = lines.iter().map(|line| display_width(line)).collect();
        let last = state.drawn.last().copied().unwrap_or_default();
        state.before = last.saturating_sub(1) / columns * columns;
        self.stream.write(&format!("\r{up}\u{1b}[J{}\r", lines.join("\r\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::kept::Kept;

    #[test]
    fn lines_are_found_again_after_a_resize_and_the_cursor_stays_before_them() {
        let kept = Kept::default();
        let screen = Screen::new(Stream::Kept(kept.clone()));
        for line in ["x".repeat(100), "y".to_owned()] {
            screen.write_str(&line).unwrap();
            screen.write_str("   ").unwrap();
        }
        screen.flush().unwrap();
        let first = format!("\r\u{1b}[J{}\r\ny\r", "x".repeat(100));
        assert_eq!(kept.text(), first, "nothing fills the last line up");
        screen.flush().unwrap();
        assert_eq!(kept.text(), first + "\r\u{1b}[2A\u{1b}[J\r", "of 80 columns two rows");
        assert_eq!(rows_above(&[100, 1], 0, 200), 1);
        assert_eq!(rows_above(&[0, 0, 50], 0, 40), 2);
        assert_eq!(rows_above(&[10, 79], 50, 50), 2, "the cursor is in the last line's second row");
        assert_eq!(rows_above(&[], 0, 80), 0);
    }
}
