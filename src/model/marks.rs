//! What a tenant's older sessions and tokens are measured by.

use time::OffsetDateTime;

/// A tenant's marks, as the control plane and the gate both hold them. They only ever rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Tokens that carry a smaller epoch are refused.
    pub epoch: i64,
    /// Tokens without an epoch, issued at or before this second, are refused.
    pub not_before: Option<OffsetDateTime>,
}
