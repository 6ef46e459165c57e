//! The log: every commit since the manifest, one checksummed record each. The bytes are drawn in
//! `docs/formats/live.md`.
//!
//! Reading is a pure function of the bytes. The last record may be torn, since a process or a machine can stop while it
//! is written; it was never acknowledged and is left out. Damage before the end is an error: what follows it was
//! acknowledged.

use twox_hash::XxHash3_64;

use super::folder::NUMBER_MAX;
use crate::Code256;

pub(crate) const MAGIC: [u8; 8] = *b"LSLIVELG";
pub(crate) const VERSION: u32 = 1;
/// Bytes of the head of a log.
pub(crate) const HEAD: usize = 40;
/// Bytes of a record before its payload.
const RECORD_HEAD: usize = 32;
/// Bytes of a record after its payload.
const RECORD_TAIL: usize = 8;
const RECORD_MAGIC: [u8; 4] = *b"LREC";
/// Bytes a payload may have: more than a million changes.
pub(crate) const PAYLOAD_MAX: usize = 64 << 20;
/// Bytes a log may have. A log is closed after far less; a longer file is none of ours.
pub(crate) const LOG_MAX: u64 = 256 << 20;

/// What one commit did, as it is written down. Changes that changed nothing are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A pair that was not there went into the memtable.
    Add(Code256, u64),
    /// A pair went out of the place named: a segment's number, or 0 for the memtable.
    Remove(Code256, u64, u64),
    /// All ids of a range went.
    RemoveIds(u64, u64),
}

/// The head of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogHead {
    /// The number in its file name.
    pub(crate) number: u64,
    /// The generation that its first record follows.
    pub(crate) base_generation: u64,
}

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) generation: u64,
    pub(crate) stamp: u64,
    pub(crate) effects: Vec<Effect>,
}

/// Why a log cannot be read: where, and what is wrong there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadLog {
    pub(crate) offset: usize,
    pub(crate) what: &'static str,
}

