//! What is wrong with files of migrations.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::line::{Line, bad, behind, dim};
use super::text::Text;
use super::view::View;
use crate::services::migration::{LintFinding, LintReport};

pub(crate) fn render_lint(report: &LintReport) -> View {
    let mut text = Text::new();
    for finding in &report.findings {
        let place = format!("{}:{}", finding.file, finding.line);
        let rule = if finding.is_refused { bad(finding.rule) } else { behind(finding.rule) };
        text = text
            .line(Line::from(place).and(" ").and(rule))
            .hanging(Line::from("  "), &finding.what)
            .hanging(dim("  to do: "), &finding.remedy)
            .blank();
    }
    let refused = report.findings.iter().filter(|finding| finding.is_refused).count();
    let waived: usize = report.waived.iter().map(|waived| waived.count).sum();
    let mut said = vec![format!("{} findings", report.findings.len())];
    if report.findings.len() == 1 {
        said = vec!["1 finding".to_owned()];
    }
    if refused > 0 {
        said.push(format!("{refused} of them refused by `migrate apply`"));
    }
    if waived > 0 {
        said.push(format!("{waived} waived"));
    }
    let files = match report.files.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    let text = text.line(format_args!("{files}: {}", said.join(", ")));
    let waived_json = report.waived.iter().map(|it| {
        json!({
            "file": it.file, "line": it.line, "rule": it.rule, "because": it.because,
            "count": it.count,
        })
    });
    let unseen = report.unseen.iter();
    let unseen = unseen.map(|it| json!({ "file": it.file, "line": it.line, "what": it.what }));
    View::list(("findings", "finding"), report.findings.iter().map(finding_json).collect(), text)
        .with("files", json!(report.files))
        .with("waived", waived_json.collect())
        .with("unseen", unseen.collect())
        .with(
            "summary",
            json!({
                "count": report.findings.len(), "files": report.files.len(), "refused": refused,
                "waived": waived,
            }),
        )
        .note(format_args!("Not seen: {}.", not_seen(report)))
}

/// Returns what no finding is about, since it could not be seen.
fn not_seen(report: &LintReport) -> String {
    let mut counts: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    for unseen in &report.unseen {
        let first = || (0, format!("{}:{}", unseen.file, unseen.line));
        counts.entry(unseen.what).or_insert_with(first).0 += 1;
    }
    let counted = counts.into_iter().map(|(what, (count, first))| match count {
        1 => format!("{what} ({first})"),
        more => format!("{what} ({more} times, first in {first})"),
    });
    let always = "data and the size of tables".to_owned();
    std::iter::once(always).chain(counted).collect::<Vec<_>>().join("; ")
}

fn finding_json(finding: &LintFinding) -> Value {
    json!({
        "file": finding.file,
        "line": finding.line,
        "rule": finding.rule,
        "message": finding.what,
        "remedy": finding.remedy,
        "refused": finding.is_refused,
    })
}

/// Returns the findings as GitHub Actions reads them from a step's output.
pub(crate) fn annotations(report: &LintReport) -> Vec<String> {
    let annotation = |finding: &LintFinding| {
        format!(
            "::error file={},line={},title={}::{}",
            property(&finding.file),
            finding.line,
            property(finding.rule),
            message(&format!("{} To do: {}", finding.what, finding.remedy))
        )
    };
    report.findings.iter().map(annotation).collect()
}

/// Escapes a message (actions/toolkit `packages/core/src/command.ts`, read 2026-11).
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_line_whatever_a_name_holds() {
        let finding = LintFinding {
            file: "a,b:100%\n::x.sql".to_owned(),
            line: 3,
            rule: "row-security",
            what: "100%\r\n::stop-commands::".to_owned(),
            remedy: "write it".to_owned(),
            is_refused: false,
        };
        let report = LintReport {
            files: Vec::new(),
            findings: vec![finding],
            waived: Vec::new(),
            unseen: Vec::new(),
        };
        assert_eq!(
            annotations(&report),
            ["::error file=a%2Cb%3A100%25%0A%3A%3Ax.sql,line=3,title=row-security::\
              100%25%0D%0A::stop-commands:: To do: write it"]
        );
    }
}
