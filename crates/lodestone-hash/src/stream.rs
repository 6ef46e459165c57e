//! Rows of pixels in, features out.

use crate::{Error, Kernel, MIN_SIDE, PdqFeatures, PixelKind, boxfilter::Filter, luma::Rounding};

/// What is done to the picture before the filter. Implementations of PDQ differ here more than anywhere else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pre {
    /// Nothing: PyPI `pdqhash`, so python-threatexchange and HMA, and the hashes that exchanges carry.
    #[default]
    FullSize,
    /// Pictures wider or higher than 512 pixels become 512 × 512 by nearest neighbour, and luma is rounded after each step: the
    /// C++ command-line tool. *Source:* ThreatExchange `pdq/cpp/io/pdqio.cpp`.
    Nearest512,
}

/// Hashes a picture from its rows, top to bottom, as a decoder makes them.
///
/// Memory: about `width × (height / 128 + 32)` floats at most; a full-size plane is never held. Buffers are kept
/// between pictures, see [`Self::reset`].
#[derive(Debug)]
pub struct PdqStream {
    kernel: Kernel,
    width: u32,
    height: u32,
    pixels: PixelKind,
    pre: Pre,
    rows: u32,
    filter: Option<Filter>,
    reduced: Option<Vec<u8>>,
}

/// Side of the picture after [`Pre::Nearest512`].
const REDUCED_SIDE: u32 = 512;

impl PdqStream {
    /// A stream for one picture of `width` × `height` pixels at full size.
    pub fn new(width: u32, height: u32, pixels: PixelKind) -> Self {
        Self::with(Kernel::best(), width, height, pixels, Pre::FullSize)
    }

    /// A stream with every choice explicit.
    pub fn with(kernel: Kernel, width: u32, height: u32, pixels: PixelKind, pre: Pre) -> Self {
        let mut stream = Self { kernel, width, height, pixels, pre, rows: 0, filter: None, reduced: None };
        stream.reset(width, height, pixels, pre);
        stream
    }

    /// Forgets everything and starts another picture, keeping the buffers.
    pub fn reset(&mut self, width: u32, height: u32, pixels: PixelKind, pre: Pre) {
        (self.width, self.height, self.pixels, self.pre, self.rows) = (width, height, pixels, pre, 0);
        self.reduced =
            (pre == Pre::Nearest512 && width > 0 && height > 0 && width.max(height) > REDUCED_SIDE)
                .then(Vec::new);
        let (width, height) =
            if self.reduced.is_some() { (REDUCED_SIDE, REDUCED_SIDE) } else { (width, height) };
        self.filter = (width.min(height) >= MIN_SIDE).then(|| Filter::new(width, height));
    }

    /// Takes the next rows: any number of whole rows of `width × pixels.bytes()` bytes.
    ///
    /// # Errors
    /// [`Error::PartialRow`], [`Error::TooManyRows`], [`Error::Memory`]; nothing of these rows is taken then.
    pub fn push_rows(&mut self, rows: &[u8]) -> Result<(), Error> {
        let memory = Error::Memory { width: self.width, height: self.height };
        let row_bytes = usize::try_from(self.width)
            .ok()
            .and_then(|w| w.checked_mul(self.pixels.bytes()))
            .ok_or(memory)?;
        if rows.is_empty() {
            return Ok(());
        }
        if row_bytes == 0 || rows.len() % row_bytes != 0 {
            return Err(Error::PartialRow { bytes: rows.len(), row_bytes });
        }
        let count = rows.len() / row_bytes;
        if count > (self.height - self.rows) as usize {
            return Err(Error::TooManyRows { height: self.height });
        }
        let rounding = if self.pre == Pre::Nearest512 { Rounding::EachStep } else { Rounding::Once };
        if let (Some(filter), Some(reduced)) = (&mut self.filter, &mut self.reduced) {
            let bytes = self.pixels.bytes();
            for (y, row) in (self.rows..).zip(rows.chunks_exact(row_bytes)) {
                let copies = (0..REDUCED_SIDE).filter(|&i| nearest(i, self.height) == y).count();
                if copies == 0 {
                    continue;
                }
                reduced.clear();
                for i in 0..REDUCED_SIDE {
                    let x = nearest(i, self.width) as usize * bytes;
                    reduced.extend_from_slice(&row[x..x + bytes]);
                }
                for _ in 0..copies {
                    filter.rows(self.pixels, rounding, reduced);
                }
            }
        } else if let Some(filter) = &mut self.filter {
            filter.rows(self.pixels, rounding, rows);
        }
        self.rows += count as u32;
        Ok(())
    }

    /// The features of the picture, after all its rows. Start the next one with [`Self::reset`].
    ///
    /// # Errors
    /// [`Error::MissingRows`].
    pub fn finish(&mut self) -> Result<PdqFeatures, Error> {
        if self.rows != self.height {
            return Err(Error::MissingRows { rows: self.rows, height: self.height });
        }
        let Some(filter) = &mut self.filter else { return Ok(PdqFeatures::too_small(self.kernel)) };
        let (plain, filtered) = filter.finish();
        Ok(if (self.width, self.height) == (64, 64) {
            PdqFeatures::of_64x64(self.kernel, plain, filtered)
        } else {
            PdqFeatures::new(self.kernel, filtered)
        })
    }
}

/// Source index of reduced index `i` along a side of `n` pixels. *Source:* CImg `resize`, interpolation 1.
fn nearest(i: u32, n: u32) -> u32 {
    (u64::from(i) * u64::from(n) / u64::from(REDUCED_SIDE)) as u32
}

/// The features of a whole picture in memory.
///
/// # Errors
/// As [`PdqStream::push_rows`] and [`PdqStream::finish`].
pub fn pdq(width: u32, height: u32, pixels: PixelKind, bytes: &[u8]) -> Result<PdqFeatures, Error> {
    let mut stream = PdqStream::new(width, height, pixels);
    stream.push_rows(bytes)?;
    stream.finish()
}
