//! From the process's arguments to a `Cli`, or to clap's answer with nothing unsafe in it.
//!
//! It prints nothing: help, version and usage errors are clap's own `Error`, shown by `output`.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{ColorChoice, Command, CommandFactory, FromArgMatches};

use super::command::Cli;
use super::manual::{short, whole};
use crate::model::{escape_controls, nearest, redact, shorten};

/// Reads the command line.
///
/// # Errors
/// Clap's answer to `--help`, `--version` and to what it does not accept, with the words that were
/// typed escaped, redacted and cut to 200 characters.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    read(arguments).map_err(made_safe)
}

fn read(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = whole(Cli::command()).color(color(arguments));
    if let [_, word] = arguments
        && ["--help", "-h", "--version", "-V"].iter().any(|asked| word == asked)
    {
        // No subcommand is entered, so none needs its copy of the global options: making those
        // copies is half of what such an answer costs.
        command = command.mut_args(|argument| argument.global(false));
    }
    if arguments.iter().any(|word| word == "-h") {
        // Also the commands that are built only once they are entered.
        command.build();
        command = short(command);
    }
    let matches = command.try_get_matches_from_mut(arguments);
    let mut matches = matches.map_err(|error| meant_instead(error, &command, arguments))?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Words of other programs for what we call otherwise.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("edit", "update"),
    ("rename", "update"),
    ("set", "update"),
    ("psql", "connect"),
    ("shell", "connect"),
    ("ls", "list"),
    ("get", "show"),
    ("describe", "show"),
    ("rm", "delete"),
    ("remove", "delete"),
    ("destroy", "delete"),
    ("lock", "lockdown"),
    ("up", "apply"),
    ("run", "apply"),
];

/// Puts in place of clap's suggestion, which compares letters from afar, what an unknown command means, or
/// nothing.
fn meant_instead(mut error: clap::Error, root: &Command, arguments: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    let typed = typed.clone();
    let path = arguments.iter().skip(1).take_while(|word| **word != *typed);
    let noun = path.fold(root, |at, word| at.find_subcommand(word).unwrap_or(at));
    let names: Vec<_> = noun.get_subcommands().map(Command::get_name).collect();
    let other = OTHER_WORDS.iter().find(|(word, ours)| *word == typed && names.contains(ours));
    let meant = match other {
        Some((_, ours)) => vec![*ours],
        None => nearest(&typed, names),
    };
    let meant: Vec<_> = meant.into_iter().map(str::to_owned).collect();
    error.remove(ContextKind::SuggestedSubcommand);
    if typed == "version" {
        let tip = "the version is shown by '--version'".to_owned();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    } else if !meant.is_empty() {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(meant));
    }
    error
}

/// Returns when help is coloured; a command line that asks for help is not parsed to its end.
fn color(arguments: &[OsString]) -> ColorChoice {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let is_asked = |when: &str| {
        words.windows(2).any(|pair| pair[0] == "--color" && pair[1] == when)
            || words.iter().any(|word| *word == format!("--color={when}"))
    };
    match (is_asked("always"), is_asked("never")) {
        (true, _) => ColorChoice::Always,
        (_, true) => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

/// Returns whether `-o json` or `-o ndjson` was typed, for a command line that cannot be parsed.
pub(crate) fn wants_json(arguments: &[OsString]) -> bool {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let wants = |format: &str| {
        words.windows(2).any(|pair| matches!(&*pair[0], "-o" | "--output") && pair[1] == format)
            || words
                .iter()
                .any(|word| *word == format!("-o{format}") || *word == format!("--output={format}"))
    };
    wants("json") || wants("ndjson")
}

/// Clap repeats what was typed as it is: terminal escapes, and a token pasted into the wrong place.
fn made_safe(mut error: clap::Error) -> clap::Error {
    let safe = |text: &str| shorten(&redact(&escape_controls(text)), 200);
    let shown: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(safe(text)))),
            ContextValue::Strings(texts) => {
                Some((kind, ContextValue::Strings(texts.iter().map(|text| safe(text)).collect())))
            }
            _ => None,
        })
        .collect();
    for (kind, value) in shown {
        error.insert(kind, value);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn what_was_typed_is_never_repeated_raw() {
        let typed = ["tenantctl", "tenant", "show", "\u{1b}[2J", "sbp_0123456789"];
        let typed: Vec<_> = typed.into_iter().map(OsString::from).collect();
        let error = parse(&typed).unwrap_err().render().to_string();
        assert!(!error.contains('\u{1b}') && !error.contains("0123456789"), "{error}");
    }

    #[test]
    fn a_word_that_is_no_command_leads_to_what_was_meant_or_to_nothing_else() {
        for (line, meant) in [
            ("tenantctl tenant rename", Some("'update'")),
            ("tenantctl tenant lsit", Some("'list'")),
            ("tenantctl tenant ls", Some("'list'")),
            ("tenantctl tenat", Some("'tenant'")),
            ("tenantctl version", Some("'--version'")),
            ("tenantctl tenant wait", None),
            ("tenantctl wait", None),
        ] {
            let error = parse(&words(line)).unwrap_err().render().to_string();
            assert!(!error.contains("unprotect"), "{error}");
            match meant {
                Some(meant) => assert!(error.contains(meant), "{line}: {error}"),
                None => assert!(!error.contains("tip:"), "{line}: {error}"),
            }
        }
    }

    #[test]
    fn every_spelling_of_json_is_seen() {
        for json in ["-o json", "-ojson", "--output json", "--output=json", "-o ndjson"] {
            assert!(wants_json(&words(&format!("tenantctl tenant {json}"))), "{json}");
        }
        for other in ["-o table", "json", "-o", "--output=yaml"] {
            assert!(!wants_json(&words(&format!("tenantctl tenant {other}"))), "{other}");
        }
    }
}
