//! Features of known pictures on their way to another holder: one file, sealed under a key of its own.
//!
//! `docs/formats/features.md` draws it byte by byte. It is written and read as a stream, one entry at a time. Every part is
//! sealed for its place in its own bundle, and the last says how many there were: a part that was changed, exchanged,
//! left out or brought from elsewhere does not open, and a bundle that was cut off has no end.

use std::io::{self, Read, Seek, SeekFrom, Write};

use lodestone_engine::derive::{EXTRACTOR, check_features};
use lodestone_net::Secret;
use lodestone_net::seal::{KeyId, KeyRing, MAX_SECRET_BYTES, SEALED_OVERHEAD, SealError, SealKey};
use lodestone_types::{Signal, SignalType, hex};
use ring::rand::{SecureRandom as _, SystemRandom};

/// Version of the format.
pub const BUNDLE_VERSION: u16 = 1;

const MAGIC: [u8; 4] = *b"LdFB";
const HEAD: usize = 32;
/// First byte of a part: the end, or an entry.
const END: u8 = 0;
const ENTRY: u8 = 1;
/// Longest id of an entry, in bytes. *Source:* the store's.
const MAX_ID: usize = 1000;
/// Digests of an entry that travel; an entry of a list may have many.
const MAX_DIGESTS: usize = 16;

/// Digests by the number that stands for their type.
const TYPES: [SignalType; 3] = [SignalType::Md5, SignalType::Sha1, SignalType::Sha256];

/// One known picture of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleEntry {
    /// The sender's id of the entry.
    pub entry: String,
    /// Its digests: MD5, SHA-1, SHA-256, in any number.
    pub digests: Vec<Signal>,
    /// Its features, as `lodestone-features` writes them.
    pub record: Vec<u8>,
}

/// Why a bundle cannot be written, or not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something else.
    #[error("this is no bundle of local features")]
    NotOne,
    /// A newer program wrote it.
    #[error("this bundle is of version {found}; this program reads version {BUNDLE_VERSION}")]
    Version {
        /// Its version.
        found: u16,
    },
    /// Another extractor made what is in it.
    #[error(
        "the features of this bundle were made by version {found} of the extractor; this program has version \
         {EXTRACTOR}, and the two do not compare"
    )]
    Extractor {
        /// The version that made them.
        found: u16,
    },
    /// The key is not the bundle's.
    #[error("this bundle is sealed with key {sealed_by}, and the key given is {given}")]
    WrongKey {
        /// The key that opens it.
        sealed_by: KeyId,
        /// The key at hand.
        given: KeyId,
    },
    /// It was changed or cut off.
    #[error("this bundle was changed or cut off at part {part}: {reason}; nothing of it was taken")]
    Damaged {
        /// The part, counted from 1.
        part: u64,
        /// What is wrong.
        reason: String,
    },
    /// An entry cannot be written.
    #[error("entry {entry:?} cannot be written: {reason}")]
    Entry {
        /// The entry.
        entry: String,
        /// Why.
        reason: &'static str,
    },
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Writes a bundle.
pub struct BundleWriter<W> {
    out: W,
    ring: KeyRing,
    random: SystemRandom,
    head: [u8; HEAD],
    parts: u64,
}

impl<W: Write> BundleWriter<W> {
    /// Begins a bundle.
    ///
    /// # Errors
    /// [`BundleError::Io`]; [`BundleError::Seal`] without random bytes.
    pub fn new(mut out: W, key: SealKey) -> Result<Self, BundleError> {
        let random = SystemRandom::new();
        let mut head = [0; HEAD];
        head[..4].copy_from_slice(&MAGIC);
        head[4..6].copy_from_slice(&BUNDLE_VERSION.to_le_bytes());
        head[6..8].copy_from_slice(&EXTRACTOR.to_le_bytes());
        head[8..16].copy_from_slice(&key.id().to_bytes());
        random.fill(&mut head[16..]).map_err(|_| SealError::NoRandomness)?;
        out.write_all(&head)?;
        Ok(Self { out, ring: KeyRing::new(key, []), random, head, parts: 0 })
    }

    /// Adds an entry. Digests beyond the first 16 are left out.
    ///
    /// # Errors
    /// [`BundleError::Entry`] for an id that is too long, and for what is no features; [`BundleError::Io`].
    pub fn entry(&mut self, entry: &BundleEntry) -> Result<(), BundleError> {
        let plain =
            plain(entry).map_err(|reason| BundleError::Entry { entry: entry.entry.clone(), reason })?;
        self.part(plain)
    }

    /// Ends the bundle; returns what it was written to, and how many entries it holds.
    ///
    /// # Errors
    /// [`BundleError::Io`].
    pub fn finish(mut self) -> Result<(W, u64), BundleError> {
        let entries = self.parts;
        let mut end = vec![END];
        end.extend(entries.to_le_bytes());
        self.part(end)?;
        self.out.flush()?;
        Ok((self.out, entries))
    }

