//! JSON exactly as Flask's `jsonify` writes it: keys sorted, no spaces, ASCII only, numbers as Python prints them, a line
//! break at the end. Some clients compare answers as text, and a ratio must be `1.0`, never `1`.
//! *Source:* Flask `json/provider.py`, CPython `json/encoder.py` and `float.__repr__`.

use serde_json::{Number, Value};

/// The text of a value. Cost: linear, plus the sorting of each object's keys.
pub fn to_text(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out.push('\n');
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(text) => string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(out, item);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            // Order of UTF-8 bytes is order of code points, which is Python's.
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            out.push('{');
            for (at, (name, field)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                string(out, name);
                out.push(':');
                write(out, field);
            }
            out.push('}');
        }
    }
}

/// A value as Python's `json.dumps(value, indent=2)` writes it: fields in their order, no newline at the end.
pub fn to_indented(value: &Value) -> String {
    let mut out = String::new();
    indented(&mut out, value, 0);
    out
}

fn indented(out: &mut String, value: &Value, depth: usize) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(out, depth + 1);
                indented(out, item, depth + 1);
            }
            line(out, depth);
            out.push(']');
        }
        Value::Object(fields) if !fields.is_empty() => {
            out.push('{');
            for (at, (name, field)) in fields.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(out, depth + 1);
                string(out, name);
                out.push_str(": ");
                indented(out, field, depth + 1);
            }
            line(out, depth);
            out.push('}');
        }
        other => write(out, other),
    }
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float_text(float),
        _ => number.to_string(),
    }
}

/// Python's `repr` of a finite float: the shortest digits that read back, with an exponent below 1e-4 and from 1e16.
pub fn float_text(float: f64) -> String {
    let scientific = format!("{float:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{float}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by CPython 3.11.7 and Flask 3.1.3: `[[value, text], …]`.
    const GOLDEN: &str = include_str!("../tests/fixtures/jsonify.json");

    #[test]
    fn values_are_written_as_flask_writes_them() {
        let golden: Vec<(Value, String)> = serde_json::from_str(GOLDEN).unwrap();
        assert!(golden.len() > 30);
        for (value, text) in golden {
            assert_eq!(to_text(&value), text);
        }
    }

    #[test]
    fn keys_are_sorted_at_every_depth_and_a_ratio_stays_a_float() {
        let value = serde_json::json!([{ "b": 1.0, "a": { "d": 2, "c": null } }]);
        assert_eq!(to_text(&value), "[{\"a\":{\"c\":null,\"d\":2},\"b\":1.0}]\n");
    }
}
