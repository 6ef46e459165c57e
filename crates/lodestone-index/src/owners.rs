//! Which ids hold each distinct value.

/// Ids of each distinct value, in the order of the values: `ids[ends[i - 1]..ends[i]]`, ascending, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    ends: Vec<u32>,
    ids: Vec<u64>,
}

impl Owners {
    /// Takes sorted pairs apart: every distinct value goes to `each` once, its ids are kept. Equal pairs count once.
    ///
    /// # Panics
    /// With more than `u32::MAX` distinct pairs.
    pub(crate) fn of_sorted<T: PartialEq + Copy>(pairs: &[(T, u64)], each: &mut dyn FnMut(T)) -> Self {
        assert!(u32::try_from(pairs.len()).is_ok(), "an index holds at most u32::MAX entries");
        let mut owners = Self::default();
        let mut last: Option<(T, u64)> = None;
        for (value, id) in pairs {
            if last.is_none_or(|(known, _)| known != *value) {
                each(*value);
                owners.ends.push(owners.ids.len() as u32);
            }
            if last != Some((*value, *id)) {
                owners.ids.push(*id);
                if let Some(end) = owners.ends.last_mut() {
                    *end += 1;
                }
            }
            last = Some((*value, *id));
        }
        owners
    }

    /// Pairs kept.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Distinct values.
    pub(crate) fn distinct(&self) -> usize {
        self.ends.len()
    }

    /// The ids of the value at `position`; none beyond the last.
    pub(crate) fn of(&self, position: usize) -> &[u64] {
        let Some(end) = self.ends.get(position) else { return &[] };
        let start = if position == 0 { 0 } else { self.ends[position - 1] };
        &self.ids[start as usize..*end as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_place_and_equal_pairs_count_once() {
        let mut values = Vec::new();
        let pairs = [('a', 1), ('a', 1), ('a', 7), ('b', 7), ('c', 0), ('c', u64::MAX)];
        let owners = Owners::of_sorted(&pairs, &mut |value| values.push(value));
        assert_eq!(values, ['a', 'b', 'c']);
        assert_eq!((owners.len(), owners.distinct()), (5, 3));
        assert_eq!([owners.of(0), owners.of(1), owners.of(2)], [&[1, 7][..], &[7], &[0, u64::MAX]]);
        assert_eq!(owners.of(3), []);
    }
}
