//! Waivers: `-- tenantctl: allow RULE because …` waives one rule in its file, with a reason.
//!
//! A file is one change and is never edited once it ran, so a waiver counts for the whole of it. One
//! that says too little, or waives nothing, is a finding itself.

use super::lint::Problem;
use super::lint_rules::{is_waivable, waivable};
use crate::model::{did_you_mean, escape_controls, nearest, shorten};

/// What begins every line that is ours.
const OURS: &str = "-- tenantctl:";

/// What else such a line may say.
const OTHERS: [&str; 2] = ["no-transaction", "shared"];

/// One rule that a file waives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiver {
    pub line: usize,
    pub rule: String,
    pub because: String,
}

/// Returns what a file waives, and what is wrong with lines that are to.
pub(super) fn waivers(text: &str) -> (Vec<Waiver>, Vec<Problem>) {
    let (mut waivers, mut problems) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let Some(said) = line.trim().strip_prefix(OURS) else { continue };
        match waiver(index + 1, said.trim()) {
            Ok(waiver) => waivers.extend(waiver),
            Err((what, remedy)) => problems.push(problem(index + 1, what, remedy)),
        }
    }
    (waivers, problems)
}

fn waiver(line: usize, said: &str) -> Result<Option<Waiver>, (String, String)> {
    let (word, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    let shown = shorten(&escape_controls(word), 40);
    if OTHERS.contains(&word) {
        return Ok(None);
    }
    if word != "allow" {
        let known = OTHERS.into_iter().chain(["allow"]);
        let meant = did_you_mean(&nearest(word, known));
        let remedy = "write allow, shared or no-transaction, or take the line out".to_owned();
        let what = format!("`{OURS} {shown}` says nothing that tenantctl knows");
        return Err((what, meant.unwrap_or(remedy)));
    }
    let example =
        || format!("write it like: {OURS} allow ban-drop-column because nothing reads it");
    let (rule, because) = rest.split_once(" because").unwrap_or((rest, ""));
    let (rule, because) = (rule.trim(), because.trim());
    let shown = shorten(&escape_controls(rule), 60);
    match is_waivable(rule) {
        None if rule.is_empty() || rule.contains(char::is_whitespace) => {
            Err((format!("`{OURS} allow` needs one rule and a reason"), example()))
        }
        None => {
            let meant = did_you_mean(&nearest(rule, waivable()));
            let remedy = meant.unwrap_or_else(|| "tenantctl help lint lists the rules".to_owned());
            Err((format!("there is no rule `{shown}` to waive"), remedy))
        }
        Some(false) => {
            let what = format!("`{shown}` cannot be waived");
            Err((what, "take the waiver out, and mend what it finds".to_owned()))
        }
        Some(true) if because.is_empty() => {
            Err((format!("the waiver of `{shown}` gives no reason"), example()))
        }
        Some(true) => {
            let because = escape_controls(because);
            Ok(Some(Waiver { line, rule: rule.to_owned(), because }))
        }
    }
}

/// Takes out what is waived. Returns the waivers with how many findings each took, and adds those that
/// took none to the findings.
pub(super) fn apply(waivers: Vec<Waiver>, found: &mut Vec<Problem>) -> Vec<(Waiver, usize)> {
    let mut used = Vec::new();
    let mut unused = Vec::new();
    for waiver in waivers {
        let before = found.len();
        found.retain(|problem| problem.rule != waiver.rule);
        let count = before - found.len();
        if count == 0 {
            let what = format!("the waiver of `{}` waives nothing here", waiver.rule);
            unused.push(problem(waiver.line, what, "take it out".to_owned()));
        } else {
            used.push((waiver, count));
        }
    }
    found.extend(unused);
    used
}

fn problem(line: usize, what: String, remedy: String) -> Problem {
    Problem { rule: "waiver", line, what, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiver_names_one_rule_and_a_reason() {
        let text = "-- tenantctl: allow ban-drop-column because V7 stopped reading it\n\
                    -- tenantctl: shared t because x\n-- tenantctl: no-transaction\n\
                    --   `-- tenantctl: allow x`";
        let (found, problems) = waivers(text);
        assert_eq!(problems, []);
        let because = "V7 stopped reading it".to_owned();
        assert_eq!(found, [Waiver { line: 1, rule: "ban-drop-column".to_owned(), because }]);
        for (bad, what) in [
            ("allow", "needs one rule"),
            ("allow ban-drop-column", "gives no reason"),
            ("allow ban-drop-column because ", "gives no reason"),
            ("allow a b because c", "needs one rule"),
            ("allow ban-drop-colum because x", "there is no rule"),
            ("allow copy because x", "cannot be waived"),
            ("allow waiver because x", "cannot be waived"),
            ("alow ban-drop-column because x", "says nothing"),
        ] {
            let (found, problems) = waivers(&format!("select 1;\n-- tenantctl: {bad}"));
            assert_eq!(found, [], "{bad}");
            assert!(problems[0].what.contains(what) && problems[0].line == 2, "{problems:?}");
        }
        let (_, problems) = waivers("-- tenantctl: allow ban-drop-colum because x");
        assert_eq!(problems[0].remedy, "did you mean `ban-drop-column`?");
    }

    #[test]
    fn what_waives_nothing_is_found_and_what_waives_is_counted() {
        let dropped = |line| Problem {
            rule: "ban-drop-column",
            line,
            what: String::new(),
            remedy: String::new(),
        };
        let waiver =
            |rule: &str| Waiver { line: 9, rule: rule.to_owned(), because: "x".to_owned() };
        let mut found = vec![dropped(1), dropped(2)];
        let used = apply(vec![waiver("ban-drop-column"), waiver("policy-true")], &mut found);
        assert_eq!(used, [(waiver("ban-drop-column"), 2)]);
        assert_eq!(found.len(), 1);
        assert!(found[0].rule == "waiver" && found[0].line == 9, "{found:?}");
    }
}
