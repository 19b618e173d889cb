//! A command that runs or ran, and what it said.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::{schemas, until};

/// How long any command may take before it counts as hanging.
const HANGS: Duration = Duration::from_mins(2);

/// A command that ended. Say `.success()`, or which failure it has to be.
#[must_use]
#[derive(Debug)]
pub(crate) struct Ran {
    arguments: String,
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// A command that may still run; killed when nobody waits for it any more.
pub(crate) struct Running {
    arguments: String,
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

impl Ran {
    /// Expects exit code 0.
    pub(crate) fn success(self) -> Self {
        self.fails_with(0)
    }

    /// Expects this exit code.
    #[track_caller]
    pub(crate) fn fails_with(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// Expects that it was ended by a kill.
    #[track_caller]
    pub(crate) fn was_killed(self) -> Self {
        assert_eq!(self.status.signal(), Some(9), "{self}");
        self
    }

    /// Returns whether it was ended by a kill.
    pub(crate) fn is_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    /// Returns the exit code.
    #[track_caller]
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("it was ended by a signal: {self}"))
    }

    /// Returns what stands on stdout.
    pub(crate) fn stdout(&self) -> &str {
        &self.stdout
    }

    /// Returns what stands on stderr.
    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    /// Returns stdout read as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// Returns the error object on the last line of stderr, as `-o json` writes it.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        let line = self.stderr.lines().last().unwrap_or_default();
        let mut object: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {self}"));
        object["error"].take()
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { arguments, status, stdout, stderr } = self;
        write!(f, "tenantctl {arguments}\n{status}\nstdout:\n{stdout}\nstderr:\n{stderr}")
    }
}

impl Running {
    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ran {
        let status = until(&format!("the end of `{}`", self.arguments), HANGS, || {
            self.child.try_wait().unwrap().ok_or_else(|| "it still runs".to_owned())
        });
        let text = |reader: Option<JoinHandle<String>>| reader.unwrap().join().unwrap();
        let ran = Ran {
            arguments: self.arguments.clone(),
            status,
            stdout: text(self.stdout.take()),
            stderr: text(self.stderr.take()),
        };
        let objections =
            schemas::objections(&ran.arguments, status.code(), &ran.stdout, &ran.stderr);
        assert!(objections.is_empty(), "{}\n{ran}", objections.join("\n"));
        ran
    }

    /// Sends a signal, by its name in `kill -NAME`.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits until it has stopped itself, as a `pause` does.
    pub(crate) fn wait_until_stopped(&self) {
        until(&format!("`{}` to stop itself", self.arguments), HANGS, || {
            let state = state_of(self.pid());
            if state.starts_with('T') { Ok(()) } else { Err(format!("its state is `{state}`")) }
        });
    }

    /// Returns whether it has not ended yet.
    pub(crate) fn is_running(&self) -> bool {
        !state_of(self.pid()).starts_with('Z')
    }

    /// Returns its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns the letter by which the system calls a process's state.
fn state_of(pid: u32) -> String {
    // Where there is no /proc, there is a `ps`.
    if let Ok(line) = fs::read_to_string(format!("/proc/{pid}/stat")) {
        return line.rsplit(") ").next().unwrap_or_default().to_owned();
    }
    let arguments = ["-o", "state=", "-p", &pid.to_string()];
    let said = Command::new("ps").args(arguments).output().unwrap();
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

pub(super) fn launch(arguments: String, mut command: Command) -> Running {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // A program that was just copied is busy while another test's child, between fork and exec, still has
    // the file open that it was written through.
    let mut child = until(&format!("`{arguments}` to start"), HANGS, || match command.spawn() {
        Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => Err(error.to_string()),
        started => Ok(started.unwrap()),
    });
    Running {
        arguments,
        stdout: child.stdout.take().map(read),
        stderr: child.stderr.take().map(read),
        child,
    }
}

fn read(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
