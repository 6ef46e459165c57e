//! EnCase hash sets (`.hash`), versions 4 to 6: MD5 values under one name.
//!
//! ```text
//! 0x000  16      48 41 53 48 0d 0a ff 00 02 00 00 00 01 00 00 00
//! 0x010   4      number of hashes, least significant byte first
//! 0x014 1012     not used
//! 0x408  80      name of the set, UTF-16 LE, filled up with zeros
//! 0x458  40      category, likewise
//! 0x480  18 × n  MD5 (16 bytes), two zeros
//! ```
//!
//! The number must be that of the hashes that follow: a set that is cut short, or goes on, is fatal.
//!
//! *Source:* Autopsy `EncaseHashSetParser`; forensics wiki, "EnCase hash files".

use std::io::{BufRead, ErrorKind};

use lodestone_types::{ListEntry, Reject, Signal, SignalType};
use serde_json::{Map, Value};

use super::{Refusal, fatal, meaningful, reject};

type Row = Result<ListEntry, Reject>;

/// How every version begins.
pub(super) const MAGIC: &[u8] = b"HASH\r\n\xff\0";
const HEADER: &[u8] = b"HASH\r\n\xff\0\x02\0\0\0\x01\0\0\0";
const NAME: usize = 0x408;
const CATEGORY: usize = 0x458;
const HASHES: usize = 0x480;
const ROW: usize = 18;

/// The hashes of a set.
///
/// # Errors
/// [`Refusal`] for another version, and for a set that ends within its head.
pub(super) fn read<R: BufRead>(mut input: R) -> Result<impl Iterator<Item = Row>, Refusal> {
    let mut head = [0; HASHES];
    let cut = |reason: String| Refusal::new(format!("an EnCase hash set that cannot be read: {reason}"), "");
    match fill(&mut input, &mut head) {
        Ok(HASHES) => {}
        Ok(_) => return Err(cut("it ends within its head".to_owned())),
        Err(error) => return Err(cut(error.to_string())),
    }
    if !head.starts_with(HEADER) {
        return Err(Refusal::new(
            "an EnCase hash set of a version that is not known here",
            "export it as text",
        ));
    }
    let count = head.get(0x10..0x14).and_then(|count| count.try_into().ok()).map_or(0, u32::from_le_bytes);
    let mut extra = Map::new();
    if let Some(name) = text(head.get(NAME..CATEGORY)) {
        extra.insert("hash_set".to_owned(), Value::String(name));
    }
    let extra = (!extra.is_empty()).then_some(Value::Object(extra));
    let classification = text(head.get(CATEGORY..HASHES));
    Ok(EnCase { input, count: u64::from(count), record: 0, extra, classification, done: false })
}

struct EnCase<R> {
    input: R,
    count: u64,
    record: u64,
    extra: Option<Value>,
    classification: Option<String>,
    done: bool,
}

impl<R: BufRead> EnCase<R> {
    fn row(&mut self) -> Result<Option<Row>, String> {
        let mut row = [0; ROW];
        let read = fill(&mut self.input, &mut row).map_err(|error| error.to_string())?;
        let wanted = self.record < self.count;
        self.record += 1;
        match (read, wanted) {
            (0, false) => return Ok(None),
            (ROW, true) => {}
            (_, true) => return Err(format!("the set is cut short: it says it holds {} hashes", self.count)),
            (_, false) => {
                return Err(format!("the set goes on after the {} hashes it says it holds", self.count));
            }
        }
        let (md5, zeros) = row.split_at(16);
        if zeros != [0, 0] {
            return Ok(Some(Err(reject(self.record, "no two zeros after a hash"))));
        }
        let entry = ListEntry {
            entry: self.record.to_string(),
            signals: Signal::from_bytes(SignalType::Md5, md5).into_iter().collect(),
            classification: self.classification.clone(),
            extra: self.extra.clone(),
            line: self.record,
            ..ListEntry::default()
        };
        Ok(Some(meaningful(entry)))
    }
}

impl<R: BufRead> Iterator for EnCase<R> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.done {
            return None;
        }
        match self.row() {
            Ok(row) => {
                self.done = row.is_none();
                row
            }
            Err(reason) => {
                self.done = true;
                Some(Err(fatal(self.record, reason)))
            }
        }
    }
}

/// Reads until `into` is full or the end; returns how many bytes.
fn fill(input: &mut impl BufRead, into: &mut [u8]) -> std::io::Result<usize> {
    let mut at = 0;
    while let Some(rest) = into.get_mut(at..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => at += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}

/// Text of a field of UTF-16 LE up to the first zero; `None` when there is none.
fn text(field: Option<&[u8]>) -> Option<String> {
    let units = field?.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    let text = String::from_utf16_lossy(&units).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use lodestone_types::RejectKind;

    use super::*;

    fn set(count: u32, rows: &[[u8; ROW]]) -> Vec<u8> {
        let mut set = vec![0; HASHES];
        set[..16].copy_from_slice(HEADER);
        set[0x10..0x14].copy_from_slice(&count.to_le_bytes());
        for (at, text) in [(NAME, "Schränke 1"), (CATEGORY, "Notable")] {
            for (n, unit) in text.encode_utf16().enumerate() {
                set[at + 2 * n..at + 2 * n + 2].copy_from_slice(&unit.to_le_bytes());
            }
        }
        set.extend(rows.iter().flatten());
        set
    }

    fn row(byte: u8) -> [u8; ROW] {
        let mut row = [byte; ROW];
        row[16..].fill(0);
        row
    }

    fn rows(set: &[u8]) -> Vec<Row> {
        read(set).unwrap().collect()
    }

    #[test]
    fn a_set_gives_its_hashes_with_its_name_and_category() {
        let rows = rows(&set(2, &[row(1), row(2)]));
        let entry = rows[1].as_ref().unwrap();
        assert_eq!(entry.signals[0].to_hex(), "02".repeat(16));
        assert_eq!((entry.entry.as_str(), entry.line), ("2", 2));
        assert_eq!(entry.classification.as_deref(), Some("Notable"));
        assert_eq!(entry.extra.as_ref().unwrap()["hash_set"], "Schränke 1");
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn a_set_that_says_another_number_than_it_holds_is_fatal() {
        let whole = set(2, &[row(1), row(2)]);
        for cut in HASHES..whole.len() {
            let rows = rows(&whole[..cut]);
            assert_eq!(rows.last().unwrap().as_ref().unwrap_err().kind, RejectKind::Fatal, "cut at {cut}");
        }
        for cut in 0..HASHES {
            assert!(read(&whole[..cut]).is_err(), "cut at {cut}");
        }
        let more = rows(&set(1, &[row(1), row(2)]));
        assert_eq!(more.last().unwrap().as_ref().unwrap_err().kind, RejectKind::Fatal);
        let huge = rows(&set(u32::MAX, &[row(1)]));
        assert!(huge.last().unwrap().as_ref().unwrap_err().reason.contains("4294967295"));
    }

    #[test]
    fn a_row_out_of_step_is_a_reject_and_another_version_is_refused() {
        let rows = rows(&set(2, &[[9; ROW], row(2)]));
        assert_eq!(rows[0].as_ref().unwrap_err().kind, RejectKind::Row);
        assert!(rows[1].is_ok());
        let mut other = set(1, &[row(1)]);
        other[8] = 1;
        assert!(read(&other[..]).err().unwrap().reason.contains("version"));
    }
}
