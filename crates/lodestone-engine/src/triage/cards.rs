//! Cards: members, the one to look at first, and why they stand together.

use std::collections::{BTreeMap, BTreeSet};

use lodestone_types::{Edge, EdgeKind, Group, State, Transform};

use super::item::{Nearness, nearness};
use super::stacks::Stack;
use super::union::Union;
use super::{Link, TriageItem, TriageOptions, rank};

/// A group that is not yet numbered, and the places of its members among the items, in the same order.
pub(super) struct Card {
    pub(super) group: Group,
    pub(super) places: Vec<usize>,
}

/// Makes a card of each set of stacks that holds anything but known-good files.
pub(super) fn cards(
    items: &[TriageItem],
    stacks: &[Stack],
    union: &mut Union,
    links: &[Link],
    options: &TriageOptions,
) -> Vec<Card> {
    let mut links_of_leader: BTreeMap<u32, Vec<Link>> = BTreeMap::new();
    for link in links {
        links_of_leader.entry(union.leader(link.a)).or_default().push(*link);
    }
    let mut cards = Vec::new();
    for set in union.sets() {
        let links = set.first().and_then(|leader| links_of_leader.remove(leader)).unwrap_or_default();
        let shown = |n: &u32| stacks[*n as usize].head(items).state() != State::KnownGood;
        if set.iter().any(shown) {
            cards.push(card(items, stacks, &set, &links, options));
        }
    }
    cards
}

fn card(
    items: &[TriageItem],
    stacks: &[Stack],
    set: &[u32],
    links: &[Link],
    options: &TriageOptions,
) -> Card {
    let mut members: Vec<(usize, u32)> = Vec::new();
    for number in set {
        members.extend(stacks[*number as usize].places.iter().map(|place| (*place, *number)));
    }
    members.sort_by(|(a, _), (b, _)| {
        let (a, b) = (&items[*a], &items[*b]);
        a.path().cmp(b.path()).then_with(|| a.content.cmp(&b.content))
    });
    let places: Vec<usize> = members.iter().map(|(place, _)| *place).collect();
    let mut representative = 0;
    for (index, place) in places.iter().enumerate() {
        let merit = |place: usize| (items[place].quality, items[place].pixels);
        if merit(*place) > merit(places[representative]) {
            representative = index;
        }
    }
    let mut heads: BTreeMap<u32, usize> = BTreeMap::new();
    let mut edges = Vec::new();
    for (index, (_, number)) in members.iter().enumerate() {
        let head = *heads.entry(*number).or_insert(index);
        if head != index {
            let (kind, transform) = (EdgeKind::Identical, Transform::default());
            edges.push(Edge { a: head, b: index, kind, distance_bits: 0, transform });
        }
    }
    let centre = members[representative].1;
    for (a, b, kind) in pairs(items, stacks, &heads, centre, links, options) {
        edges.push(edge(items, &places, &heads, (a, b), kind, options));
    }
    edges.sort_by_key(|edge| (edge.a, edge.b));

    let all_resolved = places.iter().all(|place| items[*place].is_resolved());
    let priority = rank::priority(items, &places, options.min_quality);
    let mut reasons: Vec<String> = priority.factors.iter().map(|factor| factor.why.clone()).collect();
    reasons.extend(together(&edges, heads.len()));
    let count = places.len() as u64;
    let group = Group {
        group: 0,
        rank: 0,
        members: places.iter().map(|place| items[*place].path().to_owned()).collect(),
        representative,
        reasons,
        priority,
        edges,
        exposures_saved: if all_resolved {
            count
        } else {
            count - 1 - own_looks(items, stacks, &heads, centre, links)
        },
    };
    Card { group, places }
}

/// Files beside the representative's that it does not show: what holds a known picture among others, or an edit of it.
fn own_looks(
    items: &[TriageItem],
    stacks: &[Stack],
    heads: &BTreeMap<u32, usize>,
    centre: u32,
    links: &[Link],
) -> u64 {
    let beside: BTreeSet<u32> = links
        .iter()
        .filter(|link| matches!(link.kind, EdgeKind::InCollageWith | EdgeKind::EditOf))
        .flat_map(|link| [link.a, link.b])
        .collect();
    let more = |number: &u32| {
        let item = stacks[*number as usize].head(items);
        let more = item.shows_more_than_known() || beside.contains(number);
        *number != centre && !item.is_resolved() && more
    };
    heads.keys().filter(|number| more(number)).count() as u64
}

