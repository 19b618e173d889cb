//! What a migration of the control plane may do to a table that is there: logins go on meanwhile, and
//! each has two seconds.

use crate::tree::assert_none;

/// What a statement on a table that is there would hold up logins with, and what to do instead.
const SLOW: &[(&str, &str)] = &[
    ("create index", "build it CONCURRENTLY, in a file that begins `-- tenantctl: no-transaction`"),
    (
        "create unique index",
        "build it CONCURRENTLY, in a file that begins `-- tenantctl: no-transaction`",
    ),
    ("update", "change rows in batches, from the command"),
    ("delete from", "delete rows in batches, from the command"),
    ("cluster", "it rewrites the table under a lock"),
    ("truncate", "it locks the table"),
    ("lock", "it locks the table"),
];

/// What an `ALTER TABLE` reads or writes every row for, under its lock.
const WHOLE: &[&str] = &[" type ", "set not null", "set logged", "set unlogged", "set tablespace"];

/// What an `ALTER TABLE` checks every row for, unless it says `NOT VALID` or `USING INDEX`.
const CHECKED: &[&str] =
    &["add constraint", "add check", "add foreign", "add unique", "add primary", " references "];

#[test]
fn a_migration_of_the_control_plane_keeps_no_login_waiting() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/control_plane");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        (path.to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap())
    });
    let files: Vec<_> = files.collect();
    assert!(files.len() > 4, "{files:?}");
    assert_none(&slow(files));
}

#[test]
fn a_migration_that_would_is_named() {
    let made = (
        "V2__a.sql",
        "CREATE TABLE control_plane.a (x int);\nCREATE INDEX ON control_plane.a (x);\n",
    );
    let later = |text: &str| {
        let file = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
        slow(vec![file(("V10__b.sql", text)), file(made)]).len()
    };
    for text in [
        "CREATE INDEX i ON control_plane.a (x)",
        "-- why\nCREATE UNIQUE INDEX\n  IF NOT EXISTS i ON ONLY control_plane.a (x);",
        "ALTER TABLE control_plane.a ALTER x TYPE bigint",
        "ALTER TABLE control_plane.a ALTER COLUMN x SET NOT NULL;",
        "ALTER TABLE control_plane.a ADD CONSTRAINT c CHECK (x > 0)",
        "ALTER TABLE control_plane.a ADD COLUMN y uuid DEFAULT gen_random_uuid()",
        "ALTER TABLE control_plane.a ADD COLUMN y int;\nALTER TABLE control_plane.a ADD COLUMN z int",
        "CREATE TABLE control_plane.c (x int);\nALTER TABLE control_plane.a DROP COLUMN x",
        "UPDATE control_plane.a SET x = 1",
        "DELETE FROM control_plane.a",
        "LOCK TABLE control_plane.a",
    ] {
        assert!(later(text) > 0, "{text}");
    }
    for text in [
        "-- tenantctl: no-transaction\nCREATE INDEX CONCURRENTLY i ON control_plane.a (x)",
        "ALTER TABLE control_plane.a ADD COLUMN y int NOT NULL DEFAULT 1",
        "ALTER TABLE control_plane.a ADD CONSTRAINT c CHECK (x > 0) NOT VALID",
        "ALTER TABLE control_plane.a VALIDATE CONSTRAINT c",
        "CREATE TABLE control_plane.b (x int);\nCREATE INDEX i ON control_plane.b (x);\n\
         ALTER TABLE control_plane.b ADD CHECK (x > 0); INSERT INTO control_plane.b VALUES (1)",
        "COMMENT ON TABLE control_plane.a IS 'it; is'",
    ] {
        assert_eq!(later(text), 0, "{text}");
    }
}

/// Returns the statements, each with its file, that would hold up logins.
fn slow(mut files: Vec<(String, String)>) -> Vec<(String, String)> {
    let number = |path: &str| -> u32 {
        let name = path.rsplit('/').next().unwrap();
        name[1..].split("__").next().unwrap().parse().unwrap()
    };
    files.sort_by_key(|(path, _)| number(path));
    let (mut there, mut found) = (Vec::new(), Vec::new());
    for (path, text) in files {
        let statements = statements(&text);
        let made: Vec<_> = statements.iter().filter_map(|text| created(text)).collect();
        for statement in &statements {
            let on = |table: &String| words(statement).any(|word| word == *table);
            if !there.iter().any(on) {
                continue;
            }
            let alters = statement.starts_with("alter table");
            let verdict = SLOW
                .iter()
                .find(|(begin, _)| {
                    statement.strip_prefix(begin).is_some_and(|rest| {
                        rest.starts_with(' ') && !rest.starts_with(" concurrently ")
                    })
                })
                .map(|(_, instead)| *instead)
                .or_else(|| {
                    (alters && is_whole(statement)).then_some("it reads or writes every row")
                })
                .or_else(|| {
                    let is_alone = statements.len() == 1;
                    (alters && !is_alone).then_some("put it into a file of its own: its lock lasts")
                });
            if let Some(verdict) = verdict {
                found.push((path.clone(), format!("{statement}: {verdict}")));
            }
        }
        there.extend(made);
    }
    found
}

fn is_whole(statement: &str) -> bool {
    let has = |of: &[&str]| of.iter().any(|part| statement.contains(part));
    let is_checked = has(CHECKED) && !has(&["not valid", "using index"]);
    let is_computed = statement
        .split(" default ")
        .skip(1)
        .any(|value| value.split([',', ' ']).next().is_some_and(|value| value.contains('(')));
    has(WHOLE) || is_checked || is_computed
}

/// Returns the table that a statement makes.
fn created(statement: &str) -> Option<String> {
    let rest = statement.strip_prefix("create table ")?;
    words(rest.trim_start_matches("if not exists ")).next().map(str::to_owned)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "(),".contains(c)).filter(|word| !word.is_empty())
}

/// Returns the statements of a file in lower case, each on one line and without comments.
fn statements(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split("--").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join(" ").to_lowercase();
    let statements = text.split(';').map(words_of);
    statements.filter(|statement| !statement.is_empty()).collect()
}

fn words_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
