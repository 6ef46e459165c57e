//! What every radius search promises.

use crate::Code256;

/// One answer: entry `id` lies `distance_bits` from query number `query`.
///
/// The order of the fields is the order in which answers are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hit {
    /// Number of the query in its batch, from 0.
    pub query: u32,
    /// Bits that differ.
    pub distance_bits: u32,
    /// The entry's id, as given when the index was built.
    pub id: u64,
}

/// An exact search of all entries within a radius.
///
/// Whatever stands behind it (a linear scan, tables in a mapped file, several segments of a growing list) answers the
/// same: *every* entry within the radius, never a best few, sorted by query, then distance, then id. Two
/// implementations over the same entries give equal answers.
pub trait RadiusSearch: Send + Sync {
    /// Entries, equal codes counted each.
    fn len(&self) -> usize;

    /// Whether there is nothing to find.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends to `hits` every entry within `radius_bits` (0 to 256) of each query, sorted among themselves.
    /// `query` counts from 0 in this batch.
    ///
    /// Larger batches are cheaper per query. A query that is directly followed by its own complement shares its work
    /// with it: pass the forms of a picture as `form, !form, form, !form …`.
    fn search_into(&self, queries: &[Code256], radius_bits: u32, hits: &mut Vec<Hit>);

    /// Every entry within `radius_bits` of each query.
    fn search(&self, queries: &[Code256], radius_bits: u32) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.search_into(queries, radius_bits, &mut hits);
        hits
    }
}

/// What a search looked at: for metrics and log lines, so that skew in a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchStats {
    /// Queries answered.
    pub queries: u64,
    /// Buckets looked into.
    pub probes: u64,
    /// Entries of those buckets compared by their inline bits.
    pub entries: u64,
    /// Codes compared in full after that.
    pub verified: u64,
    /// Codes of linear parts compared.
    pub scanned: u64,
    /// Answers given.
    pub hits: u64,
}

impl std::ops::AddAssign for SearchStats {
    fn add_assign(&mut self, other: Self) {
        self.queries += other.queries;
        self.probes += other.probes;
        self.entries += other.entries;
        self.verified += other.verified;
        self.scanned += other.scanned;
        self.hits += other.hits;
    }
}
