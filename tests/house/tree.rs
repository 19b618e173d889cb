//! The files of `src/` as a tree of modules: what each imports, and which file a path leads to.
//!
//! Reads text and knows no types: a path is followed by its names, through the re-exports of the
//! modules that it passes. What stands under `#[cfg(test)]` is left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A path as a list of names from the crate's root.
pub(crate) type Names = Vec<String>;

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The file that defines what is named.
    pub(crate) file: String,
    /// The module of the first re-export on the way.
    pub(crate) door: Option<Names>,
}

/// Every file by its module.
pub(crate) struct Tree {
    files: BTreeMap<Names, File>,
}

struct File {
    path: String,
    /// Its code, less its re-exports.
    code: String,
    re_exports: Vec<Names>,
}

impl Tree {
    /// Reads files given as path and text.
    pub(crate) fn of(sources: &[(String, String)]) -> Self {
        let mut files = BTreeMap::new();
        for (path, text) in sources {
            let module = match module_of_file(path)[..] {
                ["lib"] => Vec::new(),
                ref parts => parts.iter().map(|part| (*part).to_owned()).collect(),
            };
            let (re_exports, code) = apart(&without_tests(&code(text)));
            files.insert(module, File { path: path.clone(), code, re_exports });
        }
        let mut tree = Self { files };
        for module in tree.files.keys().cloned().collect::<Vec<_>>() {
            let absolute = tree.absolute(&module, &tree.files[&module].re_exports);
            tree.files.entry(module).and_modify(|file| file.re_exports = absolute);
        }
        tree
    }

