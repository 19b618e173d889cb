//! A noun's subcommands, built only once the noun is typed.
//!
//! Building the whole tree of commands and options takes most of the time of `--version` and
//! `--help`. What is accepted and printed stays the same.

use clap::error::Error;
use clap::{ArgMatches, Command, FromArgMatches, Subcommand};

use super::manual::dressed;

/// Subcommands that are built on demand.
#[derive(Debug)]
pub struct OnDemand<T>(pub T);

impl<T: Subcommand> Subcommand for OnDemand<T> {
    fn augment_subcommands(command: Command) -> Command {
        command.defer(build::<T>)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        T::augment_subcommands_for_update(command)
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}

impl<T: FromArgMatches> FromArgMatches for OnDemand<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

/// Adds the subcommands and keeps the noun's own help, which the doc comment of their type would
/// replace.
fn build<T: Subcommand>(command: Command) -> Command {
    let (about, long_about) = (command.get_about().cloned(), command.get_long_about().cloned());
    let command = T::augment_subcommands(command).about(about.unwrap_or_default());
    let command = command.mut_subcommands(dressed);
    match long_about {
        Some(long_about) => command.long_about(long_about),
        None => command.long_about(None),
    }
}
