//! What `tests/faults.md` says is so: its numbers have no gap, and each test it names exists.

use crate::tree::files_under;

const TABLE: &str = include_str!("../faults.md");

#[test]
fn the_numbers_of_faults_have_no_gap_and_no_double() {
    for letter in ["F", "B"] {
        let numbers: Vec<u32> = rows(TABLE).flat_map(|row| row.numbers(letter)).collect();
        let expected: Vec<u32> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, expected, "the numbers behind {letter}");
    }
}

#[test]
fn every_test_of_a_fault_exists() {
    let files = files_under(&["src", "tests/suite"]);
    let missing: Vec<_> =
        rows(TABLE).flat_map(|row| row.tests).filter(|test| !exists(&files, test)).collect();
    assert!(missing.is_empty(), "tests/faults.md names what does not exist: {missing:?}");
}

#[test]
fn a_row_is_taken_apart() {
    let text = "| F7–F9 | kill -9 | `a::b` `c::d` |\n| B1 | a quote | – |\n| --- | --- | --- |";
    let rows: Vec<_> = rows(text).collect();
    assert_eq!(rows[0].numbers("F").collect::<Vec<_>>(), [7, 8, 9]);
    assert_eq!(rows[0].numbers("B").count(), 0);
    assert_eq!(rows[0].tests, ["a::b", "c::d"]);
    assert_eq!((rows[1].number, rows[1].tests.len(), rows.len()), ("B1", 0, 2));
    let files = [("tests/suite/a.rs".to_owned(), "fn b() {".to_owned())];
    assert!(exists(&files, "a::b") && !exists(&files, "a::c") && !exists(&files, "d::b"));
}

struct Row<'a> {
    /// Such as `F11` or `F1–F10`.
    number: &'a str,
    tests: Vec<&'a str>,
}

impl Row<'_> {
    /// Returns its numbers behind this letter.
    fn numbers(&self, letter: &str) -> impl Iterator<Item = u32> + use<> {
        let mut ends =
            self.number.split('–').filter_map(|end| end.strip_prefix(letter)?.parse::<u32>().ok());
        let first = ends.next();
        let last = ends.next().or(first);
        first.zip(last).into_iter().flat_map(|(first, last)| first..=last)
    }
}

fn rows(table: &str) -> impl Iterator<Item = Row<'_>> {
    table.lines().filter_map(|line| {
        let mut cells = line.split('|').skip(1).map(str::trim);
        let number = cells.next().filter(|number| number.starts_with(['F', 'B']))?;
        let tests = cells.nth(1)?.split('`').skip(1).step_by(2).collect();
        Some(Row { number, tests })
    })
}

/// Returns whether a file holds the test of this path, written out or made by a macro.
fn exists(files: &[(String, String)], test: &str) -> bool {
    let Some((module, name)) = test.rsplit_once("::") else { return false };
    let module = module.trim_end_matches("::tests").replace("::", "/");
    let places = [format!("tests/suite/{module}.rs"), format!("src/{module}.rs")];
    files.iter().any(|(path, text)| {
        places.contains(path)
            && (text.contains(&format!("fn {name}(")) || text.contains(&format!("    {name} \"")))
    })
}
