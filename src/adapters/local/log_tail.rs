//! The end of a program's output, fit to stand in an error message.
//!
//! Bounded in lines and width, and with control characters escaped: a log can hold what a client
//! sent, and an error message goes to a terminal.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::model::{escape_controls, shorten};

const LINES: usize = 12;
const WIDTH: usize = 300;
const BYTES: u64 = 16 * 1024;

/// Returns what was appended to the file at `path` after `offset`, at most its last 16 KiB.
///
/// A file that cannot be read gives nothing: this is for a message about another error.
pub(super) fn appended(path: &Path, offset: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(offset.max(length.saturating_sub(BYTES)).min(length)))?;
        let mut bytes = Vec::new();
        file.take(BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

/// Returns the last lines of `text`, each indented by two spaces.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return "  (nothing)".to_owned();
    }
    let last = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
    let shown: Vec<String> = last.iter().map(|line| format!("  {}", escape(line))).collect();
    shown.join("\n")
}

fn escape(line: &str) -> String {
    shorten(&escape_controls(&line.replace('\t', " ")), WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept_and_blank_ones_are_not() {
        let lines: Vec<String> = (0..40).map(|n| format!("line {n}\n")).collect();
        let tail = last_lines(&lines.join("\n"));
        assert_eq!(tail.lines().count(), LINES);
        assert!(tail.starts_with("  line 28\n") && tail.ends_with("  line 39"), "{tail}");
        assert_eq!(last_lines("\n \n"), "  (nothing)");
    }

    #[test]
    fn control_characters_cannot_reach_the_terminal() {
        assert_eq!(escape("a\u{1b}[2Jb\rc\u{202e}d\te ü"), "a\\u{1b}[2Jb\\rc\\u{202e}d e ü");
    }

    #[test]
    fn a_long_line_is_cut() {
        assert_eq!(escape(&"x".repeat(1000)).chars().count(), WIDTH);
    }

    #[test]
    fn only_what_came_after_the_offset_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, "old\nnew\n").unwrap();
        assert_eq!(appended(&path, 4), "new\n");
        assert_eq!(appended(&path, 99), "");
        assert_eq!(appended(&directory.path().join("none"), 0), "");
    }
}
