//! Rows of pixels in, features out.

use crate::{
    Error, Kernel, MIN_SIDE, PdqFeatures, PixelKind,
    boxfilter::{Filter, LANES, TILE},
    dct::Block64,
    features::Mode,
    luma::{Rounding, Rows, luma},
};

/// What is done to the picture before the filter. Implementations of PDQ differ here more than anywhere else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pre {
    /// Nothing: PyPI `pdqhash`, so python-threatexchange and HMA, and the hashes that exchanges carry.
    #[default]
    FullSize,
    /// Pictures wider or higher than 512 pixels become 512 × 512 by nearest neighbour, and luma is rounded after each
    /// step: the C++ command-line tool. *Source:* ThreatExchange `pdq/cpp/io/pdqio.cpp`.
    Nearest512,
}

/// Side of the picture after [`Pre::Nearest512`].
const REDUCED_SIDE: u32 = 512;

/// Hashes a picture from its rows, top to bottom, as a decoder makes them.
///
/// Memory: `width × height / 32` bytes and 32 rows; a full-size plane is never held. Buffers are kept
/// between pictures, see [`Self::reset`]. Cost: one to two nanoseconds a pixel.
#[derive(Debug)]
pub struct PdqStream {
    kernel: Kernel,
    width: u32,
    height: u32,
    pixels: PixelKind,
    pre: Pre,
    /// Rows taken.
    rows: u32,
    /// Bytes of one row; `None` if they cannot be counted or the buffers cannot be allocated.
    row_bytes: Option<usize>,
    filter: Filter,
    /// Rows that wait until a strip is full, after [`Pre`].
    waiting: Vec<u8>,
    /// The picture itself, if it is of 64 × 64 pixels.
    unfiltered: Box<Block64>,
}

impl PdqStream {
    /// A stream for one picture of `width` × `height` pixels at full size.
    pub fn new(width: u32, height: u32, pixels: PixelKind) -> Self {
        Self::with(Kernel::best(), width, height, pixels, Pre::FullSize)
    }

    /// A stream with every choice explicit.
    pub fn with(kernel: Kernel, width: u32, height: u32, pixels: PixelKind, pre: Pre) -> Self {
        let mut stream = Self {
            kernel,
            width,
            height,
            pixels,
            pre,
            rows: 0,
            row_bytes: None,
            filter: Filter::default(),
            waiting: Vec::new(),
            unfiltered: Box::new([[0.0; 64]; 64]),
        };
        stream.reset(width, height, pixels, pre);
        stream
    }

    /// Forgets everything and starts another picture, keeping the buffers.
    pub fn reset(&mut self, width: u32, height: u32, pixels: PixelKind, pre: Pre) {
        (self.width, self.height, self.pixels, self.pre, self.rows) = (width, height, pixels, pre, 0);
        self.waiting.clear();
        self.row_bytes = usize::try_from(width).ok().and_then(|width| width.checked_mul(pixels.bytes()));
        let (width, height) = self.filtered_size();
        let strip_bytes = (width as usize).checked_mul(pixels.bytes() * LANES.min(height as usize));
        let ready = !self.is_hashable()
            || strip_bytes.is_some_and(|bytes| self.waiting.try_reserve(bytes).is_ok())
                && self.filter.reset(width, height);
        self.row_bytes = self.row_bytes.filter(|_| ready);
    }

    /// Takes the next rows: any number of whole rows of `width × pixels.bytes()` bytes.
    ///
    /// # Errors
    /// [`Error::PartialRow`], [`Error::TooManyRows`], [`Error::Memory`]; nothing of these rows is taken then.
    pub fn push_rows(&mut self, rows: &[u8]) -> Result<(), Error> {
        let memory = Error::Memory { width: self.width, height: self.height };
        let row_bytes = self.row_bytes.ok_or(memory)?;
        if rows.is_empty() {
            return Ok(());
        }
        if row_bytes == 0 || !rows.len().is_multiple_of(row_bytes) {
            return Err(Error::PartialRow { bytes: rows.len(), row_bytes });
        }
        let count = u32::try_from(rows.len() / row_bytes).unwrap_or(u32::MAX);
        if count > self.height - self.rows {
            return Err(Error::TooManyRows { height: self.height });
        }
        if self.is_hashable() {
            if self.is_reduced() {
                self.push_reduced(rows, row_bytes);
            } else {
                self.push_to_filter(rows, row_bytes);
            }
        }
        self.rows += count;
        Ok(())
    }

