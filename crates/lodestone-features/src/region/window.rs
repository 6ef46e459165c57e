//! The hash of a window, as near as can be to what PDQ gives for the picture that stands in it.

use lodestone_hash::{Kernel, PdqFeatures};

use crate::{Luma, region::Region, taps::Taps};

/// Narrowest filter, in pixels from its centre to its end: that of linear interpolation.
const LEAST_HALF_WIDTH: f64 = 1.0;

/// Hashes windows of pictures, keeping its buffers.
#[derive(Debug)]
pub(crate) struct WindowHasher {
    kernel: Kernel,
    line: Vec<f32>,
    picture: Box<[[f32; 64]; 64]>,
}

impl WindowHasher {
    pub(crate) fn new() -> Self {
        Self { kernel: Kernel::best(), line: Vec::new(), picture: Box::new([[0.0; 64]; 64]) }
    }

    /// The features of the window, which must lie within the picture.
    ///
    /// PDQ blurs twice with a box of half a sample's share, which is a tent as wide as the share, and takes the middle.
    /// The same tent is laid over the window here, without PDQ's rounding to whole pixels, because the known picture was
    /// hashed at another size. Cost: about 0.1 ns a pixel of the window and 20 microseconds.
    pub(crate) fn features(&mut self, luma: &Luma, region: &Region) -> PdqFeatures {
        self.features_beyond(luma, region, region)
    }

    /// The features that `extent` might have, of which only `region` is seen, which must lie within the picture: the pixels at its
    /// sides are repeated outwards.
    pub(crate) fn features_beyond(&mut self, luma: &Luma, region: &Region, extent: &Region) -> PdqFeatures {
        let columns = tents((region.x, region.right()), (extent.x, extent.right()), luma.width());
        let rows = tents((region.y, region.bottom()), (extent.y, extent.bottom()), luma.height());
        let reach = columns.reach();
        self.line.clear();
        self.line.resize(reach.len(), 0.0);
        for (i, out) in self.picture.iter_mut().enumerate() {
            luma.weigh_rows(rows.of(i), reach.start, &mut self.line);
            for (j, out) in out.iter_mut().enumerate() {
                let (first, weights) = columns.of(j);
                let values = &self.line[first - reach.start..];
                *out = weights.iter().zip(values).map(|(w, value)| w * value).sum();
            }
        }
        PdqFeatures::from_decimated(self.kernel, &self.picture)
    }
}

/// The filters of one axis of `len` pixels.
fn tents(seen: (f32, f32), extent: (f32, f32), len: u32) -> Taps {
    // Where pixels are repeated, not those that the neighbour shines into.
    let first = if extent.0 < seen.0 { (seen.0 + 0.5).ceil() } else { 0.0 };
    let end = if extent.1 > seen.1 { (seen.1 - 0.5).floor() } else { len as f32 };
    let first = (first as usize).min(len as usize - 1);
    let end = (end as usize).clamp(first + 1, len as usize);
    Taps::tents(64, extent.0, extent.1, first..end, LEAST_HALF_WIDTH)
}
