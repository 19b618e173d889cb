//! JSON: the one way a document becomes text, and the objects that several results hold.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::words::{instant, millis};
use crate::model::Tenant;
use crate::services::saga::StepReport;

/// Returns JSON as text in which no control character, C1 and bidirectional marks included, is raw:
/// serde escapes C0 only.
pub(super) fn json_text(value: &Value, is_pretty: bool) -> String {
    let text =
        if is_pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    let text = text.unwrap_or_default();
    if text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) {
        return text;
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        let is_shown = matches!(character, '\n' | ' '..='~')
            || crate::model::escape_controls(character.encode_utf8(&mut [0; 4])).len()
                == character.len_utf8();
        if is_shown {
            safe.push(character);
        } else {
            // Everything that is escaped here lies in the basic plane: \uXXXX is one unit.
            let escape = format!("\\u{:04x}", u32::from(character));
            safe.push_str(&escape);
        }
    }
    safe
}

pub(super) fn tenant_json(tenant: &Tenant) -> Value {
    let labels: &BTreeMap<String, String> = &tenant.labels;
    let at = |instant_at: Option<OffsetDateTime>| instant_at.map(instant);
    json!({
        "tenant_id": tenant.id.to_string(),
        "slug": tenant.slug.as_str(),
        "name": tenant.name,
        "plan": tenant.plan,
        "labels": labels,
        "status": tenant.status.word(),
        "quarantine": tenant.quarantine.as_ref().map(|q| json!({
            "at": instant(q.at), "reason": q.reason,
        })),
        "placement": tenant.placement.word(),
        "project_ref": tenant.project_ref.as_ref().map(ToString::to_string),
        "database": tenant.database.as_ref().map(ToString::to_string),
        "host": tenant.host,
        "port": tenant.port,
        "region": tenant.region,
        "schema_version": tenant.schema.as_ref().and_then(|s| s.version).map(|v| v.0),
        "schema_fingerprint": tenant.schema.as_ref().map(|s| s.fingerprint.clone()),
        "session_epoch": tenant.session_epoch,
        "protected": tenant.is_protected,
        "credential": if tenant.credential.is_some() { "sealed" } else { "not_kept" },
        "locked_at": at(tenant.locked_at),
        "lock_reason": tenant.lock_reason,
        "purge_after": at(tenant.purge_after),
        "created_at": instant(tenant.created_at),
        "updated_at": instant(tenant.updated_at),
        "deleted_at": at(tenant.deleted_at),
    })
}

pub(super) fn steps_json(steps: &[StepReport]) -> Value {
    let step = |step: &StepReport| {
        json!({
            "step": step.step, "outcome": step.outcome,
            "was_there": step.was_there, "elapsed_ms": millis(step.elapsed),
        })
    };
    Value::Array(steps.iter().map(step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_no_raw_control_and_reads_back_the_same() {
        let value = json!({ "name": "a\u{9b}b\u{202e}c\u{7f}d\u{1b}e", "plain": "Ünïcode 電" });
        for is_pretty in [true, false] {
            let text = json_text(&value, is_pretty);
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
            assert!(!text.contains('\u{202e}'));
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}
