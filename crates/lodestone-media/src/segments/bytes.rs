//! Bounded reads; `None` past the end.

pub(super) fn be16(b: &[u8], at: usize) -> Option<u16> {
    let s = b.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes([s[0], s[1]]))
}

pub(super) fn be32(b: &[u8], at: usize) -> Option<u32> {
    let s = b.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes([s[0], s[1], s[2], s[3]]))
}

pub(super) fn be64(b: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(be32(b, at)?) << 32 | u64::from(be32(b, at.checked_add(4)?)?))
}

pub(super) fn le32(b: &[u8], at: usize) -> Option<u32> {
    be32(b, at).map(u32::swap_bytes)
}

/// `len` bytes from `at`, or as many as there are, and whether all were there.
pub(super) fn take(b: &[u8], at: usize, len: usize) -> (&[u8], bool) {
    let start = at.min(b.len());
    let end = start.saturating_add(len).min(b.len());
    let slice = b.get(start..end).unwrap_or_default();
    (slice, slice.len() == len)
}

/// Index of the first `needle` at or after `from`.
pub(super) fn find(b: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let tail = b.get(from..)?;
    tail.windows(needle.len().max(1)).position(|w| w == needle).map(|i| from + i)
}
