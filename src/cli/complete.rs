//! What Tab offers: commands, options, and the values that are there.
//!
//! This room may not connect: who asks passes in the function that looks values up.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use clap::{Arg, Command, CommandFactory};
use clap_complete::ArgValueCompleter;
use clap_complete::engine::{CompletionCandidate, complete};

use super::command::Cli;
use super::manual::whole;
use super::topics::TOPICS;
use crate::model::TenantStatus;

/// What a value is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Tenants that a command can work on.
    Tenants(Fitting),
    /// Labels that tenants have.
    Labels,
    /// Plans that tenants are on.
    Plans,
    SeedSets,
    /// Versions of migrations.
    Versions,
    /// Numbers of runs.
    Runs,
    /// Profiles of the config files.
    Profiles,
    /// Sessions issued lately.
    Sessions,
    /// Users of such sessions.
    Users,
    /// Actions of the audit trail.
    Actions,
}

/// The tenants that a command can work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fitting {
    Any,
    Locked,
    NotLocked,
    Deleted,
    Protected,
    NotProtected,
}

/// A value, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub value: String,
    pub what: String,
}

/// Looks up the values that begin with a text.
pub(crate) type Source = Arc<dyn Fn(Wanted, &str) -> Vec<Offer> + Send + Sync>;

/// A command line that is being typed.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    /// Its words, the name of the program first.
    pub words: Vec<String>,
    /// The word that Tab was pressed in.
    pub index: usize,
}

impl Typed {
    /// Returns the value of an option that was typed anywhere, as `-p x`, `-px`, `--profile x` or
    /// `--profile=x`.
    pub(crate) fn option(&self, short: Option<&str>, long: &str) -> Option<&str> {
        let others = self.words.iter().enumerate().filter(|(at, _)| *at != self.index);
        for (at, word) in others {
            if word == long || short == Some(word) {
                return self.words.get(at + 1).map(String::as_str);
            }
            let glued = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
            let short = short.filter(|_| !word.starts_with("--"));
            if let Some(value) = glued.or_else(|| word.strip_prefix(short?)) {
                return Some(value);
            }
        }
        None
    }

    fn current(&self) -> &str {
        self.words.get(self.index).map_or("", String::as_str)
    }
}

/// Returns what may stand where Tab was pressed; options only once their `-` is typed.
pub(crate) fn offers(typed: &Typed, working_dir: Option<&Path>, source: &Source) -> Vec<Offer> {
    let current = typed.current();
    let is_help = typed.words.get(1).is_some_and(|word| word == "help") && typed.index > 1;
    let mut words = typed.words.clone();
    let mut index = typed.index;
    if is_help {
        words.remove(1);
        index -= 1;
    }
    let words = words.into_iter().map(OsString::from).collect();
    let mut command = completing(typed, source);
    let found = complete(&mut command, words, index, working_dir).unwrap_or_default();
    let offer = |candidate: &CompletionCandidate| Offer {
        value: candidate.get_value().to_string_lossy().into_owned(),
        what: candidate.get_help().map(ToString::to_string).unwrap_or_default(),
    };
    let mut offers: Vec<_> = found.iter().map(offer).collect();
    if is_help {
        let path = typed.words.iter().take(typed.index).skip(2);
        let noun = path.fold(&command, |at, word| at.find_subcommand(word).unwrap_or(at));
        offers.retain(|offer| noun.find_subcommand(&offer.value).is_some());
        let topics = TOPICS.iter().filter(|(name, _)| index == 1 && name.starts_with(current));
        let topic = |(name, what): &(&str, &str)| Offer {
            value: (*name).to_owned(),
            what: (*what).to_owned(),
        };
        offers.extend(topics.map(topic));
    } else if !current.starts_with('-') {
        offers.retain(|offer| !offer.value.starts_with('-'));
    }
    offers
}

/// Returns the whole command line with completers for the values that can be looked up.
fn completing(typed: &Typed, source: &Source) -> Command {
    let mut command = whole(Cli::command()).mut_args(|option| option.hide(false));
    command.build();
    attach(command, &[], typed, source)
}

fn attach(command: Command, path: &[String], typed: &Typed, source: &Source) -> Command {
    let command = command.mut_args(|argument| with_completer(argument, path, typed, source));
    command.mut_subcommands(|child| {
        let below = [path, &[child.get_name().to_owned()]].concat();
        attach(child, &below, typed, source)
    })
}

fn with_completer(argument: Arg, path: &[String], typed: &Typed, source: &Source) -> Arg {
    let name = argument.get_value_names().and_then(<[_]>::first).map(ToString::to_string);
    let wanted = match (name.as_deref().unwrap_or_default(), argument.get_id().as_str()) {
        (_, "confirm") => return argument.add(confirmation(typed)),
        ("STATUS", _) => return argument.add(fixed(&TenantStatus::words().collect::<Vec<_>>())),
        ("TENANT" | "TENANT,…" | "SLUG|UUID", _) => Wanted::Tenants(fitting(path)),
        ("K=V" | "K=V|K-", _) => Wanted::Labels,
        ("PLAN", _) => Wanted::Plans,
        ("SET", _) => Wanted::SeedSets,
        ("VERSION", _) => Wanted::Versions,
        ("RUN", _) => Wanted::Runs,
        (_, "profile") => Wanted::Profiles,
        ("JTI", _) => Wanted::Sessions,
        ("USER", _) | (_, "user") => Wanted::Users,
        ("ACTION", _) => Wanted::Actions,
        _ => return argument,
    };
    let source = Arc::clone(source);
    let takes_several = argument.get_value_delimiter().is_some();
    argument.add(ArgValueCompleter::new(move |typed: &OsStr| {
        let typed = typed.to_string_lossy();
        let (before, last) = match typed.rfind(',') {
            Some(comma) if takes_several => typed.split_at(comma + 1),
            _ => ("", &*typed),
        };
        let offer = |offer: Offer| {
            CompletionCandidate::new(format!("{before}{}", offer.value))
                .help(Some(offer.what.into()))
        };
        source(wanted, last).into_iter().map(offer).collect()
    }))
}

