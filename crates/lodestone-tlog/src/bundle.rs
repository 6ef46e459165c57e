//! Entry bundles: up to 256 entries in a file, each behind its length.
//!
//! *Source:* C2SP `tlog-tiles`, section "Log entries".

use crate::tile::WIDTH;

/// Largest entry: its length is written in two bytes.
pub const MAX_ENTRY_BYTES: usize = 65_535;
/// Largest bundle that can be well formed.
pub const MAX_BUNDLE_BYTES: usize = WIDTH as usize * (2 + MAX_ENTRY_BYTES);

/// Adds an entry to a bundle: its length as two bytes, the higher one first, then its bytes. `false`, and nothing is
/// added, where it is longer than [`MAX_ENTRY_BYTES`].
#[must_use]
pub fn push(bundle: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else { return false };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    true
}

/// Goes through the entries of a bundle.
#[must_use]
pub fn entries(bundle: &[u8]) -> Entries<'_> {
    Entries { rest: bundle }
}

/// The entries of a bundle, in order; ends at the first one that is cut off.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Entries<'a> {
    /// What was not read: empty after the last entry of a well-formed bundle.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.rest = rest;
        Some(entry)
    }
}
