//! Members of a zip without a usable directory: their local headers, looked for from the start.

use std::io::{Read, Seek, SeekFrom};

use super::{Entry, LOCAL, LOCAL_BYTES, le16, le32};
use crate::{Error, Limits};

const DIRECTORY: &[u8; 4] = b"PK\x01\x02";
const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";
/// Bytes looked at in one step: the first steps are small, as members may be.
const WINDOWS: [u64; 2] = [1 << 12, 1 << 16];
/// The size stands behind the data.
const SIZE_LATER: u16 = 8;

/// Finds local headers. A member whose size is not in its header ends before the next signature.
pub(super) fn scan<R: Read + Seek>(reader: &mut R, limits: &Limits) -> Result<Vec<Entry>, Error> {
    let io = |e: std::io::Error| super::super::read_error(&e);
    let length = reader.seek(SeekFrom::End(0)).map_err(io)?;
    let mut entries: Vec<Entry> = Vec::new();
    let mut open = false;
    let mut at = 0;
    while let Some((found, mark)) = next_mark(reader, at).map_err(io)? {
        if let Some(last) = entries.last_mut().filter(|_| open) {
            let data = last.offset + LOCAL_BYTES + last.name.len() as u64;
            last.packed = found.saturating_sub(data);
        }
        open = false;
        at = found + 4;
        if mark != *LOCAL {
            continue;
        }
        reader.seek(SeekFrom::Start(found)).map_err(io)?;
        let mut head = [0; LOCAL_BYTES as usize];
        if reader.read_exact(&mut head).is_err() {
            break;
        }
        let mut name = Vec::new();
        let name_bytes = u64::from(le16(&head, 26));
        reader.by_ref().take(name_bytes).read_to_end(&mut name).map_err(io)?;
        let data = found + LOCAL_BYTES + name_bytes + u64::from(le16(&head, 28));
        if name.len() as u64 != name_bytes || data > length {
            break;
        }
        if entries.len() as u64 >= limits.max_members {
            return Err(Error::TooManyMembers { limit: limits.max_members });
        }
        let flags = le16(&head, 6);
        let later = flags & SIZE_LATER != 0;
        let packed = u64::from(le32(&head, 18));
        let known = !later && packed != 0xffff_ffff;
        entries.push(Entry {
            name,
            flags,
            method: le16(&head, 8),
            crc: known.then(|| le32(&head, 14)),
            packed: if known { packed } else { length - data },
            size: known.then(|| u64::from(le32(&head, 22))),
            offset: found,
            symlink: false,
            overlaps: false,
        });
        open = !known;
        at = if known { data.saturating_add(packed) } else { data };
    }
    Ok(entries)
}

/// The next signature from `from` on, and where.
fn next_mark<R: Read + Seek>(reader: &mut R, from: u64) -> std::io::Result<Option<(u64, [u8; 4])>> {
    let mut base = from;
    let mut window = Vec::new();
    reader.seek(SeekFrom::Start(from))?;
    let mut step = WINDOWS[0];
    loop {
        let had = window.len();
        reader.by_ref().take(std::mem::replace(&mut step, WINDOWS[1])).read_to_end(&mut window)?;
        if window.len() == had {
            return Ok(None);
        }
        for (i, four) in window.windows(4).enumerate() {
            if four == LOCAL || four == DIRECTORY || four == DESCRIPTOR {
                return Ok(Some((base + i as u64, [four[0], four[1], four[2], four[3]])));
            }
        }
        let keep = window.len().saturating_sub(3);
        base += keep as u64;
        window.drain(..keep);
    }
}
