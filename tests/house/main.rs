//! The house rules that the compiler does not know: who may import whom, and what a file begins
//! with. Reads `src/`; runs nothing of it and needs no Postgres.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

mod circles;
mod doors;
mod faults;
mod manual;
mod migrations;
mod tree;
mod walls;

use tree::{code, module_of_file, path_parts, sources};

/// Who may import whom. A room that is not listed here may import nothing, nor be imported.
const ARROWS: &[(&str, &[&str])] = &[
    ("commands", &["cli", "config", "services::*", "output", "files", "model"]),
    ("process", &["config", "output", "model"]),
    ("output", &["services::*", "model"]),
    ("cli", &["model"]),
    ("config", &["files", "model"]),
    (
        "services::tenant",
        &[
            "services::migration",
            "services::home",
            "services::saga",
            "services::audit",
            "adapters::*",
            "model",
        ],
    ),
    (
        "services::fleet",
        &[
            "services::lockdown",
            "services::migration",
            "services::session",
            "services::home",
            "services::audit",
            "adapters::*",
            "model",
        ],
    ),
    ("services::lockdown", &["services::home", "services::audit", "adapters::*", "model"]),
    (
        "services::member",
        &[
            "services::lockdown",
            "services::session",
            "services::home",
            "services::audit",
            "adapters::*",
            "model",
        ],
    ),
    ("services::session", &["services::home", "services::audit", "adapters::*", "model"]),
    ("services::migration", &["services::home", "services::audit", "adapters::*", "model"]),
    ("services::home", &["services::saga", "adapters::*", "model"]),
    ("services::saga", &["services::audit", "adapters::*", "model"]),
    ("services::audit", &["adapters::*", "model"]),
    ("services::health", &["services::home", "adapters::*", "model"]),
    ("services::local", &["adapters::*", "model"]),
    ("services::token", &["adapters::*", "model"]),
    ("adapters::auth_admin", &["adapters::http", "model"]),
    ("adapters::auth_tables", &["adapters::postgres", "model"]),
    ("adapters::control_plane", &["adapters::postgres", "model"]),
    ("adapters::server", &["adapters::postgres", "model"]),
    ("adapters::http", &["model"]),
    ("adapters::jwks", &["adapters::http", "files", "model"]),
    ("adapters::management", &["adapters::http", "model"]),
    ("adapters::local", &["adapters::postgres", "files", "model"]),
    ("adapters::postgres", &["model"]),
    ("files", &[]),
    ("model", &[]),
];

/// Arrows of single files: where what a room may not do is done on behalf of the whole room.
const EXCEPTIONS: &[(&str, &str)] = &[("src/commands/context.rs", "adapters::*")];

/// Files outside every room, free to join them.
const FREE: [&str; 4] = ["src/lib.rs", "src/main.rs", "src/build.rs", "src/testkit.rs"];

/// What writes to a stream, and the files that may: their callers hand them lines and documents,
/// which are redacted and escaped.
const WAYS_OUT: &[(&str, &[&str])] = &[
    ("println!", &["src/build.rs"]),
    ("eprintln!", &[]),
    ("print!", &[]),
    ("eprint!", &[]),
    ("dbg!", &[]),
    ("io::stdout", &["src/output/stream.rs"]),
    ("io::stderr", &["src/output/stream.rs"]),
    ("draw_target", &["src/output/stream.rs", "src/output/live.rs"]),
    // In a test case it is an attribute of the XML.
    ("set_message", &["src/output/live.rs", "src/output/junit.rs"]),
    ("set_prefix", &["src/output/live.rs"]),
    ("with_prompt", &["src/output/prompt.rs"]),
    // Generated from the command line's own definition.
    (
        ".raw(",
        &[
            "src/lib.rs",
            "src/output/console.rs",
            "src/commands/man.rs",
            "src/commands/completions.rs",
        ],
    ),
    // Clap's own answers, made safe where the command line is read.
    ("print", &["src/output/usage.rs"]),
];

#[test]
fn imports_follow_the_arrows() {
    let bent: Vec<_> = sources().iter().flat_map(|(path, text)| bent_arrows(path, text)).collect();
    assert!(bent.is_empty(), "{}", bent.join("\n"));
}

#[test]
fn every_room_in_the_tree_is_in_the_table() {
    let known = |room: &str| ARROWS.iter().any(|(name, _)| *name == room);
    for (path, _) in sources() {
        if let Some(room) = room_of_file(&path) {
            let is_door = room == "services" || room == "adapters";
            assert!(is_door || known(&room), "{path}: the room `{room}` is not in the table");
        }
    }
}

#[test]
fn every_file_says_what_lives_in_it() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{path} does not begin with `//! `");
    }
}

#[test]
fn imports_of_ours_are_one_room_a_line() {
    for (path, text) in sources() {
        assert!(!code(&text).contains("use crate::{"), "{path} groups rooms in `use crate::{{…}}`");
    }
}

#[test]
fn every_byte_leaves_by_the_files_that_make_it_harmless() {
    for (path, text) in sources() {
        let found = words_of_printing(&path, &text);
        assert!(found.is_empty(), "{path} writes to a stream by itself: {found:?}");
    }
}

