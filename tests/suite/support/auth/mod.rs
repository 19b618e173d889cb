//! A stand-in of Supabase Auth: its HTTP interface as the real server was seen to answer, and its
//! state in rows of Auth's own tables. *Beside* a control plane it calls the token hook as Auth does;
//! *elsewhere* its database is its own, and the admin API alone is in reach.
//!
//! It imports nothing of tenantctl. What it answers is held against what was recorded
//! (`tests/data/auth`), and the admin API against the published document.

mod account;
mod admin;
mod answer;
mod client;
mod factors;
mod oauth;
mod proofs;
mod routes;
mod server;
mod sign_in;
pub(crate) mod tables;
mod token;
mod users;

pub(crate) use client::{Answer, Person, Tokens, challenge};
pub(crate) use server::{AuthServer, KEY};
