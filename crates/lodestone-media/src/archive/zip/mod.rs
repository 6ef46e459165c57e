//! zip: members in the order of their names' bytes.
//!
//! The central directory says what there is; where it is damaged or missing, local headers are looked for instead and
//! the walk ends with an error that says so.

mod directory;
mod recover;

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::atomic::AtomicU64;

use super::Visitor;
use super::budget::{Counting, Guard};
use crate::Error;

/// What a directory, central or pieced together, says of one member.
#[derive(Clone, Debug)]
struct Entry {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: Option<u32>,
    packed: u64,
    size: Option<u64>,
    /// Offset of the local header.
    offset: u64,
    symlink: bool,
    overlaps: bool,
}

impl Entry {
    /// A name that ends in a slash, with nothing in it but an empty deflate stream of two bytes: content must not hide
    /// behind a slash.
    fn is_directory(&self) -> bool {
        self.name.ends_with(b"/") && self.packed <= 2
    }
}

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const LOCAL_BYTES: u64 = 30;
const ENCRYPTED: u16 = 1;
const STORED: u16 = 0;
const DEFLATE: u16 = 8;
const DEFLATE64: u16 = 9;
const AES: u16 = 99;

/// Visits the members.
pub(super) fn walk<R: Read + Seek>(reader: &mut R, visitor: &mut Visitor<'_>) -> Result<(), Error> {
    let limits = *visitor.budget.limits();
    let (mut entries, damage) = match directory::read(reader, &limits) {
        Ok(entries) => (entries, None),
        Err(e @ Error::TooManyMembers { .. }) => return Err(e),
        Err(e) => {
            let found = recover::scan(reader, &limits)?;
            if found.is_empty() {
                return Err(e);
            }
            (found, Some(e))
        }
    };
    mark_overlaps(&mut entries);
    entries.sort_by(|a, b| a.name.cmp(&b.name).then(a.offset.cmp(&b.offset)));
    for entry in entries.iter().filter(|e| !e.is_directory()) {
        if visit(reader, entry, visitor)? {
            return Ok(());
        }
    }
    damage.map_or(Ok(()), Err)
}

/// Members may not share bytes: that is how a small zip unpacks to any size. The first keeps them.
fn mark_overlaps(entries: &mut [Entry]) {
    entries.sort_by_key(|e| e.offset);
    let mut end = 0;
    for entry in entries {
        if entry.offset < end {
            entry.overlaps = true;
        } else {
            let head = LOCAL_BYTES + entry.name.len() as u64;
            end = entry.offset.saturating_add(head).saturating_add(entry.packed);
        }
    }
}

fn visit<R: Read + Seek>(reader: &mut R, entry: &Entry, visitor: &mut Visitor<'_>) -> Result<bool, Error> {
    let refuse = |visitor: &mut Visitor<'_>, why| visitor.member(&entry.name, entry.size, Err(why));
    if !visitor.wants_next() {
        return refuse(visitor, Error::Unsupported(String::new()));
    }
    if entry.flags & ENCRYPTED != 0 || entry.method == AES {
        return refuse(visitor, Error::Encrypted);
    }
    if entry.symlink {
        return refuse(visitor, Error::Unsupported("a symbolic link".into()));
    }
    if entry.overlaps {
        return refuse(visitor, Error::Malformed("zip: members overlap".into()));
    }
    if let Err(e) = seek_to_data(reader, entry) {
        return refuse(visitor, e);
    }
    let count = AtomicU64::new(0);
    let budget = visitor.budget;
    let packed = Counting { inner: reader.take(entry.packed), count: &count };
    match entry.method {
        STORED => {
            let mut guard = Guard::new(packed, budget);
            (guard.size, guard.crc) = (entry.size, entry.crc);
            visitor.member(&entry.name, entry.size, Ok(&mut guard))
        }
        DEFLATE => {
            let decoder = flate2::bufread::DeflateDecoder::new(BufReader::new(packed));
            let mut guard = Guard::new(decoder, budget);
            (guard.size, guard.crc, guard.packed) = (entry.size, entry.crc, Some(&count));
            visitor.member(&entry.name, entry.size, Ok(&mut guard))
        }
        DEFLATE64 => {
            let decoder = deflate64::Deflate64Decoder::with_buffer(BufReader::new(packed));
            let mut guard = Guard::new(decoder, budget);
            (guard.size, guard.crc, guard.packed) = (entry.size, entry.crc, Some(&count));
            visitor.member(&entry.name, entry.size, Ok(&mut guard))
        }
        other => refuse(visitor, Error::Unsupported(format!("zip method {}", method_name(other)))),
    }
}

/// Leaves the reader at the member's data, behind its local header.
fn seek_to_data<R: Read + Seek>(reader: &mut R, entry: &Entry) -> Result<(), Error> {
    let lost = || Error::Malformed("zip: no member where the directory says".into());
    let io = |e: std::io::Error| super::read_error(&e);
    reader.seek(SeekFrom::Start(entry.offset)).map_err(io)?;
    let mut head = [0; LOCAL_BYTES as usize];
    reader.read_exact(&mut head).map_err(|_| lost())?;
    if !head.starts_with(LOCAL) {
        return Err(lost());
    }
    let behind = i64::from(le16(&head, 26)) + i64::from(le16(&head, 28));
    reader.seek(SeekFrom::Current(behind)).map_err(io)?;
    Ok(())
}

fn method_name(method: u16) -> String {
    let name = match method {
        1 => "shrink",
        2..=5 => "reduce",
        6 => "implode",
        12 => "bzip2",
        14 => "lzma",
        93 => "zstd",
        95 => "xz",
        98 => "ppmd",
        _ => return method.to_string(),
    };
    name.to_owned()
}

fn le16(b: &[u8], at: usize) -> u16 {
    b.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn le32(b: &[u8], at: usize) -> u32 {
    b.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn le64(b: &[u8], at: usize) -> u64 {
    b.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}