/// The rules would be worth nothing if they could not be broken.
#[test]
fn a_bent_arrow_is_named_with_its_file() {
    for (path, line, target) in [
        ("src/model/tenant.rs", "use crate::cli::Cli;", "cli"),
        ("src/output/tenant.rs", "use crate::adapters::server::Server;", "adapters::server"),
        ("src/commands/init.rs", "let x = crate::adapters::postgres::y();", "adapters::postgres"),
        ("src/services/saga/run.rs", "use crate::services::tenant::X;", "services::tenant"),
        ("src/services/saga/run.rs", "use super::super::tenant::X;", "services::tenant"),
        ("src/services/saga/mod.rs", "use super::tenant::X;", "services::tenant"),
        ("src/adapters/cluster/stamp.rs", "use crate::adapters::local::X;", "adapters::local"),
        ("src/config/file.rs", "use crate::services;", "services"),
        ("src/config/file.rs", "use crate::helpers::x;", "helpers"),
    ] {
        let bent = bent_arrows(path, line);
        assert_eq!(bent.len(), 1, "{path}: {line}: {bent:?}");
        assert!(bent[0].contains(path) && bent[0].ends_with(&format!("→ {target}")), "{bent:?}");
    }
    for (path, line) in [
        ("src/commands/context.rs", "use crate::adapters::postgres::Endpoint;"),
        ("src/services/tenant/create.rs", "use super::control::{self, Opening};"),
        ("src/services/tenant/create.rs", "use crate::services::saga::{self, Saga};"),
        ("src/model/text.rs", "// as crate::output does"),
        ("src/lib.rs", "use crate::adapters::local::X;"),
    ] {
        assert_eq!(bent_arrows(path, line), Vec::<String>::new(), "{path}: {line}");
    }
    assert_eq!(words_of_printing("src/services/x.rs", "println!(\"\")"), ["println!"]);
    assert_eq!(words_of_printing("src/services/x.rs", "eprint!(\"\")"), ["eprint!"]);
    for (path, line, word) in [
        ("src/commands/man.rs", "io::stdout().lock()", "io::stdout"),
        ("src/output/console.rs", "let mut stream = io::stderr();", "io::stderr"),
        ("src/output/progress.rs", "bar.set_message(text)", "set_message"),
        ("src/output/console.rs", "drop(error.print());", "print"),
    ] {
        assert_eq!(words_of_printing(path, line), [word], "{path}: {line}");
    }
    assert!(words_of_printing("src/output/prompt.rs", "Confirm::new().with_prompt(q)").is_empty());
    assert!(words_of_printing("src/model/secret.rs", "self.fingerprint()").is_empty());
}

/// Returns a line for each import that the table does not allow.
fn bent_arrows(path: &str, text: &str) -> Vec<String> {
    let Some(room) = room_of_file(path) else { return Vec::new() };
    let allowed = ARROWS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, to)| to);
    let mut bent = Vec::new();
    for target in targets(path, &code(text)) {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(parent) => target.starts_with(parent),
            None => target == pattern,
        };
        let is_excepted = EXCEPTIONS.iter().any(|(file, to)| *file == path && fits(to));
        let line = format!("{path}: {room} → {target}");
        if target != room && !is_excepted && !allowed.iter().any(|to| fits(to)) {
            bent.push(line);
        }
    }
    bent.dedup();
    bent
}

/// Returns the room a file stands in; nothing for the free ones.
fn room_of_file(path: &str) -> Option<String> {
    if FREE.contains(&path) {
        return None;
    }
    Some(room(&module_of_file(path)))
}

/// Returns the room that a path inside the crate leads into.
fn room(parts: &[&str]) -> String {
    match parts {
        [floor @ ("services" | "adapters"), inner, ..] if inner.starts_with(char::is_lowercase) => {
            format!("{floor}::{inner}")
        }
        [first, ..] => (*first).to_owned(),
        [] => String::new(),
    }
}

/// Returns the rooms that a file's code names, by `crate::…` or by climbing with `super::`.
fn targets(path: &str, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            continue;
        }
        found.push(room(&path_parts(&code[at + "crate::".len()..])));
    }
    let module = module_of_file(path);
    let mut rest = code;
    while let Some(at) = rest.find("super::") {
        let is_restriction = rest[..at].ends_with("in ") || rest[..at].ends_with('(');
        let mut depth = 0;
        rest = &rest[at..];
        while let Some(after) = rest.strip_prefix("super::") {
            (depth, rest) = (depth + 1, after);
        }
        let kept = module.len().saturating_sub(depth);
        let inner = path_parts(rest);
        // Climbing to the crate's root, as an inline module of tests seems to, leads nowhere else.
        if kept > 0 && !is_restriction {
            found.push(room(&[&module[..kept], &inner].concat()));
        }
    }
    // A floor itself, reached from one of its rooms' doors, is no room of its own.
    let own = room(&module);
    found.retain(|target| !(own.starts_with(&format!("{target}::"))));
    found
}

fn words_of_printing(path: &str, text: &str) -> Vec<&'static str> {
    let code = code(text);
    let stands_alone = |word: &str| {
        code.match_indices(word).any(|(at, _)| {
            let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '!');
            !code[..at].ends_with(is_word) && !code[at + word.len()..].starts_with(is_word)
        })
    };
    let may = |files: &[&str]| files.contains(&path);
    let found = WAYS_OUT.iter().filter(|(word, files)| !may(files) && stands_alone(word));
    found.map(|(word, _)| *word).collect()
}
