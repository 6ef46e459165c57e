//! Triage: from a pile of files to ranked cards, one card per group of files that show the same or a similar picture.
//!
//! ```text
//! items ─▶ exact stacks ─▶ same picture (≤ 31 bits) ─▶ similar (≤ 48 bits, medoids) ─▶ one within another
//!       ─▶ same known entry ─▶ rank
//!           (SHA-256)         └──────── split where chains grow ────────┘
//! ```
//!
//! - Pictures are compared by the hash of the first frame (alpha dropped), the later one in all 16 forms: eight
//!   symmetries, each with its colours inverted. Other frames and composites take part in matching, not in grouping.
//! - Pictures below the quality floor say too little of themselves: they group by exact bytes or by a shared known
//!   entry only.
//! - Chains of near pairs percolate in large piles, so components that grow beyond 50 files or 96 bits across are
//!   split into stars round their medoids. *Source:* `ThreatExchange` and Thorn's `perception` group likewise; the
//!   radii come from a measured tail of unrelated pairs, see [`TriageOptions::similar_bits`].
//! - Every file that was read or matched is in exactly one group, alone if need be. Two kinds are in none and are
//!   listed elsewhere: files that could not be read as pictures and match nothing, and known-good files, unless such a
//!   file is alike to one that is not known-good.
//!
//! The result depends on the items alone, not on their order. Cost: `16 · n² / 2` comparisons of distinct hashes, made
//! by a vectorised join; a few hundred bytes an item.

mod cards;
mod component;
mod item;
mod pictures;
mod rank;
mod regions;
mod stacks;
mod union;

use std::collections::BTreeSet;

use lodestone_types::{EdgeKind, Group, State};

pub use item::TriageItem;
pub use rank::{RULES, Rule};

use union::Union;

/// How files are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TriageOptions {
    /// Hashes of lower quality do not group by similarity. 50. *Source:* ThreatExchange `pdq/README.md`.
    pub min_quality: u8,
    /// PDQ distance up to which two files show the same picture, bits. 31: no unrelated pair of photographs came
    /// nearer than 70 in 3 · 10⁸ pairs.
    pub same_picture_bits: u32,
    /// PDQ distance up to which pictures are similar, bits; lowered in very large piles so that fewer than one in a
    /// hundred of them has an accidental neighbour, and never above 64. 48.
    pub similar_bits: u32,
}

impl Default for TriageOptions {
    fn default() -> Self {
        Self { min_quality: 50, same_picture_bits: 31, similar_bits: 48 }
    }
}

/// How far triage has come: `done` of `total` comparisons of the pass at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TriageProgress {
    /// 1: same picture; 2: similar.
    pub pass: u8,
    /// Comparisons done.
    pub done: u64,
    /// Comparisons of this pass.
    pub total: u64,
}

/// What triage says of a pile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Triaged {
    /// The cards, in rank order.
    pub groups: Vec<Group>,
    /// For each item, the number of its group.
    pub group_of: Vec<Option<u64>>,
    /// Items that were `examined` and turn out `alike`: grouped with another file.
    pub alike: BTreeSet<usize>,
}

/// Why two stacks stand together; numbers of stacks, `a < b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    a: u32,
    b: u32,
    kind: EdgeKind,
}

/// Groups and ranks. See the head of this module.
pub fn triage(
    items: &[TriageItem],
    options: &TriageOptions,
    progress: &mut dyn FnMut(TriageProgress),
) -> Triaged {
    let stacks = stacks::stacks(items);
    let mut links = pictures::links(items, &stacks, options, progress);
    let mut union = Union::new(stacks.len());
    for link in &links {
        union.join(link.a, link.b);
    }
    let apart = regions::within(items, &stacks, options);
    for link in apart.into_iter().chain(stacks::same_known(items, &stacks)) {
        if union.join(link.a, link.b) {
            links.push(link);
        }
    }
    links.sort_unstable();
    links.dedup();

    let mut cards = cards::cards(items, &stacks, &mut union, &links, options);
    cards.sort_by(|a, b| {
        let points = b.group.priority.points.cmp(&a.group.priority.points);
        points.then_with(|| a.group.members.cmp(&b.group.members)).then_with(|| a.places.cmp(&b.places))
    });
    let mut triaged = Triaged { group_of: vec![None; items.len()], ..Triaged::default() };
    for (number, mut card) in (1..).zip(cards) {
        card.group.group = number;
        card.group.rank = number;
        for place in &card.places {
            triaged.group_of[*place] = Some(number);
            if card.places.len() > 1 && items[*place].state() == State::Examined {
                triaged.alike.insert(*place);
            }
        }
        triaged.groups.push(card.group);
    }
    triaged
}
