//! MD5, SHA-1 and SHA-256 of the same bytes, read from memory once.

use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;

/// Bytes given to one digest before the next gets them: they stay in the first-level cache meanwhile.
const CHUNK_BYTES: usize = 16 << 10;

/// Cryptographic digests of one sequence of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digests {
    /// MD5, what most lists of old hold.
    pub md5: [u8; 16],
    /// SHA-1.
    pub sha1: [u8; 20],
    /// SHA-256.
    pub sha256: [u8; 32],
}

/// Makes the three digests together. SHA instructions are used where the CPU has them.
#[derive(Clone, Default)]
pub struct Digester {
    md5: Md5,
    sha1: Sha1,
    sha256: Sha256,
}

impl Digester {
    /// A digester that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, any number.
    pub fn update(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(CHUNK_BYTES) {
            self.md5.update(chunk);
            self.sha1.update(chunk);
            self.sha256.update(chunk);
        }
    }

    /// The digests of all bytes taken.
    pub fn finish(self) -> Digests {
        Digests {
            md5: self.md5.finalize().into(),
            sha1: self.sha1.finalize().into(),
            sha256: self.sha256.finalize().into(),
        }
    }
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Digester").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_digests_of_abc_are_the_published_ones() {
        let mut digester = Digester::new();
        digester.update(b"a");
        digester.update(b"");
        digester.update(b"bc");
        let digests = digester.finish();
        assert_eq!(hex(&digests.md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex(&digests.sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hex(&digests.sha256), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_million_letters_give_the_published_digests_however_they_come() {
        let letters = vec![b'a'; 1_000_000];
        let mut whole = Digester::new();
        whole.update(&letters);
        let mut pieces = Digester::new();
        letters.chunks(70_001).for_each(|piece| pieces.update(piece));
        let digests = whole.finish();
        assert_eq!(pieces.finish(), digests);
        assert_eq!(hex(&digests.md5), "7707d6ae4e027c70eea2a935c2296f21");
        assert_eq!(hex(&digests.sha1), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
        assert_eq!(hex(&digests.sha256), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}
