//! Tokens: read, judged rule by rule, and asked about at the control plane.
//!
//! `Token::read` and `verify` are plain functions of values: token × keys × rules × now → verdict.
//! Only `examine` fetches keys and asks for sessions. Nothing here ever repeats a token's text.

mod check;
mod claims;
mod clocks;
mod error;
mod examine;
mod header;
mod read;
mod rules;
mod secret;
mod session;
mod verify;

pub(crate) use crate::adapters::jwks::Published;
pub use crate::adapters::jwks::{Jwks, KeySet};
pub(crate) use check::Check;
pub use check::{CheckName, CheckResult};
pub(crate) use claims::{Claims, UnverifiedClaims};
pub use examine::{Depth, ExamineRequest, Plane, examine};
pub(crate) use examine::{Examination, find_tenant};
pub(crate) use read::SIZE_LIMIT;
pub use read::Token;
pub use rules::Rules;
pub use secret::SharedSecret;
pub use verify::{Keys, Obstacle, Outcome, Verdict, verify};
