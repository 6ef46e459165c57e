//! Matching without an index: each known feature with its nearest questioned one, if both choose each other.

use super::fit::Pair;
use super::sheet::Sheet;

/// Pairs farther apart than this are chance.
const LIMIT_BITS: u32 = 76;

/// Pairs that choose each other and whose second choice, elsewhere, is clearly worse. Cost: `known x questioned`
/// distances.
pub(crate) fn pairs(questioned: &Sheet, known: &Sheet) -> Vec<Pair> {
    let n = questioned.points.len();
    // For each questioned feature its best known one: distance and number.
    let mut back = vec![(u32::MAX, 0u32); n];
    let mut forward: Vec<(u32, u32, u32)> = Vec::new();
    for (number, descriptor) in (0u32..).zip(&known.descriptors) {
        let (mut best, mut second, mut at) = (u32::MAX, u32::MAX, 0u32);
        for (k, other) in questioned.descriptors.iter().enumerate() {
            let d = descriptor.distance_bits(*other);
            if d < back[k].0 {
                back[k] = (d, number);
            }
            if d < best {
                // The same corner on the next level is no second choice.
                let (p, q) = (questioned.points[k], questioned.points[at as usize]);
                let reach = 3.0 * (p.scale + q.scale);
                if best == u32::MAX || (p.x - q.x).abs().max((p.y - q.y).abs()) > reach {
                    second = best;
                }
                (best, at) = (d, k as u32);
            } else if d < second {
                let (p, q) = (questioned.points[k], questioned.points[at as usize]);
                if (p.x - q.x).abs().max((p.y - q.y).abs()) > 3.0 * (p.scale + q.scale) {
                    second = d;
                }
            }
        }
        forward.push((best, second, at));
    }
    (0u32..)
        .zip(forward)
        .filter(|&(number, (best, second, at))| {
            best <= LIMIT_BITS
                && u64::from(best) * 20 <= u64::from(second) * 19
                && back[at as usize].1 == number
        })
        .map(|(known, (distance_bits, _, questioned))| Pair { distance_bits, known, questioned })
        .collect()
}
