//! What another command did to a lockdown while this one was at it.

use std::fmt;

use super::layer::LayerError;
use super::layers::{Cut, LOCKED_AGAIN, Turn};
use crate::adapters::control_plane::{self, Lifting, Lockdown};
use crate::model::instant;

/// What a report has to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Overtaken {
    /// It was unlocked, or is being unlocked; nothing where nobody wrote who does it.
    Unlocked(Option<Lifting>),
    /// It was locked down again.
    LockedAgain,
}

impl fmt::Display for Overtaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlocked(Some(Lifting { by, since, is_over: true })) => {
                write!(f, "{by} unlocked it meanwhile, at {}", instant(*since))
            }
            Self::Unlocked(Some(Lifting { by, since, is_over: false })) => {
                write!(f, "{by} unlocks it meanwhile, since {}", instant(*since))
            }
            Self::Unlocked(None) => f.write_str("another command unlocked it meanwhile"),
            Self::LockedAgain => f.write_str(LOCKED_AGAIN),
        }
    }
}

impl Cut<'_> {
    /// Returns what another command did to the lockdown since this one read it, where that is what a
    /// report has to say.
    pub(super) async fn overtaken(&self, turn: Turn) -> Result<Option<Overtaken>, LayerError> {
        let mut session = self.world.plane.session().await?;
        let now = control_plane::find_lockdown(&mut session, self.tenant.id).await?;
        let is_same = |now: &Lockdown| now.id == self.lockdown.id;
        Ok(match (turn, now) {
            (Turn::Cut, Some(now)) if is_same(&now) && !now.is_lifting => None,
            (Turn::Cut, _) => {
                let by = control_plane::find_lifting(&mut session, self.lockdown.id).await?;
                Some(Overtaken::Unlocked(by))
            }
            (Turn::GiveBack, Some(now)) if !is_same(&now) || now.cuts != self.lockdown.cuts => {
                Some(Overtaken::LockedAgain)
            }
            (Turn::GiveBack, _) => None,
        })
    }
}
