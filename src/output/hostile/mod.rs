//! Everything that can carry foreign text, through every way out.

mod errors;
mod events;
mod harness;
mod reports;
mod tenants;
mod tokens;
