//! Text from outside, made safe to show.
//!
//! Names, server messages and file contents may hold terminal escapes, bidirectional marks or
//! line breaks.

use std::fmt::Write;

/// Returns `text` with every character that could move a cursor, change a colour or reverse the
/// reading order written as an escape such as `\u{1b}`.
///
/// C0, DEL and C1 controls, line and paragraph separators, zero-width and bidirectional marks are
/// escaped; everything else, other scripts included, stays as it is.
pub(crate) fn escape_controls(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "{}", character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Returns bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Returns at most `limit` characters of `text`, the last one `…` when something was cut.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    short.push('…');
    short
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{61c}' | '\u{180e}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_become_visible_and_scripts_stay() {
        assert_eq!(escape_controls("a\u{1b}[2Jb\r\n"), "a\\u{1b}[2Jb\\r\\n");
        assert_eq!(escape_controls("\u{9b}31m\u{202e}x"), "\\u{9b}31m\\u{202e}x");
        assert_eq!(escape_controls("Kaveri काव्य 電機"), "Kaveri काव्य 電機");
    }

    #[test]
    fn shortening_counts_characters_not_bytes() {
        assert_eq!(shorten("ääää", 4), "ääää");
        assert_eq!(shorten("äääää", 4), "äää…");
    }
}
