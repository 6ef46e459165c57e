//! The spelling of numbers: kept beside the fields that are carried, and written again.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::exact::push;

/// Reserved name of the spellings in an object that is carried.
pub(super) const NUMBERS: &str = "lodestone:numbers";

/// Whether a text is a JSON number. *Source:* RFC 8259, section 6.
pub(super) fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

/// What is wrong with fields that have the reserved name.
pub(super) const RESERVED: &str = "the name lodestone:numbers is kept for the spelling of numbers";

/// Puts spellings beside the fields they are of.
pub(super) fn keep(fields: &mut Map<String, Value>, numbers: Map<String, Value>) {
    if !numbers.is_empty() {
        fields.insert(NUMBERS.to_owned(), Value::Object(numbers));
    }
}

/// Takes the spellings out of fields that were carried.
pub(super) fn take_numbers(fields: &mut Map<String, Value>) -> Map<String, Value> {
    match fields.remove(NUMBERS) {
        Some(Value::Object(numbers)) => numbers,
        _ => Map::new(),
    }
}

/// The name of the field that a pointer goes through first.
pub(super) fn first_name(pointer: &str) -> String {
    let first = pointer.strip_prefix('/').unwrap_or(pointer).split('/').next().unwrap_or_default();
    first.replace("~1", "/").replace("~0", "~")
}

/// Writes a value with its numbers as they were spelled. A spelling that is not one of its number is passed over, so
/// that a value that was changed since is written as it is now.
pub(super) fn write(
    out: &mut impl Write,
    value: &Value,
    numbers: &Map<String, Value>,
) -> Result<(), io::Error> {
    if numbers.is_empty() {
        return serde_json::to_writer(out, value).map_err(io::Error::from);
    }
    write_at(out, value, numbers, &mut String::new())
}

fn write_at(
    out: &mut impl Write,
    value: &Value,
    numbers: &Map<String, Value>,
    path: &mut String,
) -> Result<(), io::Error> {
    let base = path.len();
    match value {
        Value::Object(fields) => {
            out.write_all(b"{")?;
            for (n, (name, value)) in fields.iter().enumerate() {
                if n > 0 {
                    out.write_all(b",")?;
                }
                serde_json::to_writer(&mut *out, name)?;
                out.write_all(b":")?;
                push(path, name);
                write_at(out, value, numbers, path)?;
                path.truncate(base);
            }
            out.write_all(b"}")
        }
        Value::Array(items) => {
            out.write_all(b"[")?;
            for (n, value) in items.iter().enumerate() {
                if n > 0 {
                    out.write_all(b",")?;
                }
                push(path, &n.to_string());
                write_at(out, value, numbers, path)?;
                path.truncate(base);
            }
            out.write_all(b"]")
        }
        value => match numbers.get(path.as_str()).and_then(Value::as_str) {
            Some(text) if spells(text, value) => out.write_all(text.as_bytes()),
            _ => serde_json::to_writer(out, value).map_err(io::Error::from),
        },
    }
}

/// Whether a text is a spelling of this number; of null, when no number can hold it.
fn spells(text: &str, value: &Value) -> bool {
    is_number(text)
        && match serde_json::from_str::<Value>(text) {
            Ok(read) => read == *value,
            Err(_) => value.is_null(),
        }
}

#[cfg(test)]
mod tests {
    use super::super::exact::parse;
    use super::*;

    fn again(text: &str) -> String {
        let exact = parse(text.as_bytes(), "").unwrap();
        assert_eq!(exact.fault, None, "{text}");
        let mut out = Vec::new();
        write(&mut out, &exact.value, &exact.numbers).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_number_is_written_as_it_was_spelled() {
        for text in [
            "[1,-0,0,0.10,1e3,1E+3,1.0,12345678901234567890123456789012345678901234,1e999,-1e-999,0.30000000000000004]",
            r#"{"a/b":{"~":[1.50,{"x":2.00}]},"":1.0e1,"n":18446744073709551615,"m":18446744073709551616}"#,
            "1.10",
            r#"{"a":{},"b":[],"c":[[],{}],"d":"1.10","e":null,"f":true}"#,
        ] {
            assert_eq!(again(text), text);
        }
        assert!(parse(b"[1,2.5,true]", "").unwrap().numbers.is_empty(), "usual spellings cost nothing");
    }

    #[test]
    fn a_value_that_was_changed_is_written_as_it_is_now() {
        let mut exact = parse(br#"{"a":1.50,"b":1e999}"#, "").unwrap();
        exact.value["a"] = 2.into();
        exact.value["b"] = 3.into();
        let mut out = Vec::new();
        write(&mut out, &exact.value, &exact.numbers).unwrap();
        assert_eq!(out, br#"{"a":2,"b":3}"#);
        let forged = Map::from_iter([("/a".to_owned(), Value::from("1},{"))]);
        let mut out = Vec::new();
        write(&mut out, &serde_json::json!({ "a": null }), &forged).unwrap();
        assert_eq!(out, br#"{"a":null}"#, "only numbers are written raw");
    }
}
