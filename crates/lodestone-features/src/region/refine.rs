//! A region moved to where it resembles one known picture most.
//!
//! Edges are found to a pixel or two, and PDQ loses some ten bits for each per cent of misplacement. Where a list is
//! small, it can be searched in a wider radius and the candidates' regions adjusted. A true match falls well
//! below its first distance; a chance one does not, which makes refinement a confirmation too.

use lodestone_hash::PdqHash;

use crate::{
    Luma,
    region::{Region, propose::WORKING_SIDE, window::WindowHasher},
};

/// Steps of an edge, as parts of the region's width or height: tried in this order.
const STEPS: [f32; 3] = [0.02, 0.01, 0.005];

/// The best place found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refined {
    /// Where, in pixels of the picture given.
    pub region: Region,
    /// Bits from the target there.
    pub distance_bits: u32,
    /// Bits from the target where it began.
    pub first_distance_bits: u32,
    /// Hashes made.
    pub hashes: u32,
}

/// Moves each edge of `region` by up to a few per cent, inwards or outwards, to lessen the distance to `target`, and stops after
/// `most_hashes`.
///
/// `form` is the symmetry that matched, 0 to 7 in the order of [`lodestone_hash::PdqFeatures::dihedral`]; for a match of
/// the negative give the complement of the listed hash as `target`. Cost: some 30 to 80 microseconds a hash.
pub fn refine(luma: &Luma, region: &Region, form: usize, target: &PdqHash, most_hashes: u32) -> Refined {
    let small = luma.shrunk(WORKING_SIDE);
    let (width, height) = (small.width() as f32, small.height() as f32);
    let (x, y) = (luma.width() as f32 / width, luma.height() as f32 / height);
    let mut hasher = WindowHasher::new();
    let mut distance = |region: &Region| {
        let features = hasher.features(&small, region);
        let hash = if form == 0 { features.hash() } else { features.dihedral()[form.min(7)] };
        hash.distance_bits(target)
    };
    let mut best = region.scaled(1.0 / x, 1.0 / y).within(width, height).unwrap_or(Region {
        x: 0.0,
        y: 0.0,
        width,
        height,
    });
    let first = distance(&best);
    let (mut least, mut made) = (first, 1);
    'steps: for step in STEPS {
        loop {
            let before = least;
            for way in 0..8 {
                if made >= most_hashes {
                    break 'steps;
                }
                let Some(moved) = changed(&best, step, way).within(width, height).filter(|moved| *moved != best) else { continue };
                made += 1;
                let bits = distance(&moved);
                if bits < least {
                    (best, least) = (moved, bits);
                }
            }
            if least == before {
                break;
            }
        }
    }
    let region = best.scaled(x, y).within(luma.width() as f32, luma.height() as f32).unwrap_or(*region);
    Refined { region, distance_bits: least, first_distance_bits: first, hashes: made }
}

/// The region with one edge moved: left, right, top, bottom, each outwards, then inwards.
fn changed(region: &Region, step: f32, way: usize) -> Region {
    let (x, y) = (step * region.width, step * region.height);
    let out = if way < 4 { 1.0 } else { -1.0 };
    let [left, right, top, bottom] = std::array::from_fn(|edge| if way % 4 == edge { out } else { 0.0 });
    Region {
        x: region.x - left * x,
        y: region.y - top * y,
        width: region.width + (left + right) * x,
        height: region.height + (top + bottom) * y,
    }
}
