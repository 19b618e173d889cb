//! JSON: the one way a document becomes text, and the objects that several results hold.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::words::millis;
use crate::model::{
    ErrorKind, SecretText, Slug, Tenant, TenantId, TenantNames, escape_controls, instant_ms, redact,
};
use crate::services::saga::StepReport;

/// What stands in a document; it is redacted as it is written, and there is no other way to write
/// one.
#[derive(Debug)]
pub(super) enum Part<'a> {
    Value(&'a Value),
    Fields(Vec<(&'a str, Part<'a>)>),
    List(&'a [Value]),
    /// A number of ours.
    Number(u32),
    /// A word of ours.
    Word(&'a str),
    /// A secret that the operator asked to see: the only text that is not redacted.
    Revealed(&'a SecretText),
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(Value::String(text)) => serializer.serialize_str(&redact(text)),
            Self::Value(Value::Array(values)) => Part::List(values).serialize(serializer),
            Self::Value(Value::Object(fields)) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(&redact(name), &Part::Value(value))?;
                }
                map.end()
            }
            Self::Value(value) => value.serialize(serializer),
            Self::Fields(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, part) in fields {
                    map.serialize_entry(name, part)?;
                }
                map.end()
            }
            Self::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in *values {
                    list.serialize_element(&Part::Value(value))?;
                }
                list.end()
            }
            Self::Number(number) => serializer.serialize_u32(*number),
            Self::Word(word) => serializer.serialize_str(word),
            Self::Revealed(secret) => serializer.serialize_str(secret.expose()),
        }
    }
}

pub(super) fn json_line(part: &Part<'_>) -> String {
    without_controls(serde_json::to_string(part).unwrap_or_default())
}

/// Returns JSON on several lines, for people as well.
pub(super) fn json_pretty(part: &Part<'_>) -> String {
    without_controls(serde_json::to_string_pretty(part).unwrap_or_default())
}

/// Escapes what serde leaves raw: it escapes C0 only, and C1 and bidirectional marks can take over a
/// terminal as well.
fn without_controls(text: String) -> String {
    if text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) {
        return text;
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        let is_shown = matches!(character, '\n' | ' '..='~')
            || escape_controls(character.encode_utf8(&mut [0; 4])).len() == character.len_utf8();
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
    let at = |instant_at: Option<OffsetDateTime>| instant_at.map(instant_ms);
    json!({
        "id": tenant.id.to_string(),
        "slug": tenant.slug.as_str(),
        "name": tenant.name,
        "plan": tenant.plan,
        "labels": labels,
        "status": tenant.status.word(),
        "quarantine": tenant.quarantine.as_ref().map(|q| json!({
            "at": instant_ms(q.at), "reason": q.reason,
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
        "lock": tenant.lock.as_ref().map(|lock| json!({
            "since": instant_ms(lock.since),
            "by": lock.by,
            "reason": lock.reason,
            "proven_at": at(lock.proven_at),
        })),
        "purge_after": at(tenant.purge_after),
        "created_at": instant_ms(tenant.created_at),
        "updated_at": instant_ms(tenant.updated_at),
        "deleted_at": at(tenant.deleted_at),
    })
}

/// Returns a tenant as whatever concerns one names it.
pub(super) fn names_json(tenant: &TenantNames) -> Value {
    id_and_slug(tenant.id, &tenant.slug)
}

/// Returns the same of the two names alone.
pub(super) fn id_and_slug(id: TenantId, slug: &Slug) -> Value {
    json!({ "id": id.to_string(), "slug": slug.as_str() })
}

pub(super) fn steps_json(steps: &[StepReport]) -> Value {
    let step = |step: &StepReport| {
        json!({
            "step": step.step, "outcome": step_word(step.was_there),
            "detail": step.outcome, "elapsed_ms": millis(step.elapsed),
        })
    };
    Value::Array(steps.iter().map(step).collect())
}

/// Returns an error as every document and line has it; `chain` is the message and its causes,
/// outermost first.
pub(super) fn error_json(kind: ErrorKind, chain: &[String], hint: Option<&str>) -> Value {
    let message = chain.first().map_or("", String::as_str);
    json!({
        "kind": kind.word(),
        "message": format!("failed to {message}"),
        "causes": chain.get(1..).unwrap_or_default(),
        "hint": hint,
        "retryable": kind.is_retryable(),
    })
}

/// Returns how a step ended that did not fail.
pub(super) fn step_word(was_there: bool) -> &'static str {
    if was_there { "unchanged" } else { "done" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_no_raw_control_and_reads_back_the_same() {
        let value = json!({ "name": "a\u{9b}b\u{202e}c\u{7f}d\u{1b}e", "plain": "Ünïcode 電" });
        for text in [json_line(&Part::Value(&value)), json_pretty(&Part::Value(&value))] {
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
            assert!(!text.contains('\u{202e}'));
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }

    #[test]
    fn a_secret_is_redacted_wherever_it_stands_and_shown_where_it_was_asked_for() {
        let url = "postgres://op:hunter2@db/x";
        let mut value = json!({ "deep": [{ "text": format!("cannot use {url}") }], "n": 1.5 });
        value[url] = json!(null);
        let text = json_line(&Part::Value(&value));
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains(r#""n":1.5"#) && text.contains("op:****@db"), "{text}");
        let secret = SecretText::new(url.to_owned());
        let text = json_line(&Part::Fields(vec![("url", Part::Revealed(&secret))]));
        assert_eq!(text, r#"{"url":"postgres://op:hunter2@db/x"}"#);
    }
}
