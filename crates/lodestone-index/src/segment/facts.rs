//! What a segment says of itself.

/// What a segment holds and where its bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentFacts {
    /// Version of the file format.
    pub version: u32,
    /// Bits of a code: 256.
    pub code_bits: u32,
    /// Pairs of a code and an id, canaries left out.
    pub entries: u64,
    /// Distinct codes, canaries left out.
    pub distinct: u64,
    /// Pairs kept for the self-test only.
    pub canaries: u64,
    /// Bytes an owner takes, 4 or 8, those of codes with several left out.
    pub owner_bytes: u32,
    /// Length of the file, or of the same bytes in memory.
    pub file_bytes: u64,
    /// Checksum (XXH3-64) over the checksums of everything: equal files have equal ones.
    pub checksum: u64,
    /// Every block has been checked, or the segment was made in this process.
    pub verified: bool,
    /// The parts.
    pub parts: Vec<PartFacts>,
    /// The sections, in the order of the file.
    pub sections: Vec<SectionFacts>,
}

/// Codes that are searched in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartFacts {
    /// Distinct codes, canaries included.
    pub codes: u64,
    /// Every code has an even number of bits set.
    pub even: bool,
    /// Bits of each chunk, one table each; empty: the part is scanned.
    pub widths: Vec<u8>,
}

/// One section of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SectionFacts {
    /// `codes`, `owners`, `dir`, `next`, `ids` or `lists`.
    pub name: &'static str,
    /// Its part; the number of parts for `lists`.
    pub part: usize,
    /// Its table, 0 where there is none.
    pub table: usize,
    /// Where it begins.
    pub offset: u64,
    /// Its length without filling.
    pub bytes: u64,
}
