//! Text from outside, made safe to show.
//!
//! Names, server messages and file contents may hold terminal escapes, bidirectional marks or
//! line breaks.

use std::fmt::Write;

/// Returns `text` with every character that could move a cursor, change a colour or reverse the
/// reading order written as an escape such as `\u{1b}`.
///
/// C0, DEL and C1 controls, line and paragraph separators, zero-width and bidirectional marks are
/// escaped; everything else, other scripts included, stays as it is. So do the two joiners between
/// characters that they join: Persian and Indic words and some emoji are spelled with them.
pub(crate) fn escape_controls(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    for (character, is_safe) in judged(text) {
        if is_safe {
            safe.push(character);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(safe, "{}", character.escape_default());
        }
    }
    safe
}

/// Returns the first character that is not shown as it is, and its place counted from 1.
pub(crate) fn first_unsafe(text: &str) -> Option<(usize, char)> {
    let mut places = judged(text).enumerate();
    places.find_map(|(at, (character, is_safe))| (!is_safe).then_some((at + 1, character)))
}

/// Returns each character with whether it may be shown as it is.
fn judged(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = None;
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || {
        let character = rest.next()?;
        let is_joined = |other: Option<char>| other.is_some_and(|c| !c.is_ascii() && !is_unsafe(c));
        let joins = matches!(character, '\u{200c}' | '\u{200d}')
            && is_joined(before)
            && is_joined(rest.peek().copied());
        before = Some(character);
        Some((character, joins || !is_unsafe(character)))
    })
}

/// How much of what a program printed an error message holds: lines of its beginning, lines of its end,
/// characters of a line.
const EXCERPT: (usize, usize, usize) = (4, 12, 300);

/// Returns what a program printed, fit to stand in an error message: the first lines and the last, each
/// made safe and cut to a width. Blank lines are left out, and a carriage return ends a line as well.
pub(crate) fn excerpt(printed: &str) -> String {
    let (first, last, width) = EXCERPT;
    let lines = printed.split(['\n', '\r']).map(str::trim_end).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.collect();
    let shown = |line: &&str| shorten(&escape_controls(&line.replace('\t', "    ")), width);
    let mut safe: Vec<String> = if lines.len() > first + last + 1 {
        let (begin, end) = (&lines[..first], &lines[lines.len() - last..]);
        let left_out = format!("… {} lines left out", lines.len() - first - last);
        begin.iter().map(shown).chain([left_out]).chain(end.iter().map(shown)).collect()
    } else {
        lines.iter().map(shown).collect()
    };
    if safe.is_empty() {
        safe.push("(nothing)".to_owned());
    }
    safe.join("\n")
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
    fn joiners_stay_where_they_join_letters_and_nowhere_else() {
        let spelled =
            ["نمونه\u{200c}سازی", "क्\u{200d}ष", "👨\u{200d}👩\u{200d}👧", "❤\u{fe0f}\u{200d}🔥"];
        for text in spelled {
            assert_eq!(escape_controls(text), text);
            assert_eq!(first_unsafe(text), None);
        }
        for (text, place) in [
            ("ac\u{200c}me", (3, '\u{200c}')),
            ("\u{200d}س", (1, '\u{200d}')),
            ("س\u{200c}\u{200c}س", (2, '\u{200c}')),
            ("س\u{200b}س", (2, '\u{200b}')),
            ("س\u{200d}", (2, '\u{200d}')),
        ] {
            assert_eq!(first_unsafe(text), Some(place), "{text:?}");
            assert!(escape_controls(text).contains("\\u{200"), "{text:?}");
        }
    }

    #[test]
    fn of_what_a_program_printed_the_ends_are_kept_line_by_line() {
        assert_eq!(excerpt("a\u{1b}[2J\r\n\n\tb\u{202e}\n"), "a\\u{1b}[2J\n    b\\u{202e}");
        assert_eq!(excerpt("10%\r90%\rdone\n"), "10%\n90%\ndone");
        assert_eq!(excerpt("\n \n"), "(nothing)");
        let lines = |count: u32| {
            let lines: Vec<_> = (0..count).map(|n| format!("line {n}")).collect();
            lines.join("\n")
        };
        let kept = excerpt(&lines(40));
        assert_eq!(kept.lines().count(), 17);
        assert!(kept.starts_with("line 0\nline 1\nline 2\nline 3\n… 24 lines left out\nline 28\n"));
        assert!(kept.ends_with("\nline 39"), "{kept}");
        assert_eq!(excerpt(&lines(17)), lines(17));
        assert_eq!(excerpt(&"x".repeat(1000)).chars().count(), 300);
    }

    #[test]
    fn shortening_counts_characters_not_bytes() {
        assert_eq!(shorten("ääää", 4), "ääää");
        assert_eq!(shorten("äääää", 4), "äää…");
    }
}
