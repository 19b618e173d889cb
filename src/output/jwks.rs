//! Published keys, as people and programs read them.

use serde_json::{Value, json};

use super::console::Console;
use super::table;
use super::view::View;
use super::words::instant;
use crate::services::token::Published;

/// Says aloud that keys are older than they should be, or could not be kept.
pub fn warn_about_keys(console: &Console, keys: Option<&Published>) {
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
pub fn render_keys(console: &Console, keys: &Published) -> View {
    let usable = keys.set.keys().iter().map(|key| {
        let kid = key.kid.clone().unwrap_or_default();
        vec![kid, key.kind.algorithm().to_owned(), key.bits.to_string(), "usable".to_owned()]
    });
    let skipped = keys.set.skipped().iter().map(|key| {
        let kid = key.kid.clone().unwrap_or_default();
        vec![kid, String::new(), String::new(), format!("left out: {}", key.reason)]
    });
    let headers = ["KID", "ALGORITHM", "BITS", "STATE"];
    let text = table::table(console, &headers, usable.chain(skipped).collect());
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
    View::list("keys", values.chain(left_out).collect(), text)
        .with("jwks", origin(keys))
        .note(format!("\n{}", origin_text(keys)))
}

/// Renders the removal of a copy.
pub fn render_keys_cleared(console: &Console, source: &str, was_there: bool) -> View {
    let outcome = if was_there { "removed" } else { "there was none" };
    let text = table::facts(
        console,
        &[("source", Some(source.to_owned())), ("copy", Some(outcome.into()))],
    );
    View::item("jwks", json!({ "source": source, "cleared": was_there }), text)
}

/// Returns where keys come from, as JSON.
pub(super) fn origin(keys: &Published) -> Value {
    json!({
        "source": keys.source,
        "fetched_at": keys.fetched_at.map(instant),
        "fetched_now": keys.was_fetched,
        "stale": keys.is_stale,
        "rests_until": keys.rests_until.map(instant),
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
