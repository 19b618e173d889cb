//! Completes tenants' slugs: from the control plane, else from the copy of its last answer.
//!
//! A Tab never prompts, never prints an error, and never waits longer than 300 ms.

use std::path::Path;
use std::time::Duration;

use crate::config::{Flags, Settings, environment, resolve};
use crate::files::replace_cache;
use crate::model::{Interrupt, Slug, escape_controls};
use crate::output::{Appearance, Console, Format, Volume};
use crate::services::tenant::{ListRequest, list};

use crate::commands::context::Context;

const PATIENCE: Duration = Duration::from_millis(300);

/// Returns up to a thousand slugs that begin with `prefix`, each with the tenant's name.
pub(crate) fn tenants_by_prefix(prefix: &str) -> Vec<(String, String)> {
    let working_dir = std::env::current_dir().unwrap_or_default();
    let Ok(settings) = resolve(&Flags::default(), &environment, &working_dir) else {
        return Vec::new();
    };
    let cache = settings.data_dir().ok().map(|folder| folder.join("completions-tenants"));
    let names = match ask(settings) {
        Some(names) => {
            if let Some(cache) = &cache {
                remember(cache, &names);
            }
            names
        }
        None => cache.map_or_else(Vec::new, |cache| recall(&cache)),
    };
    names.into_iter().filter(|(slug, _)| slug.starts_with(prefix)).collect()
}

fn ask(settings: Settings) -> Option<Vec<(String, String)>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let console = Console::new(Appearance {
        format: Format::Table,
        color: Some(false),
        is_plain_environment: true,
        columns: None,
        volume: Volume::Quiet,
        is_no_input: true,
    });
    let context = Context::new(settings, console, Interrupt::default(), Some(PATIENCE), false);
    let asking = async {
        let plane = context.plane().await.ok()?;
        let mut tenants = Vec::new();
        // One page is enough for a Tab.
        let all = ListRequest::default();
        let first = list(&plane, None, &all, |page| {
            tenants = page;
            Err(())
        });
        first.await.ok()?.err().map(|()| tenants)
    };
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, asking).await });
    // A connection that is still being opened is dropped, not awaited.
    runtime.shutdown_background();
    let tenants = answer.ok().flatten()?;
    let name = |name: &str| escape_controls(name);
    Some(
        tenants
            .into_iter()
            .map(|t| t.tenant)
            .map(|t| (t.slug.to_string(), name(&t.name)))
            .collect(),
    )
}

fn remember(cache: &Path, names: &[(String, String)]) {
    let lines: Vec<_> = names.iter().map(|(slug, name)| format!("{slug}\t{name}\n")).collect();
    let text = lines.concat();
    // The data dir is made by `local up`; with a control plane elsewhere it may not exist.
    let made = cache.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = made.and_then(|()| replace_cache(cache, text.as_bytes()));
    // A cache that cannot be written costs the next Tab a query and nothing else.
    drop(written);
}

fn recall(cache: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(cache).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(slug, _)| slug.parse::<Slug>().is_ok())
        .map(|(slug, name)| (slug.to_owned(), escape_controls(name)))
        .collect()
}
