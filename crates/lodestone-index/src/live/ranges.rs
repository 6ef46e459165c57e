//! Ranges of ids: what a removal of many ids at once leaves behind.

/// Ranges of ids, ascending, none touching the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IdRanges(Vec<(u64, u64)>);

impl IdRanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// First and last id of each range.
    pub(crate) fn as_slice(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// Whether every id is in them.
    pub(crate) fn all(&self) -> bool {
        self.0 == [(0, u64::MAX)]
    }

    pub(crate) fn contains(&self, id: u64) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < id);
        self.0.get(at).is_some_and(|(first, _)| *first <= id)
    }

    /// Adds `first..=last`; ranges that meet become one.
    pub(crate) fn insert(&mut self, mut first: u64, mut last: u64) {
        if first > last {
            return;
        }
        // From the first range that meets this one (or ends just before it) to the last that does.
        let start = self.0.partition_point(|(_, end)| end.checked_add(1).is_some_and(|next| next < first));
        let end = self.0.partition_point(|(begin, _)| begin.saturating_sub(1) <= last);
        for (begin, end) in self.0.get(start..end).unwrap_or_default() {
            first = first.min(*begin);
            last = last.max(*end);
        }
        self.0.splice(start..end.max(start), [(first, last)]);
    }

    /// The ranges of a file; `None` when they are not as `insert` leaves them.
    pub(crate) fn from_sorted(ranges: Vec<(u64, u64)>) -> Option<Self> {
        let apart =
            |pair: &[(u64, u64)]| matches!(pair, [a, b] if a.1.checked_add(1).is_some_and(|n| n < b.0));
        let good = ranges.iter().all(|(first, last)| first <= last) && ranges.windows(2).all(apart);
        good.then_some(Self(ranges))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_hold_what_was_put_in_and_stay_apart(
            inserted in prop::collection::vec((0u64..80, 0u64..12, any::<bool>()), 0..20)
        ) {
            // Half of them at the upper end, where a successor overflows.
            let inserted: Vec<(u64, u64)> = inserted
                .into_iter()
                .map(|(first, n, high)| if high { (u64::MAX - first - n, u64::MAX - first) } else { (first, first + n) })
                .collect();
            let mut ranges = IdRanges::default();
            for (first, last) in &inserted {
                ranges.insert(*first, *last);
            }
            for id in (0..100).chain(u64::MAX - 100..=u64::MAX) {
                let expected = inserted.iter().any(|(first, last)| (*first..=*last).contains(&id));
                prop_assert_eq!(ranges.contains(id), expected, "{}", id);
            }
            prop_assert_eq!(IdRanges::from_sorted(ranges.as_slice().to_vec()), Some(ranges));
        }
    }

    #[test]
    fn ranges_of_a_file_that_touch_or_run_backwards_are_refused() {
        for bad in [vec![(5, 4)], vec![(1, 4), (5, 9)], vec![(6, 7), (1, 2)], vec![(0, u64::MAX), (3, 4)]] {
            assert_eq!(IdRanges::from_sorted(bad), None);
        }
    }

    #[test]
    fn two_halves_make_all() {
        let mut ranges = IdRanges::default();
        ranges.insert(1 << 63, u64::MAX);
        assert!(!ranges.all());
        ranges.insert(0, (1 << 63) - 1);
        assert!(ranges.all());
    }
}
