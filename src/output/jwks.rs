//! Published keys, as people and programs read them.

use serde_json::{Value, json};

use super::console::Console;
use super::line::Line;
use super::text::{Facts, Table, Text, cell};
use super::view::View;
use crate::model::{instant, instant_ms};
use crate::services::token::Published;

/// Warns when keys are older than they should be, or could not be kept on disk.
pub(crate) fn warn_about_keys(console: &Console, keys: Option<&Published>) {
    let Some(keys) = keys else { return };
    if let Some(problem) = &keys.problem {
        let since = keys.fetched_at.map(instant).unwrap_or_default();
        console.warn(&format!(
            "{} cannot be asked: {problem}; using the keys it gave at {since}",
            keys.source
        ));
    }
    if let Some(problem) = &keys.not_kept {
        console.warn(&format!("the keys cannot be kept on disk: {problem}"));
    }
}

/// Renders the keys of a set, and what was left out of it.
pub(crate) fn render_keys(keys: &Published) -> View {
    let usable = keys.set.keys().iter().map(|key| {
        let kid = cell(key.kid.as_ref());
        [kid, key.kind.algorithm().into(), key.bits.into(), "usable".into()]
    });
    let skipped = keys.set.skipped().iter().map(|key| {
        let state = format!("left out: {}", key.reason);
        [cell(key.kid.as_ref()), Line::default(), Line::default(), state.into()]
    });
    let table = Table::new(["KID", "ALGORITHM", "BITS", "STATE"], usable.chain(skipped));
    let values = keys.set.keys().iter().map(|key| {
        json!({
            "kid": key.kid,
            "algorithm": key.kind.algorithm(),
            "bits": key.bits,
            "usable": true,
            "reason": null,
        })
    });
    let left_out = keys.set.skipped().iter().map(|key| {
        json!({
            "kid": key.kid,
            "algorithm": null,
            "bits": null,
            "usable": false,
            "reason": key.reason,
        })
    });
    View::list(("keys", "key"), values.chain(left_out).collect(), table)
        .with("jwks", origin(keys))
        .note(Text::new().blank().line(origin_text(keys)))
}

pub(crate) fn render_keys_cleared(source: &str, was_there: bool) -> View {
    let outcome = if was_there { "removed" } else { "there was none" };
    let facts = Facts::new().fact("source", source).fact("copy", outcome);
    View::item("jwks", json!({ "source": source, "cleared": was_there }), facts)
}

/// Renders what removing the copy would do.
pub(crate) fn render_keys_clear_plan(source: &str, is_there: bool) -> View {
    let outcome = if is_there { "would be removed" } else { "there is none" };
    let facts = Facts::new().fact("source", source).fact("copy", outcome);
    View::item("jwks", json!({ "source": source, "cleared": is_there }), facts).into_plan()
}

/// Returns where keys come from, as JSON.
pub(super) fn origin(keys: &Published) -> Value {
    json!({
        "source": keys.source,
        "fetched_at": keys.fetched_at.map(instant_ms),
        "fetched_now": keys.was_fetched,
        "stale": keys.is_stale,
        "rests_until": keys.rests_until.map(instant_ms),
        "problem": keys.problem,
    })
}

/// Returns where keys come from, as text.
pub(super) fn origin_text(keys: &Published) -> String {
    match (keys.fetched_at, keys.is_stale) {
        (None, _) => keys.source.clone(),
        (Some(at), false) => format!("{}, as of {}", keys.source, instant(at)),
        (Some(at), true) => format!("{}, stale: as of {}", keys.source, instant(at)),
    }
}