impl LogHead {
    pub(crate) fn encode(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.base_generation.to_le_bytes());
        let checksum = XxHash3_64::oneshot(&bytes[..32]);
        bytes[32..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadLog> {
        let bad = |offset, what| Err(BadLog { offset, what });
        let Some(head) = bytes.first_chunk::<HEAD>() else {
            return bad(bytes.len(), "its head is cut short");
        };
        if head[..8] != MAGIC {
            return bad(0, "it is not a log of a live index");
        }
        if number(head, 32) != Some(XxHash3_64::oneshot(&head[..32])) {
            return bad(0, "its head is damaged");
        }
        if head[8..12] != VERSION.to_le_bytes() {
            return bad(8, "it was written by a newer version");
        }
        match (number(head, 16), number(head, 24)) {
            (Some(number), Some(base_generation)) if base_generation < NUMBER_MAX / 2 => {
                Ok(Self { number, base_generation })
            }
            (Some(_), Some(_)) => bad(24, "its generation is higher than any"),
            _ => bad(0, "its head is cut short"),
        }
    }
}

/// The bytes of one record of log `log`; `None` when the payload would be over [`PAYLOAD_MAX`].
pub(crate) fn encode(log: u64, record: &Record) -> Option<Vec<u8>> {
    let mut bytes = vec![0; RECORD_HEAD];
    for effect in &record.effects {
        match effect {
            Effect::Add(code, id) => {
                bytes.push(1);
                bytes.extend_from_slice(&code.to_bytes());
                bytes.extend_from_slice(&id.to_le_bytes());
            }
            Effect::Remove(code, id, place) => {
                bytes.push(2);
                bytes.extend_from_slice(&code.to_bytes());
                bytes.extend_from_slice(&id.to_le_bytes());
                bytes.extend_from_slice(&place.to_le_bytes());
            }
            Effect::RemoveIds(first, last) => {
                bytes.push(3);
                bytes.extend_from_slice(&first.to_le_bytes());
                bytes.extend_from_slice(&last.to_le_bytes());
            }
        }
        if bytes.len() - RECORD_HEAD > PAYLOAD_MAX {
            return None;
        }
    }
    let length = u32::try_from(bytes.len() - RECORD_HEAD).ok()?;
    bytes[..4].copy_from_slice(&RECORD_MAGIC);
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    bytes[8..16].copy_from_slice(&record.generation.to_le_bytes());
    bytes[16..24].copy_from_slice(&record.stamp.to_le_bytes());
    let checksum = XxHash3_64::oneshot_with_seed(log, &bytes[..24]);
    bytes[24..32].copy_from_slice(&checksum.to_le_bytes());
    let checksum = XxHash3_64::oneshot_with_seed(record.generation, &bytes[RECORD_HEAD..]);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    Some(bytes)
}

/// Reads on from `offset`, where a record begins or the log ends, after generation `generation`. Gives each whole record
/// to `each` and returns the offset after the last one: the length of the log without a torn tail.
pub(crate) fn read_on(
    bytes: &[u8],
    log: u64,
    offset: usize,
    mut generation: u64,
    each: &mut dyn FnMut(Record),
) -> Result<usize, BadLog> {
    let mut at = offset;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let bad = |what| Err(BadLog { offset: at, what });
        let Some(head) = record_head(rest, log) else {
            // Torn, unless a whole record follows: that one was written after this one was safe.
            let later =
                (1..rest.len()).any(|skip| rest.get(skip..).is_some_and(|r| record_head(r, log).is_some()));
            return if later { bad("a record is damaged") } else { Ok(at) };
        };
        if generation.checked_add(1) != Some(head.generation) {
            return bad("a record is missing");
        }
        let whole = RECORD_HEAD + head.length + RECORD_TAIL;
        let Some(record) = rest.get(..whole) else { return Ok(at) };
        let (payload, checksum) =
            (&record[RECORD_HEAD..RECORD_HEAD + head.length], number(record, whole - RECORD_TAIL));
        if checksum != Some(XxHash3_64::oneshot_with_seed(head.generation, payload)) {
            return if rest.len() > whole { bad("a record is damaged") } else { Ok(at) };
        }
        let Some(effects) = effects(payload) else { return bad("a record holds what no record holds") };
        each(Record { generation: head.generation, stamp: head.stamp, effects });
        generation = head.generation;
        at += whole;
    }
    Ok(at)
}

struct RecordHead {
    length: usize,
    generation: u64,
    stamp: u64,
}

fn record_head(bytes: &[u8], log: u64) -> Option<RecordHead> {
    let head = bytes.first_chunk::<RECORD_HEAD>()?;
    if head[..4] != RECORD_MAGIC || number(head, 24)? != XxHash3_64::oneshot_with_seed(log, &head[..24]) {
        return None;
    }
    let length = u32::from_le_bytes(*head[4..].first_chunk()?) as usize;
    (length <= PAYLOAD_MAX).then_some(())?;
    Some(RecordHead { length, generation: number(head, 8)?, stamp: number(head, 16)? })
}

fn effects(mut payload: &[u8]) -> Option<Vec<Effect>> {
    let mut effects = Vec::new();
    while let Some((kind, rest)) = payload.split_first() {
        let (effect, used) = match kind {
            1 => (Effect::Add(code(rest)?, number(rest, 32)?), 40),
            2 => (Effect::Remove(code(rest)?, number(rest, 32)?, number(rest, 40)?), 48),
            3 => (Effect::RemoveIds(number(rest, 0)?, number(rest, 8)?), 16),
            _ => return None,
        };
        effects.push(effect);
        payload = rest.get(used..)?;
    }
    Some(effects)
}

pub(crate) fn code(bytes: &[u8]) -> Option<Code256> {
    bytes.first_chunk::<32>().map(Code256::from_bytes)
}

