//! A terminal with somebody at it: for questions, for colour, and for tables that have to fit.

use std::process::Command;
use std::time::Duration;

use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{Eof, Expect};

/// How long anything may take to appear.
const PATIENCE: Duration = Duration::from_mins(1);

/// A command that runs at a terminal.
pub(crate) struct Terminal {
    session: OsSession,
    seen: String,
}

impl Terminal {
    /// Starts a command, with the variables that were set for it alone, at a terminal of this width.
    pub(crate) fn start(command: &Command, columns: u16) -> Self {
        // Whoever sets the width of a terminal that a command has already may come too late.
        let mut sized = Command::new("/bin/sh");
        sized.arg("-c").arg(format!("stty cols {columns} rows 40 && exec \"$0\" \"$@\""));
        sized.arg(command.get_program()).args(command.get_args()).env_clear();
        sized.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = command.get_current_dir() {
            sized.current_dir(folder);
        }
        let mut session = OsSession::spawn(sized).unwrap();
        session.set_expect_timeout(Some(PATIENCE));
        Self { session, seen: String::new() }
    }

    /// Waits until a text has appeared.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) {
        match self.session.expect(text) {
            Ok(found) => {
                let before = String::from_utf8_lossy(found.before()).into_owned();
                self.seen.push_str(&before);
                self.seen.push_str(text);
            }
            Err(error) => panic!("waited for {text:?}: {error}; so far: {}", self.seen),
        }
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        self.session.send_line(line).unwrap();
    }

    /// Presses a key.
    pub(crate) fn presses(&mut self, key: &str) {
        self.session.send(key).unwrap();
    }

    /// Waits for the end and returns the exit code, and everything that was shown.
    #[track_caller]
    pub(crate) fn end(mut self) -> (i32, String) {
        let rest = self.session.expect(Eof).unwrap();
        self.seen.push_str(&String::from_utf8_lossy(rest.as_bytes()));
        match self.session.get_process().wait().unwrap() {
            WaitStatus::Exited(_, code) => (code, self.seen),
            other => panic!("it ended as {other:?}: {}", self.seen),
        }
    }
}

/// Returns a text without escape sequences, as it stands on the screen.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character == '\u{1b}' {
            // CSI: parameters, then one letter.
            for part in rest.by_ref() {
                if part.is_ascii_alphabetic() {
                    break;
                }
            }
        } else if character != '\r' {
            plain.push(character);
        }
    }
    plain
}

/// Returns what is left on the screen in the end: lines that were redrawn are gone, as a command shows
/// where it waits for longer than a moment.
pub(crate) fn left_on_screen(text: &str) -> String {
    let mut left = String::new();
    let mut up = 0;
    let mut rest = text.split('\u{1b}');
    left.push_str(rest.next().unwrap_or_default());
    for part in rest {
        let end = part.find(|character: char| character.is_ascii_alphabetic());
        let (sequence, shown) = part.split_at(end.map_or(part.len(), |end| end + 1));
        if let Some(rows) = sequence.strip_prefix('[').and_then(|it| it.strip_suffix('A')) {
            up = rows.parse().unwrap_or(1);
        }
        if sequence.ends_with('J') {
            let starts: Vec<_> = left.rmatch_indices('\n').map(|(at, _)| at + 1).collect();
            left.truncate(starts.get(up).copied().unwrap_or(0));
            up = 0;
        }
        left.push_str(shown);
    }
    left.retain(|character| character != '\r');
    left
}
