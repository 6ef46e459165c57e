//! JSON values read and written without loss.
//!
//! A JSON reader keeps the value of a number and forgets how it was written: `1e3`, `0.10` and a number of thirty digits
//! come back as something else. Lists are to be written back value for value, so the spelling of every number that we
//! would write otherwise is kept beside the value, under the reserved name [`NUMBERS`](super::spelling::NUMBERS):
//!
//! ```text
//! {"Weight": 0.1, "lodestone:numbers": {"/Weight": "0.10"}}          (the pointers are those of RFC 6901)
//! ```
//!
//! What is wrong with a value is split by what it says of the rest of the document. Its structure is broken
//! ([`Structure`]): nothing that follows can be trusted. A text that is no UTF-8, a name that stands twice, too many
//! levels ([`Exact::fault`]): this value is of no use, the next one may be.

use serde_json::{Map, Value};

use super::spelling::is_number;

/// Levels of arrays and objects, as in `serde_json`: deeper values cost a stack.
const MAX_DEPTH: u32 = 128;

/// Most values within one value. A medium with a thousand files has some ten thousand; sixteen megabytes of `[1,1,…` would
/// take gigabytes.
pub(super) const MAX_VALUES: u32 = 1 << 18;

/// What is said of more.
pub(super) const TOO_MANY: &str = "more than 262,144 values in one record";

/// A value, with what a JSON reader forgets.
#[derive(Debug)]
pub(super) struct Exact {
    /// The value. A number that no 64-bit type can hold is null here, and stands in `numbers`.
    pub(super) value: Value,
    /// Spelling of numbers by pointer, in their order.
    pub(super) numbers: Map<String, Value>,
    /// Why this value is of no use, though its document can be read on.
    pub(super) fault: Option<&'static str>,
    /// How many values it is made of.
    pub(super) values: u32,
}

/// The text is no JSON.
#[derive(Debug)]
pub(super) struct Structure;

/// Reads one whole value. `at` is the pointer of it.
pub(super) fn parse(text: &[u8], at: &str) -> Result<Exact, Structure> {
    let mut reader = Reader { text, at: 0, path: at.to_owned(), numbers: Map::new(), fault: None, values: 0 };
    let value = reader.value(0)?;
    if reader.blank().is_some() {
        return Err(Structure);
    }
    Ok(Exact { value, numbers: reader.numbers, fault: reader.fault, values: reader.values })
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
    values: u32,
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

    /// Whether values are only passed over: there are too many to keep.
    fn is_full(&self) -> bool {
        self.values > MAX_VALUES
    }

    fn value(&mut self, depth: u32) -> Result<Value, Structure> {
        self.values = self.values.saturating_add(1);
        if self.is_full() {
            self.fault(TOO_MANY);
        }
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
        let mut first = true;
        loop {
            match self.blank().ok_or(Structure)? {
                b'}' if first => break,
                b'"' => {}
                _ => return Err(Structure),
            }
            first = false;
            let name = self.string()?;
            if self.blank() != Some(b':') {
                return Err(Structure);
            }
            self.at += 1;
            push(&mut self.path, &name);
            let value = self.value(depth + 1)?;
            self.path.truncate(base);
            if !self.is_full() && fields.insert(name, value).is_some() {
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
        let mut first = true;
        loop {
            if self.blank() == Some(b']') && first {
                break;
            }
            first = false;
            push(&mut self.path, &items.len().to_string());
            let value = self.value(depth + 1)?;
            self.path.truncate(base);
            if !self.is_full() {
                items.push(value);
            }
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
                if !self.is_full() && number.to_string() != text {
                    self.numbers.insert(self.path.clone(), Value::String(text.to_owned()));
                }
                Ok(Value::Number(number))
            }
            Ok(value) => Ok(value),
            Err(_) if is_number(text) => {
                if !self.is_full() {
                    self.numbers.insert(self.path.clone(), Value::String(text.to_owned()));
                }
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

#[cfg(test)]
mod tests {
    use super::*;

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
