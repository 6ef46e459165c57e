//! UTF-16 text with a byte order mark, as spreadsheets and examiners' tools write it, read as UTF-8.

use std::io::{self, ErrorKind, Read};

/// Whether a list begins with the mark of UTF-16 (not with that of UTF-32, which begins alike).
pub(super) fn is_marked(head: &[u8]) -> bool {
    (head.starts_with(&[0xff, 0xfe]) && !head.starts_with(&[0xff, 0xfe, 0, 0]))
        || head.starts_with(&[0xfe, 0xff])
}

/// Reads UTF-16 as UTF-8, without its mark. Half a character at the end is an error: the text is cut short. Half a
/// character elsewhere becomes U+FFFD: it can stand in a name, never in a value.
pub(super) struct Utf16<R> {
    input: R,
    /// Most significant byte first; `None` before the mark.
    big: Option<bool>,
    /// The first byte of a unit, or the first unit of a pair.
    odd: Option<u8>,
    high: Option<u16>,
    out: Vec<u8>,
    at: usize,
}

impl<R: Read> Utf16<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, big: None, odd: None, high: None, out: Vec::new(), at: 0 }
    }

    fn unit(&mut self, first: u8, second: u8) {
        let Some(big) = self.big else {
            self.big = Some([first, second] == [0xfe, 0xff]);
            return;
        };
        let unit =
            if big { u16::from_be_bytes([first, second]) } else { u16::from_le_bytes([first, second]) };
        match (self.high.take(), unit) {
            (None, 0xd800..=0xdbff) => self.high = Some(unit),
            (Some(high), 0xdc00..=0xdfff) => {
                let code = 0x1_0000 + ((u32::from(high) - 0xd800) << 10) + (u32::from(unit) - 0xdc00);
                self.push(code);
            }
            (Some(_), 0xd800..=0xdbff) => {
                self.push(0xfffd);
                self.high = Some(unit);
            }
            (high, unit) => {
                if high.is_some() {
                    self.push(0xfffd);
                }
                self.push(u32::from(unit));
            }
        }
    }

    fn push(&mut self, code: u32) {
        let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Reads on; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 4096];
        let read = loop {
            match self.input.read(&mut chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if read == 0 {
            return if self.odd.is_some() || self.high.is_some() {
                Err(io::Error::new(ErrorKind::UnexpectedEof, "the UTF-16 text is cut short"))
            } else {
                Ok(false)
            };
        }
        self.out.clear();
        self.at = 0;
        for byte in chunk.iter().take(read) {
            match self.odd.take() {
                None => self.odd = Some(*byte),
                Some(first) => self.unit(first, *byte),
            }
        }
        Ok(true)
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.out.len() {
            if !self.fill()? {
                return Ok(0);
            }
        }
        let read = self.out.get(self.at..).unwrap_or_default().read(into)?;
        self.at += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_are_read_however_the_bytes_come() {
        let text = "id;md5\r\né;\u{1f4c8}\u{4e2d}\n".repeat(700);
        let units: Vec<u16> = std::iter::once(0xfeff).chain(text.encode_utf16()).collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for bytes in [&little, &big] {
            assert!(is_marked(bytes));
            for capacity in [1, 3, 4096, 1 << 16] {
                let mut out = String::new();
                let input = io::BufReader::with_capacity(capacity, &bytes[..]);
                Utf16::new(input).read_to_string(&mut out).unwrap();
                assert_eq!(out, text, "{capacity}");
            }
        }
        assert!(!is_marked(&[0xff, 0xfe, 0, 0, b'a', 0, 0, 0]));
    }

    #[test]
    fn a_text_cut_within_a_character_is_an_error_and_half_a_pair_is_marked() {
        let mut out = Vec::new();
        assert!(Utf16::new(&b"\xff\xfea\0b"[..]).read_to_end(&mut out).is_err());
        assert!(Utf16::new(&b"\xff\xfe\x3d\xd8"[..]).read_to_end(&mut out).is_err());
        let mut out = String::new();
        Utf16::new(&b"\xff\xfe\x3d\xd8a\0\x00\xdcb\0"[..]).read_to_string(&mut out).unwrap();
        assert_eq!(out, "\u{fffd}a\u{fffd}b");
    }
}
