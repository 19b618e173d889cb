//! A page of Markdown for the summary of a CI step, as GitHub shows it.
//!
//! A step may have a mebibyte of it, so a large fleet is told by what is out of the ordinary.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::cases::{Case, CaseEnd, Cases};
use super::line::{Line, harmless};
use super::words::{FULL_TABLE, count, shown};

/// How many rows the table has at most.
const ROWS: usize = 200;

/// How many characters of a detail are shown.
const DETAIL: usize = 300;

/// Returns the page, with a blank line at its end: what comes after it is another page.
pub(crate) fn step_summary(cases: &Cases) -> String {
    let Cases { command, all: cases, elapsed } = cases;
    // Writing to a String cannot fail.
    let mut page = format!("### tenantctl {command}\n\n");
    let counts = counts(cases);
    let _ = write!(page, "{}: {counts}, {}\n\n", count(cases.len()), shown(*elapsed));
    let is_long = cases.len() > FULL_TABLE;
    let told = cases.iter().filter(|case| !is_long || !matches!(case.end, CaseEnd::Passed(_)));
    let told: Vec<&Case> = told.collect();
    if !told.is_empty() {
        page += "| | tenant | outcome | took | detail |\n| --- | --- | --- | ---: | --- |\n";
        page.extend(told.iter().take(ROWS).map(|case| row(case)));
        page += "\n";
    }
    if let Some(more) = told.len().checked_sub(ROWS).filter(|more| *more > 0) {
        let _ = write!(page, "… and {more} more\n\n");
    }
    page
}

/// Returns how many ended how.
fn counts(cases: &[Case]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in cases {
        *counts.entry(case.outcome).or_default() += 1;
    }
    let counted = counts.iter().map(|(word, count)| format!("{count} {}", text(&spaced(word))));
    let counted = counted.collect::<Vec<_>>().join(", ");
    if counted.is_empty() { "nothing to do".to_owned() } else { counted }
}

fn row(case: &Case) -> String {
    let (mark, detail) = match &case.end {
        CaseEnd::Passed(detail) => ("✅", detail),
        CaseEnd::Skipped(reason) => ("⏭️", reason),
        CaseEnd::Failed(failure) => ("❌", &failure.common),
        CaseEnd::NotRun(failure) => ("⛔", &failure.common),
    };
    let detail = Line::from(detail).shortened(DETAIL).plain();
    format!(
        "| {mark} | {} | {} | {} | {} |\n",
        text(&case.name),
        text(&spaced(case.outcome)),
        shown(case.took),
        text(&detail)
    )
}

fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

/// Returns text that Markdown shows as it is: what could be structure, a tag, a link or a mention is a
/// character reference, which is none of these (`CommonMark` 0.31, 2.5).
fn text(text: &str) -> String {
    let mut safe = String::new();
    for character in harmless(text).chars() {
        let is_host = character == '.' && safe.to_ascii_lowercase().ends_with("www");
        let is_plain = !character.is_ascii_punctuation() || " ,.;()'=/-%".contains(character);
        if is_plain && !is_host {
            safe.push(character);
        } else {
            let _ = write!(safe, "&#{};", u32::from(character));
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::output::cases::CaseFailure;
    use crate::output::junit::junit;

    const HOSTILE: &str = "a]]>|b`c\n# d\u{1b}[31m <script>&amp; [x](https://evil.example) \
                           www.evil.example @all \u{202e} \u{0} postgres://op:hunter2@db/x";

    fn hostile() -> Cases {
        let failure = || CaseFailure {
            kind: "incomplete",
            common: HOSTILE.to_owned(),
            said: vec![HOSTILE.to_owned(), "hint: \r</failure>".to_owned()],
        };
        let ends = [
            CaseEnd::Passed(HOSTILE.to_owned()),
            CaseEnd::Skipped(HOSTILE.to_owned()),
            CaseEnd::Failed(failure()),
            CaseEnd::NotRun(failure()),
        ];
        let took = Duration::from_millis(1234);
        let case = |end| Case { name: HOSTILE.to_owned(), outcome: "not_begun", took, end };
        Cases { command: "migrate apply", all: ends.map(case).to_vec(), elapsed: took }
    }

    #[test]
    fn what_a_server_says_is_neither_markup_nor_a_link_nor_an_escape() {
        let page = step_summary(&hostile());
        assert_eq!(page.lines().count(), 11, "a row each, and no line more: {page}");
        for line in page.lines().filter(|line| line.starts_with("| ")) {
            assert_eq!(line.matches('|').count(), 6, "{line}");
        }
        let structure = ['`', '<', '>', '[', ']', '@', '\u{1b}', '\u{202e}', '\u{0}', '\r'];
        assert!(!page.contains(structure), "{page}");
        for link in ["://", "www.", "hunter2", "\\n# "] {
            assert!(!page.contains(link), "{link}: {page}");
        }
        let xml = junit(&hostile());
        assert!(!xml.contains(['\u{1b}', '\u{202e}', '\u{0}', '\r']));
        assert!(
            !xml.contains("]]>") && !xml.contains("<script") && !xml.contains("hunter2"),
            "{xml}"
        );
        assert_eq!(xml.matches("</failure>").count(), 1, "{xml}");
        assert_eq!(xml.matches("<testcase ").count(), 4, "{xml}");
        for told in [
            r#"tests="4" skipped="1" failures="1" errors="1""#,
            r#"time="1.234""#,
            r#"type="incomplete""#,
            r#"classname="tenantctl.migrate.apply""#,
            "\nhint: ",
        ] {
            assert!(xml.contains(told), "{told}: {xml}");
        }
    }

    #[test]
    fn a_large_fleet_is_told_by_what_is_out_of_the_ordinary_and_stays_small() {
        let took = Duration::from_secs(1);
        let case = |at: usize| {
            let failed =
                CaseFailure { kind: "incomplete", common: "|".repeat(2000), said: Vec::new() };
            let (outcome, end) = match at {
                0..500 => ("failed", CaseEnd::Failed(failed)),
                _ => ("done", CaseEnd::Passed("V8__x".to_owned())),
            };
            Case { name: format!("t{at}"), outcome, took, end }
        };
        let all = (0..1000).map(case).collect();
        let page = step_summary(&Cases { command: "migrate apply", all, elapsed: took });
        assert!(page.contains("1000 tenants: 500 done, 500 failed, 1.0 s"), "{page}");
        assert!(page.contains("… and 300 more") && !page.contains("t700"), "{page}");
        assert!(page.len() < 500_000, "{}", page.len());
    }
}
