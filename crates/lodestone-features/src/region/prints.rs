//! A picture's regions with their hashes: what is kept of it, and looked up in lists.

use lodestone_hash::PdqHash;

use crate::{
    Luma,
    region::{
        ProposalKind, Region,
        lattice::repeated,
        propose::{MOST, WORKING_SIDE, propose_small},
        window::WindowHasher,
    },
};

/// How much is made of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionOptions {
    /// Most regions; never more than 60.
    pub most: usize,
    /// Best regions that get all eight symmetries; the others are hashed as they stand.
    pub dihedral: usize,
    /// Least PDQ quality of a region. Lower than for whole pictures, because a small window has less gradient, and not
    /// 0, because flat windows resemble each other.
    pub least_quality: u8,
}

impl Default for RegionOptions {
    fn default() -> Self {
        Self { most: MOST, dihedral: 16, least_quality: 30 }
    }
}

/// One region and its hashes.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionPrint {
    /// Where, in pixels of the picture given.
    pub region: Region,
    /// By what it was proposed.
    pub kind: ProposalKind,
    /// Its rank's score; see [`super::Proposal`].
    pub score: f32,
    /// PDQ quality, 0 to 100.
    pub quality: u8,
    /// Hash of the region as it stands.
    pub hash: PdqHash,
    /// Hashes of its other seven symmetries in the order of [`lodestone_hash::PdqFeatures::dihedral`]; empty, or seven.
    pub turned: Vec<PdqHash>,
    /// Its hash occurs in three or more regions that do not overlap: a pattern, or the same picture several times.
    pub repeated: bool,
}

impl RegionPrint {
    /// The hash as it stands, then its symmetries if they were made. The complement of each is the hash of the
    /// negative.
    pub fn forms(&self) -> impl Iterator<Item = PdqHash> + '_ {
        std::iter::once(self.hash).chain(self.turned.iter().copied())
    }
}

/// Regions of one picture, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionPrints {
    /// Width of the picture that the regions are measured in.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// At most 60.
    pub regions: Vec<RegionPrint>,
}

/// Finds the regions of a picture and hashes them. Knows no list.
///
/// Cost: 3 to 5 ms for a picture of 640 × 480 pixels. Larger ones are shrunk to a longest side of 640 first, which PDQ
/// hardly notices, and their regions given in their own pixels.
pub fn region_prints(luma: &Luma, options: &RegionOptions) -> RegionPrints {
    let small = luma.shrunk(WORKING_SIDE);
    let (width, height) = (luma.width() as f32, luma.height() as f32);
    let (x, y) = (width / small.width() as f32, height / small.height() as f32);
    let mut hasher = WindowHasher::new();
    let mut regions: Vec<RegionPrint> = Vec::new();
    let mut windows = Vec::new();
    for proposal in propose_small(&small) {
        if regions.len() >= options.most.min(MOST) {
            break;
        }
        let features = hasher.features(&small, &proposal.region);
        if features.quality() < options.least_quality {
            continue;
        }
        let forms = if regions.len() < options.dihedral {
            features.dihedral().to_vec()
        } else {
            vec![features.hash()]
        };
        let Some((&hash, turned)) = forms.split_first() else { continue };
        windows.push((proposal.region, hash));
        regions.push(RegionPrint {
            region: proposal.region.scaled(x, y).within(width, height).unwrap_or(proposal.region),
            kind: proposal.kind,
            score: proposal.score,
            quality: features.quality(),
            hash,
            turned: turned.to_vec(),
            repeated: false,
        });
    }
    for (print, repeated) in regions.iter_mut().zip(repeated(&windows)) {
        print.repeated = repeated;
    }
    RegionPrints { width: luma.width(), height: luma.height(), regions }
}
