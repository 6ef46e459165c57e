//! Exact stacks, and files that match the same known entry.

use std::collections::BTreeMap;

use lodestone_types::{EdgeKind, Relation};

use super::{Link, TriageItem};

/// Files with the same bytes: places of items, in path order. Never empty.
pub(super) struct Stack {
    pub(super) places: Vec<usize>,
}

impl Stack {
    /// The first by path, which stands for the others.
    pub(super) fn head<'a>(&self, items: &'a [TriageItem]) -> &'a TriageItem {
        &items[self.places[0]]
    }
}

/// All items that can be on a card, stacked by their bytes; stacks in path order of their heads.
pub(super) fn stacks(items: &[TriageItem]) -> Vec<Stack> {
    let mut places: Vec<usize> = (0..items.len()).filter(|place| items[*place].is_shown()).collect();
    places.sort_by(|a, b| {
        let (a, b) = (&items[*a], &items[*b]);
        a.path().cmp(b.path()).then_with(|| a.content.cmp(&b.content))
    });
    let mut stack_of_content = BTreeMap::new();
    let mut stacks: Vec<Stack> = Vec::new();
    for place in places {
        let new = stacks.len();
        let stack = match items[place].content {
            Some(content) => *stack_of_content.entry(content).or_insert(new),
            None => new,
        };
        if stack == new {
            stacks.push(Stack { places: Vec::new() });
        }
        stacks[stack].places.push(place);
    }
    stacks
}

/// What a file's relation to the known picture says of its relation to others that match it.
fn kind(relation: Option<Relation>) -> EdgeKind {
    match relation {
        Some(Relation::CropOf) => EdgeKind::CropOf,
        Some(Relation::Contains | Relation::ContainsPartOf) => EdgeKind::InCollageWith,
        Some(Relation::EditedFromKnown) => EdgeKind::EditOf,
        _ => EdgeKind::SameKnown,
    }
}

/// Links the first stack that matches a known entry with every other that matches it, by digest or PDQ. Of each bank,
/// a file's best match counts.
pub(super) fn same_known(items: &[TriageItem], stacks: &[Stack]) -> Vec<Link> {
    let mut first_of_entry: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let mut links = Vec::new();
    for (b, stack) in (0..).zip(stacks) {
        for known in stack.head(items).known.iter() {
            let a = *first_of_entry.entry((&*known.bank, &*known.entry)).or_insert(b);
            if a != b {
                links.push(Link { a, b, kind: kind(known.relation) });
            }
        }
    }
    links
}
