//! `migrate lint`: judges files of migrations. No database is asked.

use std::path::{Path, PathBuf};

use super::base;
use super::enums;
use super::error::MigrationError;
use super::lint::{self, Problem};
use super::lint_grammar;
use super::lint_rules::{REFUSALS, Rule};
use super::lint_tenants;
use super::lint_waivers;
use super::sets::{OwnMigrations, last_of, misnumbered, numbers_of};
use super::shared;
use crate::adapters::postgres::{Script, decode};
use crate::adapters::server::{domain_set, files_in};
use crate::model::escape_controls;

/// What is to be judged: these files and folders, else the operator's own, else what is embedded.
#[derive(Debug)]
pub(crate) struct LintRequest {
    pub paths: Vec<PathBuf>,
    pub own: Option<OwnMigrations>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LintReport {
    /// The files' names, in the order they run in.
    pub files: Vec<String>,
    /// By file and line.
    pub findings: Vec<LintFinding>,
    pub waived: Vec<Waived>,
    pub unseen: Vec<Unseen>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LintFinding {
    pub file: String,
    pub line: usize,
    pub rule: &'static str,
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// Whether `migrate apply` refuses the file for it.
    pub is_refused: bool,
}

/// A rule that a file waives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waived {
    pub file: String,
    pub line: usize,
    pub rule: String,
    pub because: String,
    /// How many findings.
    pub count: usize,
}

/// What could not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unseen {
    pub file: String,
    pub line: usize,
    pub what: &'static str,
}

/// A file to be judged.
struct File {
    name: String,
    text: Result<String, Problem>,
}

/// Judges files.
///
/// # Errors
/// When one cannot be read, or a folder's names and numbers do not fit.
pub(crate) fn lint(request: &LintRequest) -> Result<LintReport, MigrationError> {
    let files = files_of(request)?;
    let scripts: Vec<_> = files.iter().map(read).collect();
    let mut problems: Vec<Vec<Problem>> = Vec::with_capacity(files.len());
    let (mut declared, mut unseen) = (Vec::new(), Vec::new());
    for (file, script) in files.iter().zip(&scripts) {
        let script = match script {
            Ok(script) => script,
            Err(problem) => {
                problems.push(vec![problem.clone()]);
                continue;
            }
        };
        let grammar = lint_grammar::read(script);
        let mut found: Vec<_> = lint::problems(script).collect();
        found.extend(grammar.problems);
        found.extend(lint_tenants::problems(script));
        match shared::declared(file.text.as_deref().unwrap_or_default()) {
            Ok(shared) => declared.extend(shared),
            Err(problem) => found.push(problem),
        }
        problems.push(found);
        unseen.extend(unseen_in(&file.name, script, &grammar.unread));
    }
    let readable = scripts.iter().enumerate();
    let readable: Vec<_> =
        readable.filter_map(|(index, script)| Some((index, script.as_ref().ok()?))).collect();
    for (index, problem) in lint_tenants::open_tables(&readable, &declared) {
        problems[index].push(problem);
    }
    let texts = files.iter().filter_map(|it| Some((&*it.name, &**it.text.as_ref().ok()?)));
    let texts = texts.collect::<Vec<_>>();
    if let Some((name, problem)) = enums::problem(&texts)
        && let Some(index) = files.iter().position(|file| file.name == name)
    {
        problems[index].push(problem);
    }
    let (mut findings, mut waived) = (Vec::new(), Vec::new());
    for (file, mut found) in files.iter().zip(problems) {
        let (waivers, wrong) = lint_waivers::waivers(file.text.as_deref().unwrap_or_default());
        found.extend(wrong);
        let used = lint_waivers::apply(waivers, &mut found);
        waived.extend(used.into_iter().map(|(waiver, count)| Waived {
            file: file.name.clone(),
            line: waiver.line,
            rule: waiver.rule,
            because: waiver.because,
            count,
        }));
        found.sort_by_key(|problem| problem.line);
        findings.extend(found.into_iter().map(|problem| finding(&file.name, problem)));
    }
    let files = files.into_iter().map(|file| file.name).collect();
    Ok(LintReport { files, findings, waived, unseen })
}

fn finding(file: &str, Problem { rule, line, what, remedy }: Problem) -> LintFinding {
    let is_refused = REFUSALS.iter().any(|refusal: &Rule| refusal.name == rule);
    LintFinding { file: file.to_owned(), line, rule, what, remedy, is_refused }
}

fn read(file: &File) -> Result<Script<'_>, Problem> {
    let text = file.text.as_deref().map_err(Clone::clone)?;
    Ok(Script::read(text)?)
}

fn files_of(request: &LintRequest) -> Result<Vec<File>, MigrationError> {
    if !request.paths.is_empty() {
        let mut files = Vec::new();
        for path in &request.paths {
            if path.is_dir() {
                files.extend(files_below(path)?);
            } else {
                files.push(file_at(path)?);
            }
        }
        return Ok(files);
    }
    let Some(OwnMigrations { folder, base }) = &request.own else {
        let set = domain_set();
        let files = set.texts().into_iter();
        let file = |(name, text): (&str, &str)| (name.to_owned(), Ok(text.to_owned()));
        return Ok(files.map(file).map(|(name, text)| File { name, text }).collect());
    };
    base::decide(last_of(&domain_set()), &numbers_of(&files_in(folder)?), *base)
        .map_err(|(what, remedy)| misnumbered(folder, what, remedy))?;
    files_below(folder)
}

fn files_below(folder: &Path) -> Result<Vec<File>, MigrationError> {
    let file = |name: &str| escape_controls(&folder.join(name).display().to_string());
    let files = files_in(folder)?.into_iter().map(|it| File {
        name: file(&it.name),
        text: Ok(it.migration.sql().unwrap_or_default().to_owned()),
    });
    Ok(files.collect())
}

fn file_at(path: &Path) -> Result<File, MigrationError> {
    let name = escape_controls(&path.display().to_string());
    let bytes = std::fs::read(path).map_err(|error| MigrationError::UnreadableFile {
        file: name.clone(),
        problem: error.to_string(),
    })?;
    Ok(File { name, text: decode(&bytes).map_err(Problem::from) })
}

/// Returns what of a file only the server sees.
fn unseen_in(name: &str, script: &Script<'_>, unread: &[usize]) -> Vec<Unseen> {
    let unseen = |line, what| Unseen { file: name.to_owned(), line, what };
    let inside = script.statements.iter().filter_map(|statement| {
        let words = script.outer_words(statement);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let what = match words.as_slice() {
            ["do", ..] => "what a DO block does",
            ["call", ..] => "what a procedure does that is called",
            ["create", rest @ ..]
                if rest.iter().take(3).any(|it| matches!(*it, "function" | "procedure")) =>
            {
                "what a function does"
            }
            _ => return None,
        };
        Some(unseen(script.line_of(statement), what))
    });
    let long = unread.iter().map(|line| unseen(*line, "a statement that is too long to be read"));
    inside.chain(long).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_embedded_passes() {
        let report = lint(&LintRequest { paths: Vec::new(), own: None }).unwrap();
        assert_eq!(report.findings, []);
        assert!(report.files.len() > 6 && report.unseen.len() > 3, "{report:?}");
    }
}
