//! What stands in one room only, and what is too much for one file or one call.

use crate::tree::{assert_none, code, files_under, sources, without_tests};

/// Who may ask where a tenant is placed: the room that turns it into a server, and who reads the
/// word.
const PLACEMENT: &[&str] = &["src/services/home/", "src/adapters/server/", "src/model/"];

/// Who may make a consent: who asked for it, and who purges what nobody is asked about any more.
const CONSENT: &[&str] =
    &["src/model/consent.rs", "src/commands/consent.rs", "src/services/tenant/due.rs"];

#[test]
fn the_placement_is_asked_for_in_one_room() {
    assert_none(&outside(PLACEMENT, forks).collect::<Vec<_>>());
}

#[test]
fn a_consent_is_made_by_who_asked() {
    assert_none(&outside(CONSENT, consents).collect::<Vec<_>>());
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let files = files_under(&["src", "tests", "benches", "examples"]);
    let long = files.into_iter().map(|(path, text)| (path, text.lines().count()));
    let found: Vec<_> = long
        .filter(|(_, lines)| *lines > 400)
        .map(|(path, lines)| (path, format!("{lines} lines")))
        .collect();
    assert_none(&found);
}

#[test]
fn no_function_takes_more_than_six() {
    let found: Vec<_> = sources()
        .iter()
        .flat_map(|(path, text)| wide(text).into_iter().map(|line| (path.clone(), line)))
        .collect();
    assert_none(&found);
}

#[test]
fn a_fork_on_the_placement_is_named() {
    for line in [
        "if tenant.placement == Placement::Project {",
        "if Placement::Project != tenant.placement {",
        "Placement::Database => 1,",
        "(Placement::Database | Placement::Project, _) if x => {",
        "if let (Placement::Project, Some(x)) = (a, b) {",
        "matches!(tenant.placement, Placement::Project)",
        "if server.is_project() {",
        "let way = home.is_pooled();",
    ] {
        assert_eq!(forks(line), [line], "{line}");
    }
    for line in [
        "let placement = Placement::Database;",
        "placement: Placement::Project,",
        "// Placement::Project => as above",
        "pub fn is_project(&self) -> bool {",
        "    .unwrap_or(Setting { value: Placement::Database, origin: Origin::Default }),",
    ] {
        assert!(forks(line).is_empty(), "{line}");
    }
}

#[test]
fn a_consent_of_ones_own_is_named() {
    assert_eq!(consents("let x = Consent::given(&slug, \"y\");").len(), 1);
    assert_eq!(consents("let x = Consent { slug };").len(), 1);
    assert!(consents("use crate::model::Consent;\nfn f(consent: &Consent) {}").is_empty());
    assert!(consents("fn f() -> Result<Consent, E> {").is_empty());
}

#[test]
fn a_function_that_takes_too_much_is_named() {
    let many = "pub async fn f<T: Fn(u8) -> u8>(\n    &self,\n    a: (u8, u8),\n    b: &[u8],\n    \
                c: impl Fn(u8, u8) -> u8,\n    d: Vec<(u8, u8)>,\n    e: u8,\n    g: T,\n) {}";
    assert_eq!(wide(many), ["f takes 7"]);
    assert_eq!(wide(&many.replace("    e: u8,\n", "")), [""; 0]);
    assert_eq!(wide("fn f() {}\nlet x: fn(u8, u8, u8, u8, u8, u8, u8) = y;"), [""; 0]);
}

/// Returns what a rule finds in the files outside some places.
fn outside(
    places: &[&str],
    rule: impl Fn(&str) -> Vec<String>,
) -> impl Iterator<Item = (String, String)> {
    let files = sources().into_iter();
    files.filter(|(path, _)| !places.iter().any(|place| path.starts_with(place))).flat_map(
        move |(path, text)| {
            rule(&without_tests(&text)).into_iter().map(move |line| (path.clone(), line))
        },
    )
}

/// Returns the lines that decide something by the placement.
fn forks(text: &str) -> Vec<String> {
    let decides = |line: &&str| {
        let asks = [".is_project()", ".is_pooled()"].iter().any(|word| line.contains(word));
        let Some(at) = line.find("Placement::") else { return asks };
        let (before, after) = line.split_at(at);
        let after = after["Placement::".len()..].trim_start_matches(char::is_alphanumeric);
        let is_compared = before.ends_with("== ")
            || before.ends_with("!= ")
            || after.starts_with(" ==")
            || after.starts_with(" !=");
        let is_pattern = after.contains("=>") && !before.contains("=>")
            || before.rfind("let ").is_some_and(|at| !before[at..].contains('='))
            || before.contains("matches!(");
        asks || is_compared || is_pattern
    };
    let code = code(text);
    code.lines().map(str::trim).filter(decides).map(str::to_owned).collect()
}

/// Returns the lines that make a consent.
fn consents(text: &str) -> Vec<String> {
    let makes = |line: &&str| {
        line.contains("Consent::") || line.contains("Consent {") && !line.contains("-> Consent {")
    };
    code(text).lines().map(str::trim).filter(makes).map(str::to_owned).collect()
}

/// Returns the functions with more than six parameters, `self` among them.
fn wide(text: &str) -> Vec<String> {
    let code = code(text);
    let mut found = Vec::new();
    for (at, word) in code.match_indices("fn ") {
        let is_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let after = &code[at + word.len()..];
        let end = after.find(['(', '<']).unwrap_or(0);
        let name = &after[..end];
        if is_word && !name.is_empty() && !name.contains([' ', '\n', ';']) {
            let count = parameters(&after[end..]);
            if count > 6 {
                found.push(format!("{name} takes {count}"));
            }
        }
    }
    found
}

/// Counts the parameters of a function from its generics or its opening parenthesis on.
fn parameters(text: &str) -> usize {
    let (mut depth, mut angles, mut count) = (0_usize, 0_usize, 0);
    let mut is_empty = true;
    let mut before = ' ';
    for character in text.chars() {
        match character {
            '<' => angles += 1,
            '>' if before != '-' => angles = angles.saturating_sub(1),
            '(' | '[' if angles == 0 || depth > 0 => {
                depth += 1;
                is_empty = depth == 1;
            }
            ')' | ']' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return count + usize::from(!is_empty);
                }
            }
            ',' if depth == 1 && angles == 0 => {
                count += 1;
                is_empty = true;
            }
            other => is_empty = is_empty && other.is_whitespace(),
        }
        before = character;
    }
    count
}
