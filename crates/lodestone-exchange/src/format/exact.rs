//! JSON values read and written without loss.
//!
//! A JSON reader keeps the value of a number and forgets how it was written: `1e3`, `0.10` and a number of thirty digits
//! come back as something else. Lists are to be written back value for value, so the spelling of every number that we
//! would write otherwise is kept beside the value, under the reserved name [`NUMBERS`]:
//!
//! ```text
//! {"Weight": 0.1, "lodestone:numbers": {"/Weight": "0.10"}}          (the pointers are those of RFC 6901)
//! ```
//!
//! What is wrong with a value is split by what it says of the rest of the document. Its structure is broken
//! ([`Structure`]): nothing that follows can be trusted. A text that is no UTF-8, a name that stands twice, too many
//! levels ([`Exact::fault`]): this value is of no use, the next one may be.

use std::io::{self, Write};

use serde_json::{Map, Value};

/// Levels of arrays and objects, as in `serde_json`: deeper values cost a stack.
const MAX_DEPTH: u32 = 128;

/// Reserved name of the spellings in an object that is carried.
pub(super) const NUMBERS: &str = "lodestone:numbers";

/// A value, with what a JSON reader forgets.
#[derive(Debug)]
pub(super) struct Exact {
    /// The value. A number that no 64-bit type can hold is null here, and stands in `numbers`.
    pub(super) value: Value,
    /// Spelling of numbers by pointer, in their order.
    pub(super) numbers: Map<String, Value>,
    /// Why this value is of no use, though its document can be read on.
    pub(super) fault: Option<&'static str>,
}

/// The text is no JSON.
#[derive(Debug)]
pub(super) struct Structure;

/// Reads one whole value. `at` is the pointer of it.
pub(super) fn parse(text: &[u8], at: &str) -> Result<Exact, Structure> {
    let mut reader = Reader { text, at: 0, path: at.to_owned(), numbers: Map::new(), fault: None };
    let value = reader.value(0)?;
    if reader.blank().is_some() {
        return Err(Structure);
    }
    Ok(Exact { value, numbers: reader.numbers, fault: reader.fault })
}

/// Adds a name or an index to a pointer.
pub(super) fn push(path: &mut String, name: &str) {
    path.push('/');
    for c in name.chars() {
        match c {
            '~' => path.push_str("~0"),
            '/' => path.push_str("~1"),
            c => path.push(c),
        }
    }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    path: String,
    numbers: Map<String, Value>,
    fault: Option<&'static str>,
}

