//! The end of the server's log.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

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

#[cfg(test)]
mod tests {
    use super::*;

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
