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

pub use crate::adapters::jwks::{Jwks, KeySet, Published};
pub use check::{Check, CheckName, CheckResult};
pub use claims::{Claims, UnverifiedClaims};
pub use examine::{Depth, Examination, ExamineRequest, Plane, examine, find_tenant};
pub use read::{SIZE_LIMIT, Token};
pub use rules::Rules;
pub use secret::SharedSecret;
pub use verify::{Keys, Obstacle, Outcome, Verdict, verify};
