//! tar: ustar, GNU long names, pax; streamed.

use std::io::{self, Read};

use super::Visitor;
use super::budget::Guard;
use crate::Error;

const BLOCK: usize = 512;
/// Bytes of a long name or a pax header that are read.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// Visits the members as they come.
pub(super) fn walk(reader: &mut dyn Read, visitor: &mut Visitor<'_>) -> Result<(), Error> {
    let mut next = Next::default();
    let mut any = false;
    loop {
        let mut block = [0; BLOCK];
        match fill(reader, &mut block).map_err(|e| super::read_error(&e))? {
            // Many writers leave the end marks out.
            0 if any => return Ok(()),
            BLOCK => {}
            _ => return Err(Error::Truncated("tar header".into())),
        }
        if block.iter().all(|&b| b == 0) {
            return Ok(());
        }
        if !checksum(&block) {
            return Err(Error::Malformed("tar: a header's check sum is wrong".into()));
        }
        any = true;
        let stated = number(block.get(124..136).unwrap_or_default())
            .ok_or_else(|| Error::Malformed("tar: a size is no number".into()))?;
        let kind = block.get(156).copied().unwrap_or(0);
        match kind {
            b'L' => next.name = Some(text(&header(reader, stated)?)),
            b'x' => next.pax(&header(reader, stated)?),
            // A long link name or settings for all: nothing in them names a member or its size in practice.
            b'K' | b'g' => drop(header(reader, stated)?),
            _ => {
                let of = std::mem::take(&mut next);
                let name = of.name.unwrap_or_else(|| ustar_name(&block));
                let size = of.size.unwrap_or(stated);
                if member(reader, visitor, kind, &name, size)? {
                    return Ok(());
                }
            }
        }
    }
}

/// One member and its padding. `Ok(true)`: break off.
fn member(
    reader: &mut dyn Read,
    visitor: &mut Visitor<'_>,
    kind: u8,
    name: &[u8],
    size: u64,
) -> Result<bool, Error> {
    let refusal = match kind {
        b'5' => None,
        // Old tars mark a directory by its name alone; content must not hide behind a slash.
        0 | b'0' | b'7' if name.ends_with(b"/") && size == 0 => None,
        0 | b'0' | b'7' => Some(None),
        b'1' => Some(Some("a hard link")),
        b'2' => Some(Some("a symbolic link")),
        b'3' | b'4' => Some(Some("a device")),
        b'6' => Some(Some("a pipe")),
        b'S' => Some(Some("a sparse file")),
        _ => Some(Some("a tar member of an unknown kind")),
    };
    // Links and devices have no data, whatever their size says.
    let stored = if matches!(kind, b'1'..=b'6') { 0 } else { size };
    let budget = visitor.budget;
    let mut data = reader.take(stored);
    let stop = match refusal {
        None => false,
        Some(Some(what)) => visitor.member(name, None, Err(Error::Unsupported(what.into())))?,
        Some(None) => {
            let mut guard = Guard::new(&mut data, budget);
            guard.size = Some(size);
            visitor.member(name, Some(size), Ok(&mut guard))?
        }
    };
    if stop {
        return Ok(true);
    }
    let left = data.limit();
    let passed = io::copy(&mut data, &mut io::sink()).map_err(|e| super::read_error(&e))?;
    let padding = (BLOCK as u64 - stored % BLOCK as u64) % BLOCK as u64;
    let reader = data.into_inner();
    if passed < left {
        return Err(Error::Truncated("tar member".into()));
    }
    // Padding missing at the very end harms nobody.
    io::copy(&mut reader.take(padding), &mut io::sink()).map_err(|e| super::read_error(&e))?;
    Ok(false)
}

/// What extended headers said about the member that follows.
#[derive(Default)]
struct Next {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Next {
    /// Records of `length key=value\n`. *Source:* POSIX.1-2001 pax interchange format.
    fn pax(&mut self, mut data: &[u8]) {
        while let Some(space) = data.iter().position(|&b| b == b' ') {
            let digits = data.get(..space).and_then(|d| std::str::from_utf8(d).ok());
            let Some(length) = digits.and_then(|d| d.parse::<usize>().ok()) else { return };
            let Some(record) = data.get(space + 1..length) else { return };
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            if let Some(path) = record.strip_prefix(b"path=") {
                self.name = Some(path.to_vec());
            } else if let Some(size) = record.strip_prefix(b"size=") {
                self.size = std::str::from_utf8(size).ok().and_then(|s| s.parse().ok());
            }
            data = data.get(length..).unwrap_or_default();
        }
    }
}

/// The data of an extended header, with its padding.
fn header(reader: &mut dyn Read, size: u64) -> Result<Vec<u8>, Error> {
    if size > MAX_HEADER_BYTES {
        return Err(Error::TooManyBytes { what: "tar header".into(), limit: MAX_HEADER_BYTES });
    }
    let mut data = Vec::new();
    let padded = size.div_ceil(BLOCK as u64) * BLOCK as u64;
    reader.take(padded).read_to_end(&mut data).map_err(|e| super::read_error(&e))?;
    if (data.len() as u64) < size {
        return Err(Error::Truncated("tar header".into()));
    }
    data.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    Ok(data)
}

/// Up to the first NUL.
fn text(field: &[u8]) -> Vec<u8> {
    field.iter().copied().take_while(|&b| b != 0).collect()
}

fn ustar_name(block: &[u8; BLOCK]) -> Vec<u8> {
    let name = text(block.get(..100).unwrap_or_default());
    // GNU's own magic has other fields where POSIX has the prefix.
    let posix = block.get(257..263) == Some(b"ustar\0");
    let prefix = if posix { text(block.get(345..500).unwrap_or_default()) } else { Vec::new() };
    if prefix.is_empty() { name } else { [prefix, name].join(&b'/') }
}

/// Octal digits, or GNU's big-endian binary with the top bit set.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if *first == 0x80 {
        return rest.iter().try_fold(0u64, |n, &b| n.checked_mul(256)?.checked_add(u64::from(b)));
    }
    let digits = field.iter().skip_while(|b| **b == b' ').take_while(|b| !matches!(**b, b' ' | 0));
    let mut n = 0u64;
    for &b in digits {
        if !(b'0'..=b'7').contains(&b) {
            return None;
        }
        n = n.checked_mul(8)?.checked_add(u64::from(b - b'0'))?;
    }
    Some(n)
}

fn checksum(block: &[u8; BLOCK]) -> bool {
    let field = 148..156;
    let bytes = || block.iter().enumerate().map(|(i, &b)| if field.contains(&i) { b' ' } else { b });
    let sum: u64 = bytes().map(u64::from).sum();
    // Some old writers summed signed bytes.
    let signed: i64 = bytes().map(|b| i64::from(b.cast_signed())).sum();
    number(block.get(field.clone()).unwrap_or_default())
        .is_some_and(|stated| stated == sum || i64::try_from(stated) == Ok(signed))
}

/// Reads until `to` is full or the end; how many bytes came.
fn fill(reader: &mut dyn Read, to: &mut [u8]) -> io::Result<usize> {
    let mut had = 0;
    while let Some(room) = to.get_mut(had..).filter(|r| !r.is_empty()) {
        match reader.read(room) {
            Ok(0) => break,
            Ok(n) => had += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(had)
}
