//! No circles of files: what imports me, by whatever way, I do not import.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::{Tree, assert_none, sources};

#[test]
fn no_files_import_each_other_in_a_circle() {
    let tree = Tree::of(&sources());
    let found: Vec<_> = circles(&tree)
        .into_iter()
        .flat_map(|circle| {
            let line = circle.join(" ↔ ");
            circle.into_iter().map(move |file| (file.to_owned(), line.clone()))
        })
        .collect();
    assert_none(&found);
}

#[test]
fn a_circle_is_named_with_its_files() {
    let file = |path: &str, text: &str| (format!("src/{path}"), text.to_owned());
    let door = file("a/mod.rs", "mod x;\nmod y;\npub use x::{X, Z};\npub use y::Y;");
    let z = file("z.rs", "use crate::a::{self, X};\nfn z() { a::Y::new() }");
    let one = ("use super::y::Y;", "use crate::a::X;");
    let by_module = ("use crate::z;\nfn f() { z::z(); }", "");
    for ((x, y), expected) in [
        (one, vec![vec!["src/a/x.rs", "src/a/y.rs"]]),
        (by_module, vec![vec!["src/a/x.rs", "src/z.rs"]]),
        (("fn f() { super::Y::new() }", "pub(super) fn g() {}"), vec![]),
        (("", "use crate::a::X;\n#[cfg(test)]\nmod tests {\n    use crate::z::Z;\n}\n"), vec![]),
    ] {
        let files = [door.clone(), z.clone(), file("a/x.rs", x), file("a/y.rs", y)];
        let tree = Tree::of(&files);
        assert_eq!(circles(&tree), expected, "{x} {y}");
    }
}

/// Returns the files of every circle; circles that share a file are one.
fn circles(tree: &Tree) -> Vec<Vec<&str>> {
    let own: BTreeMap<_, _> = tree.files().map(|(_, path)| (path.to_owned(), path)).collect();
    let edges: BTreeMap<&str, BTreeSet<&str>> = tree
        .files()
        .map(|(module, path)| {
            let found = tree.imports(module).into_iter().filter_map(|to| tree.follow(&to));
            (path, found.map(|found| own[&found.file]).filter(|to| *to != path).collect())
        })
        .collect();
    let reached: BTreeMap<_, _> = edges.keys().map(|from| (*from, reach(&edges, from))).collect();
    let mut found = Vec::new();
    for (from, there) in &reached {
        let circle: Vec<_> =
            there.iter().copied().filter(|to| reached[to].contains(from)).collect();
        if circle.contains(from) && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

/// Returns every file that one leads to, itself only if some way leads back.
fn reach<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<_> = edges[from].iter().copied().collect();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(&edges[next]);
        }
    }
    found
}
