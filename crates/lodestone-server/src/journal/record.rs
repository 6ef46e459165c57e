//! One record of the journal: a line of length, checksum and JSON. Pure.
//!
//! ```text
//! 0000002a 5f3c01d2 {"id":"…"}\n
//! │        │        └ JSON, as many bytes as the length says, without a line break
//! │        └ CRC-32 of the JSON, as in zip (polynomial 0xEDB88320)
//! └ length in bytes; both are 8 hexadecimal digits
//! ```
//!
//! A record that a killed process or a full disk cut short has not the length or the checksum it says. It was never
//! acknowledged, and is skipped up to the next line break.

/// Bytes before the JSON.
const HEAD: usize = 18;
/// Longest JSON that is written: a look-up of one file that matches a whole bank stays below.
pub const MAX_JSON_BYTES: usize = 16 << 20;

/// What stands at a place in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<'b> {
    /// A whole record.
    Record {
        /// Its JSON.
        json: &'b str,
        /// Where the next one begins.
        end: usize,
    },
    /// Something that is none.
    Torn {
        /// Where to go on.
        end: usize,
    },
    /// Nothing more.
    End,
}

/// The bytes of a record; `None` when the JSON is too long, or has a line break.
pub(super) fn encode(json: &str) -> Option<Vec<u8>> {
    if json.len() > MAX_JSON_BYTES || json.contains('\n') {
        return None;
    }
    let mut record = format!("{:08x} {:08x} ", json.len(), crc32(json.as_bytes())).into_bytes();
    record.extend_from_slice(json.as_bytes());
    record.push(b'\n');
    Some(record)
}

/// What stands at `at`.
pub fn next(bytes: &[u8], at: usize) -> Next<'_> {
    let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) else { return Next::End };
    if let Some(json) = whole(rest) {
        return Next::Record { json, end: at + HEAD + json.len() + 1 };
    }
    let line = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |found| found + 1);
    Next::Torn { end: at + line }
}

/// The JSON of the record at the beginning, if it is whole.
fn whole(bytes: &[u8]) -> Option<&str> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let head = std::str::from_utf8(head).ok()?;
    let (length, crc) = head.strip_suffix(' ')?.split_once(' ')?;
    let length = usize::try_from(number(length)?).ok()?;
    let crc = number(crc)?;
    if length > MAX_JSON_BYTES || rest.get(length) != Some(&b'\n') {
        return None;
    }
    let json = rest.get(..length)?;
    if crc32(json) != crc {
        return None;
    }
    std::str::from_utf8(json).ok()
}

/// Eight hexadecimal digits.
fn number(text: &str) -> Option<u32> {
    let plain = text.len() == 8 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(text, 16).ok())?
}

/// CRC-32 as in zip.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        let [low, ..] = (crc ^ u32::from(*byte)).to_le_bytes();
        crc >> 8 ^ TABLE[usize::from(low)]
    })
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut crc = at as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn records_are_read_back_one_after_the_other() {
        let mut bytes = encode("{\"a\":\"é\"}").unwrap();
        bytes.extend(encode("{}").unwrap());
        let Next::Record { json, end } = next(&bytes, 0) else { panic!("no record") };
        assert_eq!(json, "{\"a\":\"é\"}");
        assert_eq!(next(&bytes, end), Next::Record { json: "{}", end: bytes.len() });
        assert_eq!(next(&bytes, bytes.len()), Next::End);
        assert_eq!(next(&bytes, bytes.len() + 9), Next::End);
        assert!(encode("{\n}").is_none());
    }

    #[test]
    fn a_record_cut_anywhere_is_torn_and_what_follows_on_the_next_line_is_read() {
        let whole = encode("{\"id\":\"x\"}").unwrap();
        for cut in 1..whole.len() {
            assert_eq!(next(&whole[..cut], 0), Next::Torn { end: cut }, "{cut}");
            let mut bytes = whole[..cut].to_vec();
            bytes.push(b'\n');
            let after = bytes.len();
            bytes.extend(encode("{}").unwrap());
            // All but the line break: that is the record itself.
            match next(&bytes, 0) {
                Next::Torn { end } => assert_eq!(end, after),
                Next::Record { end, .. } => assert_eq!((cut, end), (whole.len() - 1, after)),
                Next::End => panic!("nothing at {cut}"),
            }
            assert_eq!(next(&bytes, after), Next::Record { json: "{}", end: bytes.len() });
        }
    }

    #[test]
    fn a_changed_byte_is_found() {
        let whole = encode("{\"id\":\"x\"}").unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x20;
            let read = next(&changed, 0);
            // Hexadecimal digits in capitals are the same number.
            let same = matches!(read, Next::Record { json, .. } if json == "{\"id\":\"x\"}");
            assert!(matches!(read, Next::Torn { .. }) || (same && at < HEAD), "{at}");
        }
    }
}
