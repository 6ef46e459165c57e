//! A picture's regions with their hashes: what is kept of it, and looked up in lists.

use lodestone_hash::PdqHash;

use crate::{
    Luma,
    region::{
        Proposal, ProposalKind, Region,
        lattice::repeated,
        propose::{MOST, WORKING_SIDE, propose_small},
        window::WindowHasher,
    },
};

/// What is supposed to be cut from each side, in parts of the region: PDQ forgives half as much more or less.
const CUT: f32 = 0.045;

/// How much is made of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionOptions {
    /// Most regions; never more than 60.
    pub most: usize,
    /// Best regions that get all eight symmetries; the others are hashed as they stand.
    pub dihedral: usize,
    /// Best regions that are hashed twice more, as if a strip of the known picture had been cut from its left and right, and from its top
    /// and bottom: what happens to pictures that must fill a cell. These hashes come last and count among `most`.
    pub cut: usize,
    /// Least PDQ quality of a region. Lower than for whole pictures, because a small window has less gradient, and not
    /// 0, because flat windows resemble each other.
    pub least_quality: u8,
}

impl Default for RegionOptions {
    fn default() -> Self {
        Self { most: MOST, dihedral: 16, cut: 12, least_quality: 30 }
    }
}

/// One region and its hashes.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionPrint {
    /// Where, in pixels of the picture given.
    pub region: Region,
    /// Where all of the known picture is supposed to lie: `region`, or more than it, perhaps beyond the picture.
    pub extent: Region,
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
/// Cost: some 6 ms of a busy core for a picture of 700 pixels, shrinking included. Larger ones are shrunk to a longest side of 640 first, which PDQ
/// hardly notices, and their regions given in their own pixels.
pub fn region_prints(luma: &Luma, options: &RegionOptions) -> RegionPrints {
    let small = luma.shrunk(WORKING_SIDE);
    let (width, height) = (luma.width() as f32, luma.height() as f32);
    let (x, y) = (width / small.width() as f32, height / small.height() as f32);
    let place = |region: &Region| region.scaled(x, y).within(width, height).unwrap_or(*region);
    let print = |proposal: &Proposal, extent: Region, quality: u8, forms: &[PdqHash]| RegionPrint {
        region: place(&proposal.region),
        extent,
        kind: proposal.kind,
        score: proposal.score,
        quality,
        hash: forms.first().copied().unwrap_or_default(),
        turned: forms.get(1..).unwrap_or_default().to_vec(),
        repeated: false,
    };
    let mut hasher = WindowHasher::new();
    let (mut regions, mut windows, mut cut) = (Vec::new(), Vec::new(), Vec::new());
    let most = options.most.min(MOST);
    for proposal in propose_small(&small) {
        let rank = regions.len();
        if rank + 2 * options.cut.min(rank) >= most {
            break;
        }
        let region = &proposal.region;
        let features = hasher.features(&small, region);
        if features.quality() < options.least_quality {
            continue;
        }
        let hash = features.hash();
        windows.push((*region, hash));
        let all_forms = if rank < options.dihedral { features.dihedral() } else { [hash; 8] };
        let forms = if rank < options.dihedral { &all_forms[..] } else { &all_forms[..1] };
        regions.push(print(&proposal, place(region), features.quality(), forms));
        if rank < options.cut {
            for (across, down) in [(CUT, 0.0), (0.0, CUT)] {
                let extent = region.grown(across, down);
                let features = hasher.features_beyond(&small, region, &extent);
                cut.push(print(&proposal, extent.scaled(x, y), features.quality(), &[features.hash()]));
            }
        }
    }
    for (i, repeated) in repeated(&windows).into_iter().enumerate() {
        regions[i].repeated = repeated;
        cut.iter_mut().skip(2 * i).take(2).for_each(|print| print.repeated = repeated);
    }
    regions.extend(cut);
    regions.truncate(most);
    RegionPrints { width: luma.width(), height: luma.height(), regions }
}