    /// The features of the picture, after all its rows. Start the next one with [`Self::reset`].
    ///
    /// # Errors
    /// [`Error::MissingRows`]; [`Error::Memory`] if there was none for the buffers.
    pub fn finish(&mut self) -> Result<PdqFeatures, Error> {
        if self.row_bytes.is_none() {
            return Err(Error::Memory { width: self.width, height: self.height });
        }
        if self.rows != self.height && self.width > 0 {
            return Err(Error::MissingRows { rows: self.rows, height: self.height });
        }
        let mode = match self.pre {
            Pre::FullSize => Mode::Exact,
            Pre::Nearest512 => Mode::Nearest512,
        };
        if !self.is_hashable() {
            return Ok(PdqFeatures::too_small(self.kernel, mode));
        }
        while self.filter.steps_left() > 0 {
            self.strip_of_waiting(self.filter.steps_left().min(LANES));
        }
        let filtered = self.filter.picture();
        Ok(if (self.width, self.height) == (64, 64) {
            PdqFeatures::of_64x64(self.kernel, mode, &self.unfiltered, filtered)
        } else {
            PdqFeatures::new(self.kernel, mode, filtered)
        })
    }

    fn is_hashable(&self) -> bool {
        let (width, height) = self.filtered_size();
        width.min(height) >= MIN_SIDE
    }

    fn is_reduced(&self) -> bool {
        self.pre == Pre::Nearest512
            && self.width.max(self.height) > REDUCED_SIDE
            && self.width.min(self.height) > 0
    }

    /// Width and height of what the filter gets.
    fn filtered_size(&self) -> (u32, u32) {
        if self.is_reduced() { (REDUCED_SIDE, REDUCED_SIDE) } else { (self.width, self.height) }
    }

    fn push_to_filter(&mut self, mut rows: &[u8], row_bytes: usize) {
        if (self.width, self.height) == (64, 64) {
            let rows = Rows { bytes: rows, row_bytes };
            for first in (0..64).step_by(TILE) {
                let mut tile = [[0.0; TILE]; 64];
                luma(self.pixels, rounding(self.pre), rows, first, &mut tile);
                let out = self.unfiltered.iter_mut().skip(self.rows as usize).take(rows.count());
                for (out, tile) in out.zip(tile) {
                    out[first..first + TILE].copy_from_slice(&tile);
                }
            }
        }
        let strip_bytes = row_bytes.saturating_mul(LANES);
        while !rows.is_empty() {
            if self.waiting.is_empty() && rows.len() >= strip_bytes {
                let (strip, rest) = rows.split_at(strip_bytes);
                self.kernel.strip(&mut self.filter, self.pixels, rounding(self.pre), strip, LANES);
                rows = rest;
            } else {
                let (some, rest) = rows.split_at(rows.len().min(strip_bytes - self.waiting.len()));
                self.waiting.extend_from_slice(some);
                rows = rest;
                if self.waiting.len() == strip_bytes {
                    self.strip_of_waiting(LANES);
                }
            }
        }
    }

    /// Takes of each row, and of the rows, those that nearest neighbour keeps.
    fn push_reduced(&mut self, rows: &[u8], row_bytes: usize) {
        let bytes = self.pixels.bytes();
        let strip_bytes = REDUCED_SIDE as usize * bytes * LANES;
        for (y, row) in (self.rows..).zip(rows.chunks_exact(row_bytes)) {
            for _ in copies(y, self.height) {
                for x in 0..REDUCED_SIDE {
                    let at = nearest(x, self.width) as usize * bytes;
                    self.waiting.extend_from_slice(row.get(at..at + bytes).unwrap_or_default());
                }
                if self.waiting.len() == strip_bytes {
                    self.strip_of_waiting(LANES);
                }
            }
        }
    }

    fn strip_of_waiting(&mut self, steps: usize) {
        self.kernel.strip(&mut self.filter, self.pixels, rounding(self.pre), &self.waiting, steps);
        self.waiting.clear();
    }
}

fn rounding(pre: Pre) -> Rounding {
    match pre {
        Pre::FullSize => Rounding::Once,
        Pre::Nearest512 => Rounding::EachStep,
    }
}

/// Source index of reduced index `i` along a side of `n` pixels. *Source:* CImg `resize`, interpolation 1.
fn nearest(i: u32, n: u32) -> u32 {
    (u64::from(i) * u64::from(n) / u64::from(REDUCED_SIDE)) as u32
}

/// The reduced indices whose source index along a side of `n` pixels is `y`.
fn copies(y: u32, n: u32) -> std::ops::Range<u64> {
    let first = |y: u32| (u64::from(y) * u64::from(REDUCED_SIDE)).div_ceil(u64::from(n));
    first(y)..first(y + 1)
}

/// The features of a whole picture in memory, at full size.
///
/// # Errors
/// As [`PdqStream::push_rows`] and [`PdqStream::finish`].
pub fn pdq(width: u32, height: u32, pixels: PixelKind, bytes: &[u8]) -> Result<PdqFeatures, Error> {
    let mut stream = PdqStream::new(width, height, pixels);
    stream.push_rows(bytes)?;
    stream.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reduced_index_is_copied_once_from_its_nearest_source() {
        for n in [1, 2, 5, 511, 512, 513, 1000, 4096, 70_001] {
            let copied: Vec<_> = (0..n).flat_map(|y| copies(y, n).map(move |i| (i as u32, y))).collect();
            let expected: Vec<_> = (0..REDUCED_SIDE).map(|i| (i, nearest(i, n))).collect();
            assert_eq!(copied, expected, "{n}");
        }
    }
}
