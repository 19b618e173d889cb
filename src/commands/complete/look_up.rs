//! Looks values up: tenants from the control plane, else from the copy of its last answer.
//!
//! The control plane is the one that the command being typed would use, and no Tab waits for it longer
//! than 300 ms.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::roster::{self, Entry};
use crate::cli::{Fitting, Offer, Typed, Wanted};
use crate::commands::context::Context;
use crate::config::{Flags, Settings, environment, resolve};
use crate::model::Act;
use crate::output::{Appearance, Console, Format, Volume};
use crate::services::fleet::list_runs;
use crate::services::migration::seed_sets;
use crate::services::session::recent;
use crate::services::tenant::{ListRequest, list};

const PATIENCE: Duration = Duration::from_millis(300);

/// How many runs are offered.
const RUNS: i64 = 20;

/// How many digits of an id are typed before it counts as one: shorter ones may begin a slug.
const DIGITS_OF_AN_ID: usize = 4;

/// The settings of the command that is being typed; nothing where they cannot be read.
#[derive(Debug)]
pub(super) struct LookUp {
    settings: Option<Settings>,
}

impl LookUp {
    /// Reads the settings with the profile and the config file that were typed.
    pub(super) fn of(typed: &Typed) -> Self {
        let flags = Flags {
            profile: typed.option(Some("-p"), "--profile").map(str::to_owned),
            config: typed.option(None, "--config").map(PathBuf::from),
            // A profile whose name is being typed is not there yet.
            may_be_new: true,
            ..Flags::default()
        };
        let working_dir = std::env::current_dir().unwrap_or_default();
        Self { settings: resolve(&flags, &environment, &working_dir).ok() }
    }

    /// Returns the values that begin with a text.
    pub(super) fn values(&self, wanted: Wanted, text: &str) -> Vec<Offer> {
        let Some(settings) = &self.settings else { return Vec::new() };
        let all = match wanted {
            Wanted::Tenants(fitting) => return tenants(settings, fitting, text),
            Wanted::Labels => counted(roster(settings).iter().flat_map(|t| t.labels.clone())),
            Wanted::Plans => counted(roster(settings).iter().filter_map(|t| t.plan.clone())),
            Wanted::SeedSets => seed_set_names(settings),
            Wanted::Versions => versions(settings),
            Wanted::Runs => runs(settings),
            Wanted::Profiles => profiles(settings),
            Wanted::Sessions => sessions(settings, false),
            Wanted::Users => sessions(settings, true),
            Wanted::Actions => Act::ALL.iter().map(|act| offer(act.audit_action(), "")).collect(),
        };
        all.into_iter().filter(|offer| offer.value.starts_with(text)).collect()
    }
}

/// Returns slugs; ids where the text can only be the beginning of one.
fn tenants(settings: &Settings, fitting: Fitting, text: &str) -> Vec<Offer> {
    let all = roster(settings);
    let fits: Vec<_> = all.iter().filter(|tenant| tenant.fits(fitting)).collect();
    let slugs = fits.iter().filter(|tenant| tenant.slug.starts_with(text));
    let slugs: Vec<_> = slugs.map(|tenant| offer(&tenant.slug, &tenant.name)).collect();
    let text = text.to_lowercase();
    let is_id =
        text.len() >= DIGITS_OF_AN_ID && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if !slugs.is_empty() || !is_id {
        return slugs;
    }
    let ids = fits.iter().filter(|tenant| tenant.id.starts_with(&text));
    ids.map(|tenant| offer(&tenant.id, &tenant.slug)).collect()
}

fn roster(settings: &Settings) -> Vec<Entry> {
    let context = context(settings.clone());
    let Some(key) = context.plane_key() else { return Vec::new() };
    let file = settings.data_dir().ok().map(|folder| roster::file(folder, &key));
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
    match in_time(asking) {
        Some(tenants) => {
            let entries: Vec<_> = tenants.iter().map(|t| Entry::of(&t.tenant)).collect();
            if let Some(file) = &file {
                roster::remember(file, &entries);
            }
            entries
        }
        None => file.map_or_else(Vec::new, |file| roster::recall(&file)),
    }
}

fn offer(value: &str, what: &str) -> Offer {
    Offer { value: value.to_owned(), what: what.to_owned() }
}

/// Returns each value once, with how many tenants have it.
fn counted(values: impl Iterator<Item = String>) -> Vec<Offer> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().map(|(value, count)| offer(&value, &format!("{count} tenants"))).collect()
}

fn seed_set_names(settings: &Settings) -> Vec<Offer> {
    let folder = settings.seeds_dir.as_ref().map(|setting| setting.value.as_path());
    let sets = seed_sets(folder).unwrap_or_default();
    sets.iter().map(|set| offer(&set.name, "")).collect()
}

fn versions(settings: &Settings) -> Vec<Offer> {
    let Ok(sets) = context(settings.clone()).sets() else { return Vec::new() };
    let records = sets.domain.records();
    records.iter().map(|record| offer(&record.version.0.to_string(), &record.name)).collect()
}

/// Returns the newest runs.
fn runs(settings: &Settings) -> Vec<Offer> {
    let context = context(settings.clone());
    let found = in_time(async {
        let plane = context.plane().await.ok()?;
        list_runs(&plane, RUNS).await.ok()
    });
    let runs = found.unwrap_or_default();
    runs.iter().map(|it| offer(&it.run.id.to_string(), it.run.state.word())).collect()
}

fn profiles(settings: &Settings) -> Vec<Offer> {
    let what = |is_protected| if is_protected { "protected" } else { "" };
    settings.profiles.iter().map(|found| offer(&found.name, what(found.is_protected))).collect()
}

/// Returns the sessions issued lately, or their users.
fn sessions(settings: &Settings, of_users: bool) -> Vec<Offer> {
    let context = context(settings.clone());
    let found = in_time(async {
        let plane = context.plane().await.ok()?;
        recent(&plane).await.ok()
    });
    let mut offers = Vec::new();
    for session in found.unwrap_or_default() {
        let user = session.user_id.to_string();
        let found = if of_users { offer(&user, "") } else { offer(session.jti.as_str(), &user) };
        if !offers.contains(&found) {
            offers.push(found);
        }
    }
    offers
}

fn context(settings: Settings) -> Context {
    let console = Console::new(Appearance {
        format: Format::Table,
        color: Some(false),
        is_plain_environment: true,
        is_ascii: false,
        columns: None,
        volume: Volume::Quiet,
        is_no_input: true,
    });
    Context::new(settings, console, Some(PATIENCE), false)
}

/// Waits for an answer no longer than a Tab may take.
fn in_time<T>(asking: impl Future<Output = Option<T>>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, asking).await });
    // A connection that is still being opened is dropped, not awaited.
    runtime.shutdown_background();
    answer.ok().flatten()
}
