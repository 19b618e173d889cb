//! `tenantctl help TOPIC`: what the manual says of no single command.

use std::ffi::OsString;

use clap::CommandFactory;

use crate::cli::{
    CONFIG, Cli, ENVIRONMENT, LINT, OPTIONS, OTHER_VARIABLES, OUTPUT, SELECTORS, TOPICS,
    global_options,
};
use crate::config::{Documented, documented};
use crate::output::{EXIT_CODES_TOPIC, definitions, exit_codes};
use crate::services::migration::{CHANGES, OFF, REFUSALS, Rule, TENANTS};

/// Returns the page that a command line asks for; nothing when it asks for something else.
pub(crate) fn topic(arguments: &[OsString]) -> Option<String> {
    let [_, help, name] = arguments else { return None };
    if help != "help" {
        return None;
    }
    TOPICS.iter().find(|(topic, _)| name == *topic).and_then(|(topic, _)| page(topic))
}

fn page(name: &str) -> Option<String> {
    Some(match name {
        "environment" => environment(),
        "config" => format!("{CONFIG}\n{}", definitions(&keys())),
        "selectors" => SELECTORS.to_owned(),
        "output" => OUTPUT.to_owned(),
        "options" => format!("{OPTIONS}\n{}", global_options(&Cli::command())),
        "lint" => lint(),
        EXIT_CODES_TOPIC => exit_codes(),
        _ => return None,
    })
}

/// Returns the page of every variable.
pub(super) fn environment() -> String {
    format!("{ENVIRONMENT}\n{}\n{OTHER_VARIABLES}", definitions(&variables()))
}

/// Returns the page of the rules, those that are off as well.
fn lint() -> String {
    let rows = |rules: &[Rule]| {
        let row = |rule: &Rule| (rule.name.to_owned(), rule.finds);
        definitions(&rules.iter().map(row).collect::<Vec<_>>())
    };
    let off: Vec<_> =
        OFF.iter().map(|(why, names)| ((*why).to_owned(), names.join(", "))).collect();
    let off: Vec<_> = off.iter().map(|(why, names)| (why.clone(), names.as_str())).collect();
    format!(
        "{LINT}\nRefused by `migrate apply` as well; no waiver helps:\n\n{}\nWhat keeps tenants apart:\n\n{}\n\
         What applications wait for or break by, of squawk's rules:\n\n{}\n\
         Of squawk's rules, off, and why:\n\n{}",
        rows(REFUSALS),
        rows(TENANTS),
        rows(CHANGES),
        definitions(&off)
    )
}

/// Returns every variable with its meaning.
fn variables() -> Vec<(String, &'static str)> {
    let row = |setting: Documented| {
        let names = [Some(setting.variable.to_owned()), setting.file_variable];
        (names.into_iter().flatten().collect::<Vec<_>>().join(", "), setting.meaning)
    };
    documented().into_iter().map(row).collect()
}

fn keys() -> Vec<(String, &'static str)> {
    let settings = documented().into_iter().filter(|setting| !setting.keys.is_empty());
    settings.map(|setting| (setting.keys.join(", "), setting.meaning)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_a_page_of_80_columns_and_nothing_else_has_one() {
        for (name, _) in TOPICS {
            let words = ["tenantctl", "help", name].map(OsString::from);
            let page = topic(&words).unwrap_or_else(|| panic!("no page for {name}"));
            for line in page.lines() {
                assert!(line.chars().count() <= 82, "{name}: {line}");
            }
        }
        for other in [
            &["tenantctl", "help"][..],
            &["tenantctl", "help", "tenant"],
            &["tenantctl", "x", "config"],
        ] {
            let words: Vec<_> = other.iter().map(OsString::from).collect();
            assert_eq!(topic(&words), None, "{other:?}");
        }
    }

    #[test]
    fn the_topic_has_every_setting_that_is_read() {
        let page = page("environment").unwrap();
        for setting in documented() {
            assert!(page.contains(setting.variable), "{}", setting.variable);
        }
    }
}
