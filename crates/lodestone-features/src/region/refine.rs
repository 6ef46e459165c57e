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
const STEPS: [f32; 4] = [0.04, 0.02, 0.01, 0.005];

/// The best place found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refined {
    /// What of the known picture is seen, in pixels of the picture given.
    pub region: Region,
    /// Where all of it would lie. Larger than `region`, and perhaps than the picture, where part of the known picture was
    /// cut off.
    pub extent: Region,
    /// Bits from the target there.
    pub distance_bits: u32,
    /// Bits from the target where it began.
    pub first_distance_bits: u32,
    /// Hashes made.
    pub hashes: u32,
}

/// A region, and how far the known picture may reach beyond it.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    region: Region,
    extent: Region,
}

/// Moves the edges of `region` by a few per cent, inwards or outwards, to lessen the distance to `target`, and stops
/// after `most_hashes` (60 is plenty). Edges move outwards over the picture, or beyond what is seen as if
/// the known picture had been cut there.
///
/// `form` is the symmetry that matched, 0 to 7 in the order of [`lodestone_hash::PdqFeatures::dihedral`]; for a match of
/// the negative give the complement of the listed hash as `target`. Cost: some 30 to 80 microseconds a hash.
pub fn refine(luma: &Luma, region: &Region, form: usize, target: &PdqHash, most_hashes: u32) -> Refined {
    let small = luma.shrunk(WORKING_SIDE);
    let (width, height) = (small.width() as f32, small.height() as f32);
    let (x, y) = (luma.width() as f32 / width, luma.height() as f32 / height);
    let mut hasher = WindowHasher::new();
    let mut distance = |place: &Place| {
        let features = hasher.features_beyond(&small, &place.region, &place.extent);
        let hash = if form == 0 { features.hash() } else { features.dihedral()[form.min(7)] };
        hash.distance_bits(target)
    };
    let whole = Region { x: 0.0, y: 0.0, width, height };
    let start = region.scaled(1.0 / x, 1.0 / y).within(width, height).unwrap_or(whole);
    let mut best = Place { region: start, extent: start };
    let first = distance(&best);
    let (mut least, mut made) = (first, 1);
    'steps: for step in STEPS {
        loop {
            let before = least;
            for sides in SIDES {
                for way in [Way::Beyond, Way::In, Way::Out] {
                    if made >= most_hashes {
                        break 'steps;
                    }
                    let Some(moved) = best.moved(sides, way, step, width, height) else { continue };
                    made += 1;
                    let bits = distance(&moved);
                    if bits < least {
                        (best, least) = (moved, bits);
                    }
                }
            }
            if least == before {
                break;
            }
        }
    }
    let region =
        best.region.scaled(x, y).within(luma.width() as f32, luma.height() as f32).unwrap_or(*region);
    Refined {
        region,
        extent: best.extent.scaled(x, y),
        distance_bits: least,
        first_distance_bits: first,
        hashes: made,
    }
}

/// Which of left, right, top and bottom move together.
const SIDES: [[bool; 4]; 7] = [
    [true, true, false, false],
    [false, false, true, true],
    [true, true, true, true],
    [true, false, false, false],
    [false, true, false, false],
    [false, false, true, false],
    [false, false, false, true],
];

/// How edges move.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// The region grows over the picture.
    Out,
    /// The region becomes smaller.
    In,
    /// The known picture reaches farther beyond the region.
    Beyond,
}

impl Place {
    /// With these edges moved by `step` of the region's size; `None` where that changes nothing.
    fn moved(&self, sides: [bool; 4], way: Way, step: f32, width: f32, height: f32) -> Option<Self> {
        let sign = if way == Way::In { -1.0 } else { 1.0 };
        let (x, y) = (sign * step * self.region.width, sign * step * self.region.height);
        let [left, right, top, bottom] = sides.map(|moves| if moves { 1.0 } else { 0.0 });
        let grown = |of: &Region| Region {
            x: of.x - left * x,
            y: of.y - top * y,
            width: of.width + (left + right) * x,
            height: of.height + (top + bottom) * y,
        };
        let mut moved = *self;
        moved.extent = grown(&self.extent);
        if way != Way::Beyond {
            moved.region = grown(&self.region).within(width, height)?;
            if self.region == self.extent {
                moved.extent = moved.region;
            }
        }
        (moved != *self && moved.extent.width > 1.0 && moved.extent.height > 1.0).then_some(moved)
    }
}
