//! A fleet migration as an object: its number, and the words for where it and its tenants stand.

use std::fmt;
use std::str::FromStr;

use super::label::{Label, LabelError};

/// A run's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(pub i64);

/// What is no run's number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a run is a number, as `tenantctl migrate runs` shows it")]
pub struct RunIdError;

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(number) if number > 0 => Ok(Self(number)),
            _ => Err(RunIdError),
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunState {
    /// Nobody works on it yet.
    Planned,
    /// The canaries have their turn.
    Canary,
    /// Everybody has.
    Rolling,
    /// Nothing new starts until it is resumed.
    Paused,
    Completed,
    CompletedWithFailures,
    Cancelled,
}

impl RunState {
    const ALL: [Self; 7] = [
        Self::Planned,
        Self::Canary,
        Self::Rolling,
        Self::Paused,
        Self::Completed,
        Self::CompletedWithFailures,
        Self::Cancelled,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Canary => "canary",
            Self::Rolling => "rolling",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::CompletedWithFailures => "completed_with_failures",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether nothing more happens in it.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::CompletedWithFailures | Self::Cancelled)
    }

    /// Returns whether tenants are given their turn.
    pub(crate) fn is_going_on(self) -> bool {
        matches!(self, Self::Planned | Self::Canary | Self::Rolling)
    }
}

impl FromStr for RunState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.word() == text).ok_or(())
    }
}

/// Where a tenant stands in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineState {
    Pending,
    /// A process has it.
    Leased,
    Done,
    Unchanged,
    Failed,
    Skipped,
}

impl LineState {
    const ALL: [Self; 6] =
        [Self::Pending, Self::Leased, Self::Done, Self::Unchanged, Self::Failed, Self::Skipped];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl FromStr for LineState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.word() == text).ok_or(())
    }
}

/// Who goes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canary {
    /// So many tenants, in the order of their slugs.
    First(u32),
    /// Those with this label.
    Label(Label),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanaryError {
    #[error("write a number of tenants, or label=K=V")]
    Neither,
    #[error(transparent)]
    Label(#[from] LabelError),
}

impl FromStr for Canary {
    type Err = CanaryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(label) = text.strip_prefix("label=") {
            return Ok(Self::Label(label.parse()?));
        }
        match text.parse() {
            Ok(number) if number > 0 => Ok(Self::First(number)),
            _ => Err(CanaryError::Neither),
        }
    }
}

impl fmt::Display for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(number) => number.fmt(f),
            Self::Label(label) => write!(f, "label={label}"),
        }
    }
}

/// How many tenants may fail before nothing new is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureLimit {
    Tenants(u32),
    /// Of all tenants of the run.
    Percent(u8),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write a number of tenants, or a percentage from 0% to 100%")]
pub struct FailureLimitError;

impl FailureLimit {
    /// Returns how many of so many tenants that is.
    pub(crate) fn of(self, tenants: usize) -> usize {
        match self {
            Self::Tenants(number) => usize::try_from(number).unwrap_or(usize::MAX),
            Self::Percent(percent) => tenants * usize::from(percent) / 100,
        }
    }
}

impl FromStr for FailureLimit {
    type Err = FailureLimitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(percent) = text.strip_suffix('%') {
            let percent = percent.parse().ok().filter(|percent| *percent <= 100);
            return percent.map(Self::Percent).ok_or(FailureLimitError);
        }
        text.parse().map(Self::Tenants).map_err(|_| FailureLimitError)
    }
}

impl fmt::Display for FailureLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenants(number) => number.fmt(f),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_first_and_how_many_may_fail_is_read_and_written_alike() {
        for text in ["1", "12", "label=tier=internal"] {
            assert_eq!(text.parse::<Canary>().unwrap().to_string(), text);
        }
        for text in ["0", "", "tier=internal", "label=", "-1", "5%"] {
            assert!(text.parse::<Canary>().is_err(), "{text}");
        }
        for (text, of_250) in [("0", 0), ("3", 3), ("2%", 5), ("0%", 0), ("100%", 250)] {
            let limit: FailureLimit = text.parse().unwrap();
            assert_eq!((limit.to_string().as_str(), limit.of(250)), (text, of_250));
        }
        for text in ["101%", "-1", "%", "a", "1.5%"] {
            assert!(text.parse::<FailureLimit>().is_err(), "{text}");
        }
    }
}
