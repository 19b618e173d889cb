//! JSON that others wrote, read so that no two readers can disagree about it.
//!
//! Refused are duplicate names (one reader takes the first, another the last; RFC 8259 leaves it
//! open), NUL in a text (Postgres cannot store it, and C programs end the text there) and nesting
//! that would exhaust a reader's stack. It never quotes a value.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::text::{escape_controls, shorten};

const DEPTH_LIMIT: usize = 64;

/// Says where, and quotes names but never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StrictJsonError(String);

/// Reads one JSON document without duplicate names or a NUL, nested 64 levels at most.
pub(crate) fn parse_strict_json(bytes: &[u8]) -> Result<Value, StrictJsonError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Strict { levels_left: DEPTH_LIMIT }.deserialize(&mut reader);
    let checked = read.and_then(|value| reader.end().map(|()| value));
    checked.map_err(|error| StrictJsonError(error.to_string()))
}

#[derive(Clone, Copy)]
struct Strict {
    levels_left: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Self { levels_left }),
            None => Err(E::custom(format_args!("nested deeper than {DEPTH_LIMIT} levels"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        without_nul(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        without_nul(&value)?;
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            without_nul(&name)?;
            let value = members.next_value_seed(inner)?;
            if map.contains_key(&name) {
                let name = shorten(&escape_controls(&name), 40);
                return Err(A::Error::custom(format_args!("`{name}` appears twice")));
            }
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

fn without_nul<E: Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') { Err(E::custom("a text holds a NUL")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unambiguous_reads_as_usual() {
        for text in
            ["{}", "[1,-2,3.5,null,true,\"\\u00fc\"]", "{\"a\":{\"a\":[{\"a\":1}]}}", "\"x\""]
        {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(parse_strict_json(text.as_bytes()), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_readers_could_disagree_about_is_refused() {
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        for (text, word) in [
            ("{\"a\":1,\"a\":2}", "`a` appears twice"),
            ("{\"x\":[{\"b\":1,\"\\u0062\":2}]}", "`b` appears twice"),
            (deep.as_str(), "nested deeper"),
            ("{\"a\":1e999}", "out of range"),
            ("{} {}", "trailing"),
            ("", "EOF"),
            ("\u{feff}{}", "expected value"),
            ("{\"a\":\"\\ud800\"}", ""),
            ("{\"a\":[\"x\\u0000\"]}", "NUL"),
            ("{\"a\\u0000\":1}", "NUL"),
        ] {
            let error = parse_strict_json(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
        assert!(parse_strict_json(b"\"\xff\"").is_err());
        let fits = format!("{}{}", "[".repeat(64), "]".repeat(64));
        assert!(parse_strict_json(fits.as_bytes()).is_ok());
    }
}
