//! How `--help` is laid out: what it is, how it is called, examples, and only then the details.
//!
//! The options that every command takes are one line; `tenantctl help options` shows them. `-h` leaves
//! out what is more than a reminder.

use clap::{Arg, Command};

use super::topics::TOPICS;

/// The options that every command takes, in one line of every help.
const GLOBAL: &str = "-o -p --config --color -q -v --yes --no-input --timeout --actor";

/// Takes a text of a command's help away.
const NOTHING: Option<&str> = None;

/// Lays out the help of `tenantctl` itself and of every command below it that is built already.
pub(crate) fn whole(root: Command) -> Command {
    let about = root.get_after_help().map(ToString::to_string).unwrap_or_default();
    let topics: Vec<_> =
        TOPICS.iter().map(|(name, what)| format!("  tenantctl help {name:<12} {what}")).collect();
    let root = root.after_help(format!("{about}\n\nTopics:\n{}", topics.join("\n")));
    // The globals are shown by their topic, the line of every help names them.
    dressed(root).mut_args(|option| option.hide(true)).mut_subcommands(dressed)
}

/// Lays out a command's help.
pub(super) fn dressed(command: Command) -> Command {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let long = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    let details = long.strip_prefix(&about).unwrap_or_default().trim().to_owned();
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let heading = *command.get_styles().get_header();
    let headed = |text: &str| {
        let line = |line: &str| match line.strip_suffix(':') {
            Some(title) if !line.starts_with(' ') => format!("{heading}{title}:{heading:#}"),
            _ => line.to_owned(),
        };
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    };
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}{{after-help}}\n\n{{before-help}}{{all-args}}\
         \n\n{heading}Global options:{heading:#} {GLOBAL}\n(tenantctl help options)"
    );
    let command = match details.as_str() {
        "" => command,
        _ => command.before_help(details),
    };
    let command = match examples.as_str() {
        "" => command,
        _ => command.after_help(headed(&examples)),
    };
    command.long_about(NOTHING).help_template(template).mut_args(compact)
}

/// Leaves a command and those below it a help without examples and details.
pub(super) fn short(command: Command) -> Command {
    command.before_help(NOTHING).after_help(NOTHING).mut_subcommands(short)
}

/// Leaves an option one paragraph, and its values one line.
fn compact(argument: Arg) -> Arg {
    let values = argument.get_possible_values();
    let are_told = values.iter().any(|value| value.get_help().is_some());
    let argument = argument.long_help(NOTHING);
    if !are_told || argument.is_hide_possible_values_set() {
        return argument;
    }
    let names: Vec<_> = values.iter().map(clap::builder::PossibleValue::get_name).collect();
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    argument.hide_possible_values(true).help(format!("{help} [{}]", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn the_line_of_global_options_names_each_of_them() {
        let root = Cli::command();
        let names = root.get_arguments().filter(|option| option.is_global_set()).map(|option| {
            option.get_short().map_or_else(
                || format!("--{}", option.get_long().unwrap_or_default()),
                |short| format!("-{short}"),
            )
        });
        assert_eq!(names.collect::<Vec<_>>().join(" "), GLOBAL);
    }
}
