//! tenantctl: the one binary that runs the life of a B2B product's tenants.
//!
//! Rooms, from the operator down: `cli` is what was typed, `config` what was set, `commands` joins
//! them with `services`, which decide; `adapters` speak to Postgres, and `model` holds the words
//! everyone shares. `output` is the side room that every byte leaves from. Imports point down or
//! sideways to the right, never back. What the tests see of them is `testkit`.

mod adapters;
mod cli;
mod commands;
mod config;
mod files;
mod model;
mod output;
mod process;
mod services;
pub mod testkit;

use std::ffi::OsString;
use std::process::ExitCode;

use adapters::postgres::statement_line;
use cli::{Cli, ColorChoice, GlobalArgs, OutputFormat};
use commands::Context;
use config::{Explained, Flags, Setting, environment};
use model::ErrorKind;
use output::{Appearance, Console, Ending, Failure, Format, TraceLines, Volume};

/// Runs the program: parse → runtime → dispatch → exit code.
pub fn run() -> ExitCode {
    process::report_panics();
    process::forbid_core_dumps();
    if let Err(failure) = process::unset_libpq_variables() {
        return fail(&plain_console(Format::Table), &failure);
    }
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(offers) = commands::at_tab(&arguments) {
        plain_console(Format::Table).raw(&offers);
        return ExitCode::SUCCESS;
    }
    if let Some(page) = commands::topic(&arguments) {
        plain_console(Format::Table).raw(&page);
        return ExitCode::SUCCESS;
    }
    let cli = match cli::parse(&arguments) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && cli::wants_json(&arguments) => {
            return plain_console(Format::Json).fail_usage(&error);
        }
        Err(answer) => return output::show_clap(&answer),
    };
    let console = Console::new(appearance(&cli.global));
    match start(cli, console) {
        (_, Ok(None)) => ExitCode::SUCCESS,
        (_, Ok(Some(kind))) => ExitCode::from(output::exit_code(kind)),
        (console, Err(failure)) => fail(&console, &failure),
    }
}

/// Resolves the settings, starts the runtime, runs the command; gives the console back for whatever
/// is left to say.
fn start(cli: Cli, console: Console) -> (Console, Result<Ending, Failure>) {
    let flags = Flags {
        profile: cli.global.profile.clone(),
        config: cli.global.config.clone(),
        actor: cli.global.actor.clone(),
        may_be_new: commands::makes_settings(&cli.command),
        is_urgent: commands::is_urgent(&cli.command),
    };
    process::trace_to_stderr(cli.global.verbose, TraceLines::new(statement_line));
    let working_dir = std::env::current_dir().unwrap_or_default();
    let settings = match config::resolve(&flags, &environment, &working_dir) {
        Ok(settings) => settings,
        Err(error) => return (console, Err(error.into())),
    };
    for warning in settings.warnings().iter().chain(&config::unknown_variables()) {
        console.warn(warning);
    }
    if cli.global.verbose > 0 {
        for looked in settings.looked_at.iter().filter(|looked| !looked.is_there) {
            console.explain(format_args!("no config file {}", looked.path.display()));
        }
        for Explained { name, value, .. } in settings.explain() {
            if let Some(Setting { value, origin }) = value {
                console.explain(format_args!("{name} = {value}  (from {origin})"));
            }
        }
    }
    // Nothing is started before the command line and the settings are known to be right.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let message = format!("start the runtime: {error}");
            return (console, Err(Failure::new(ErrorKind::Internal, message)));
        }
    };
    let context = Context::new(settings, console, cli.global.timeout, cli.global.yes);
    let ending = runtime.block_on(async {
        tokio::select! {
            // A signal that has arrived is noticed before anything else goes on.
            biased;
            failure = stopped(&context) => Err(failure),
            failure = context.ran_out() => Err(failure),
            ending = commands::dispatch(cli.command, &context) => ending,
            // It has no end of its own.
            () = context.tell_of_waits() => Err(Failure::new(
                ErrorKind::Internal,
                "listen to what is waited for",
            )),
        }
    });
    let broken = context.console().broken_stdout();
    let ending = ending.map_err(|failure| context.explained(failure));
    let ending = match (ending, broken) {
        (Ok(None), Some(kind)) => Ok(Some(kind)),
        (ending, _) => ending,
    };
    // A session that is still busy is left to the server, which notices within a second.
    runtime.shutdown_background();
    (context.into_console(), ending)
}

/// Waits until signals stop the command, and returns how it ends then: at once, or at the second one
/// where something is finished first.
async fn stopped(context: &Context) -> Failure {
    let mut signals = process::Signals::listen();
    signals.next(context.interrupt()).await;
    if context.stops_later() {
        signals.next(context.interrupt()).await;
    }
    context.aborted()
}

fn fail(console: &Console, failure: &Failure) -> ExitCode {
    console.fail(failure);
    ExitCode::from(output::exit_code(failure.kind()))
}

fn plain_console(format: Format) -> Console {
    Console::new(Appearance::plain(format, &environment))
}

fn appearance(global: &GlobalArgs) -> Appearance {
    let format = match global.output {
        OutputFormat::Table => Format::Table,
        OutputFormat::Json => Format::Json,
        OutputFormat::Ndjson => Format::Ndjson,
        OutputFormat::Csv => Format::Csv,
    };
    let color = match global.color {
        ColorChoice::Auto => None,
        ColorChoice::Always => Some(true),
        ColorChoice::Never => Some(false),
    };
    let plain = Appearance::plain(format, &environment);
    Appearance {
        color,
        // A line that is redrawn and the lines of `-vv` would overwrite each other.
        is_plain_environment: plain.is_plain_environment || global.verbose > 1,
        volume: match global.verbose {
            _ if global.quiet => Volume::Quiet,
            0 => Volume::Usual,
            _ => Volume::Verbose,
        },
        is_no_input: global.no_input,
        ..plain
    }
}
