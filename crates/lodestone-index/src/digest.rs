//! Exact look-up of digests.

/// An immutable map from `N`-byte digests to all ids that have them.
///
/// Two sorted arrays and a directory of leading bits: `N + 4` bytes an entry and about a quarter of a byte more. A
/// look-up reads one line of the directory and, digests being uniform, about 16 entries; leading bits that are not
/// uniform (made-up lists) cost a binary search instead.
#[derive(Clone, Debug)]
pub struct DigestIndex<const N: usize> {
    digests: Vec<[u8; N]>,
    ids: Vec<u32>,
    /// Entries whose leading bits are below `i` end at `directory[i]`; one more than there are prefixes.
    directory: Vec<u32>,
    prefix_bits: u32,
}

/// Entries per line of the directory, about.
const PER_BUCKET_BITS: u32 = 4;

impl<const N: usize> Default for DigestIndex<N> {
    fn default() -> Self {
        Self::from_entries(Vec::new())
    }
}

impl<const N: usize> DigestIndex<N> {
    /// An index of digests with the caller's ids, in any order; digests and ids may repeat.
    ///
    /// Cost: a sort.
    ///
    /// # Panics
    /// With more than `u32::MAX` entries.
    pub fn from_entries(mut entries: Vec<([u8; N], u32)>) -> Self {
        assert!(u32::try_from(entries.len()).is_ok(), "an index holds at most u32::MAX entries");
        entries.sort_unstable();
        let prefix_bits = entries.len().checked_ilog2().unwrap_or(0).saturating_sub(PER_BUCKET_BITS).min(28);
        let (digests, ids): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let mut directory = Vec::new();
        let mut place = 0;
        for bucket in 0..1u64 << prefix_bits {
            directory.push(place as u32);
            while digests.get(place).is_some_and(|digest| prefix(digest, prefix_bits) == bucket) {
                place += 1;
            }
        }
        directory.push(place as u32);
        Self { digests, ids, directory, prefix_bits }
    }

    /// Entries, equal digests counted each.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// All ids with exactly this digest, ascending; empty when there are none.
    pub fn ids(&self, digest: &[u8; N]) -> &[u32] {
        let bucket = prefix(digest, self.prefix_bits) as usize;
        let (start, end) = (self.directory[bucket] as usize, self.directory[bucket + 1] as usize);
        let candidates = &self.digests[start..end];
        let first = candidates.partition_point(|candidate| candidate < digest);
        let equal = candidates[first..].iter().take_while(|candidate| *candidate == digest).count();
        &self.ids[start + first..start + first + equal]
    }

    /// Whether any id has this digest.
    pub fn contains(&self, digest: &[u8; N]) -> bool {
        !self.ids(digest).is_empty()
    }
}

/// The leading `bits` of a digest; 0 for none.
fn prefix<const N: usize>(digest: &[u8; N], bits: u32) -> u64 {
    let mut head = [0; 8];
    for (to, from) in head.iter_mut().zip(digest) {
        *to = *from;
    }
    if bits == 0 { 0 } else { u64::from_be_bytes(head) >> (64 - bits) }
}