impl Reader<'_> {
    /// The next character that is no blank.
    fn blank(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn fault(&mut self, why: &'static str) {
        self.fault = self.fault.or(Some(why));
    }

    fn value(&mut self, depth: u32) -> Result<Value, Structure> {
        match self.blank().ok_or(Structure)? {
            b'{' | b'[' if depth >= MAX_DEPTH => {
                self.fault("nested too deep: more than 128 levels");
                self.skip().map(|()| Value::Null)
            }
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(Value::String),
            _ => self.bare(),
        }
    }

    fn object(&mut self, depth: u32) -> Result<Value, Structure> {
        self.at += 1;
        let mut fields = Map::new();
        let base = self.path.len();
        loop {
            match self.blank().ok_or(Structure)? {
                b'}' if fields.is_empty() => break,
                b'"' => {}
                _ => return Err(Structure),
            }
            let name = self.string()?;
            if self.blank() != Some(b':') {
                return Err(Structure);
            }
            self.at += 1;
            push(&mut self.path, &name);
            let value = self.value(depth + 1)?;
            self.path.truncate(base);
            if fields.insert(name, value).is_some() {
                self.fault("a name that stands twice in one object");
            }
            match self.blank().ok_or(Structure)? {
                b',' => self.at += 1,
                b'}' => break,
                _ => return Err(Structure),
            }
        }
        self.at += 1;
        Ok(Value::Object(fields))
    }

    fn array(&mut self, depth: u32) -> Result<Value, Structure> {
        self.at += 1;
        let mut items = Vec::new();
        let base = self.path.len();
        loop {
            if self.blank() == Some(b']') && items.is_empty() {
                break;
            }
            push(&mut self.path, &items.len().to_string());
            items.push(self.value(depth + 1)?);
            self.path.truncate(base);
            match self.blank().ok_or(Structure)? {
                b',' => self.at += 1,
                b']' => break,
                _ => return Err(Structure),
            }
        }
        self.at += 1;
        Ok(Value::Array(items))
    }

    /// A text with its quotes. A control character in it is a quote that was not closed: broken structure.
    fn string(&mut self) -> Result<String, Structure> {
        let from = self.at;
        let mut at = from + 1;
        let mut escapes = false;
        loop {
            let rest = self.text.get(at..).ok_or(Structure)?;
            at += memchr::memchr2(b'"', b'\\', rest).ok_or(Structure)?;
            if self.text.get(at) == Some(&b'"') {
                break;
            }
            escapes = true;
            at += 2;
        }
        self.at = at + 1;
        let whole = self.text.get(from..=at).ok_or(Structure)?;
        let inner = self.text.get(from + 1..at).ok_or(Structure)?;
        if inner.iter().any(|c| *c < 0x20) {
            return Err(Structure);
        }
        if std::str::from_utf8(inner).is_err() {
            self.fault("a text that is not UTF-8");
            return Ok(String::from_utf8_lossy(inner).into_owned());
        }
        if !escapes {
            return Ok(String::from_utf8_lossy(inner).into_owned());
        }
        Ok(serde_json::from_slice(whole).unwrap_or_else(|_| {
            self.fault("an escape in a text that JSON does not have");
            String::from_utf8_lossy(inner).into_owned()
        }))
    }

    /// A number, `true`, `false`, `null`.
    fn bare(&mut self) -> Result<Value, Structure> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|c| !(c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.')));
        let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.at += word.len();
        let text = std::str::from_utf8(word).map_err(|_| Structure)?;
        match serde_json::from_str::<Value>(text) {
            Ok(Value::Number(number)) => {
                if number.to_string() != text {
                    self.numbers.insert(self.path.clone(), Value::String(text.to_owned()));
                }
                Ok(Value::Number(number))
            }
            Ok(value) => Ok(value),
            Err(_) if is_number(text) => {
                self.numbers.insert(self.path.clone(), Value::String(text.to_owned()));
                Ok(Value::Null)
            }
            Err(_) => Err(Structure),
        }
    }

    /// Passes over a value that is too deep, by its brackets only.
    fn skip(&mut self) -> Result<(), Structure> {
        let mut depth = 0u32;
        loop {
            match self.text.get(self.at).ok_or(Structure)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth = depth.saturating_add(1),
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

/// Whether a text is a JSON number. *Source:* RFC 8259, section 6.
fn is_number(text: &str) -> bool {
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

    #[test]
    fn faults_of_one_value_are_told_from_broken_structure() {
        let deep = [vec![b'['; 200], vec![b']'; 200]].concat();
        for (text, fault) in [
            (&b"{\"a\":1,\"a\":2}"[..], "stands twice"),
            (b"{\"a\":\"\xff\"}", "not UTF-8"),
            (br#"{"a":"C:\dir"}"#, "escape"),
            (br#"{"a":"\ud800"}"#, "escape"),
            (&deep, "too deep"),
        ] {
            assert!(parse(text, "").unwrap().fault.unwrap().contains(fault), "{fault}");
        }
        for text in [
            "",
            "{",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "tru",
            "01",
            "1.",
            "--1",
            "[1 2]",
            "1 1",
            "{\"a\":1,}",
            "\"a\nb\"",
            "nan",
            "{,}",
            "[,1]",
            "\"\\",
        ] {
            assert!(parse(text.as_bytes(), "").is_err(), "{text}");
        }
    }
}
