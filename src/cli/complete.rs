//! Completion of tenants' slugs at Tab.
//!
//! This room may not connect: `run` passes in the function that looks slugs up.

use std::ffi::OsStr;
use std::sync::OnceLock;

use clap_complete::engine::CompletionCandidate;

/// Returns slugs that begin with a text, each with the tenant's name.
pub(super) type TenantSource = fn(&str) -> Vec<(String, String)>;

static SOURCE: OnceLock<TenantSource> = OnceLock::new();

/// Sets the function that looks slugs up. Clap calls completers without arguments of ours, so it is
/// kept in a static; a second call changes nothing.
pub(crate) fn complete_tenants_with(source: TenantSource) {
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
