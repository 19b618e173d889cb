//! What a command does, as one value: the word people read, the audit trail's action, and what its
//! sessions and locks are named after.

/// An act that is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// `init`.
    Init,
    /// `tenant create`.
    Create,
    /// `tenant adopt`.
    Adopt,
    /// `tenant delete`.
    Delete,
    /// `tenant restore`.
    Restore,
    /// `tenant purge`.
    Purge,
    /// `tenant rotate`.
    Rotate,
    /// `tenant update`.
    Update,
    /// `tenant protect`.
    Protect,
    /// `tenant unprotect`.
    Unprotect,
    /// `tenant url`; reads only.
    Url,
    /// `tenant connect`.
    Connect,
    /// `query`.
    Query,
    /// `migrate apply`.
    Migrate,
    /// `migrate repair`.
    Repair,
    /// `migrate baseline`.
    Baseline,
    /// `migrate runs pause`.
    PauseRun,
    /// `migrate runs cancel`.
    CancelRun,
    /// `migrate resume` of a run that was paused, or over.
    ResumeRun,
    /// `seed apply`.
    Seed,
    /// `session revoke`.
    Revoke,
    /// `session prune`.
    Prune,
    /// `member add`.
    AddMember,
    /// `member remove`.
    RemoveMember,
    /// `lockdown`.
    Lockdown,
    /// `unlock`.
    Unlock,
}

impl Act {
    /// Every act.
    pub(crate) const ALL: [Self; 26] = [
        Self::Init,
        Self::Create,
        Self::Adopt,
        Self::Delete,
        Self::Restore,
        Self::Purge,
        Self::Rotate,
        Self::Update,
        Self::Protect,
        Self::Unprotect,
        Self::Url,
        Self::Connect,
        Self::Query,
        Self::Migrate,
        Self::Repair,
        Self::Baseline,
        Self::PauseRun,
        Self::CancelRun,
        Self::ResumeRun,
        Self::Seed,
        Self::Revoke,
        Self::Prune,
        Self::AddMember,
        Self::RemoveMember,
        Self::Lockdown,
        Self::Unlock,
    ];

    /// Returns the verb: in messages ("failed to adopt `acme`"), in the journal, and as the name of
    /// the sessions that act and hold its locks.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Purge => "purge",
            Self::Rotate => "rotate",
            Self::Update => "update",
            Self::Protect => "protect",
            Self::Unprotect => "unprotect",
            Self::Url | Self::Connect => "connect to",
            Self::Query => "query",
            Self::Migrate => "migrate",
            Self::Repair => "repair",
            Self::Baseline => "baseline",
            Self::PauseRun => "pause",
            Self::CancelRun => "cancel",
            Self::ResumeRun => "resume",
            Self::Seed => "seed",
            Self::Revoke => "revoke",
            Self::Prune => "prune",
            Self::AddMember => "add a member to",
            Self::RemoveMember => "remove a member from",
            Self::Lockdown => "lockdown",
            Self::Unlock => "unlock",
        }
    }

    /// Returns the action under which the audit trail has it.
    pub(crate) fn audit_action(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Create => "tenant.create",
            Self::Adopt => "tenant.adopt",
            Self::Delete => "tenant.delete",
            Self::Restore => "tenant.restore",
            Self::Purge => "tenant.purge",
            Self::Rotate => "tenant.rotate",
            Self::Update => "tenant.update",
            Self::Protect => "tenant.protect",
            Self::Unprotect => "tenant.unprotect",
            Self::Url => "tenant.url",
            Self::Connect => "tenant.connect",
            Self::Query => "query",
            Self::Migrate => "migrate.apply",
            Self::Repair => "migrate.repair",
            Self::Baseline => "migrate.baseline",
            Self::PauseRun => "migrate.pause",
            Self::CancelRun => "migrate.cancel",
            Self::ResumeRun => "migrate.resume",
            Self::Seed => "seed.apply",
            Self::Revoke => "session.revoke",
            Self::Prune => "session.prune",
            Self::AddMember => "member.add",
            Self::RemoveMember => "member.remove",
            Self::Lockdown => "tenant.lockdown",
            Self::Unlock => "tenant.unlock",
        }
    }
}
