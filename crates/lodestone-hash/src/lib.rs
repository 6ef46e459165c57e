//! Bytes and pixels in, fingerprints out: PDQ with quality, its dihedral forms, MD5/SHA-1/SHA-256 in one pass.
