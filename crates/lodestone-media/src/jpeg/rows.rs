//! From strips of samples to rows of pixels in the sink.
//!
//! Each component keeps two strips of blocks, written in turn: vertical upsampling looks one row beyond a strip, so rows
//! go out one row group late.

use super::header::{Colour, Frame};
use super::kernel::Kernel;
use super::upsample::{self, Upsampling};
use super::zeroed;
use crate::{Error, FrameInfo, Limits, PixelKind, PixelSink};

/// The samples of one component, two strips of them.
pub(super) struct Plane {
    samples: Vec<u8>,
    pub(super) stride: usize,
    /// Rows of a strip.
    strip: usize,
    /// Samples across and down that hold picture.
    size: (usize, usize),
    /// Factors to expand by.
    expand: (usize, usize),
    upsampling: Upsampling,
}

impl Plane {
    /// Where the blocks of an MCU row go.
    #[inline(always)]
    pub(super) fn strip_mut(&mut self, mcu_row: usize) -> &mut [u8] {
        let size = self.strip * self.stride;
        &mut self.samples[mcu_row % 2 * size..][..size]
    }

    #[inline(always)]
    fn row(&self, y: usize) -> &[u8] {
        &self.samples[y % (2 * self.strip) * self.stride..][..self.size.0]
    }

    /// The output row `y` at full width, in `buffer` if it has to be computed.
    #[inline(always)]
    fn upsampled<'a>(&'a self, y: usize, sums: &mut Vec<u16>, buffer: &'a mut [u8]) -> &'a [u8] {
        let at = y / self.expand.1;
        let near = self.row(at);
        let lower = y % 2 == 1;
        let far = || {
            let far = if lower { (at + 1).min(self.size.1 - 1) } else { at.saturating_sub(1) };
            self.row(far)
        };
        match self.upsampling {
            Upsampling::Full => return near,
            Upsampling::Wide => upsample::wide(near, sums, buffer),
            Upsampling::High => upsample::high(near, far(), lower, buffer),
            Upsampling::Both => upsample::both(near, far(), sums, buffer),
            Upsampling::Repeat(across, _) => upsample::repeat(near, across, buffer),
        }
        buffer
    }
}

/// Takes strips of samples, gives rows of pixels.
pub(super) struct Rows {
    pub(super) planes: Vec<Plane>,
    colour: Colour,
    width: usize,
    height: usize,
    mcu_rows: usize,
    max_v: usize,
    /// Whether rows need the rows below.
    context: bool,
    /// The next row to go out.
    next: usize,
    buffers: [Vec<u8>; 4],
    sums: Vec<u16>,
    out: Vec<u8>,
}

impl Rows {
    pub(super) fn new(frame: &Frame, colour: Colour, limits: &Limits) -> Result<Self, Error> {
        let (width, height) = (frame.width as usize, frame.height as usize);
        let mut planes = Vec::new();
        let mut bytes = 0;
        for component in &frame.components {
            let (stride, strip) = (component.padded.0 * 8, component.v * 8);
            bytes += (stride * strip * 2) as u64;
            let expand = (frame.max_h / component.h, frame.max_v / component.v);
            planes.push(Plane {
                samples: zeroed((stride * strip * 2) as u64, limits, "strips of samples")?,
                stride,
                strip,
                size: component.size,
                expand,
                upsampling: Upsampling::of(expand.0, expand.1, component.size.0),
            });
        }
        if bytes > limits.max_memory {
            return Err(Error::Memory { what: "strips of samples".to_owned(), limit: limits.max_memory });
        }
        let padded = frame.mcus.0 * frame.max_h * 8;
        let buffer = || vec![0; padded];
        Ok(Self {
            context: planes.iter().any(|p| p.upsampling.needs_context()),
            planes,
            colour,
            width,
            height,
            mcu_rows: frame.mcus.1,
            max_v: frame.max_v,
            next: 0,
            buffers: [buffer(), buffer(), buffer(), buffer()],
            sums: Vec::new(),
            out: vec![0; width * frame.max_v * 3],
        })
    }

    /// What the sink is told before the first row.
    pub(super) fn info(&self) -> FrameInfo {
        let pixels = if self.colour == Colour::Grey { PixelKind::Luma8 } else { PixelKind::Rgb8 };
        FrameInfo { index: 0, t_ms: 0, width: self.width as u32, height: self.height as u32, pixels }
    }

    /// Sends the rows that are complete once so many MCU rows are.
    #[inline(always)]
    pub(super) fn emit<K: Kernel>(&mut self, kernel: K, mcu_rows: usize, sink: &mut dyn PixelSink) {
        let mut ready = mcu_rows * self.max_v * 8;
        if self.context && mcu_rows < self.mcu_rows {
            ready -= self.max_v;
        }
        let ready = ready.min(self.height);
        while self.next < ready {
            let group = (ready - self.next).min(self.max_v);
            self.group(kernel, group, sink);
        }
    }

    #[inline(always)]
    fn group<K: Kernel>(&mut self, kernel: K, count: usize, sink: &mut dyn PixelSink) {
        let width = self.width;
        if let (Colour::Grey, [plane]) = (self.colour, self.planes.as_slice()) {
            for y in self.next..self.next + count {
                sink.rows(&plane.row(y)[..width]);
            }
            self.next += count;
            return;
        }
        let bytes = width * 3;
        for (y, out) in (self.next..self.next + count).zip(self.out.chunks_exact_mut(bytes)) {
            let mut rows: [&[u8]; 4] = [&[]; 4];
            for ((plane, buffer), row) in self.planes.iter().zip(&mut self.buffers).zip(&mut rows) {
                *row = &plane.upsampled(y, &mut self.sums, buffer)[..width];
            }
            match self.colour {
                Colour::Ycc => kernel.ycc_to_rgb(rows[0], rows[1], rows[2], out),
                Colour::Rgb | Colour::Grey => interleave(rows, out),
                Colour::Cmyk => {
                    interleave(rows, out);
                    ink(rows[3], out);
                }
                Colour::Ycck => {
                    kernel.ycc_to_rgb(rows[0], rows[1], rows[2], out);
                    out.iter_mut().for_each(|sample| *sample = 255 - *sample);
                    ink(rows[3], out);
                }
            }
        }
        self.next += count;
        sink.rows(&self.out[..count * bytes]);
    }
}

#[inline(always)]
fn interleave(rows: [&[u8]; 4], out: &mut [u8]) {
    for (((&r, &g), &b), to) in rows[0].iter().zip(rows[1]).zip(rows[2]).zip(out.as_chunks_mut::<3>().0) {
        *to = [r, g, b];
    }
}

/// Stored (inverted) CMYK to RGB: Pillow reads every CMYK JPEG as inverted, as Adobe writes them.
#[inline(always)]
fn ink(black: &[u8], out: &mut [u8]) {
    for (&stored, to) in black.iter().zip(out.as_chunks_mut::<3>().0) {
        let light = u32::from(stored);
        *to = to.map(|channel| {
            let product = u32::from(255 - channel) * light + 128;
            light.saturating_sub(((product >> 8) + product) >> 8) as u8
        });
    }
}
