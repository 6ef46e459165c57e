//! Salted commitments: the log holds a promise of a body, not the body.
//!
//! An entry cannot be taken out of the log, so what may have to be erased one day must not stand in it. The caller draws
//! a salt, puts [`commit`]`(salt, body)` into the entry and keeps salt and body elsewhere. Who has them can show that they
//! are what the log speaks of; once both are erased nobody can tell what it was, not even by trying likely bodies,
//! because 32 random bytes are missing. Salts must be random, never used twice, and erased with the body.

use crate::tree::{Hash, sha256};

/// SHA-256(0x02 || salt || body).
///
/// The first byte keeps commitments apart from the hashes of leaves (0x00) and nodes (0x01) of the tree; the salt has
/// one length, so that no two pairs of salt and body give the same input.
#[must_use]
pub fn commit(salt: &[u8; 32], body: &[u8]) -> Hash {
    sha256(&[&[2], salt, body])
}

/// Whether salt and body are what the commitment was made from. (The commitment is no secret: it stands in the log.)
#[must_use]
pub fn open_commitment(commitment: &Hash, salt: &[u8; 32], body: &[u8]) -> bool {
    *commitment == commit(salt, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_is_the_sha_256_of_two_salt_and_body() {
        // printf '\002%s%s' 0123456789abcdef0123456789abcdef body | sha256sum
        let salt = *b"0123456789abcdef0123456789abcdef";
        let found: String = commit(&salt, b"body").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, "90c1dd1edee42f86efe39d35fba49bc5c8398321702c0378d2828134a888784b");
    }

    #[test]
    fn only_the_salt_and_body_it_was_made_from_open_a_commitment() {
        let salt = [7; 32];
        let commitment = commit(&salt, b"body");
        assert!(open_commitment(&commitment, &salt, b"body"));
        assert!(!open_commitment(&commitment, &salt, b"bodY"));
        assert!(!open_commitment(&commitment, &[8; 32], b"body"));
    }
}
