//! A pull reader of JSON structure, so that a document of any size is read one value at a time.
//!
//! It walks objects and arrays that are too big to hold, and captures the bytes of values that are not; captured bytes
//! are checked by `serde_json`.

use std::io::{BufRead, ErrorKind};

use serde_json::Value;

use super::exact::{self, Exact};
use super::lines::BOM;

/// Most bytes of one captured value.
pub(super) const MAX_VALUE: usize = 16 << 20;

/// Why a document cannot be read on. Always fatal.
pub(super) type Broken = String;

pub(super) struct Pull<R> {
    input: R,
    buffer: Vec<u8>,
}

impl<R: BufRead> Pull<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new() }
    }

    fn chunk(&mut self) -> Result<&[u8], Broken> {
        loop {
            match self.input.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("the list cannot be read on: {error}")),
            }
        }
        self.input.fill_buf().map_err(|error| format!("the list cannot be read on: {error}"))
    }

    /// Passes a byte order mark over.
    pub(super) fn skip_mark(&mut self) -> Result<(), Broken> {
        for expected in BOM {
            if self.chunk()?.first() != Some(expected) {
                break;
            }
            self.input.consume(1);
        }
        Ok(())
    }

    /// The next byte that is no blank, not consumed; `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Broken> {
        loop {
            let chunk = self.chunk()?;
            let blanks = chunk.iter().take_while(|c| matches!(c, b' ' | b'\t' | b'\r' | b'\n')).count();
            if let Some(c) = chunk.get(blanks).copied() {
                self.input.consume(blanks);
                return Ok(Some(c));
            }
            if blanks == 0 {
                return Ok(None);
            }
            self.input.consume(blanks);
        }
    }

    /// Consumes one expected byte.
    pub(super) fn expect(&mut self, expected: u8) -> Result<(), Broken> {
        match self.peek()? {
            Some(c) if c == expected => {
                self.input.consume(1);
                Ok(())
            }
            Some(_) => Err(format!("not valid JSON: expected {:?}", char::from(expected))),
            None => Err(cut_short()),
        }
    }

    /// Within an object: the next member's name; `None` after its end. `first` is true before the first.
    pub(super) fn member(&mut self, first: &mut bool) -> Result<Option<String>, Broken> {
        if self.ends(b'}', first)? {
            return Ok(None);
        }
        match self.value()? {
            Value::String(name) => {
                self.expect(b':')?;
                Ok(Some(name))
            }
            _ => Err("not valid JSON: a member without a name".to_owned()),
        }
    }

    /// Within an array: whether there is a next element.
    pub(super) fn element(&mut self, first: &mut bool) -> Result<bool, Broken> {
        self.ends(b']', first).map(|ends| !ends)
    }

    fn ends(&mut self, end: u8, first: &mut bool) -> Result<bool, Broken> {
        if self.peek()? == Some(end) {
            self.input.consume(1);
            return Ok(true);
        }
        if !std::mem::replace(first, false) {
            self.expect(b',')?;
        }
        Ok(false)
    }

    /// The next value, whole.
    pub(super) fn value(&mut self) -> Result<Value, Broken> {
        self.capture()?;
        serde_json::from_slice(&self.buffer).map_err(|_| "not valid JSON".to_owned())
    }

    /// The next value, whole, with the spelling of its numbers. `at` is its pointer in what it is part of.
    pub(super) fn exact(&mut self, at: &str) -> Result<Exact, Broken> {
        self.capture()?;
        exact::parse(&self.buffer, at).map_err(|exact::Structure| "not valid JSON".to_owned())
    }

    /// Size in bytes of the value read last.
    pub(super) fn captured(&self) -> usize {
        self.buffer.len()
    }

    /// Copies one value's bytes into the buffer: up to the end of a string, of a bracket, or of a bare word.
    fn capture(&mut self) -> Result<(), Broken> {
        self.buffer.clear();
        if self.peek()?.is_none() {
            return Err(cut_short());
        }
        let mut state = Capture::default();
        loop {
            let chunk = self.input.fill_buf();
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(format!("the list cannot be read on: {error}")),
            };
            if chunk.is_empty() {
                return Err(cut_short());
            }
            let (used, done) = state.advance(chunk);
            if self.buffer.len() + used > MAX_VALUE {
                return Err("a value bigger than 16 MiB".to_owned());
            }
            self.buffer.extend_from_slice(chunk.get(..used).unwrap_or_default());
            self.input.consume(used);
            if done {
                return Ok(());
            }
        }
    }
}

fn cut_short() -> Broken {
    "the list is cut short".to_owned()
}

/// How far one value has been read.
#[derive(Default)]
struct Capture {
    depth: u32,
    in_string: bool,
    escaped: bool,
    bare: bool,
}

impl Capture {
    /// Reads on in `chunk`; returns bytes that belong to the value, and whether it is complete.
    fn advance(&mut self, chunk: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while let Some(c) = chunk.get(at).copied() {
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                } else if c == b'\\' {
                    self.escaped = true;
                } else if c == b'"' {
                    self.in_string = false;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                } else {
                    // On to the next character that means something in a string.
                    let rest = chunk.get(at..).unwrap_or_default();
                    at += memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                    continue;
                }
                at += 1;
                continue;
            }
            match c {
                b'"' if !self.bare => self.in_string = true,
                b'{' | b'[' if !self.bare => self.depth = self.depth.saturating_add(1),
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {
                    return (at, true);
                }
                _ if self.depth == 0 => self.bare = true,
                _ => {}
            }
            at += 1;
        }
        (at, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_captured_whole_across_chunks() {
        let text = br#"{"a":"x\"}]","b":[1,{"c":null}]} tail"#;
        for size in 1..text.len() {
            let mut pull = Pull::new(std::io::BufReader::with_capacity(size, &text[..]));
            assert_eq!(pull.value().unwrap()["b"][1]["c"], Value::Null);
            assert_eq!(pull.peek().unwrap(), Some(b't'));
        }
    }

    #[test]
    fn a_cut_value_is_an_error_and_depth_is_no_danger() {
        assert!(Pull::new(&b"{\"a\":\"x"[..]).value().unwrap_err().contains("cut short"));
        let deep = vec![b'['; 1 << 20];
        assert!(Pull::new(&deep[..]).value().is_err());
        let deep = [vec![b'['; 1 << 20], vec![b']'; 1 << 20]].concat();
        assert!(Pull::new(&deep[..]).value().is_err(), "serde_json limits its recursion");
    }
}
