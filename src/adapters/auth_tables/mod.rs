//! Supabase Auth's own tables, wherever they are: beside the control plane, or in a tenant's own
//! project. The only way to end a session from outside.
//!
//! There is no admin route that logs a user out (supabase/auth `internal/api/api.go`, read
//! 2026-11); deleting the row of `auth.sessions` is upstream's own global logout and revokes refresh
//! tokens of both versions. An access token that was issued already is valid until it expires.
//! Which users are meant, the caller says; nothing of ours is read here.

mod sweep;
mod user;
mod users;

pub(crate) use sweep::{end_proofs, end_sessions, sweep};
pub(crate) use user::{find_auth_user, sees_auth, take_claim, users_with_email};
pub(crate) use users::{ban, give_back, has_auth, own_users};
