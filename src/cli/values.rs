//! Parsers of single values.

use std::time::Duration;

use crate::model::Act;

/// The longest duration that may be asked for: a hundred years.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// Reads a duration such as `30s`, `15m`, `1h` or `7d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration: Duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write it like 30s, 15m, 1h or 7d"))?;
    if duration > LONGEST {
        return Err("it is longer than a hundred years".to_owned());
    }
    Ok(duration)
}

/// Reads a grace: a duration of at least an hour, since zero must never mean "now" by accident.
pub(super) fn grace(text: &str) -> Result<Duration, String> {
    let grace = duration(text)?;
    if grace < Duration::from_hours(1) {
        return Err("a grace is at least 1h; to destroy at once, say --purge".to_owned());
    }
    Ok(grace)
}

/// Reads a time to live: at least a second.
pub(super) fn ttl(text: &str) -> Result<Duration, String> {
    let ttl = duration(text)?;
    if ttl < Duration::from_secs(1) { Err("it is shorter than 1s".to_owned()) } else { Ok(ttl) }
}

/// Reads a plan's name: 1 to 63 of `a-z`, `0-9`, `-`, `_`, `.`.
pub(super) fn plan(text: &str) -> Result<String, String> {
    let fits = (1..=63).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err("a plan is 1 to 63 of a-z, 0-9, `-`, `_`, `.`".to_owned())
    }
}

/// Reads a member's role: 1 to 63 of `a-z`, `0-9`, `-`, `_`, `.`.
pub(super) fn role(text: &str) -> Result<String, String> {
    plan(text).map_err(|_| "a role is 1 to 63 of a-z, 0-9, `-`, `_`, `.`".to_owned())
}

/// Reads a text of one line, up to 200 characters.
/// Reads the action of an act in the audit trail.
pub(super) fn action(text: &str) -> Result<Act, String> {
    let found = Act::ALL.into_iter().find(|act| act.audit_action() == text);
    found.ok_or_else(|| {
        let known: Vec<_> = Act::ALL.iter().map(|act| act.audit_action()).collect();
        format!("no act is called so; there are {}", known.join(", "))
    })
}

pub(super) fn line(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= 200 && crate::model::escape_controls(text) == text;
    if fits { Ok(text.to_owned()) } else { Err("at most 200 characters on one line".to_owned()) }
}

/// Reads a migration's name: 1 to 63 letters, digits and `_`, `-` or blanks between them, which become
/// `_`.
pub(super) fn title(text: &str) -> Result<String, String> {
    let fits = (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' '))
        && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if fits {
        Ok(text.to_ascii_lowercase().replace(['-', ' '], "_"))
    } else {
        Err("a name begins with a letter and has 1 to 63 of a-z, 0-9 and `_`".to_owned())
    }
}

/// Reads a JSON object of up to 8 KiB.
pub(super) fn object(text: &str) -> Result<serde_json::Value, String> {
    if text.len() > 8192 {
        return Err("it is longer than 8 KiB".to_owned());
    }
    // A jsonb column takes no NUL.
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))?;
    if text.contains("\\u0000") {
        return Err("it holds a NUL, which Postgres does not keep".to_owned());
    }
    Ok(object.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_never_means_now() {
        for bad in ["", "0", "0s", "59m", "-1h", "1000000000000y", "soon"] {
            assert!(grace(bad).is_err(), "{bad}");
        }
        assert_eq!(grace("7d"), Ok(Duration::from_hours(7 * 24)));
    }
}