    fn part(&mut self, plain: Vec<u8>) -> Result<(), BundleError> {
        self.parts += 1;
        let purpose = purpose(&self.head, self.parts);
        let sealed = self.ring.seal_bytes(&self.random, &purpose, &Secret::new(plain))?;
        let length = u32::try_from(sealed.len()).map_err(|_| SealError::TooLong)?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&sealed)?;
        Ok(())
    }
}

/// Reads a bundle.
pub struct BundleReader<R> {
    input: R,
    ring: KeyRing,
    head: [u8; HEAD],
    parts: u64,
    ended: bool,
}

impl<R: Read> BundleReader<R> {
    /// Begins to read a bundle.
    ///
    /// # Errors
    /// [`BundleError::NotOne`], [`BundleError::Version`], [`BundleError::Extractor`], [`BundleError::WrongKey`].
    pub fn new(mut input: R, key: SealKey) -> Result<Self, BundleError> {
        let mut head = [0; HEAD];
        input.read_exact(&mut head).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => BundleError::NotOne,
            _ => BundleError::Io(error),
        })?;
        if head[..4] != MAGIC {
            return Err(BundleError::NotOne);
        }
        let word = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        if word(4) != BUNDLE_VERSION {
            return Err(BundleError::Version { found: word(4) });
        }
        let mut id = [0; 8];
        id.copy_from_slice(&head[8..16]);
        let (sealed_by, given) = (KeyId::from_bytes(id), key.id());
        if sealed_by != given {
            return Err(BundleError::WrongKey { sealed_by, given });
        }
        if word(6) != EXTRACTOR {
            return Err(BundleError::Extractor { found: word(6) });
        }
        Ok(Self { input, ring: KeyRing::new(key, []), head, parts: 0, ended: false })
    }

    /// The next entry; `None` at the end, which was then found whole. Memory: one part, at most 64 KiB.
    ///
    /// # Errors
    /// [`BundleError::Damaged`]: whatever came before is not to be taken either.
    pub fn entry(&mut self) -> Result<Option<BundleEntry>, BundleError> {
        if self.ended {
            return Ok(None);
        }
        self.parts += 1;
        let part = self.parts;
        let damaged = |reason: &str| BundleError::Damaged { part, reason: reason.to_owned() };
        let cut = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged("it ends too early"),
            _ => BundleError::Io(error),
        };
        let mut length = [0; 4];
        self.input.read_exact(&mut length).map_err(cut)?;
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_SECRET_BYTES + SEALED_OVERHEAD {
            return Err(damaged("a part is too long"));
        }
        let mut sealed = vec![0; length];
        self.input.read_exact(&mut sealed).map_err(cut)?;
        let plain = self
            .ring
            .open_bytes(&purpose(&self.head, part), &sealed)
            .map_err(|error| damaged(&error.to_string()))?;
        let (kind, rest) = plain.expose().split_first().ok_or_else(|| damaged("a part is empty"))?;
        match *kind {
            ENTRY => parse(rest).map(Some).ok_or_else(|| damaged("an entry cannot be read")),
            END if *rest == (part - 1).to_le_bytes() => {
                self.ended = true;
                match self.input.read(&mut [0])? {
                    0 => Ok(None),
                    _ => Err(damaged("something follows its end")),
                }
            }
            _ => Err(damaged("a part of an unknown kind")),
        }
    }
}

impl<R: Read + Seek> BundleReader<R> {
    /// Begins anew, at the first entry of the same bundle.
    ///
    /// # Errors
    /// [`BundleError::Io`]; [`BundleError::Damaged`] when another bundle stands there now.
    pub fn rewind(&mut self) -> Result<(), BundleError> {
        self.input.seek(SeekFrom::Start(0))?;
        let mut head = [0; HEAD];
        self.input.read_exact(&mut head)?;
        if head != self.head {
            return Err(BundleError::Damaged { part: 0, reason: "it was replaced meanwhile".to_owned() });
        }
        (self.parts, self.ended) = (0, false);
        Ok(())
    }
}

/// What a part is sealed for: its place in its own bundle.
fn purpose(head: &[u8; HEAD], part: u64) -> String {
    format!("features-bundle:{}:{part}", hex::encode(head))
}

fn plain(entry: &BundleEntry) -> Result<Vec<u8>, &'static str> {
    let id = entry.entry.as_bytes();
    let length = u16::try_from(id.len()).ok().filter(|length| (1..=MAX_ID).contains(&usize::from(*length)));
    let length = length.ok_or("its id is empty or longer than 1,000 bytes")?;
    if check_features(&entry.record).is_err() {
        return Err("its features cannot be read");
    }
    let mut out = vec![ENTRY];
    out.extend(length.to_le_bytes());
    out.extend(id);
    let number = |digest: &Signal| TYPES.iter().position(|kind| *kind == digest.kind());
    let digests = entry.digests.iter().filter_map(|one| Some((number(one)?, one))).take(MAX_DIGESTS);
    let digests: Vec<_> = digests.collect();
    out.push(digests.len() as u8);
    for (number, digest) in digests {
        out.push(number as u8 + 1);
        out.extend(digest.bytes());
    }
    out.extend(&entry.record);
    Ok(out)
}

