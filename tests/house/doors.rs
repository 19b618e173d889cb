//! A room's `mod.rs` is its door: it lists what is inside and what may be seen, and holds nothing.
//! Inside the room nobody goes round by it: a sibling's name is imported from the sibling.

use crate::room_of_file;
use crate::tree::{Names, Tree, assert_none, code, sources};

#[test]
fn a_door_holds_no_logic() {
    let found: Vec<_> = sources()
        .iter()
        .filter(|(path, _)| path.ends_with("/mod.rs"))
        .flat_map(|(path, text)| logic(text).into_iter().map(|line| (path.clone(), line)))
        .collect();
    assert_none(&found);
}

#[test]
fn nobody_goes_round_by_the_door_of_the_own_room() {
    let tree = Tree::of(&sources());
    let found: Vec<_> = tree
        .files()
        .flat_map(|(module, path)| {
            ways_round(&tree, module)
                .into_iter()
                .map(move |way| (room_of_file(path).unwrap_or_default(), format!("{path}: {way}")))
        })
        .collect();
    assert_none(&found);
}

#[test]
fn what_a_door_holds_is_named() {
    for (text, expected) in [
        (
            "//! Doc.\n\nmod a;\npub mod b;\npub(crate) use a::{\n    A,\n    B,\n};\npub use b::C;\n",
            0,
        ),
        ("#[cfg(test)]\nmod tests;\n", 0),
        ("mod a;\npub fn f() {\n    g();\n}\n", 1),
        ("pub struct S;\n", 1),
        ("use a::A;\n", 1),
        ("impl A {}\nmod a;\n", 1),
        ("mod a {\n}\n", 1),
    ] {
        assert_eq!(logic(text).len(), expected, "{text}: {:?}", logic(text));
    }
}

#[test]
fn a_way_round_is_named_with_the_sibling() {
    let file = |path: &str, text: &str| (format!("src/{path}"), text.to_owned());
    let door = file("a/mod.rs", "mod b;\nmod x;\npub use x::{X, Y};\n");
    let x = file("a/x.rs", "");
    let inner = file("a/b/mod.rs", "mod deep;\n");
    for (text, expected) in [
        ("use super::super::X;", vec!["crate::a::X is in src/a/x.rs"]),
        (
            "use crate::a::{x, X, Y};",
            vec!["crate::a::X is in src/a/x.rs", "crate::a::Y is in src/a/x.rs"],
        ),
        ("use crate::a::x::X;\nuse super::super::x::Y;", vec![]),
    ] {
        let files = [door.clone(), x.clone(), inner.clone(), file("a/b/deep.rs", text)];
        let module = ["a", "b", "deep"].map(str::to_owned).to_vec();
        assert_eq!(ways_round(&Tree::of(&files), &module), expected, "{text}");
    }
}

/// Returns what stands in a door besides its lists.
fn logic(text: &str) -> Vec<String> {
    let code = code(text);
    let mut rest = code.trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let end = rest.find([';', '{']).unwrap_or(rest.len());
        let line = rest[..end].lines().filter(|line| !line.starts_with("#[")).collect::<String>();
        let is_group = rest[..end].ends_with("::");
        let end = if is_group { rest.find(';').unwrap_or(rest.len()) } else { end };
        let is_closed = rest[end..].starts_with(';');
        let public = ["pub ", "pub(crate) ", "pub(super) "];
        let public = public.iter().find_map(|word| line.strip_prefix(word));
        let is_listed = public.is_some_and(|rest| rest.starts_with("use "))
            || public.unwrap_or(&line).starts_with("mod ");
        if !(is_listed && is_closed) {
            found.push(line.trim().to_owned());
        }
        // What is in braces belongs to what it stands behind.
        let end =
            if is_closed { end + 1 } else { rest.find("\n}").map_or(rest.len(), |at| at + 2) };
        rest = rest.get(end..).unwrap_or_default().trim_start();
    }
    found
}

/// Returns the imports of a module that pass a door of a room it stands in.
fn ways_round(tree: &Tree, module: &Names) -> Vec<String> {
    let round = |path: &Names| {
        let found = tree.follow(path)?;
        let is_own = found.door.is_some_and(|door| *module != door && module.starts_with(&door));
        is_own.then(|| format!("crate::{} is in {}", path.join("::"), found.file))
    };
    tree.imports(module).iter().filter_map(round).collect()
}
