//! Whatever a command says in JSON is compared with its schema in `docs/schema`, in every test.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

/// Every schema, by the name of its file without its ending.
static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema"));
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let schema = serde_json::from_str(&fs::read_to_string(&path).unwrap());
        (name, schema.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    files.map(read).collect()
});

/// Those that were compiled, by the part that is validated against.
static COMPILED: Mutex<BTreeMap<String, Arc<Validator>>> = Mutex::new(BTreeMap::new());

/// Options that take a value in the next word, and may stand before the subcommand.
const WITH_VALUE: [&str; 10] = [
    "-o",
    "--output",
    "-p",
    "--profile",
    "--config",
    "--color",
    "--timeout",
    "--actor",
    "--jwks",
    "--reason",
];

/// Returns the names of the schemas.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SCHEMAS.keys().map(String::as_str)
}

/// Returns what the schema says against a command's output and its exit code; nothing where the
/// output is not JSON, or was cut off by a kill.
pub(crate) fn objections(line: &str, code: Option<i32>, stdout: &str, stderr: &str) -> Vec<String> {
    let words: Vec<_> = line.split_whitespace().collect();
    let Some((name, code)) = name_of(&words).zip(code) else { return Vec::new() };
    let is_streamed = name == "audit-export";
    let mut found = Vec::new();
    let mut has_result = false;
    match format_of(&words) {
        _ if words.iter().any(|word| ["--help", "-h"].contains(word)) => return Vec::new(),
        Some("json") if !is_streamed => {
            if let Ok(document) = serde_json::from_str(stdout) {
                has_result = true;
                found.extend(compare(&format!("{name}.json#/$defs/document"), &document));
            } else if !stdout.is_empty() {
                found.push("stdout is not one document".to_owned());
            }
        }
        None if !is_streamed => return Vec::new(),
        _ => {
            let part = format!("{name}.json#/$defs/line");
            for text in stdout.lines() {
                let line: Value = serde_json::from_str(text).unwrap_or(Value::Null);
                found.extend(compare(&part, &line));
                // The items of a list may come before an error; its last line does not.
                has_result |= line["type"] != "tenant" || name != "tenant-list";
            }
        }
    }
    if format_of(&words).is_none() {
        return found;
    }
    let mut errors = 0;
    for text in stderr.lines().filter(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        errors += usize::from(line["type"] == "error");
        found.extend(compare("stderr.json", &line));
    }
    // A result on stdout or one error object on stderr, never both and never neither.
    if code != 0 && usize::from(has_result) + errors != 1 {
        found.push(format!("exit code {code} with a result: {has_result}, and {errors} errors"));
    }
    if code == 0 && (errors > 0 || !has_result) {
        found.push(format!("success with a result: {has_result}, and {errors} errors"));
    }
    found
}

/// Returns the schema's name for a command line; nothing for a command that has none.
fn name_of(words: &[&str]) -> Option<String> {
    let mut name = String::new();
    let mut is_value = false;
    for word in words {
        if std::mem::take(&mut is_value) || word.starts_with('-') {
            is_value = WITH_VALUE.contains(word);
            continue;
        }
        let longer = if name.is_empty() { (*word).to_owned() } else { format!("{name}-{word}") };
        if SCHEMAS.contains_key(&longer) {
            return Some(longer);
        }
        if !SCHEMAS.keys().any(|known| known.starts_with(&format!("{longer}-"))) {
            return None;
        }
        name = longer;
    }
    None
}

fn format_of<'w>(words: &[&'w str]) -> Option<&'w str> {
    let after = |pair: &[&'w str]| ["-o", "--output"].contains(&pair[0]).then_some(pair[1]);
    let inside = |word: &&'w str| word.strip_prefix("--output=").or(word.strip_prefix("-o"));
    let format = words.windows(2).find_map(after).or(words.iter().find_map(inside))?;
    ["json", "ndjson"].contains(&format).then_some(format)
}

fn compare(part: &str, value: &Value) -> Vec<String> {
    let validator = COMPILED.lock().unwrap_or_else(PoisonError::into_inner).get(part).cloned();
    let validator = validator.unwrap_or_else(|| {
        // One document that holds them all: each is found by its `$id`.
        let root = json!({ "$ref": format!("tenantctl:/schema/{part}"), "$defs": &*SCHEMAS });
        let made = Arc::new(jsonschema::validator_for(&root).unwrap());
        let mut kept = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(part.to_owned(), Arc::clone(&made));
        made
    });
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("docs/schema/{part} at `{}`: {error}", error.instance_path()))
        .collect()
}
