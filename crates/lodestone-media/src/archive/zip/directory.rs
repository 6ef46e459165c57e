//! The central directory. *Source:* PKWARE APPNOTE 6.3.10, sections 4.3.12 to 4.3.16, 4.5.3.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::{Entry, le16, le32, le64};
use crate::{Error, Limits};

const END: &[u8; 4] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const LOCATOR64: &[u8; 4] = b"PK\x06\x07";
const LOCATOR64_BYTES: usize = 20;
const END64: &[u8; 4] = b"PK\x06\x06";
const ENTRY: &[u8; 4] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;

/// Reads the central directory, files and directories, in its own order.
pub(super) fn read<R: Read + Seek>(reader: &mut R, limits: &Limits) -> Result<Vec<Entry>, Error> {
    let end = End::find(reader)?;
    if end.count > limits.max_members {
        return Err(Error::TooManyMembers { limit: limits.max_members });
    }
    // Bytes in front of the archive (self-extracting) shift all offsets.
    let start = end.at.checked_sub(end.bytes).ok_or_else(|| bad("directory size"))?;
    let shift = start.checked_sub(end.offset).ok_or_else(|| bad("directory offset"))?;
    reader.seek(SeekFrom::Start(start)).map_err(|e| io(&e))?;
    let mut directory = BufReader::new(reader.take(end.bytes));
    let mut entries = Vec::new();
    let mut left = limits.max_bytes;
    loop {
        let mut head = [0; ENTRY_BYTES];
        match directory.read_exact(&mut head) {
            Ok(()) if head.starts_with(ENTRY) => {}
            // The count has 16 bits and wraps; the end of the directory decides.
            _ => break,
        }
        let name_bytes = u64::from(le16(&head, 28));
        let extra_bytes = u64::from(le16(&head, 30));
        let comment_bytes = u64::from(le16(&head, 32));
        left = left
            .checked_sub(name_bytes + ENTRY_BYTES as u64)
            .ok_or_else(|| Error::TooManyBytes { what: "zip directory".into(), limit: limits.max_bytes })?;
        if entries.len() as u64 >= limits.max_members {
            return Err(Error::TooManyMembers { limit: limits.max_members });
        }
        let name = some(&mut directory, name_bytes)?;
        let extra = some(&mut directory, extra_bytes)?;
        some(&mut directory, comment_bytes)?;
        entries.push(entry(&head, name, &extra, shift));
    }
    if (entries.len() as u64) & 0xffff != end.count & 0xffff {
        return Err(bad("directory is damaged"));
    }
    Ok(entries)
}

fn entry(head: &[u8], name: Vec<u8>, extra: &[u8], shift: u64) -> Entry {
    let mut packed = u64::from(le32(head, 20));
    let mut size = u64::from(le32(head, 24));
    let mut offset = u64::from(le32(head, 42));
    if let Some(mut wide) = extra_field(extra, 1) {
        for value in [&mut size, &mut packed, &mut offset] {
            if *value == 0xffff_ffff
                && let Some((first, rest)) = wide.split_at_checked(8)
            {
                *value = le64(first, 0);
                wide = rest;
            }
        }
    }
    let unix = head.get(5) == Some(&3);
    let mode = le32(head, 38) >> 16;
    Entry {
        name,
        flags: le16(head, 8),
        method: le16(head, 10),
        crc: Some(le32(head, 16)),
        packed,
        size: Some(size),
        offset: offset.saturating_add(shift),
        symlink: unix && mode & 0xf000 == 0xa000,
        overlaps: false,
    }
}

fn extra_field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let len = usize::from(le16(extra, 2));
        let data = extra.get(4..4 + len)?;
        if le16(extra, 0) == wanted {
            return Some(data);
        }
        extra = extra.get(4 + len..)?;
    }
    None
}

/// What the end record says.
struct End {
    /// Where the directory ends.
    at: u64,
    count: u64,
    bytes: u64,
    offset: u64,
}

impl End {
    /// Looks for the end record, behind which there may be a comment of up to 65,535 bytes.
    fn find<R: Read + Seek>(reader: &mut R) -> Result<Self, Error> {
        let length = reader.seek(SeekFrom::End(0)).map_err(|e| io(&e))?;
        let tail_bytes = length.min((END_BYTES + LOCATOR64_BYTES + 0xffff) as u64);
        reader.seek(SeekFrom::Start(length - tail_bytes)).map_err(|e| io(&e))?;
        let tail = some(reader, tail_bytes)?;
        let found =
            tail.windows(4).enumerate().rev().find(|(at, w)| {
                *w == END && tail.len() >= at + END_BYTES + usize::from(le16(&tail, at + 20))
            });
        let (at, _) = found.ok_or_else(|| Error::Truncated("zip: no end record".into()))?;
        let record = tail.get(at..).unwrap_or_default();
        let mut end = Self {
            at: length - tail_bytes + at as u64,
            count: u64::from(le16(record, 10)),
            bytes: u64::from(le32(record, 12)),
            offset: u64::from(le32(record, 16)),
        };
        let locator = at.checked_sub(LOCATOR64_BYTES).and_then(|l| tail.get(l..at));
        if let Some(locator) = locator.filter(|l| l.starts_with(LOCATOR64)) {
            end.wide(reader, le64(locator, 8))?;
        }
        Ok(end)
    }

    /// Takes the zip64 record's values.
    fn wide<R: Read + Seek>(&mut self, reader: &mut R, stated: u64) -> Result<(), Error> {
        // Where it is stated, or, with bytes in front of the archive, right before the locator.
        let direct = self.at.checked_sub((LOCATOR64_BYTES + 56) as u64);
        for at in [Some(stated), direct].into_iter().flatten() {
            let mut record = [0; 56];
            reader.seek(SeekFrom::Start(at)).map_err(|e| io(&e))?;
            if reader.read_exact(&mut record).is_ok() && record.starts_with(END64) {
                self.at = at;
                self.count = le64(&record, 32);
                self.bytes = le64(&record, 40);
                self.offset = le64(&record, 48);
                return Ok(());
            }
        }
        Err(bad("no zip64 end record"))
    }
}

/// Exactly `n` bytes; `n` is small (16-bit lengths).
fn some<R: Read>(reader: &mut R, n: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    reader.take(n).read_to_end(&mut bytes).map_err(|e| io(&e))?;
    if bytes.len() as u64 != n {
        return Err(bad("directory is cut short"));
    }
    Ok(bytes)
}

fn bad(what: &str) -> Error {
    Error::Malformed(format!("zip: {what}"))
}

fn io(e: &std::io::Error) -> Error {
    super::super::read_error(e)
}
