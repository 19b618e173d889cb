//! Questions, asked only where they can be answered.

use dialoguer::{Confirm, Input};

use super::console::Console;
use super::line::Line;
use crate::model::{Classified, ErrorKind};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PromptError {
    /// stdin or stderr is no terminal, or `--no-input` was passed.
    #[error("ask for confirmation: there is no terminal, or --no-input was passed")]
    NoTerminal {
        /// The flag that answers instead.
        flag: String,
    },
    /// The operator said no.
    #[error("go on: it was not confirmed")]
    Declined,
}

impl Classified for PromptError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Refused
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoTerminal { flag } => Some(format!("pass {flag}")),
            Self::Declined => None,
        }
    }
}

impl Console {
    /// Refuses where a question could not be answered.
    ///
    /// # Errors
    /// When stdin or stderr is no terminal, or `--no-input` was passed.
    pub(crate) fn require_terminal(&self, flag: &str) -> Result<(), PromptError> {
        if self.can_ask() { Ok(()) } else { Err(PromptError::NoTerminal { flag: flag.to_owned() }) }
    }

    /// Asks a y/N question.
    ///
    /// # Errors
    /// When it cannot be answered, or the answer is no.
    pub(crate) fn confirm(&self, question: impl Into<Line>, flag: &str) -> Result<(), PromptError> {
        self.require_terminal(flag)?;
        let question = question.into().plain();
        let answer = Confirm::new().with_prompt(question).default(false).interact_opt();
        match answer {
            Ok(Some(true)) => Ok(()),
            Ok(_) => Err(PromptError::Declined),
            Err(_) => Err(self.left_unanswered()),
        }
    }

    /// Asks for a word to be typed.
    ///
    /// # Errors
    /// When it cannot be answered.
    pub(crate) fn ask(&self, question: impl Into<Line>, flag: &str) -> Result<String, PromptError> {
        self.require_terminal(flag)?;
        let question = question.into().plain();
        let answer = Input::<String>::new().with_prompt(question).allow_empty(true).interact_text();
        answer.map_err(|_| self.left_unanswered())
    }

    /// The question still stands in its line: what follows begins a new one.
    fn left_unanswered(&self) -> PromptError {
        self.say(&Line::default());
        PromptError::Declined
    }
}
