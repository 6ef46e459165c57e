//! Local features: corners found by FAST on a pyramid, spread over the picture, with a direction and a binary descriptor.
//!
//! The method is ORB's; three things are other than usual. Corners are spread by cells, and over levels more evenly than
//! by area, so that one busy spot does not take all and small copies of the picture find partners among coarse levels.
//! The tests of the descriptor are closed under mirroring and turning, so that features of the mirrored picture and of
//! the negative are a rearrangement of bits (`pattern`). And all arithmetic is in whole numbers or plain IEEE: the same
//! picture gives the same bits on every machine.
//!
//! *Source:* Rublee, Rabaud, Konolige, Bradski, "ORB: an efficient alternative to SIFT or SURF", ICCV 2011.

mod corners;
mod describe;
mod kernels;
mod pattern;
mod pyramid;
#[allow(unsafe_code)] // the dispatching calls
mod simd;
pub(crate) mod trig;

use crate::{Features, Keypoint, Luma};

pub(crate) use pyramid::{Plane, cut};

pub use pyramid::Part;
use simd::Kernel;

/// How many features to take, and at which size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrbOptions {
    /// Features at most, of the whole picture or of each part.
    pub features: usize,
    /// A picture with a longer side is made smaller to it first. Coordinates stay those of the picture given.
    pub longest_side: u32,
    /// A picture whose longer side is shorter is made larger first, at most fourfold.
    pub shortest_long_side: u32,
}

impl OrbOptions {
    /// What is kept of a known picture: 200 features, 7.6 KB.
    pub const KNOWN: Self = Self { features: 200, longest_side: 640, shortest_long_side: 320 };
    /// What is asked about a questioned picture. More features than of a known one: they cost time only, and the known
    /// picture may fill a small part of it.
    pub const QUESTIONED: Self = Self { features: 900, longest_side: 720, shortest_long_side: 480 };
    /// What is asked about each part of a questioned picture.
    pub const PART: Self = Self { features: 250, longest_side: 480, shortest_long_side: 320 };
}

/// Levels of the pyramid at most: down to 1 / 7.4.
const LEVELS: usize = 12;
/// Shorter side of a level at least.
const LEAST_SIDE: usize = 44;
/// Corners keep this far from the edge of their level; descriptors see the edge continued.
const MARGIN: usize = 9;

/// The features of a picture, those of the coarsest level first.
///
/// Cost: linear in the picture and in features.
pub fn extract(luma: &Luma, options: &OrbOptions) -> Features {
    let whole = Part { left: 0, top: 0, width: luma.width(), height: luma.height() };
    extract_parts(luma, &[whole], options)
}

/// The features of each part, one part after another, in coordinates of the whole picture.
///
/// For parts that may hold a picture of their own: each gets its own share of features, and small ones are looked at
/// enlarged. Parts that are empty or reach out of the picture are cut to it; those of less than 24 pixels a side are left
/// out.
pub fn extract_parts(luma: &Luma, parts: &[Part], options: &OrbOptions) -> Features {
    let kernel = Kernel::detect();
    let mut out = Features {
        width: luma.width() as u16,
        height: luma.height() as u16,
        keypoints: Vec::new(),
        descriptors: Vec::new(),
    };
    for part in parts {
        if let Some(part) = within(luma, *part) {
            extract_part(kernel, luma, part, options, &mut out);
        }
    }
    out
}

/// The part as far as it lies in the picture, unless too small for a feature.
fn within(luma: &Luma, part: Part) -> Option<Part> {
    let (left, top) = (part.left.min(luma.width()), part.top.min(luma.height()));
    let (width, height) = (part.width.min(luma.width() - left), part.height.min(luma.height() - top));
    (width.min(height) >= 24).then_some(Part { left, top, width, height })
}

fn extract_part(kernel: Kernel, luma: &Luma, part: Part, options: &OrbOptions, out: &mut Features) {
    let long = part.width.max(part.height);
    let wanted = long.clamp(options.shortest_long_side.min(long * 4), options.longest_side.max(64));
    let side =
        |side: u32| ((u64::from(side) * u64::from(wanted) * 2 / u64::from(long)).div_ceil(2)).max(1) as usize;
    let (width, height) = (side(part.width), side(part.height));
    let levels = pyramid::levels(cut(luma, part, width, height), LEVELS, LEAST_SIDE);
    let mut left = options.features;
    // Shares fall by 1.2 from level to level. From the coarsest: what a level cannot use goes to the finer ones.
    let shares: Vec<f32> =
        std::iter::successors(Some(1.0), |share| Some(share / 1.2)).take(levels.len()).collect();
    for (number, level) in levels.iter().enumerate().rev() {
        let finer: f32 = shares[..=number].iter().sum();
        let wanted =
            if number == 0 { left } else { ((left as f32 * shares[number] / finer) as usize).max(1) };
        let corners = corners::corners(kernel, level, wanted.min(left), MARGIN);
        left -= corners.len();
        if corners.is_empty() {
            continue;
        }
        let smooth = describe::smoothed(kernel, level);
        let across = part.width as f32 / level.width as f32;
        let down = part.height as f32 / level.height as f32;
        let scale = Keypoint::nearest_scale((across + down) * 0.5);
        for corner in corners {
            let (x, y) = (corner.x as usize, corner.y as usize);
            let angle = describe::angle(&smooth, x, y);
            let place = |offset: u32, at: u32, factor: f32| {
                ((offset as f32 + (at as f32 + 0.5) * factor) * 16.0 + 0.5) as u16
            };
            out.keypoints.push(Keypoint {
                x: place(part.left, corner.x, across),
                y: place(part.top, corner.y, down),
                scale,
                angle,
            });
            out.descriptors.push(describe::describe(&smooth, x, y, angle));
        }
    }
}