fn parse(bytes: &[u8]) -> Option<BundleEntry> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::from(u16::from_le_bytes(*length));
    let (id, rest) = rest.split_at_checked(length).filter(|_| (1..=MAX_ID).contains(&length))?;
    let (count, mut rest) = rest.split_first().filter(|(count, _)| usize::from(**count) <= MAX_DIGESTS)?;
    let mut digests = Vec::new();
    for _ in 0..*count {
        let (number, after) = rest.split_first()?;
        let kind = *TYPES.get(usize::from(*number).checked_sub(1)?)?;
        let (value, after) = after.split_at_checked(kind.size_bytes()?)?;
        digests.push(Signal::from_bytes(kind, value)?);
        rest = after;
    }
    check_features(rest).ok()?;
    Some(BundleEntry { entry: String::from_utf8(id.to_vec()).ok()?, digests, record: rest.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealKey {
        SealKey::parse("test", &format!("{byte:02x}{}", "ab".repeat(31))).unwrap()
    }

    /// A record without a feature: 16 bytes.
    fn record() -> Vec<u8> {
        [&b"LdF1"[..], &EXTRACTOR.to_le_bytes(), &[64, 0, 48, 0, 0, 0, 0, 0, 0, 0]].concat()
    }

    fn entry(id: &str) -> BundleEntry {
        let digests = [(SignalType::Md5, 16), (SignalType::Sha256, 32)]
            .map(|(kind, size)| Signal::from_bytes(kind, &vec![7; size]).unwrap());
        BundleEntry { entry: id.to_owned(), digests: digests.to_vec(), record: record() }
    }

    fn bundle(ids: &[&str]) -> Vec<u8> {
        let mut writer = BundleWriter::new(Vec::new(), key(1)).unwrap();
        for id in ids {
            writer.entry(&entry(id)).unwrap();
        }
        let (bytes, entries) = writer.finish().unwrap();
        assert_eq!(entries, ids.len() as u64);
        bytes
    }

    fn read(bytes: &[u8], key: SealKey) -> Result<Vec<BundleEntry>, BundleError> {
        let mut reader = BundleReader::new(bytes, key)?;
        let mut entries = Vec::new();
        while let Some(entry) = reader.entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Where the parts of a bundle begin, and its end.
    fn parts(bytes: &[u8]) -> Vec<usize> {
        let mut at = vec![HEAD];
        while let Some(length) = bytes[at[at.len() - 1]..].first_chunk() {
            at.push(at[at.len() - 1] + 4 + u32::from_le_bytes(*length) as usize);
        }
        at
    }

    #[test]
    fn what_is_written_is_read_again_with_the_same_key_only() {
        assert_eq!(read(&bundle(&["a", "b"]), key(1)).unwrap(), [entry("a"), entry("b")]);
        assert_eq!(read(&bundle(&[]), key(1)).unwrap(), []);
        let other = read(&bundle(&["a"]), key(2)).unwrap_err();
        assert!(matches!(other, BundleError::WrongKey { .. }), "{other}");
    }

    #[test]
    fn a_bundle_that_was_cut_off_or_changed_anywhere_is_refused() {
        let bytes = bundle(&["a", "b"]);
        for at in 0..bytes.len() {
            assert!(read(&bytes[..at], key(1)).is_err(), "cut at {at}");
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(read(&changed, key(1)).is_err(), "byte {at}");
        }
        assert!(read(&[&bytes[..], &[0]].concat(), key(1)).is_err(), "longer");
    }

    #[test]
    fn parts_cannot_change_places_be_left_out_or_come_from_another_bundle() {
        let bytes = bundle(&["a", "b"]);
        let at = parts(&bytes);
        let part = |n: usize| &bytes[at[n]..at[n + 1]];
        let exchanged = [&bytes[..HEAD], part(1), part(0), part(2)].concat();
        let left_out = [&bytes[..HEAD], part(0), part(2)].concat();
        let other = bundle(&["a", "b"]);
        let foreign = [&other[..HEAD], part(0), &other[at[1]..]].concat();
        for wrong in [exchanged, left_out, foreign] {
            assert!(matches!(read(&wrong, key(1)), Err(BundleError::Damaged { .. })));
        }
    }

    #[test]
    fn versions_are_told_apart_before_anything_is_opened() {
        let mut bytes = bundle(&["a"]);
        bytes[6] ^= 2;
        assert!(matches!(read(&bytes, key(1)), Err(BundleError::Extractor { .. })));
        bytes[4] = 9;
        assert!(matches!(read(&bytes, key(1)), Err(BundleError::Version { found: 9 })));
        assert!(matches!(read(b"something else, long enough to be one", key(1)), Err(BundleError::NotOne)));
    }

    #[test]
    fn entries_that_cannot_be_read_again_are_not_written() {
        let mut writer = BundleWriter::new(Vec::new(), key(1)).unwrap();
        for wrong in [
            BundleEntry { entry: String::new(), ..entry("a") },
            BundleEntry { entry: "x".repeat(1001), ..entry("a") },
            BundleEntry { record: b"no features".to_vec(), ..entry("a") },
        ] {
            assert!(matches!(writer.entry(&wrong), Err(BundleError::Entry { .. })));
        }
    }
}