    /// Returns every file: its module and its path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Names, &str)> {
        self.files.iter().map(|(module, file)| (module, file.path.as_str()))
    }

    /// Returns the paths of ours that a file names, less those that it only re-exports.
    pub(crate) fn imports(&self, module: &Names) -> Vec<Names> {
        let code = &self.files[module].code;
        let inline = roots(code).into_iter().map(|at| &code[at..]);
        let paths: Vec<_> =
            inline.chain(statements(code).map(|(_, path)| path)).flat_map(expanded).collect();
        let mut found = self.absolute(module, &paths);
        // A module that is imported is a name to go on from.
        let modules: Vec<_> =
            found.iter().filter(|path| self.files.contains_key(*path)).cloned().collect();
        for path in modules {
            let Some(name) = path.last() else { continue };
            for (at, _) in code.match_indices(&format!("{name}::")) {
                if !code[..at].ends_with(is_of_path) {
                    let further = expanded(&code[at + name.len() + 2..]).into_iter();
                    found.extend(further.map(|inner| [path.clone(), inner].concat()));
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// Follows a path from the crate's root; nothing when it leaves the tree.
    pub(crate) fn follow(&self, path: &[String]) -> Option<Found> {
        self.follow_further(path, 8)
    }

    fn follow_further(&self, path: &[String], patience: usize) -> Option<Found> {
        let inside = (0..=path.len()).rev().find(|end| self.files.contains_key(&path[..*end]))?;
        let (module, rest) = path.split_at(inside);
        let file = self.files[module].path.clone();
        let Some(name) = rest.first() else { return Some(Found { file, door: None }) };
        let re_export = self.files[module].re_exports.iter().find(|to| to.last() == Some(name));
        match re_export {
            Some(to) if patience > 0 && to[..] != path[..] => {
                let further = [to, &rest[1..]].concat();
                let file = self.follow_further(&further, patience - 1)?.file;
                Some(Found { file, door: Some(module.to_vec()) })
            }
            _ => Some(Found { file, door: None }),
        }
    }

    /// Returns those of the paths, as written in a module, that stay in the crate.
    fn absolute(&self, module: &Names, paths: &[Names]) -> Vec<Names> {
        let absolute = |path: &Names| {
            let climbs = path.iter().take_while(|name| *name == "super").count();
            match path.first().map(String::as_str) {
                Some("crate") => Some(path[1..].to_vec()),
                Some("self") => Some([module.clone(), path[1..].to_vec()].concat()),
                Some("super") if climbs <= module.len() => {
                    let kept = &module[..module.len() - climbs];
                    Some([kept, &path[climbs..]].concat())
                }
                Some(name) => {
                    let child = [module.clone(), vec![name.to_owned()]].concat();
                    let inner = [module.clone(), path.clone()].concat();
                    self.files.contains_key(&child).then_some(inner)
                }
                None => None,
            }
        };
        paths.iter().filter_map(absolute).collect()
    }
}

/// Returns every source file: its path from the root, and its text.
pub(crate) fn sources() -> Vec<(String, String)> {
    let found = files_under(&["src"]);
    assert!(found.len() > 50, "only {} files under src/", found.len());
    found
}

/// Returns every Rust file under some folders of the root: its path from there, and its text.
pub(crate) fn files_under(folders: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<_> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Asserts that a rule found nothing; what it found is a place and a line each.
#[track_caller]
pub(crate) fn assert_none(found: &[(String, String)]) {
    let lines: Vec<_> = found.iter().map(|(place, line)| format!("{place}: {line}")).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

/// Returns a file's module, as in `services`, `tenant`, `create`.
pub(crate) fn module_of_file(path: &str) -> Vec<&str> {
    let inner = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
    let mut parts: Vec<_> = inner.split('/').collect();
    if parts.last() == Some(&"mod") {
        parts.pop();
    }
    parts
}

/// Returns the names at the beginning of a path: `a`, `b` of `a::b::{C, D}`.
pub(crate) fn path_parts(text: &str) -> Vec<&str> {
    let end = text.find(|c: char| !(is_of_name(c) || c == ':')).unwrap_or(text.len());
    text[..end].split("::").filter(|part| !part.is_empty()).collect()
}

/// Returns a text without its comments.
pub(crate) fn code(text: &str) -> String {
    let uncommented = |line: &str| {
        let is_comment = line.trim_start().starts_with("//");
        let end = if is_comment { 0 } else { line.find(" // ").unwrap_or(line.len()) };
        line[..end].to_owned()
    };
    text.lines().map(uncommented).collect::<Vec<_>>().join("\n")
}

/// Returns code without the modules that only tests see.
pub(crate) fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]\nmod ") {
        kept.push_str(&rest[..at]);
        let end = rest[at..].find("\n}").map_or(rest.len(), |end| at + end + 2);
        rest = &rest[end..];
    }
    kept + rest
}

/// Takes code apart into the paths that it re-exports and the rest of it.
fn apart(code: &str) -> (Vec<Names>, String) {
    let mut rest = code.to_owned();
    let mut paths = Vec::new();
    for (_, path) in statements(code).filter(|(is_public, _)| *is_public) {
        paths.extend(expanded(path));
        rest = rest.replacen(path, "", 1);
    }
    (paths, rest)
}

/// Returns the path of every `use` in code, and whether it is a re-export.
fn statements(code: &str) -> impl Iterator<Item = (bool, &str)> {
    code.match_indices("use ").filter_map(|(at, word)| {
        let line = code[..at].rfind('\n').map_or(0, |end| end + 1);
        let before = code[line..at].trim();
        let is_statement = before.is_empty() || before == "pub" || before.starts_with("pub(");
        let path = &code[at + word.len()..];
        let end = path.find(';').filter(|_| is_statement)?;
        Some((!before.is_empty(), &path[..end]))
    })
}

/// Returns where in code a path begins with `crate::`, `super::` or `self::`.
fn roots(code: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for root in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(root) {
            let before = &code[..at];
            if !before.ends_with(is_of_path) && !before.ends_with("in ") {
                found.push(at);
            }
        }
    }
    found
}

/// Returns every path that begins here, its groups taken apart and its `self` and `as` resolved.
fn expanded(text: &str) -> Vec<Names> {
    let mut names: Names = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
        if end > 0 {
            names.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
        let Some(after) = rest.strip_prefix("::") else { break };
        rest = after.trim_start();
        if let Some(group) = rest.strip_prefix('{') {
            let inner = group_members(group).into_iter().flat_map(expanded);
            return inner.map(|inner| [names.clone(), inner].concat()).map(without_self).collect();
        }
        if !rest.starts_with(is_of_name) {
            break;
        }
    }
    if names.is_empty() { Vec::new() } else { vec![without_self(names)] }
}

fn without_self(mut names: Names) -> Names {
    if names.len() > 1 && names.last().is_some_and(|name| name == "self") {
        names.pop();
    }
    names
}

/// Returns the members of a group that has just been opened.
fn group_members(text: &str) -> Vec<&str> {
    let (mut depth, mut from) = (0, 0);
    let mut members = Vec::new();
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                members.push(&text[from..at]);
                from = at + 1;
                if character == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    members
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_of_path(c: char) -> bool {
    is_of_name(c) || c == ':'
}