/// Which stacks to join by an edge: the representative's with each that is near it, and every other by the links that
/// brought it in. So all members hang together.
fn pairs(
    items: &[TriageItem],
    stacks: &[Stack],
    heads: &BTreeMap<u32, usize>,
    centre: u32,
    links: &[Link],
    options: &TriageOptions,
) -> BTreeSet<(u32, u32, Option<EdgeKind>)> {
    let near = |n: u32| {
        let near = near(items, stacks, (centre.min(n), centre.max(n)), options)?;
        (near.distance_bits <= options.similar_bits.max(options.same_picture_bits)).then_some(near)
    };
    let far: BTreeSet<u32> = heads.keys().copied().filter(|n| *n != centre && near(*n).is_none()).collect();
    let mut pairs: BTreeSet<(u32, u32, Option<EdgeKind>)> = BTreeSet::new();
    for n in heads.keys().filter(|n| **n != centre && !far.contains(n)) {
        pairs.insert((centre.min(*n), centre.max(*n), None));
    }
    for link in links.iter().filter(|link| far.contains(&link.a) || far.contains(&link.b)) {
        pairs.insert((link.a, link.b, Some(link.kind)));
    }
    pairs
}

fn near(
    items: &[TriageItem],
    stacks: &[Stack],
    (a, b): (u32, u32),
    options: &TriageOptions,
) -> Option<Nearness> {
    let a = stacks[a as usize].head(items).comparable(options.min_quality)?;
    let b = stacks[b as usize].head(items).comparable(options.min_quality)?;
    Some(nearness(a, b))
}

/// The edge between two stacks, by their heads. Only a link by a shared known entry may join pictures that are far
/// apart, or that cannot be compared; it carries no transform.
fn edge(
    items: &[TriageItem],
    places: &[usize],
    heads: &BTreeMap<u32, usize>,
    (a, b): (u32, u32),
    link: Option<EdgeKind>,
    options: &TriageOptions,
) -> Edge {
    let (a, b) = (heads[&a], heads[&b]);
    let hashes = |index: usize| items[places[index]].hashes.as_deref();
    let near = hashes(a).zip(hashes(b)).map(|(a, b)| nearness(a, b));
    let distance_bits = near.map_or(0, |near| near.distance_bits);
    let kind = match link {
        Some(
            kind @ (EdgeKind::SameKnown | EdgeKind::CropOf | EdgeKind::InCollageWith | EdgeKind::EditOf),
        ) => kind,
        _ if distance_bits <= options.same_picture_bits => EdgeKind::SamePicture,
        _ => EdgeKind::Similar,
    };
    let transform = match near {
        Some(near) if near.distance_bits <= options.similar_bits => near.transform,
        _ => Transform::default(),
    };
    Edge { a, b, kind, distance_bits, transform }
}

/// Sentences that say why the members stand together.
fn together(edges: &[Edge], distinct: usize) -> Vec<String> {
    let mut reasons = Vec::new();
    let of = |kind: EdgeKind| edges.iter().filter(move |edge| edge.kind == kind);
    let identical = of(EdgeKind::Identical).count();
    if identical > 0 {
        reasons.push(format!(
            "{identical} more {} the bytes of another member.",
            plural(identical, "file has", "files have")
        ));
    }
    for (kind, what) in
        [(EdgeKind::SamePicture, "the same picture"), (EdgeKind::Similar, "a similar picture")]
    {
        let count = of(kind).count();
        if count == 0 {
            continue;
        }
        let weakest = of(kind).map(|edge| edge.distance_bits).max().unwrap_or(0);
        let turned = of(kind).filter(|edge| edge.transform != Transform::default()).count();
        let mut reason =
            format!("{count} of {distinct} distinct files linked as {what}, at most {weakest} bits apart");
        if turned > 0 {
            reason.push_str(&format!("; {turned} turned, mirrored or inverted"));
        }
        reason.push('.');
        reasons.push(reason);
    }
    let known = of(EdgeKind::SameKnown).count();
    if known > 0 {
        reasons.push(format!("{known} linked because they match the same known entry."));
    }
    for (kind, what) in [
        (EdgeKind::CropOf, "a crop of what another shows"),
        (EdgeKind::InCollageWith, "in a collage, screen or frame with what another shows"),
        (EdgeKind::EditOf, "an edit of what another shows"),
    ] {
        let count = of(kind).count();
        if count > 0 {
            reasons.push(format!("{count} of {distinct} distinct files linked as {what}."));
        }
    }
    reasons
}

fn plural<'a>(count: usize, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}
