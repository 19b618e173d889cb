//! tenantctl: the one binary that runs the life of a B2B product's tenants.
//!
//! Rooms, from the operator down: `cli` is what was typed, `config` what was set, `commands` joins
//! them with `services`, which decide; `adapters` speak to Postgres, and `model` holds the words
//! everyone shares. `output` is the side room that every byte leaves from. Imports point down or
//! sideways to the right, never back. The modules are public for the tests; they are no stable API.

pub mod adapters;
pub mod cli;
pub mod commands;
pub mod config;
pub mod model;
pub mod output;
pub mod services;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use cli::{Cli, ColorChoice, GlobalArgs, OutputFormat};
use commands::Context;
use config::Flags;
use model::{ErrorKind, Interrupt};
use output::{Appearance, Console, Ending, Failure, Format};

/// Runs the program: parse → runtime → dispatch → exit code.
pub fn run() -> ExitCode {
    std::panic::set_hook(Box::new(report_bug));
    if let Some(code) = leave_libpq_behind() {
        return code;
    }
    cli::complete_tenants_with(commands::tenants_by_prefix);
    clap_complete::CompleteEnv::with_factory(Cli::command).bin("tenantctl").complete();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|word| word == "help")
        && arguments.get(2).is_some_and(|word| word == output::EXIT_CODES_TOPIC)
    {
        console(&plain(Format::Table)).exit_codes();
        return ExitCode::SUCCESS;
    }
    let cli = match parse(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&without_controls(error), &arguments),
    };
    let console = console(&appearance(&cli.global));
    match start(cli, console) {
        (_, Ok(None)) => ExitCode::SUCCESS,
        (_, Ok(Some(kind))) => ExitCode::from(output::exit_code(kind)),
        (console, Err(failure)) => {
            console.fail(&failure);
            ExitCode::from(output::exit_code(failure.kind()))
        }
    }
}

/// Reads the command line.
fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    if let [_, word] = arguments
        && ["--help", "-h", "--version", "-V"].iter().any(|asked| word == asked)
    {
        // No command is entered, so none needs a copy of what every command takes: making them is
        // half of what such an answer costs.
        command = command.mut_args(|argument| argument.global(false));
    }
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Reads a variable of the process's environment.
pub(crate) fn environment(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "the one place that hands the environment on")]
    std::env::var_os(name)
}

/// Says where a bug of ours showed and ends the process as the contract says; what was being done is
/// in the journal, as after any other crash.
#[expect(clippy::exit, reason = "a panic has nowhere to return an exit code to")]
fn report_bug(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = format!("go on: this is a bug in tenantctl, at {place}");
    let hint = "run the same command again: it continues where it stopped";
    let failure = Failure::new(ErrorKind::Internal, message).hint(hint);
    console(&plain(Format::Table)).fail(&failure);
    std::process::exit(i32::from(output::exit_code(ErrorKind::Internal)));
}

