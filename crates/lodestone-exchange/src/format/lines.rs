//! Lines of a text list, with a limit on their length.

use std::borrow::Cow;
use std::io::{BufRead, ErrorKind};

use lodestone_types::Reject;

use super::fatal;

/// Longest line, in bytes. Real rows are below 10 KB; a longer line is no list.
pub(super) const MAX_LINE: usize = 1 << 20;

/// Reads lines without their end (LF or CRLF) and without a byte order mark, counting from 1.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0 }
    }

    /// The next line and its number. An error is fatal.
    pub(super) fn next_line(&mut self) -> Option<Result<(u64, &[u8]), Reject>> {
        self.buffer.clear();
        self.number = self.number.saturating_add(1);
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Some(Err(fatal(self.number, format!("the list cannot be read on: {error}"))));
                }
            };
            if chunk.is_empty() {
                if self.buffer.is_empty() {
                    return None;
                }
                break;
            }
            let end = memchr::memchr(b'\n', chunk);
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or(chunk);
            if self.buffer.len() + part.len() > MAX_LINE {
                return Some(Err(fatal(self.number, "a line longer than 1 MiB: not a text list")));
            }
            self.buffer.extend_from_slice(part);
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if self.number == 1 && self.buffer.starts_with(BOM) {
            self.buffer.drain(..BOM.len());
        }
        if self.buffer.last() == Some(&b'\r') {
            self.buffer.pop();
        }
        if self.buffer == [END_OF_TEXT] {
            self.buffer.clear();
        }
        if memchr::memchr(0, &self.buffer).is_some() {
            return Some(Err(fatal(self.number, "binary data: not a text list")));
        }
        Some(Ok((self.number, &self.buffer)))
    }
}

/// A line as text. Only names may be in another encoding, and names are no values: what is no UTF-8 is read as ISO 8859-1,
/// in which every byte is a character, so that none is lost and a reader that knows better can undo it.
pub(super) fn text(line: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(line.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// What programs of DOS end a text with.
const END_OF_TEXT: u8 = 0x1a;

/// UTF-8 byte order mark.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8]) -> Vec<Result<(u64, Vec<u8>), Reject>> {
        // A tiny buffer, so that lines span chunks.
        let mut lines = Lines::new(std::io::BufReader::with_capacity(3, input));
        let mut out = Vec::new();
        while let Some(line) = lines.next_line() {
            out.push(line.map(|(number, text)| (number, text.to_vec())));
            if out.last().is_some_and(Result::is_err) {
                break;
            }
        }
        out
    }

    #[test]
    fn line_ends_and_the_byte_order_mark_are_stripped() {
        let lines = all(b"\xef\xbb\xbfone\r\ntwo\n\nlast");
        let lines: Vec<_> = lines.into_iter().map(Result::unwrap).collect();
        assert_eq!(lines, [(1, b"one".to_vec()), (2, b"two".to_vec()), (3, vec![]), (4, b"last".to_vec())]);
    }

    #[test]
    fn a_line_in_another_encoding_keeps_every_byte() {
        assert_eq!(text("é".as_bytes()), "é");
        assert_eq!(text(b"caf\xe9\xff"), "caf\u{e9}\u{ff}");
    }

    #[test]
    fn an_endless_line_and_binary_data_are_fatal() {
        let long = vec![b'a'; MAX_LINE + 1];
        assert!(all(&long)[0].as_ref().unwrap_err().reason.contains("longer than 1 MiB"));
        assert_eq!(all(b"ab\nc\0d\n")[1].as_ref().unwrap_err().line, 2);
    }
}
