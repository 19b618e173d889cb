//! Offenders that are known: a rule that is new to the house starts with a list of them, which only
//! gets shorter.

use std::collections::BTreeMap;

/// Compares what a rule found, as places and lines, with the places that are known to offend and
/// how often they may.
#[track_caller]
pub(crate) fn compare(found: &[(String, String)], known: &[(&str, usize)]) {
    let wrong = complaints(found, known);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn complaints(found: &[(String, String)], known: &[(&str, usize)]) -> Vec<String> {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (place, line) in found {
        places.entry(place).or_default().push(line);
    }
    let mut wrong = Vec::new();
    for (place, lines) in &places {
        let allowed = known.iter().find(|(name, _)| name == place).map_or(0, |(_, count)| *count);
        if lines.len() > allowed {
            wrong.push(format!("{place}: {} found, {allowed} known:", lines.len()));
            wrong.extend(lines.iter().map(|line| format!("    {line}")));
        }
    }
    let gone = known.iter().filter(|(place, _)| !places.contains_key(place));
    wrong.extend(gone.map(|(place, _)| format!("{place} offends no more: take it off the list")));
    wrong
}

#[test]
fn offenders_are_named_and_so_are_those_that_no_longer_are() {
    let found = [("a", "1"), ("a", "2"), ("b", "3")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(complaints(&found, &[("a", 2), ("b", 2)]), [""; 0]);
    assert_eq!(
        complaints(&found, &[("a", 1), ("b", 1)]),
        ["a: 2 found, 1 known:", "    1", "    2"]
    );
    let gone = "c offends no more: take it off the list";
    assert_eq!(complaints(&found, &[("a", 2), ("b", 1), ("c", 1)]), [gone]);
}
