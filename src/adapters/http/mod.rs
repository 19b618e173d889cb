//! How we speak HTTP to anybody: one client, its limits, and what is tried again.
//!
//! The HTTP adapters build on it. It knows no path and no shape of anybody's API.

mod budget;
mod client;
mod error;
mod retry;

pub(crate) use budget::Budget;
pub(crate) use client::{Answer, Call, HttpClient, HttpOptions, base_url};
pub(crate) use error::HttpError;
pub(crate) use retry::Repeat;
pub use retry::RetryPolicy;