/// Returns the tenants that the command below this path can work on.
fn fitting(path: &[String]) -> Fitting {
    let path: Vec<_> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["unlock"] => Fitting::Locked,
        ["lockdown"] => Fitting::NotLocked,
        ["tenant", "restore" | "purge"] => Fitting::Deleted,
        ["tenant", "protect"] => Fitting::NotProtected,
        ["tenant", "unprotect"] => Fitting::Protected,
        _ => Fitting::Any,
    }
}

/// Offers what was named before: `--confirm` repeats it.
fn confirmation(typed: &Typed) -> ArgValueCompleter {
    let before = typed.words.iter().take(typed.index).skip(3);
    let named = before.clone().find(|word| !word.starts_with('-')).cloned();
    let is_due = before.clone().any(|word| word == "--due");
    let word = if is_due { Some("due".to_owned()) } else { named };
    fixed(word.as_slice())
}

fn fixed<T: ToString>(values: &[T]) -> ArgValueCompleter {
    let values: Vec<_> = values.iter().map(ToString::to_string).collect();
    ArgValueCompleter::new(move |typed: &OsStr| {
        let typed = typed.to_string_lossy();
        let fits = values.iter().filter(|value| value.starts_with(&*typed));
        fits.map(CompletionCandidate::new).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Typed {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        Typed { index: words.len() - 1, words }
    }

    /// Returns what is asked for, and with which beginning.
    fn asked(line: &str) -> Vec<String> {
        let source: Source = Arc::new(|wanted, text| {
            vec![Offer { value: format!("{wanted:?}:{text}"), what: String::new() }]
        });
        offers(&typed(line), None, &source).into_iter().map(|offer| offer.value).collect()
    }

    #[test]
    fn every_value_that_can_be_known_is_looked_up() {
        for (line, wanted) in [
            ("tenantctl tenant show ac", "Tenants(Any):ac"),
            ("tenantctl unlock ", "Tenants(Locked):"),
            ("tenantctl lockdown ", "Tenants(NotLocked):"),
            ("tenantctl tenant restore ", "Tenants(Deleted):"),
            ("tenantctl tenant purge ", "Tenants(Deleted):"),
            ("tenantctl tenant protect ", "Tenants(NotProtected):"),
            ("tenantctl tenant unprotect ", "Tenants(Protected):"),
            ("tenantctl migrate apply --tenant acme,gl", "acme,Tenants(Any):gl"),
            ("tenantctl migrate apply --tenant=gl", "--tenant=Tenants(Any):gl"),
            ("tenantctl migrate apply --all --exclude a", "Tenants(Any):a"),
            ("tenantctl token verify - --tenant a", "Tenants(Any):a"),
            ("tenantctl tenant list --label ti", "Labels:ti"),
            ("tenantctl tenant update acme --label ti", "Labels:ti"),
            ("tenantctl tenant list --plan ", "Plans:"),
            ("tenantctl seed apply --all --set d", "SeedSets:d"),
            ("tenantctl migrate apply --all --seed=d", "--seed=SeedSets:d"),
            ("tenantctl migrate apply --all --target ", "Versions:"),
            ("tenantctl migrate resume 1", "Runs:1"),
            ("tenantctl migrate runs show ", "Runs:"),
            ("tenantctl -p pr", "Profiles:pr"),
            ("tenantctl tenant list --profile=pr", "--profile=Profiles:pr"),
            ("tenantctl session show 01", "Sessions:01"),
            ("tenantctl session revoke --jti ", "Sessions:"),
            ("tenantctl session list --user ", "Users:"),
            ("tenantctl audit list --action t", "Actions:t"),
            ("tenantctl tenant delete acme --confirm ", "acme"),
            ("tenantctl tenant purge --due --no-backup --confirm ", "due"),
            ("tenantctl tenant list --status del", "deleted"),
            ("tenantctl completions z", "zsh"),
        ] {
            assert_eq!(asked(line), [wanted], "{line}");
        }
        // A new tenant's slug is nobody's yet.
        assert_eq!(asked("tenantctl tenant create "), [""; 0]);
    }

    #[test]
    fn options_are_offered_once_their_dash_is_typed() {
        assert_eq!(asked("tenantctl migrate apply --dr"), ["--dry-run"]);
        assert!(asked("tenantctl tenant show --").contains(&"--profile".to_owned()));
        assert_eq!(asked("tenantctl tenant show "), ["Tenants(Any):"]);
    }

    #[test]
    fn help_is_completed_as_what_it_helps_with() {
        assert_eq!(asked("tenantctl help ten"), ["tenant"]);
        assert!(asked("tenantctl help ").contains(&"environment".to_owned()));
        assert_eq!(asked("tenantctl help tenant sho"), ["show"]);
        assert_eq!(asked("tenantctl help tenant show "), [""; 0]);
    }

    #[test]
    fn options_that_choose_the_control_plane_are_found_in_every_spelling() {
        for line in [
            "tenantctl -p x tenant show ",
            "tenantctl -px tenant show ",
            "tenantctl tenant show --profile x a",
            "tenantctl tenant show --profile=x a",
        ] {
            assert_eq!(typed(line).option(Some("-p"), "--profile"), Some("x"), "{line}");
        }
        assert_eq!(typed("tenantctl tenant -p").option(Some("-p"), "--profile"), None);
    }
}
