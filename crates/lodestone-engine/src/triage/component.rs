//! The percolation guard: components of near pairs that have grown too far are split into stars.

use std::cmp::Reverse;
use std::ops::ControlFlow;

use lodestone_index::{Code256, self_join_forms};

use super::item::nearness;

/// Distinct files above which a component is split. *Source:* the largest true groups measured held 26 to 37.
const MAX_FILES: u64 = 50;
/// Distance between two members above which a component is split, bits; unrelated pictures begin there.
const MAX_DIAMETER_BITS: u32 = 96;

/// One picture in a component.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    /// The caller's number; also the order in which ties are broken.
    pub(super) number: u32,
    pub(super) forms: &'a [Code256; 8],
    /// How good a picture it is: quality, then pixels.
    pub(super) merit: (u8, u64),
    /// Distinct files it stands for.
    pub(super) files: u64,
}

/// Whether a component must be split: too many files, or two members too far apart. A large one is always split:
/// if its medoid is near all others, one star remains and nothing changes.
pub(super) fn has_percolated(nodes: &[Node<'_>]) -> bool {
    if nodes.len() < 3 {
        return false; // two members are within the radius of each other
    }
    if nodes.iter().map(|node| node.files).sum::<u64>() > MAX_FILES {
        return true;
    }
    let mut pairs =
        nodes.iter().enumerate().flat_map(|(b, later)| nodes[..b].iter().map(move |a| (a, later)));
    pairs.any(|(a, b)| nearness(a.forms, b.forms).distance_bits > MAX_DIAMETER_BITS)
}

/// Splits a component, given in ascending order of `number`, into stars: the member with most neighbours (then of most
/// merit, then first) takes all its neighbours within `radius_bits`, and so on with those left. Each star leads with
/// its centre; every other member is a neighbour of it.
///
/// Cost: a join of the component and `stars × members` comparisons.
pub(super) fn stars(nodes: &[Node<'_>], radius_bits: u32) -> Vec<Vec<u32>> {
    let codes: Vec<Code256> = nodes.iter().map(|node| node.forms[0]).collect();
    let forms: Vec<&[Code256; 8]> = nodes.iter().map(|node| node.forms).collect();
    // A picture with a symmetry of its own counts once for each form that is near.
    let mut neighbours = vec![0u64; nodes.len()];
    let _ = self_join_forms(&codes, &forms, radius_bits, &mut |step| {
        for pair in step.pairs {
            neighbours[pair.a as usize] += 1;
            neighbours[pair.b as usize] += 1;
        }
        ControlFlow::Continue(())
    });
    let mut centres: Vec<usize> = (0..nodes.len()).collect();
    centres.sort_by_key(|n| (Reverse(neighbours[*n]), Reverse(nodes[*n].merit), *n));
    let mut left: Vec<usize> = (0..nodes.len()).collect();
    let mut taken = vec![false; nodes.len()];
    let mut stars = Vec::new();
    for centre in centres {
        if taken[centre] {
            continue;
        }
        let mut star = vec![nodes[centre].number];
        left.retain(|n| {
            let (a, b) = (&nodes[centre.min(*n)], &nodes[centre.max(*n)]);
            let near = *n == centre || nearness(a.forms, b.forms).distance_bits <= radius_bits;
            if near {
                taken[*n] = true;
                if *n != centre {
                    star.push(nodes[*n].number);
                }
            }
            !near
        });
        stars.push(star);
    }
    stars
}
