//! Which content id an entry has, and back.
//!
//! Entries are numbered by bank, contents in the order they came, over all banks (HMA's `bank_content_id`). Both rise
//! together for a while, then jump: kept as runs, an import of a million is one of them.

use std::sync::Arc;

use lodestone_store::ContentRun;

/// Runs of entry numbers and the content ids that go with them.
#[derive(Clone, Debug, Default)]
pub struct ContentIds {
    /// By entry number, without overlap.
    base: Arc<Vec<ContentRun>>,
    /// Since `base` was made: by entry number too.
    recent: Vec<ContentRun>,
}

/// Recent runs above which they are merged into the base.
const RECENT: usize = 1024;

impl ContentIds {
    /// All runs of a store.
    pub(crate) fn new(mut runs: Vec<ContentRun>) -> Self {
        runs.sort_unstable_by_key(|run| run.first_no);
        Self { base: Arc::new(runs), recent: Vec::new() }
    }

    /// With these runs too; one that begins where a known one does replaces it (it grew).
    pub(crate) fn with(&self, runs: &[ContentRun]) -> Self {
        let mut ids = self.clone();
        for run in runs {
            put(&mut ids.recent, *run);
        }
        if ids.recent.len() > RECENT {
            let mut all = Vec::clone(&ids.base);
            for run in ids.recent.drain(..) {
                put(&mut all, run);
            }
            ids.base = Arc::new(all);
        }
        ids
    }

    /// The content id of an entry.
    pub fn id_of(&self, entry_no: u64) -> Option<u64> {
        let entry_no = i64::try_from(entry_no).ok()?;
        find(&self.recent, entry_no).or_else(|| find(&self.base, entry_no))
    }
}

fn put(runs: &mut Vec<ContentRun>, run: ContentRun) {
    match runs.binary_search_by_key(&run.first_no, |run| run.first_no) {
        Ok(at) => {
            if let Some(old) = runs.get_mut(at) {
                *old = run;
            }
        }
        Err(at) => runs.insert(at, run),
    }
}

fn find(runs: &[ContentRun], entry_no: i64) -> Option<u64> {
    let after = runs.partition_point(|run| run.first_no <= entry_no);
    let id = runs.get(after.checked_sub(1)?)?.id_of(entry_no)?;
    u64::try_from(id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(first_no: i64, first_id: i64, length: i64) -> ContentRun {
        ContentRun { first_no, first_id, length }
    }

    #[test]
    fn ids_follow_runs_that_grow_and_interleave() {
        let ids = ContentIds::new(vec![run(200, 11, 5), run(100, 1, 10)]);
        assert_eq!((ids.id_of(100), ids.id_of(109), ids.id_of(110)), (Some(1), Some(10), None));
        assert_eq!(ids.id_of(204), Some(15));
        let grown = ids.with(&[run(200, 11, 6), run(110, 17, 1)]);
        assert_eq!((grown.id_of(205), grown.id_of(110)), (Some(16), Some(17)));
        assert_eq!(ids.id_of(205), None);
        let mut many = grown;
        for i in 0..3000 {
            many = many.with(&[run(10_000 + i * 2, 100 + i, 1)]);
        }
        assert_eq!(
            (many.id_of(205), many.id_of(10_000), many.id_of(15_998)),
            (Some(16), Some(100), Some(3099))
        );
    }
}
