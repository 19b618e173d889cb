//! A long list of JSON on its way into one document: what is more than a few megabytes waits in a file
//! that has no name, so that memory stays flat and a list that fails half-way prints nothing.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};

use serde_json::Value;

use super::json::{Part, json_pretty};

/// How many bytes are kept in memory: some thousand tenants.
const IN_MEMORY: usize = 4 << 20;

/// How much of the file one write to stdout takes, in bytes.
const CHUNK: usize = 1 << 16;

/// The items of a list, as the document will have them.
#[derive(Debug)]
pub(super) struct Spool {
    /// What the list is called.
    plural: &'static str,
    /// What is not in the file.
    memory: String,
    file: Option<BufWriter<File>>,
    count: usize,
    /// Whether there is no place for a file: then everything stays in memory.
    has_no_file: bool,
}

impl Spool {
    pub(super) fn new(plural: &'static str) -> Self {
        Self { plural, memory: String::new(), file: None, count: 0, has_no_file: false }
    }

    /// Adds an item.
    ///
    /// # Errors
    /// When the file cannot be written, as on a full disk.
    pub(super) fn push(&mut self, value: &Value) -> io::Result<()> {
        self.memory.push_str(if self.count == 0 { "\n" } else { ",\n" });
        self.count += 1;
        for (line, text) in json_pretty(&Part::Value(value)).lines().enumerate() {
            self.memory.push_str(if line == 0 { "    " } else { "\n    " });
            self.memory.push_str(text);
        }
        if self.memory.len() < IN_MEMORY || self.has_no_file {
            return Ok(());
        }
        if self.file.is_none() {
            match tempfile::tempfile() {
                Ok(file) => self.file = Some(BufWriter::new(file)),
                Err(_) => self.has_no_file = true,
            }
        }
        if let Some(file) = &mut self.file {
            file.write_all(self.memory.as_bytes())?;
            self.memory.clear();
        }
        Ok(())
    }

    /// Hands the document over in pieces: `around` is the document with the list empty.
    ///
    /// # Errors
    /// When the file cannot be read. What taking a piece came to is the taker's.
    pub(super) fn document(self, around: &str, mut take: impl FnMut(&str)) -> io::Result<()> {
        let plural = self.plural;
        let empty = format!("\"{plural}\": []");
        let (head, tail) = around.split_once(&empty).unwrap_or((around, ""));
        take(&format!("{head}\"{plural}\": ["));
        if let Some(file) = self.file {
            let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind()?;
            let mut lines = BufReader::with_capacity(CHUNK, file);
            let mut chunk = String::with_capacity(CHUNK * 2);
            while lines.read_line(&mut chunk)? > 0 {
                if chunk.len() >= CHUNK {
                    take(&chunk);
                    chunk.clear();
                }
            }
            take(&chunk);
        }
        take(&self.memory);
        take(if self.count == 0 { "]" } else { "\n  ]" });
        take(tail);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(values: &[Value]) -> (String, bool) {
        let mut spool = Spool::new("tenants");
        for value in values {
            spool.push(value).unwrap();
        }
        let around = json!({ "format_version": 1, "tenants": [], "summary": { "tenants": [] } });
        let (mut text, has_file) = (String::new(), spool.file.is_some());
        spool.document(&json_pretty(&Part::Value(&around)), |piece| text.push_str(piece)).unwrap();
        (text, has_file)
    }

    #[test]
    fn a_document_is_what_it_would_be_in_one_piece() {
        let item =
            |name: String| json!({ "name": name, "labels": { "a": "b\u{9b}電" }, "none": [] });
        let few = vec![item("one".to_owned()), item("two".to_owned())];
        let many: Vec<_> = (0..40_000).map(|at| item(format!("{at:0>60}"))).collect();
        for values in [Vec::new(), few, many] {
            let (text, has_file) = document(&values);
            assert_eq!(has_file, values.len() > 1000);
            let whole = json!({
                "format_version": 1, "tenants": values, "summary": { "tenants": [] }
            });
            assert!(text == json_pretty(&Part::Value(&whole)), "{} items", whole["tenants"]);
        }
    }
}
