//! A file's bytes as text: UTF-8, without a byte-order mark, with line feeds.
//!
//! What an editor or a checkout adds is taken off before the checksum is made, so that one file has
//! one checksum on every machine.

use super::script::Unreadable;

/// Returns the text of a file.
///
/// # Errors
/// When it is not UTF-8, or only some of its lines end in CRLF.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, Unreadable> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let what = "it is UTF-16".to_owned();
        return Err(Unreadable { line: 1, what, remedy: "save it as UTF-8" });
    }
    let bytes_after_mark = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes_after_mark).map_err(|error| Unreadable {
        line: bytes_after_mark[..error.valid_up_to()].split(|byte| *byte == b'\n').count(),
        what: "it is not UTF-8".to_owned(),
        remedy: "save it as UTF-8",
    })?;
    let (ends, windows) = (text.matches('\n').count(), text.matches("\r\n").count());
    if windows == 0 {
        return Ok(text.to_owned());
    }
    if windows == ends {
        return Ok(text.replace("\r\n", "\n"));
    }
    let odd = text.split_inclusive('\n').position(|line| line.ends_with("\r\n")).unwrap_or(0);
    Err(Unreadable {
        line: odd + 1,
        what: "it has lines that end in CRLF and lines that do not".to_owned(),
        remedy: "give all its lines one end: which one a checkout makes of them changes the checksum",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_comes_of_a_file_however_it_was_saved() {
        for saved in ["a\nb\n", "\u{feff}a\nb\n", "a\r\nb\r\n", "\u{feff}a\r\nb\r\n"] {
            assert_eq!(decode(saved.as_bytes()).unwrap(), "a\nb\n", "{saved:?}");
        }
        assert_eq!(decode(b"-- a\rselect 1").unwrap(), "-- a\rselect 1");
    }

    #[test]
    fn what_is_no_such_text_says_where() {
        for (bytes, line, what) in [
            (&b"a\nb\xe9\n"[..], 2, "UTF-8"),
            (b"\xff\xfea\0", 1, "UTF-16"),
            (b"a\nb\r\nc\n", 2, "CRLF"),
        ] {
            let said = decode(bytes).unwrap_err();
            assert_eq!(said.line, line);
            assert!(said.what.contains(what), "{said:?}");
        }
    }
}