/// Variables of libpq that sqlx reads as well and that could send a session elsewhere or change what
/// it does; every other one is overridden by a field we always set.
const LIBPQ_VARIABLES: [&str; 4] = ["PGOPTIONS", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"];

/// Starts the program anew without libpq's variables, when a parent process set them: a variable
/// of one's own process cannot be removed safely. Comes back only when that failed.
fn leave_libpq_behind() -> Option<ExitCode> {
    use std::os::unix::process::CommandExt;
    if !LIBPQ_VARIABLES.iter().any(|name| environment(name).is_some()) {
        return None;
    }
    let mut arguments = std::env::args_os();
    let mut again = std::process::Command::new(std::env::current_exe().ok()?);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    again.args(arguments);
    for name in LIBPQ_VARIABLES {
        again.env_remove(name);
    }
    let error = again.exec();
    let message = format!("start anew without libpq's variables: {error}");
    let hint = format!("unset {}", LIBPQ_VARIABLES.join(" "));
    console(&plain(Format::Table)).fail(&Failure::new(ErrorKind::Internal, message).hint(hint));
    Some(ExitCode::from(output::exit_code(ErrorKind::Internal)))
}

/// Resolves the settings, starts the runtime, runs the command; gives the streams back for whatever
/// is left to say.
fn start(cli: Cli, console: Console) -> (Console, Result<Ending, Failure>) {
    let flags = Flags {
        profile: cli.global.profile.clone(),
        config: cli.global.config.clone(),
        actor: cli.global.actor.clone(),
    };
    log_to_stderr(cli.global.verbose);
    let working_dir = std::env::current_dir().unwrap_or_default();
    let settings = match config::resolve(&flags, &environment, &working_dir) {
        Ok(settings) => settings,
        Err(error) => return (console, Err(error.into())),
    };
    if cli.global.verbose > 0 {
        for (name, value, origin) in settings.explain() {
            console.explain(&format!("{name} = {value}  (from {origin})"));
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
    let interrupt = Interrupt::default();
    let context =
        Context::new(settings, console, interrupt.clone(), cli.global.timeout, cli.global.yes);
    let ending = runtime.block_on(async {
        tokio::select! {
            // A signal that is there is noticed before anything else goes on.
            biased;
            () = stopped(&interrupt) => Err(Failure::new(
                ErrorKind::Interrupted,
                "finish: it was interrupted twice",
            )
            .hint("run the same command again: it continues where it stopped")),
            ending = commands::dispatch(cli.command, &context) => ending,
        }
    });
    let broken = context.console().broken_stdout();
    let ending = match (ending, broken) {
        (Ok(None), Some(kind)) => Ok(Some(kind)),
        (ending, _) => ending,
    };
    // A session that is still busy is left to the server, which notices within a second.
    runtime.shutdown_background();
    (context.into_console(), ending)
}

/// Asks everybody to stop at the first signal and returns at the second.
async fn stopped(interrupt: &Interrupt) {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let signals: Result<Vec<_>, _> = kinds.into_iter().map(signal).collect();
    let Ok(mut signals) = signals else { return std::future::pending().await };
    for is_second in [false, true] {
        let next = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(next).await;
        if !is_second {
            interrupt.raise();
        }
    }
}

fn log_to_stderr(verbose: u8) {
    if verbose < 2 {
        return;
    }
    let level = if verbose == 2 { "tenantctl=debug,sqlx=info" } else { "debug" };
    let filter = tracing_subscriber::EnvFilter::new(level);
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    drop(subscriber.with_writer(std::io::stderr).try_init());
}

fn appearance(global: &GlobalArgs) -> Appearance {
    let format = match global.output {
        OutputFormat::Table => Format::Table,
        OutputFormat::Json => Format::Json,
        OutputFormat::Ndjson => Format::Ndjson,
    };
    let color = match global.color {
        ColorChoice::Auto => None,
        ColorChoice::Always => Some(true),
        ColorChoice::Never => Some(false),
    };
    Appearance { color, is_quiet: global.quiet, is_no_input: global.no_input, ..plain(format) }
}

fn plain(format: Format) -> Appearance {
    let is_set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
    Appearance {
        format,
        color: None,
        is_plain_environment: is_set("NO_COLOR")
            || environment("TERM").is_some_and(|term| term == "dumb"),
        columns: environment("COLUMNS").and_then(|text| text.to_str()?.parse().ok()),
        is_quiet: false,
        is_no_input: false,
    }
}

fn console(appearance: &Appearance) -> Console {
    Console::new(*appearance)
}

/// Returns clap's error with what was typed made safe to show: clap repeats it raw, a token pasted
/// into the wrong place as well.
fn without_controls(mut error: clap::Error) -> clap::Error {
    use clap::error::ContextValue;
    let safe = |text: &str| model::shorten(&model::redact(&model::escape_controls(text)), 200);
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

/// Shows clap's own answer: help and version as they are, a usage error in the shape that was asked
/// for.
fn refuse(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let asks = |format: &str| {
        words.windows(2).any(|pair| matches!(&*pair[0], "-o" | "--output") && pair[1] == format)
            || words
                .iter()
                .any(|word| *word == format!("-o{format}") || *word == format!("--output={format}"))
    };
    if error.use_stderr() && (asks("json") || asks("ndjson")) {
        let text = error.render().to_string();
        // What is missing or wrong stands on lines of its own, up to the first empty one.
        let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
        let text = lines.collect::<Vec<_>>().join(" ");
        let message = text.trim_start_matches("error: ");
        let failure = Failure::new(ErrorKind::Usage, format!("read the command line: {message}"));
        console(&plain(Format::Json)).fail(&failure.hint("tenantctl --help"));
        return ExitCode::from(output::exit_code(ErrorKind::Usage));
    }
    // Nobody can be told when even this cannot be written.
    drop(error.print());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
