//! A list that grows by making new ones, which share their parts with the old.

use std::cmp::Ordering;
use std::sync::Arc;

/// Sorted parts, each at least twice as large as the next: an addition copies as many items as the binary counter it
/// resembles carries, some log₂ n on average.
#[derive(Clone, Debug)]
pub(super) struct Layers<T> {
    layers: Vec<Arc<Vec<T>>>,
    order: fn(&T, &T) -> Ordering,
}

impl<T: Clone> Layers<T> {
    pub(super) fn new(order: fn(&T, &T) -> Ordering) -> Self {
        Self { layers: Vec::new(), order }
    }

    /// This list and more items.
    pub(super) fn with(&self, mut items: Vec<T>) -> Self {
        let mut layers = self.layers.clone();
        while layers.last().is_some_and(|last| last.len() < 2 * items.len()) {
            if let Some(last) = layers.pop() {
                items.extend(last.iter().cloned());
            }
        }
        if !items.is_empty() {
            items.sort_by(self.order);
            layers.push(Arc::new(items));
        }
        Self { layers, order: self.order }
    }

    /// This list without some items. Copies the parts that hold one.
    pub(super) fn without(&self, gone: impl Fn(&T) -> bool) -> Self {
        let mut layers = Vec::new();
        for layer in &self.layers {
            if !layer.iter().any(&gone) {
                layers.push(Arc::clone(layer));
                continue;
            }
            let left: Vec<T> = layer.iter().filter(|item| !gone(item)).cloned().collect();
            if !left.is_empty() {
                layers.push(Arc::new(left));
            }
        }
        layers.sort_by_key(|layer| std::cmp::Reverse(layer.len()));
        Self { layers, order: self.order }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.layers.iter().flat_map(|layer| layer.iter())
    }

    /// Items that are equal to something, told how each compares with it. Cost: log² n.
    pub(super) fn equal<'a>(
        &'a self,
        compare: impl Fn(&T) -> Ordering + Copy + 'a,
    ) -> impl Iterator<Item = &'a T> {
        self.layers.iter().flat_map(move |layer| {
            let from = layer.partition_point(move |item| compare(item) == Ordering::Less);
            layer[from..].iter().take_while(move |item| compare(item) == Ordering::Equal)
        })
    }

    pub(super) fn len(&self) -> usize {
        self.layers.iter().map(|layer| layer.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additions_leave_the_older_list_as_it_was_and_few_parts() {
        let mut lists = vec![Layers::new(u32::cmp)];
        for item in 0..1000u32 {
            let next = lists.last().unwrap().with(vec![item % 100]);
            lists.push(next);
        }
        for (len, list) in lists.iter().enumerate() {
            assert_eq!(list.len(), len);
            assert!(list.layers.len() <= 11);
        }
        let last = lists.last().unwrap();
        assert_eq!(last.equal(|item| item.cmp(&7)).count(), 10);
        let less = last.without(|item| *item == 7);
        assert_eq!((less.len(), less.equal(|item| item.cmp(&7)).count()), (990, 0));
        assert_eq!(last.equal(|item| item.cmp(&7)).count(), 10);
        assert_eq!(last.without(|_| true).len(), 0);
    }
}
