//! The Merkle tree of RFC 6962: hashes, roots, proofs and their checks. Pure functions.
//!
//! A *subtree* is named by its level (0: a leaf; it has 2^level leaves) and its index in that level. Proofs are made from
//! complete subtrees only, which never change once they are complete; where those come from is the caller's affair (a
//! function from level and index to a hash: [`crate::tile::subtree`] takes it from tiles).
//!
//! *Source:* RFC 6962 section 2.1; checks as in RFC 9162 sections 2.1.3.2 and 2.1.4.2.

use ring::digest::{Context, SHA256};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// Largest size of a tree: sizes are signed 64-bit numbers in the programs that read such logs.
pub const MAX_SIZE: u64 = i64::MAX as u64;

/// SHA-256 of several pieces, one after the other.
pub(crate) fn sha256(pieces: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for piece in pieces {
        context.update(piece);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Hash of an entry: SHA-256(0x00 || entry).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    sha256(&[&[0], entry])
}

/// Hash of two subtrees: SHA-256(0x01 || left || right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// Root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// The complete subtrees that make up a growing tree, largest first: at most 63 hashes, however many leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    subtrees: Vec<(u32, Hash)>,
}

impl Frontier {
    /// Adds one leaf's hash. Cost: one hash on average.
    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf);
    }

    /// Adds a complete subtree of 2^level leaves. The number of leaves so far must be a multiple of that.
    pub fn push_subtree(&mut self, level: u32, hash: Hash) {
        let (mut level, mut hash) = (level, hash);
        while let Some((last_level, last)) = self.subtrees.last()
            && *last_level == level
        {
            hash = node_hash(last, &hash);
            level += 1;
            self.subtrees.pop();
        }
        self.subtrees.push((level, hash));
    }

    /// The root of what was added so far. Cost: at most 63 hashes.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut subtrees = self.subtrees.iter().rev().map(|(_, hash)| *hash);
        match subtrees.next() {
            None => empty_root(),
            Some(last) => subtrees.fold(last, |right, left| node_hash(&left, &right)),
        }
    }
}

/// The root of the first `size` leaves, from complete subtrees.
///
/// # Errors
/// Those of `subtree`.
pub fn root<E>(size: u64, subtree: &mut impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    if size == 0 { Ok(empty_root()) } else { range_hash(0, size, subtree) }
}

/// The proof that leaf `index` is in the tree of `size` leaves: the hashes beside its path, lowest first.
///
/// # Errors
/// Those of `subtree`. An index that is not below `size` gives an empty proof, which proves nothing.
pub fn inclusion_proof<E>(
    index: u64,
    size: u64,
    subtree: &mut impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let mut proof = Vec::new();
    let (mut low, mut high) = (0, size);
    while index < size && high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            proof.push(range_hash(middle, high, subtree)?);
            high = middle;
        } else {
            proof.push(range_hash(low, middle, subtree)?);
            low = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of `old` leaves is the beginning of the tree of `new` leaves. Empty where `old` is 0 or `new`.
///
/// # Errors
/// Those of `subtree`. An `old` above `new` gives an empty proof, which proves nothing.
pub fn consistency_proof<E>(
    old: u64,
    new: u64,
    subtree: &mut impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let mut proof = Vec::new();
    if old == 0 || old >= new {
        return Ok(proof);
    }
    // SUBPROOF of RFC 6962 section 2.1.2: narrow the range down to the subtree that ends where the old tree does.
    let (mut low, mut high) = (0, new);
    while old != high {
        let middle = low + split(high - low);
        if old <= middle {
            proof.push(range_hash(middle, high, subtree)?);
            high = middle;
        } else {
            proof.push(range_hash(low, middle, subtree)?);
            low = middle;
        }
    }
    // The verifier has the old root already, which is this subtree when it begins at the first leaf.
    if low != 0 {
        proof.push(range_hash(low, high, subtree)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Whether `proof` shows that the leaf with hash `leaf` stands at `index` in the tree of `size` leaves with this root.
#[must_use]
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> bool {
    if index >= size || size > MAX_SIZE {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree of `old` leaves with `old_root` is the beginning of the tree of `new` leaves with
/// `new_root`. The tree without leaves is the beginning of every tree.
#[must_use]
pub fn verify_consistency(old: u64, new: u64, old_root: &Hash, new_root: &Hash, proof: &[Hash]) -> bool {
    if old > new || new > MAX_SIZE {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root && (old != 0 || *old_root == empty_root());
    }
    if old == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    let (first, rest) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        let Some((first, rest)) = proof.split_first() else { return false };
        (first, rest)
    };
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut from_old, mut from_new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            from_old = node_hash(sibling, &from_old);
            from_new = node_hash(sibling, &from_new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && from_old == *old_root && from_new == *new_root
}

/// The hash of leaves `low … high`, where `low` is a multiple of the power of two not below the length (as in every
/// range that the splits of RFC 6962 make).
fn range_hash<E>(
    low: u64,
    high: u64,
    subtree: &mut impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Hash, E> {
    let length = high - low;
    if length.is_power_of_two() {
        let level = length.trailing_zeros();
        return subtree(level, low >> level);
    }
    let middle = low + split(length);
    let left = range_hash(low, middle, subtree)?;
    let right = range_hash(middle, high, subtree)?;
    Ok(node_hash(&left, &right))
}

/// The largest power of two below `length`, which is at least 2.
fn split(length: u64) -> u64 {
    1 << (63 - (length - 1).leading_zeros())
}
