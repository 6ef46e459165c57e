//! Which stacks show the same picture, and which a similar one.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use lodestone_index::{Code256, self_join_forms};
use lodestone_types::EdgeKind;

use super::component::{Node, has_percolated, stars};
use super::stacks::Stack;
use super::union::Union;
use super::{Link, TriageItem, TriageOptions, TriageProgress};

/// Links stacks of the same and of similar pictures. The links of a group form a tree or a star.
pub(super) fn links(
    items: &[TriageItem],
    stacks: &[Stack],
    options: &TriageOptions,
    progress: &mut dyn FnMut(TriageProgress),
) -> Vec<Link> {
    let mut links = Vec::new();
    // Stacks with equal hashes are one node, which the first of them stands for.
    let mut node_of_code: BTreeMap<Code256, usize> = BTreeMap::new();
    let mut nodes: Vec<Node<'_>> = Vec::new();
    for (number, stack) in (0..).zip(stacks) {
        let head = stack.head(items);
        let Some(forms) = head.comparable(options.min_quality) else { continue };
        let merit = (head.quality, head.pixels);
        let node = *node_of_code.entry(forms[0]).or_insert(nodes.len());
        match nodes.get_mut(node) {
            Some(node) => {
                node.files += 1;
                node.merit = node.merit.max(merit);
                links.push(Link { a: node.number, b: number, kind: EdgeKind::SamePicture });
            }
            None => nodes.push(Node { number, forms, merit, files: 1 }),
        }
    }
    drop(node_of_code);

    let same = options.same_picture_bits;
    let pictures =
        cluster(&nodes, same, &mut |done, total| progress(TriageProgress { pass: 1, done, total }));
    let medoids: Vec<Node<'_>> = medoids(&nodes, &pictures);
    link(&pictures, EdgeKind::SamePicture, &mut links);

    let similar = similar_bits(nodes.len() as u64, options.similar_bits);
    if similar > same {
        let clusters =
            cluster(&medoids, similar, &mut |done, total| progress(TriageProgress { pass: 2, done, total }));
        link(&clusters, EdgeKind::Similar, &mut links);
    }
    links
}

/// Nodes that belong together, by their numbers, and the pairs that hold them together.
struct Cluster {
    numbers: Vec<u32>,
    pairs: Vec<(u32, u32)>,
}

/// Clusters of nodes (given in ascending order of number) by chains of near pairs, split where the chains have grown
/// too far.
fn cluster(nodes: &[Node<'_>], radius_bits: u32, progress: &mut dyn FnMut(u64, u64)) -> Vec<Cluster> {
    let codes: Vec<Code256> = nodes.iter().map(|node| node.forms[0]).collect();
    let forms: Vec<&[Code256; 8]> = nodes.iter().map(|node| node.forms).collect();
    let mut union = Union::new(nodes.len());
    let mut tree: Vec<(u32, u32)> = Vec::new();
    let _ = self_join_forms(&codes, &forms, radius_bits, &mut |step| {
        for pair in step.pairs {
            if union.join(pair.a, pair.b) {
                tree.push((pair.a, pair.b));
            }
        }
        progress(step.done, step.total);
        ControlFlow::Continue(())
    });
    drop((codes, forms));

    let sets = union.sets();
    let mut pairs_of_leader: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    for (a, b) in tree {
        let pair = (nodes[a as usize].number, nodes[b as usize].number);
        pairs_of_leader.entry(union.leader(a)).or_default().push(pair);
    }
    let mut clusters = Vec::new();
    for set in sets {
        let members: Vec<Node<'_>> = set.iter().map(|n| nodes[*n as usize]).collect();
        if has_percolated(&members) {
            for star in stars(&members, radius_bits) {
                let centre = star[0];
                let pairs = star[1..].iter().map(|n| (centre.min(*n), centre.max(*n))).collect();
                clusters.push(Cluster { numbers: star, pairs });
            }
        } else {
            let pairs = pairs_of_leader.remove(&set[0]).unwrap_or_default();
            clusters.push(Cluster { numbers: members.iter().map(|node| node.number).collect(), pairs });
        }
    }
    clusters
}

/// The best picture of each cluster (quality, then pixels, then path) stands for it; in ascending order of number.
fn medoids<'a>(nodes: &[Node<'a>], clusters: &[Cluster]) -> Vec<Node<'a>> {
    let by_number: BTreeMap<u32, &Node<'a>> = nodes.iter().map(|node| (node.number, node)).collect();
    let mut medoids: Vec<Node<'a>> = Vec::new();
    for cluster in clusters {
        let members = || cluster.numbers.iter().filter_map(|number| by_number.get(number));
        let files = members().map(|node| node.files).sum();
        if let Some(best) = members().max_by_key(|node| (node.merit, std::cmp::Reverse(node.number))) {
            medoids.push(Node { files, ..**best });
        }
    }
    medoids.sort_by_key(|node| node.number);
    medoids
}

fn link(clusters: &[Cluster], kind: EdgeKind, links: &mut Vec<Link>) {
    for cluster in clusters {
        links.extend(cluster.pairs.iter().map(|(a, b)| Link { a: *a, b: *b, kind }));
    }
}

/// Chance that two unrelated photographs lie within so many bits. Measured on 3.2 · 10⁸ pairs from 72 up (none at 68);
/// below that continued by a factor of 4 for 4 bits, the slope of the measured part.
const TAIL: [(u32, f64); 9] = [
    (32, 5.7e-15),
    (36, 2.3e-14),
    (40, 9.2e-14),
    (44, 3.7e-13),
    (48, 1.5e-12),
    (52, 5.9e-12),
    (56, 2.3e-11),
    (60, 9.4e-11),
    (64, 3.8e-10),
];

/// The largest radius up to `wanted` (and 64) at which a picture among `n` others in 16 forms has an accidental
/// neighbour with a chance of at most 1 in 100. Chains run away when that chance nears 1.
fn similar_bits(n: u64, wanted: u32) -> u32 {
    let allowed = TAIL.iter().rev().find(|(_, chance)| 16.0 * n as f64 * chance <= 0.01);
    wanted.min(allowed.map_or(31, |(bits, _)| *bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_radius_of_similar_shrinks_with_the_pile_and_never_exceeds_64() {
        assert_eq!(similar_bits(1_000, 48), 48);
        assert_eq!(similar_bits(100_000_000, 48), 48);
        assert_eq!(similar_bits(1_000, 90), 64);
        assert_eq!(similar_bits(100_000_000, 64), 52);
        assert_eq!(similar_bits(10_000_000_000, 48), 36);
        assert_eq!(similar_bits(u64::MAX, 64), 31);
    }
}
