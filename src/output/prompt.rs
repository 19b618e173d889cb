//! Questions, asked only where somebody can answer.

use dialoguer::{Confirm, Input};

use super::console::Console;
use crate::model::{Classified, ErrorKind};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// Nobody is there to ask.
    #[error("ask for confirmation: nobody is at the terminal")]
    Nobody {
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
            Self::Nobody { flag } => Some(format!("pass {flag}")),
            Self::Declined => None,
        }
    }
}

impl Console {
    /// Refuses when nobody is there to answer.
    ///
    /// # Errors
    /// When neither stdin nor stderr is a terminal, or `--no-input` was passed.
    pub fn require_somebody(&self, flag: &str) -> Result<(), PromptError> {
        if self.can_ask() { Ok(()) } else { Err(PromptError::Nobody { flag: flag.to_owned() }) }
    }

    /// Asks a y/N question.
    ///
    /// # Errors
    /// When nobody is there, or the answer is no.
    pub fn confirm(&self, question: &str, flag: &str) -> Result<(), PromptError> {
        self.require_somebody(flag)?;
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
    /// When nobody is there to type it.
    pub fn ask(&self, question: &str, flag: &str) -> Result<String, PromptError> {
        self.require_somebody(flag)?;
        let answer = Input::<String>::new().with_prompt(question).allow_empty(true).interact_text();
        answer.map_err(|_| self.left_unanswered())
    }

    /// The question still stands in its line: what follows begins a new one.
    fn left_unanswered(&self) -> PromptError {
        self.err("");
        PromptError::Declined
    }
}
