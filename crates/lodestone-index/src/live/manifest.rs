//! The manifest: which files make up the index, and what in them is gone. The bytes are drawn in
//! `docs/formats/live.md`.

use twox_hash::XxHash3_64;

use super::dead::Dead;
use super::folder::NUMBER_MAX;
use super::log::{code, number};
use super::ranges::IdRanges;

const MAGIC: [u8; 8] = *b"LSLIVEMF";
const VERSION: u32 = 1;
/// Bytes before the first segment.
const HEAD: usize = 72;
/// Bytes of a segment's entry before its tombstones.
const SLOT_HEAD: usize = 40;
/// Bytes a manifest may have: 26 million tombstones, several times what is ever allowed to gather.
pub(crate) const MANIFEST_MAX: u64 = 1 << 30;

/// The state from which a log goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manifest {
    /// Counts the manifests of a folder.
    pub(crate) serial: u64,
    /// The generation that the log's first record follows.
    pub(crate) generation: u64,
    /// The caller's stamp at that generation.
    pub(crate) stamp: u64,
    /// Number of the log that goes on from here.
    pub(crate) log: u64,
    /// The first number that no file has had.
    pub(crate) next_number: u64,
    pub(crate) slots: Vec<SlotEntry>,
}

/// A segment as the manifest names it.
#[derive(Clone, Debug)]
pub(crate) struct SlotEntry {
    pub(crate) number: u64,
    /// Pairs in the file, so that a file of another is told.
    pub(crate) pairs: u64,
    /// The file's own checksum, for the same reason.
    pub(crate) checksum: u64,
    pub(crate) dead: Dead,
}

/// Why a manifest cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadManifest {
    /// Not the first bytes of any.
    Foreign,
    /// A version this program does not know.
    Version(u32),
    /// Ours, but not as it was written.
    Damaged,
}

impl Manifest {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; HEAD];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        let numbers =
            [self.serial, self.generation, self.stamp, self.log, self.next_number, self.slots.len() as u64];
        for (place, number) in bytes[24..].as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
            *place = number.to_le_bytes();
        }
        for slot in &self.slots {
            let (ranges, pairs) = (slot.dead.ranges().as_slice(), slot.dead.pairs());
            for number in [slot.number, slot.pairs, slot.checksum, ranges.len() as u64, pairs.len() as u64] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            for (first, last) in ranges {
                bytes.extend_from_slice(&first.to_le_bytes());
                bytes.extend_from_slice(&last.to_le_bytes());
            }
            for (id, code) in pairs.iter() {
                bytes.extend_from_slice(&id.to_le_bytes());
                bytes.extend_from_slice(&code.to_bytes());
            }
        }
        let length = bytes.len() as u64 + 8;
        bytes[16..24].copy_from_slice(&length.to_le_bytes());
        let checksum = XxHash3_64::oneshot(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads what [`Manifest::encode`] wrote. Takes memory in proportion to the bytes that are there.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadManifest> {
        if bytes.first_chunk() != Some(&MAGIC) {
            return Err(BadManifest::Foreign);
        }
        let (Some((body, checksum)), Some(version)) =
            (bytes.split_last_chunk::<8>(), bytes.get(8..).and_then(|rest| rest.first_chunk()))
        else {
            return Err(BadManifest::Damaged);
        };
        // The checksum first: a version that no program wrote is damage, not the future.
        if u64::from_le_bytes(*checksum) != XxHash3_64::oneshot(body) {
            return Err(BadManifest::Damaged);
        }
        let version = u32::from_le_bytes(*version);
        if version != VERSION {
            return Err(BadManifest::Version(version));
        }
        read(body, bytes.len()).ok_or(BadManifest::Damaged)
    }
}