/// The little-endian number at `offset`.
pub(crate) fn number(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk::<8>().map(|chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let code = |n: u64| Code256([n, !n, n << 9, 77]);
        let effects = [
            vec![Effect::Add(code(1), 5), Effect::Remove(code(2), 6, 0)],
            vec![],
            vec![Effect::RemoveIds(0, u64::MAX), Effect::Remove(code(3), 7, 12), Effect::Add(code(4), 8)],
            vec![Effect::Add(code(5), u64::MAX - 1)],
        ];
        (8..)
            .zip(effects)
            .map(|(generation, effects)| Record { generation, stamp: generation * 100, effects })
            .collect()
    }

    /// A log, and where each of its records ends.
    fn log() -> (Vec<u8>, Vec<usize>) {
        let mut bytes = LogHead { number: 3, base_generation: 7 }.encode().to_vec();
        let mut ends = vec![bytes.len()];
        for record in records() {
            bytes.extend(encode(3, &record).unwrap());
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    fn read(bytes: &[u8]) -> Result<(Vec<Record>, usize), BadLog> {
        let head = LogHead::decode(bytes)?;
        let mut records = Vec::new();
        let end =
            read_on(bytes, head.number, HEAD, head.base_generation, &mut |record| records.push(record))?;
        Ok((records, end))
    }

    #[test]
    fn a_log_reads_as_it_was_written() {
        let (bytes, _) = log();
        assert_eq!(read(&bytes), Ok((records(), bytes.len())));
    }

    #[test]
    fn a_log_cut_at_any_byte_holds_the_records_that_are_whole() {
        let (bytes, ends) = log();
        for length in 0..bytes.len() {
            let whole = ends.iter().filter(|end| **end <= length).count();
            match read(&bytes[..length]) {
                Ok((found, end)) => {
                    assert_eq!(found, records()[..whole - 1], "cut at {length}");
                    assert_eq!(end, ends[whole - 1]);
                }
                Err(bad) => assert!(length < HEAD && bad.offset <= length, "cut at {length}: {bad:?}"),
            }
        }
    }

    #[test]
    fn any_byte_changed_before_the_last_record_is_told_and_in_the_last_leaves_it_out() {
        let (bytes, ends) = log();
        for place in 0..bytes.len() {
            for flip in [1, 0x80] {
                let mut bytes = bytes.clone();
                bytes[place] ^= flip;
                let read = read(&bytes);
                if place < ends[3] {
                    assert!(read.is_err(), "byte {place}");
                } else {
                    assert_eq!(read, Ok((records()[..3].to_vec(), ends[3])), "byte {place}");
                }
            }
        }
    }

    #[test]
    fn what_a_dead_process_left_behind_the_last_record_is_no_record() {
        let (bytes, _) = log();
        for tail in [vec![0; 100], b"LRECLRECLREC".repeat(9), encode(4, &records()[0]).unwrap()] {
            let torn = [bytes.clone(), tail].concat();
            assert_eq!(read(&torn), Ok((records(), bytes.len())));
        }
    }

    #[test]
    fn a_record_left_out_or_given_twice_is_told() {
        let (bytes, ends) = log();
        let without = [&bytes[..ends[1]], &bytes[ends[2]..]].concat();
        assert_eq!(read(&without), Err(BadLog { offset: ends[1], what: "a record is missing" }));
        let twice = [&bytes[..ends[2]], &bytes[ends[1]..]].concat();
        assert_eq!(read(&twice), Err(BadLog { offset: ends[2], what: "a record is missing" }));
    }

    #[test]
    fn a_record_whose_head_promises_more_than_there_is_takes_no_memory() {
        let mut bytes = LogHead { number: 3, base_generation: 7 }.encode().to_vec();
        let mut record = encode(3, &records()[0]).unwrap();
        record[4..8].copy_from_slice(&(PAYLOAD_MAX as u32).to_le_bytes());
        let checksum = XxHash3_64::oneshot_with_seed(3, &record[..24]);
        record[24..32].copy_from_slice(&checksum.to_le_bytes());
        bytes.extend(record);
        assert_eq!(read(&bytes), Ok((vec![], HEAD)));
    }
}
