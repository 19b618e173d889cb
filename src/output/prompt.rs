//! Questions, asked only where they can be answered.

use dialoguer::Input;

use super::console::{CanAsk, Console};
use super::line::Line;
use crate::model::{Classified, ErrorKind};

/// How many columns an answer has beside its question.
const ANSWER: usize = 44;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PromptError {
    /// stdin or stderr is no terminal.
    #[error("ask for confirmation: there is no terminal to ask at")]
    NoTerminal {
        /// The flag that answers instead.
        flag: String,
    },
    #[error("ask for confirmation: --no-input was passed")]
    NoInput {
        /// The flag that answers instead.
        flag: String,
    },
    /// The operator said no.
    #[error("go on: it was not confirmed")]
    Declined,
    /// The operator pressed Ctrl-C.
    #[error("go on: interrupted at the question; nothing was changed")]
    Interrupted,
}

impl Classified for PromptError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Interrupted => ErrorKind::Interrupted,
            Self::NoTerminal { .. } | Self::NoInput { .. } | Self::Declined => ErrorKind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoTerminal { flag } | Self::NoInput { flag } => Some(format!("pass {flag}")),
            Self::Declined | Self::Interrupted => None,
        }
    }
}

impl Console {
    /// Refuses where a question could not be answered.
    ///
    /// # Errors
    /// When stdin or stderr is no terminal, or `--no-input` was passed.
    pub(crate) fn require_terminal(&self, flag: &str) -> Result<(), PromptError> {
        let flag = flag.to_owned();
        match self.can_ask() {
            CanAsk::Yes => Ok(()),
            CanAsk::NoInput => Err(PromptError::NoInput { flag }),
            CanAsk::NoTerminal => Err(PromptError::NoTerminal { flag }),
        }
    }

    /// Asks a y/N question, answered by a line: `y` or `yes` is yes, everything else is no.
    ///
    /// # Errors
    /// When it cannot be answered, or the answer is no.
    pub(crate) fn confirm(&self, question: impl Into<Line>, flag: &str) -> Result<(), PromptError> {
        let answer = self.answer(&question.into().plain(), "[y/N]", flag)?;
        let is_yes = ["y", "yes"].contains(&answer.trim().to_lowercase().as_str());
        if is_yes { Ok(()) } else { Err(PromptError::Declined) }
    }

    /// Asks for a word to be typed.
    ///
    /// # Errors
    /// When it cannot be answered.
    pub(crate) fn ask(&self, question: impl Into<Line>, flag: &str) -> Result<String, PromptError> {
        self.answer(&question.into().plain(), "", flag)
    }

    fn answer(&self, question: &str, end: &str, flag: &str) -> Result<String, PromptError> {
        self.require_terminal(flag)?;
        let whole = format!("{question} {end}");
        // What is typed goes behind it. A question that fills its line stands above, since it would be
        // drawn twice once it is answered.
        let is_long = self.line_width().is_some_and(|width| whole.len() + ANSWER > width);
        let prompt = match (is_long, end) {
            (false, _) => whole.trim_end().to_owned(),
            (true, "") => "Answer".to_owned(),
            (true, end) => end.to_owned(),
        };
        if is_long {
            self.say(&Line::from(question));
        }
        let answer = Input::<String>::new().with_prompt(prompt).allow_empty(true).interact_text();
        answer.map_err(|dialoguer::Error::IO(error)| {
            // The question still stands in its line: what follows begins a new one.
            self.say(&Line::default());
            match error.kind() {
                std::io::ErrorKind::Interrupted => PromptError::Interrupted,
                _ => PromptError::Declined,
            }
        })
    }
}
