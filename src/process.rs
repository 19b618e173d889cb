//! The process around a command: a panic reported as a bug of ours, no core dump, libpq's variables
//! left behind, signals turned into an interrupt, what libraries log.
//!
//! Called by `run` alone. It neither parses nor dispatches.

use std::process::Command;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::environment;
use crate::model::{ErrorKind, Interrupt};
use crate::output::{Appearance, Console, Failure, Format, LogWriter, TraceLines, exit_code};

/// Makes a panic print where the bug is and end the process with the exit code for our bugs.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(report));
}

/// What was being done is in the journal, as after any other crash.
#[expect(clippy::exit, reason = "a panic has nowhere to return an exit code to")]
fn report(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = format!("go on: this is a bug in tenantctl, at {place}");
    let hint = "run the same command again: it continues where it stopped";
    let failure = Failure::new(ErrorKind::Internal, message).hint(hint);
    Console::new(Appearance::plain(Format::Table, &environment)).fail(&failure);
    std::process::exit(i32::from(exit_code(ErrorKind::Internal)));
}

/// Keeps passwords and keys out of core dumps, and other processes of the same user out of our memory
/// and environment.
///
/// Where the system refuses either, the command runs all the same: it is a second wall, not the only
/// one.
pub(crate) fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Core).maximum;
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Variables of libpq that sqlx reads too and that could connect a session elsewhere or change what
/// it does; all others are overridden by a field that we always set.
const LIBPQ_VARIABLES: [&str; 4] = ["PGOPTIONS", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"];

/// Re-executes the program with libpq's variables unset, when one is set.
///
/// Unsetting a variable in a running process is `unsafe` in Rust: another thread may be reading the
/// environment. Returns only when there was nothing to unset.
///
/// # Errors
/// When the program could not be executed again.
pub(crate) fn unset_libpq_variables() -> Result<(), Failure> {
    use std::os::unix::process::CommandExt;
    if !LIBPQ_VARIABLES.iter().any(|name| environment(name).is_some()) {
        return Ok(());
    }
    let error = match std::env::current_exe() {
        Ok(program) => {
            let mut arguments = std::env::args_os();
            let mut again = Command::new(program);
            if let Some(name) = arguments.next() {
                again.arg0(name);
            }
            again.args(arguments);
            for name in LIBPQ_VARIABLES {
                again.env_remove(name);
            }
            again.exec()
        }
        Err(error) => error,
    };
    let message = format!("re-execute tenantctl without libpq's variables: {error}");
    let hint = format!("unset {}", LIBPQ_VARIABLES.join(" "));
    Err(Failure::new(ErrorKind::Internal, message).hint(hint))
}

/// The signals by which an operator, a service manager or a closed terminal stops a command.
pub(crate) struct Signals(Vec<Signal>);

impl Signals {
    /// Listens from now on; the signals no longer end the process by themselves.
    pub(crate) fn listen() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    /// Waits for the next one that is meant for us.
    pub(crate) async fn next(&mut self, interrupt: &Interrupt) {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        loop {
            let next = self.0.iter_mut().map(|signal| Box::pin(signal.recv()));
            let (_, which, _) = futures_util::future::select_all(next).await;
            // Ctrl-C is for the program at the same terminal, which has it as well.
            if which != 0 || !interrupt.is_handed_over() {
                return;
            }
        }
    }
}

/// Writes a line to stderr for every statement and request, from `-vv` on; `-vvv` adds the events of
/// every library.
pub(crate) fn trace_to_stderr(verbose: u8, lines: TraceLines) {
    if verbose < 2 {
        return;
    }
    let level = if verbose == 2 { "tenantctl=debug,sqlx::query=debug" } else { "debug" };
    let filter = tracing_subscriber::EnvFilter::new(level);
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).event_format(lines);
    drop(subscriber.with_writer(|| LogWriter).try_init());
}
