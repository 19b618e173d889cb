//! Turns `--yes`, a typed slug or `--confirm` into consent.

use crate::commands::context::Context;
use crate::model::{Consent, ErrorKind, Slug};
use crate::output::Failure;

impl Context {
    /// Lets a write go on that needs no confirmation, unless the profile is protected: then it asks
    /// for a y/N and for who acts.
    ///
    /// # Errors
    /// When the profile is protected and nobody answers for it.
    pub fn allow_write(&self, what: &str) -> Result<(), Failure> {
        let Some(profile) = self.protected_profile() else { return Ok(()) };
        if !self.names_its_actor() {
            let message =
                format!("{what}: profile `{profile}` is protected and wants to know who acts");
            return Err(Failure::new(ErrorKind::Refused, message).hint("pass --actor WHO"));
        }
        self.confirm(&format!("Profile `{profile}` is protected. Really {what}?"))
    }

    /// Lets a write go on that asks a y/N question.
    ///
    /// # Errors
    /// When the answer is no, or nobody is there to give one.
    pub fn confirm_write(&self, what: &str, question: &str) -> Result<(), Failure> {
        if self.protected_profile().is_some() {
            return self.allow_write(what);
        }
        self.confirm(question)
    }

    /// Returns the operator's word for this very tenant; `--yes` is not enough.
    ///
    /// # Errors
    /// When what was typed or passed is another word, or nobody is there to type it.
    pub fn consent(
        &self,
        what: &str,
        slug: &Slug,
        confirmed: Option<&str>,
    ) -> Result<Consent, Failure> {
        if let Some(profile) = self.protected_profile()
            && !self.names_its_actor()
        {
            let message = format!(
                "{what} `{slug}`: profile `{profile}` is protected and wants to know who acts"
            );
            return Err(Failure::new(ErrorKind::Refused, message).hint("pass --actor WHO"));
        }
        let typed = match confirmed {
            Some(word) => word.to_owned(),
            None => self.console().ask(
                format_args!("Type `{slug}` to {what} it"),
                &format!("--confirm {slug} (--yes is not enough)"),
            )?,
        };
        Consent::given(slug, &typed).ok_or_else(|| {
            let message = format!("{what} `{slug}`: what was typed is not the slug");
            Failure::new(ErrorKind::Refused, message).hint(format!("pass --confirm {slug}"))
        })
    }

    /// Refuses before anything is contacted when nobody could give consent.
    ///
    /// # Errors
    /// When there is neither a terminal nor a word passed.
    pub fn require_consent_possible(
        &self,
        slug: &Slug,
        confirmed: Option<&str>,
    ) -> Result<(), Failure> {
        match confirmed {
            Some(word) if Consent::given(slug, word).is_none() => {
                let message = format!("go on with `{slug}`: --confirm names another tenant");
                Err(Failure::new(ErrorKind::Refused, message)
                    .hint(format!("pass --confirm {slug}")))
            }
            Some(_) => Ok(()),
            None => Ok(self
                .console()
                .require_somebody(&format!("--confirm {slug} (--yes is not enough)"))?),
        }
    }

    fn confirm(&self, question: &str) -> Result<(), Failure> {
        if self.says_yes { Ok(()) } else { Ok(self.console().confirm(question, "--yes")?) }
    }
}
