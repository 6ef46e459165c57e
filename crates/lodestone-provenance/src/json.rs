//! Lenient JSON: Python writes `NaN` and `Infinity`, and generators are Python; files are cut.

use std::borrow::Cow;

use serde_json::{Deserializer, Value};

/// Bytes of a damaged text that are mended. 1 MiB: beyond it a whole text is read, a broken one is not.
const MAX_MENDED: usize = 1 << 20;

/// Parses JSON, reading `NaN`, `Infinity` and `-Infinity` as null. What follows the first value is left out, and a
/// text that breaks off is read up to its last whole member. A text in quotes that holds JSON is read as what it
/// holds. Depth is bounded by the parser (128).
pub(crate) fn parse(text: &str) -> Option<Value> {
    let text = text.trim_matches(|c: char| c == '\0' || c == '\u{feff}' || c.is_whitespace());
    if text.starts_with('"') {
        let inner: String = serde_json::from_str(text).ok()?;
        return if inner.trim_start().starts_with('"') { None } else { parse(&inner) };
    }
    // Only objects and arrays: a bare word or number is no convention.
    if !text.starts_with(['{', '[']) {
        return None;
    }
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let text = without_nan(text);
    if let Some(Ok(value)) = Deserializer::from_str(&text).into_iter::<Value>().next() {
        return Some(value);
    }
    serde_json::from_str(&mended(&text)?).ok()
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

/// A text that breaks off, cut behind its last whole member and closed. Nothing where no member is whole.
fn mended(text: &str) -> Option<String> {
    if text.len() > MAX_MENDED {
        return None;
    }
    let mut open: Vec<char> = Vec::new();
    // Where the last whole member ended, and how deep that was.
    let mut whole: Option<(usize, usize)> = None;
    let mut in_string = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if in_string {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match c {
            '"' => in_string = true,
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                if open.pop() != Some(c) {
                    break;
                }
                whole = Some((at + 1, open.len()));
            }
            ',' => whole = Some((at, open.len())),
            _ => {}
        }
    }
    let (end, depth) = whole?;
    let mut out = text.get(..end)?.to_owned();
    out.extend(open.get(..depth)?.iter().rev());
    Some(out)
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
        assert!(parse(&"\"".repeat(1_000)).is_none());
        assert!(parse("plain words").is_none());
    }

    #[test]
    fn what_follows_the_first_value_is_left_out() {
        assert_eq!(parse("{\"a\": 1}\0\0 trailing").expect("parses")["a"], 1);
        assert_eq!(parse(r#""{\"a\": 1}""#).expect("a text that holds JSON")["a"], 1);
    }

    #[test]
    fn a_text_that_breaks_off_is_read_up_to_its_last_whole_member() {
        let value =
            parse(r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 5, "text": "a lo"#).expect("mended");
        assert_eq!(value["3"]["class_type"], "KSampler");
        assert_eq!(value["3"]["inputs"]["seed"], 5);
        assert!(parse("{\"a").is_none());
        assert!(parse("{]").is_none());
    }
}
