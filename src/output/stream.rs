//! The process's streams: the only file that writes to them.

use std::io::{self, IsTerminal, Write};

use rustix::termios::{Winsize, tcgetwinsize};

use super::line::harmless;

#[derive(Debug, Clone)]
pub(super) enum Stream {
    Stdout,
    Stderr,
    /// Kept, to be read by a test.
    #[cfg(test)]
    Kept(super::kept::Kept),
}

impl Stream {
    /// Writes and flushes.
    pub(super) fn write(&self, text: &str) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut stream = io::stdout().lock();
                stream.write_all(text.as_bytes()).and_then(|()| stream.flush())
            }
            Self::Stderr => io::stderr().lock().write_all(text.as_bytes()),
            #[cfg(test)]
            Self::Kept(kept) => {
                kept.write(text);
                Ok(())
            }
        }
    }

    pub(super) fn is_terminal(&self) -> bool {
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
            #[cfg(test)]
            Self::Kept(_) => false,
        }
    }

    /// Returns how many columns the terminal has, where it knows.
    pub(super) fn columns(&self) -> Option<u16> {
        self.size().map(|size| size.ws_col).filter(|columns| *columns > 0)
    }

    /// Returns how many rows the terminal has, where it knows.
    pub(super) fn rows(&self) -> Option<u16> {
        self.size().map(|size| size.ws_row).filter(|rows| *rows > 0)
    }

    fn size(&self) -> Option<Winsize> {
        let size = match self {
            Self::Stdout => tcgetwinsize(io::stdout()),
            Self::Stderr => tcgetwinsize(io::stderr()),
            #[cfg(test)]
            Self::Kept(_) => return None,
        };
        size.ok()
    }
}

/// Where the lines of `-vv` go: stderr, each made harmless.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Stream::Stderr.write(&log_lines(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn log_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(|line| harmless(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_is_harmless() {
        let event = b"connected to postgres://op:hunter2@db/x\x1b[2J\r\xff\nnext\n";
        let written = "connected to postgres://op:****@db/x\\u{1b}[2J\\r\u{fffd}\nnext\n";
        assert_eq!(log_lines(event), written);
    }
}
