//! JSON of services: read leniently where they are known to be lax, never by guessing.

use lodestone_types::{Signal, SignalType};
use serde_json::Value;

use super::page::{Draft, word};

/// Longest id of an entry, in bytes; HMA's limit is 255 characters, and nothing longer was ever seen.
const MAX_KEY: usize = 1_000;
/// Longest word (classification, tag, name of a member) that is kept, in characters.
const MAX_WORD: usize = 200;
/// Tags of one entry.
const MAX_TAGS: usize = 200;

/// A whole body. Depth is bounded by the parser (128).
pub(super) fn parse(body: &[u8]) -> Result<Value, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| match error.is_eof() {
        true => "JSON that is cut short".to_owned(),
        false => "no JSON".to_owned(),
    })
}

/// A body that is an object.
pub(super) fn object(body: &[u8]) -> Result<Value, String> {
    let value = parse(body)?;
    if value.is_object() { Ok(value) } else { Err("no JSON object".to_owned()) }
}

/// An id: a text or a whole number, as text. `None` when it is missing, empty or too long.
pub(super) fn id(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if !number.is_f64() => number.to_string(),
        _ => return None,
    };
    (!text.is_empty() && text.len() <= MAX_KEY && !text.contains(char::is_control)).then_some(text)
}

/// A time: whole or broken seconds since 1970, also as text.
pub(super) fn seconds(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| whole(text.parse().ok()?)).or_else(|| super::time::parse_iso(text))
        }
        _ => None,
    }
}

fn whole(seconds: f64) -> Option<i64> {
    // Beyond this, a double does not hold every whole second.
    (seconds.is_finite() && seconds.abs() < 9e15).then_some(seconds as i64)
}

/// `true`, also as a text or a number. Everything else is `false`.
pub(super) fn flag(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(is)) => *is,
        Some(Value::String(text)) => text.trim().eq_ignore_ascii_case("true"),
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        _ => false,
    }
}

/// A text, cut to what is kept of words.
pub(super) fn short(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(MAX_WORD).collect()
}

/// Tags: a list of texts, or Graph's `{"data": [{"text": …}]}`. Sorted, each once.
pub(super) fn tags(value: Option<&Value>) -> Vec<String> {
    let list = match value {
        Some(Value::Array(list)) => list.as_slice(),
        Some(Value::Object(object)) => {
            object.get("data").and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
        }
        _ => &[],
    };
    let text = |tag: &Value| tag.as_str().or_else(|| tag.get("text")?.as_str()).map(short);
    let mut tags: Vec<String> =
        list.iter().filter_map(text).filter(|tag| !tag.is_empty()).take(MAX_TAGS).collect();
    tags.sort();
    tags.dedup();
    tags
}

/// The one value of a row. `None` when it is wrong, which is rejected here, or says nothing, which is counted.
pub(super) fn signal(draft: &mut Draft, kind: SignalType, text: &str) -> Option<Signal> {
    match Signal::parse(kind, text) {
        Err(error) => {
            // Its words hold the shape that was wanted, and no value.
            draft.reject(error.to_string());
            None
        }
        Ok(signal) if signal.says_nothing() => {
            draft.skip("values that say nothing");
            None
        }
        Ok(signal) => Some(signal),
    }
}

/// Counts a word of an enumeration that is not known here.
pub(super) fn unknown(draft: &mut Draft, what: &str, value: Option<&Value>) {
    let name = value.and_then(Value::as_str).map_or_else(|| "none".to_owned(), word);
    draft.skip(format!("{what} {name}"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_and_ids_are_read_as_services_write_them() {
        for value in
            [json!(1625), json!(1625.9), json!("1625"), json!("1625.25"), json!("1970-01-01T00:27:05Z")]
        {
            assert_eq!(seconds(Some(&value)), Some(1625), "{value}");
        }
        for value in [json!(null), json!(1e300), json!("soon"), json!([1])] {
            assert_eq!(seconds(Some(&value)), None, "{value}");
        }
        assert_eq!(id(Some(&json!(7))), Some("7".to_owned()));
        assert_eq!(id(Some(&json!(" a "))), Some("a".to_owned()));
        for value in [json!(""), json!(1.5), json!({}), json!("a\nb"), json!("a".repeat(1001))] {
            assert_eq!(id(Some(&value)), None, "{value}");
        }
    }

    #[test]
    fn tags_are_read_in_both_of_graphs_spellings() {
        let want = ["a", "b"];
        assert_eq!(tags(Some(&json!(["b", "a", "b", 5, ""]))), want);
        assert_eq!(tags(Some(&json!({ "data": [{ "id": "1", "text": "b" }, { "text": "a" }] }))), want);
        assert!(tags(Some(&json!("a"))).is_empty() && tags(None).is_empty());
    }
}
