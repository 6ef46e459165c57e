//! Lenient JSON: Python writes `NaN` and `Infinity`, and generators are Python.

use std::borrow::Cow;

use serde_json::Value;

/// Parses JSON, reading `NaN`, `Infinity` and `-Infinity` as null. Depth is bounded by the parser (128).
pub(crate) fn parse(text: &str) -> Option<Value> {
    let text = text.trim().trim_matches('\0').trim();
    // Only objects and arrays: a bare word or number is no convention.
    if !text.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&without_nan(text))).ok()
}

fn without_nan(text: &str) -> Cow<'_, str> {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = text;
    let mut in_string = false;
    while let Some(first) = rest.chars().next() {
        if in_string && first == '\\' {
            let end = rest.char_indices().nth(2).map_or(rest.len(), |(i, _)| i);
            let (escape, after) = rest.split_at(end);
            out.push_str(escape);
            rest = after;
            continue;
        }
        if first == '"' {
            in_string = !in_string;
        }
        let word = ["NaN", "-Infinity", "Infinity"].into_iter().find(|w| !in_string && rest.starts_with(w));
        if let Some(word) = word {
            out.push_str("null");
            rest = &rest[word.len()..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_outside_strings_is_null() {
        let value = parse(r#"{"a": [NaN, -Infinity], "b": "NaN \" NaN"}"#).expect("parses");
        assert!(value["a"][0].is_null() && value["a"][1].is_null());
        assert_eq!(value["b"], "NaN \" NaN");
    }

    #[test]
    fn deep_nesting_is_refused_not_a_stack_overflow() {
        assert!(parse(&"[".repeat(100_000)).is_none());
        assert!(parse("plain words").is_none());
    }
}
