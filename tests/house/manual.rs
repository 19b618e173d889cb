//! What `CONTRIBUTING.md` says about the house is so: each path in it exists, and each room is in it.

use std::path::Path;

use crate::ARROWS;

const MANUAL: &str = include_str!("../../CONTRIBUTING.md");

/// Folders and files that a path in the manual starts with.
const TOP: [&str; 8] =
    ["src/", "tests/", "migrations/", "seeds/", "benches/", "examples/", "completions/", ".ci/"];

#[test]
fn every_path_in_the_manual_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let missing: Vec<_> =
        paths(MANUAL).into_iter().filter(|path| !root.join(path).exists()).collect();
    assert!(missing.is_empty(), "CONTRIBUTING.md names what does not exist: {missing:?}");
}

#[test]
fn every_room_is_in_the_manual() {
    let rooms = ARROWS.iter().map(|(room, _)| room.rsplit("::").next().unwrap_or(room));
    let missing: Vec<_> = rooms.filter(|room| !MANUAL.contains(&format!("`{room}`"))).collect();
    assert!(missing.is_empty(), "CONTRIBUTING.md leaves out {missing:?}");
}

#[test]
fn a_path_is_told_from_other_code() {
    let text =
        "`src/a.rs` and `src/model/`, not `TenantId`, `a/b` or\n```\nsrc/x.rs\n```\n`tests/y`";
    assert_eq!(paths(text), ["src/a.rs", "src/model/", "tests/y"]);
}

/// Returns the paths between backticks.
fn paths(text: &str) -> Vec<&str> {
    let is_path = |code: &&str| TOP.iter().any(|top| code.starts_with(top));
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).filter(is_path).collect()
}
