//! Tenants' names at Tab.
//!
//! This room may not connect, so whoever starts the program says where names come from.

use std::ffi::OsStr;
use std::sync::OnceLock;

use clap_complete::engine::CompletionCandidate;

/// Returns slugs that begin with a text, each with the tenant's name.
pub type TenantSource = fn(&str) -> Vec<(String, String)>;

static SOURCE: OnceLock<TenantSource> = OnceLock::new();

/// Says where tenants' names come from; the first word counts.
pub fn complete_tenants_with(source: TenantSource) {
    SOURCE.get_or_init(|| source);
}

/// Completes the last of a comma-separated list of slugs.
pub(super) fn tenants(typed: &OsStr) -> Vec<CompletionCandidate> {
    let (Some(source), Some(typed)) = (SOURCE.get(), typed.to_str()) else { return Vec::new() };
    let (before, last) = match typed.rfind(',') {
        Some(comma) => typed.split_at(comma + 1),
        None => ("", typed),
    };
    let candidate = |(slug, name): (String, String)| {
        CompletionCandidate::new(format!("{before}{slug}")).help(Some(name.into()))
    };
    source(last).into_iter().map(candidate).collect()
}