fn read(body: &[u8], length: usize) -> Option<Manifest> {
    let at = |place: usize| number(body, 16 + 8 * place);
    (at(0)? == length as u64).then_some(())?;
    let mut manifest = Manifest {
        serial: at(1)?,
        generation: at(2)?,
        stamp: at(3)?,
        log: at(4)?,
        next_number: at(5)?,
        slots: Vec::new(),
    };
    let count = at(6)?;
    let mut rest = body.get(HEAD..)?;
    for _ in 0..count {
        // A count that is too high ends here, when the bytes do.
        let field = |place: usize| number(rest, 8 * place);
        let (number, pairs, checksum) = (field(0)?, field(1)?, field(2)?);
        let (ranges, dead) = (usize::try_from(field(3)?).ok()?, usize::try_from(field(4)?).ok()?);
        rest = rest.get(SLOT_HEAD..)?;
        let (range_bytes, after) = rest.split_at_checked(ranges.checked_mul(16)?)?;
        let (dead_bytes, after) = after.split_at_checked(dead.checked_mul(40)?)?;
        rest = after;
        let ranges = IdRanges::from_sorted(range_bytes.chunks_exact(16).filter_map(range).collect())?;
        let dead: Vec<_> = dead_bytes.chunks_exact(40).filter_map(pair).collect();
        dead.is_sorted_by(|a, b| a < b).then_some(())?;
        let dead = Dead::new(ranges, dead.into_iter());
        manifest.slots.push(SlotEntry { number, pairs, checksum, dead });
    }
    let known = manifest.slots.iter().all(|slot| slot.number < manifest.next_number);
    let mut numbers: Vec<_> = manifest.slots.iter().map(|slot| slot.number).collect();
    numbers.sort_unstable();
    let apart = numbers.is_sorted_by(|a, b| a < b);
    let countable = manifest.next_number < NUMBER_MAX && manifest.generation < NUMBER_MAX;
    (rest.is_empty() && known && apart && countable && manifest.log < manifest.next_number)
        .then_some(manifest)
}

fn range(bytes: &[u8]) -> Option<(u64, u64)> {
    Some((number(bytes, 0)?, number(bytes, 8)?))
}

fn pair(bytes: &[u8]) -> Option<(u64, crate::Code256)> {
    Some((number(bytes, 0)?, code(bytes.get(8..)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code256;

    fn manifest() -> Manifest {
        let mut dead = Dead::default();
        dead.bury((1 << 41, Code256([4, 3, 2, 1])));
        dead.bury((9, Code256([9; 4])));
        dead.bury_ids(100, 200);
        dead.bury_ids(u64::MAX - 5, u64::MAX);
        let slot = |number, dead| SlotEntry { number, pairs: 10 * number, checksum: !number, dead };
        let slots = vec![slot(3, dead), slot(12, Dead::default())];
        Manifest { serial: 5, generation: 77, stamp: 1234, log: 13, next_number: 14, slots }
    }

    #[test]
    fn a_manifest_reads_as_it_was_written() {
        let bytes = manifest().encode();
        let read = Manifest::decode(&bytes).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", manifest()));
        assert_eq!(read.encode(), bytes);
        assert_eq!(
            Manifest::decode(&Manifest { next_number: 1, ..Manifest::default() }.encode())
                .unwrap()
                .slots
                .len(),
            0
        );
    }

    #[test]
    fn a_manifest_cut_or_changed_anywhere_is_refused() {
        let bytes = manifest().encode();
        for place in 0..bytes.len() {
            assert!(Manifest::decode(&bytes[..place]).is_err(), "cut at {place}");
            let mut changed = bytes.clone();
            changed[place] ^= 0x10;
            assert!(Manifest::decode(&changed).is_err(), "byte {place}");
        }
    }

    #[test]
    fn hostile_counts_under_a_right_checksum_end_with_the_bytes() {
        let bytes = manifest().encode();
        for place in (16..HEAD + SLOT_HEAD).step_by(8) {
            for value in [u64::MAX, u64::MAX / 16, 1 << 59, 1 << 32, 0] {
                let mut hostile = bytes.clone();
                hostile[place..place + 8].copy_from_slice(&value.to_le_bytes());
                let end = hostile.len() - 8;
                let checksum = XxHash3_64::oneshot(&hostile[..end]);
                hostile[end..].copy_from_slice(&checksum.to_le_bytes());
                // Some of these are numbers like any other; none may panic or take memory.
                let read = Manifest::decode(&hostile);
                if [16, 64, HEAD + 24, HEAD + 32].contains(&place) {
                    assert!(read.is_err(), "{value} at {place}");
                }
            }
        }
    }

    #[test]
    fn another_version_under_a_right_checksum_is_named() {
        let mut bytes = manifest().encode();
        bytes[8] = 9;
        let end = bytes.len() - 8;
        let checksum = XxHash3_64::oneshot(&bytes[..end]);
        bytes[end..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(Manifest::decode(&bytes).unwrap_err(), BadManifest::Version(9));
        assert_eq!(Manifest::decode(b"SQLite format 3\0").unwrap_err(), BadManifest::Foreign);
    }
}
