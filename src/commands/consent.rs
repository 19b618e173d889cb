//! Asks for confirmation, and turns a typed slug or `--confirm` into `Consent`.

use crate::commands::context::Context;
use crate::model::{Consent, ErrorKind, TenantRef};
use crate::output::Failure;

impl Context {
    /// Allows a write that needs no confirmation. In a protected profile it asks y/N all the same,
    /// and wants an actor.
    ///
    /// # Errors
    /// When the profile is protected and no actor is configured, the answer is no, or there is no
    /// terminal to ask at.
    pub(crate) fn allow_write(&self, what: &str) -> Result<(), Failure> {
        let Some(profile) = self.protected_profile() else { return Ok(()) };
        self.require_actor(what)?;
        self.confirm(&format!("Profile `{profile}` is protected. Really {what}?"))
    }

    /// Refuses, before anything is contacted, a command that has to ask y/N and cannot.
    ///
    /// # Errors
    /// When there is neither `--yes` nor a terminal to ask at, or a protected profile has no actor.
    pub(crate) fn require_confirmation_possible(&self, what: &str) -> Result<(), Failure> {
        self.require_actor(what)?;
        if self.says_yes { Ok(()) } else { Ok(self.console().require_terminal("--yes")?) }
    }

    /// Allows a write after a y/N question.
    ///
    /// # Errors
    /// When the answer is no, or there is neither `--yes` nor a terminal to ask at.
    pub(crate) fn confirm_write(&self, what: &str, question: &str) -> Result<(), Failure> {
        if self.protected_profile().is_some() {
            return self.allow_write(what);
        }
        self.confirm(question)
    }

    /// Returns whether a write is asked about.
    pub(crate) fn asks(&self) -> bool {
        !self.says_yes
    }

    /// Allows a write that destroys many things, once its word was typed; `--yes` answers as well.
    ///
    /// # Errors
    /// When another word was typed, or there is neither `--yes` nor a terminal to ask at.
    pub(crate) fn confirm_by_word(&self, what: &str, word: &str) -> Result<(), Failure> {
        self.require_actor(what)?;
        if self.says_yes {
            return Ok(());
        }
        let question = format!("Type `{word}` to {what}");
        if self.console().ask(question, "--yes")?.trim() == word {
            return Ok(());
        }
        let message = format!("{what}: what was typed is not `{word}`");
        Err(Failure::new(ErrorKind::Refused, message))
    }

    /// Returns consent to an act on this tenant once its slug was typed or passed by `--confirm`;
    /// `--yes` is not enough.
    ///
    /// # Errors
    /// When another word was typed or passed, or there is no terminal to ask at.
    pub(crate) fn consent(
        &self,
        what: &str,
        tenant: &TenantRef,
        confirmed: Option<&str>,
    ) -> Result<Consent, Failure> {
        self.require_actor(&format!("{what} `{tenant}`"))?;
        let typed = match confirmed {
            Some(word) => word.to_owned(),
            None => self.console().ask(
                self.placed(&format!("Type `{tenant}` to {what} it")),
                &format!("--confirm {tenant} (--yes is not enough)"),
            )?,
        };
        Consent::given(tenant, &typed).ok_or_else(|| {
            let message = format!("{what} `{tenant}`: what was typed does not name it");
            Failure::new(ErrorKind::Refused, message).hint(format!("pass --confirm {tenant}"))
        })
    }

    /// Refuses, before anything is contacted, a command that could never get consent.
    ///
    /// # Errors
    /// When `--confirm` names another tenant, or there is neither `--confirm` nor a terminal.
    pub(crate) fn require_consent_possible(
        &self,
        tenant: &TenantRef,
        confirmed: Option<&str>,
    ) -> Result<(), Failure> {
        match confirmed {
            Some(word) if Consent::given(tenant, word).is_none() => {
                let message = format!("go on with `{tenant}`: --confirm names another tenant");
                Err(Failure::new(ErrorKind::Refused, message)
                    .hint(format!("pass --confirm {tenant}")))
            }
            Some(_) => Ok(()),
            None => Ok(self
                .console()
                .require_terminal(&format!("--confirm {tenant} (--yes is not enough)"))?),
        }
    }

    /// Puts before a question where its answer acts: `production · db.example.com/postgres`.
    pub(super) fn placed(&self, question: &str) -> String {
        match self.acts_on() {
            Some(address) => format!("[{address}] {question}"),
            None => question.to_owned(),
        }
    }

    fn require_actor(&self, what: &str) -> Result<(), Failure> {
        match self.protected_profile() {
            Some(profile) if !self.names_its_actor() => {
                let message =
                    format!("{what}: profile `{profile}` is protected and requires an actor");
                Err(Failure::new(ErrorKind::Refused, message).hint("pass --actor WHO"))
            }
            _ => Ok(()),
        }
    }

    fn confirm(&self, question: &str) -> Result<(), Failure> {
        if self.says_yes {
            return Ok(());
        }
        Ok(self.console().confirm(self.placed(question), "--yes")?)
    }
}
