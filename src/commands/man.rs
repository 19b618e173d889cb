//! `tenantctl man`.

use std::path::Path;

use clap::{Command, CommandFactory};

use super::help;
use crate::cli::{Cli, ManArgs, whole};
use crate::commands::context::Context;
use crate::model::ErrorKind;
use crate::output::{Ending, Failure, exit_codes};

/// Prints the page of tenantctl itself, or writes a page for every command into a folder.
pub(super) fn run(args: &ManArgs, context: &Context) -> Result<Ending, Failure> {
    let mut root = whole(Cli::command()).mut_args(|option| option.hide(false));
    root.build();
    match &args.dir {
        None => context.console().raw(&page(&root)?),
        Some(folder) => {
            let count = write_all(&root, folder)?;
            context.console().note(format_args!("{count} pages are in {}", folder.display()));
        }
    }
    Ok(None)
}

fn write_all(command: &Command, folder: &Path) -> Result<usize, Failure> {
    let path = folder.join(format!("{}.1", name(command)));
    let text = page(command)?;
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
    written.map_err(|error| {
        Failure::new(ErrorKind::Usage, format!("write {}: {error}", path.display()))
    })?;
    let children = command.get_subcommands().filter(|child| child.get_name() != "help");
    children.map(|child| write_all(child, folder)).try_fold(1, |sum, count| Ok(sum + count?))
}

fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command) -> Result<String, Failure> {
    let name = name(command);
    let broken = |error: std::io::Error| {
        Failure::new(ErrorKind::Internal, format!("write the manual: {error}"))
    };
    let mangen = clap_mangen::Man::new(command.clone()).title(name);
    let mut generated = Vec::new();
    mangen.render_title(&mut generated).map_err(broken)?;
    mangen.render_name_section(&mut generated).map_err(broken)?;
    let mut text = String::from_utf8_lossy(&generated).into_owned();
    let usage = command.clone().render_usage().to_string();
    section(&mut text, "SYNOPSIS", usage.trim_start_matches("Usage: "));
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let details = command.get_before_help().map(ToString::to_string).unwrap_or_default();
    section(&mut text, "DESCRIPTION", format!("{about}.\n\n{details}").trim());
    let mut options = Vec::new();
    mangen.render_options_section(&mut options).map_err(broken)?;
    if command.has_subcommands() {
        mangen.render_subcommands_section(&mut options).map_err(broken)?;
    }
    text.push_str(&String::from_utf8_lossy(&options));
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples = examples.trim_start_matches("Examples:").trim_matches('\n');
    if !examples.is_empty() {
        verbatim(&mut text, "EXAMPLES", examples);
    }
    verbatim(&mut text, "EXIT STATUS", exit_codes().trim_end());
    let is_root = command.get_name() == name;
    let environment = if is_root {
        help::environment()
    } else {
        "Every setting by its variable: tenantctl(1), tenantctl help environment.".to_owned()
    };
    verbatim(&mut text, "ENVIRONMENT", environment.trim_end());
    verbatim(
        &mut text,
        "FILES",
        "./tenantctl.toml\n$XDG_CONFIG_HOME/tenantctl/tenantctl.toml, else \
         ~/.config/tenantctl/tenantctl.toml\n    settings and profiles; tenantctl help config",
    );
    if !is_root {
        section(&mut text, "SEE ALSO", "tenantctl(1)");
    }
    Ok(text)
}

/// Adds paragraphs of prose.
fn section(page: &mut String, title: &str, text: &str) {
    page.extend([".SH ", title, "\n"]);
    for line in text.lines() {
        match line.trim() {
            "" => page.push_str(".PP\n"),
            line => page.push_str(&(escaped(line) + "\n")),
        }
    }
}

/// Adds lines that stay as they are.
fn verbatim(page: &mut String, title: &str, text: &str) {
    let lines: Vec<_> = text.lines().map(escaped).collect();
    page.extend([".SH ", title, "\n.nf\n", &lines.join("\n"), "\n.fi\n"]);
}

/// Returns a line in which nothing is a request of roff's.
fn escaped(line: &str) -> String {
    let text = line.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
