//! What one directory says of its picture, checked.

use super::directory::{Directory, Reader};
use crate::{Error, PixelKind};

/// How samples become colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Grey { white_is_zero: bool },
    Rgb,
    Palette,
    Cmyk,
    YCbCr,
}

/// What the first sample beyond the colours means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alpha {
    None,
    Straight,
    Premultiplied,
}

/// Pixels by which a tile may be wider or higher than its picture.
const MAX_TILE_EXCESS: u32 = 1 << 11;

/// One picture's layout.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bits: u32,
    pub(super) float: bool,
    pub(super) samples: usize,
    pub(super) compression: u64,
    pub(super) colour: Colour,
    pub(super) alpha: Alpha,
    pub(super) predictor: u64,
    pub(super) planar: bool,
    pub(super) lsb_first: bool,
    pub(super) palette: Vec<[u8; 3]>,
    /// Horizontal and vertical subsampling of YCbCr.
    pub(super) subsampling: (u32, u32),
    pub(super) chunk_width: u32,
    pub(super) chunk_height: u32,
    pub(super) tiled: bool,
    pub(super) offsets: Vec<u64>,
    pub(super) lengths: Vec<u64>,
    /// Offset of a whole JPEG file (the old JPEG-in-TIFF).
    pub(super) old_jpeg: Option<u64>,
}

impl Page {
    pub(super) fn read(file: &Reader<'_>, dir: &Directory) -> Result<Self, Error> {
        let bad = |what: &str| Error::Malformed(format!("TIFF: {what}"));
        let number = |tag| file.value(dir, tag);
        let small = |tag| number(tag).and_then(|v| u32::try_from(v).ok());
        let width = small(256).filter(|&w| w > 0).ok_or_else(|| bad("width"))?;
        let height = small(257).filter(|&h| h > 0).ok_or_else(|| bad("height"))?;
        let samples = number(277).unwrap_or(1);
        if !(1..=32).contains(&samples) {
            return Err(bad("samples per pixel"));
        }
        let bits = file.values(dir, 258);
        let first = bits.first().copied().unwrap_or(1);
        if bits.iter().any(|&b| b != first) {
            return Err(Error::Unsupported("TIFF with samples of different sizes".into()));
        }
        let float = match number(339).unwrap_or(1) {
            1 | 4 => false,
            3 => true,
            other => return Err(Error::Unsupported(format!("TIFF sample format {other}"))),
        };
        if !(matches!(first, 1..=16 | 32) && (!float || first == 32)) {
            return Err(Error::Unsupported(format!("TIFF with {first} bits a sample")));
        }
        let compression = number(259).unwrap_or(1);
        let photometric = number(262).unwrap_or(if samples >= 3 { 2 } else { 1 });
        let (colour, base) = match photometric {
            0 => (Colour::Grey { white_is_zero: true }, 1),
            1 | 4 | 32803 | 34892 => (Colour::Grey { white_is_zero: false }, 1),
            2 => (Colour::Rgb, 3),
            3 => (Colour::Palette, 1),
            5 => (Colour::Cmyk, 4),
            6 => (Colour::YCbCr, 3),
            other => return Err(Error::Unsupported(format!("TIFF photometric interpretation {other}"))),
        };
        if samples < base {
            return Err(bad("too few samples for its colours"));
        }
        let alpha = match (samples - base, number(338)) {
            (0, _) => Alpha::None,
            (_, Some(1)) => Alpha::Premultiplied,
            (_, Some(2)) => Alpha::Straight,
            // Many writers of RGBA forget to say so; Pillow reads it thus.
            (1, None) if colour == Colour::Rgb => Alpha::Straight,
            _ => Alpha::None,
        };
        let tiled = number(322).is_some();
        let (chunk_width, chunk_height) = if tiled {
            let side = |tag| small(tag).filter(|&s| s > 0).ok_or_else(|| bad("tile size"));
            let (w, h) = (side(322)?, side(323)?);
            if w > width.saturating_add(MAX_TILE_EXCESS) || h > height.saturating_add(MAX_TILE_EXCESS) {
                return Err(bad("tiles far bigger than the picture"));
            }
            (w, h)
        } else {
            (width, small(278).unwrap_or(height).clamp(1, height))
        };
        let subsampling = match (colour, file.values(dir, 530).as_slice()) {
            (Colour::YCbCr, [h @ (1 | 2 | 4), v @ (1 | 2 | 4)]) => (*h as u32, *v as u32),
            (Colour::YCbCr, []) => (2, 2),
            (Colour::YCbCr, _) => return Err(bad("subsampling")),
            _ => (1, 1),
        };
        let map = file.values(dir, 320);
        let third = map.len() / 3;
        // Some writers fill only the low byte.
        let shift = if map.iter().all(|&v| v < 256) { 0 } else { 8 };
        let entry = |i: usize| map.get(i).map_or(0, |&v| (v >> shift).min(255) as u8);
        let palette = (0..third).map(|i| [entry(i), entry(third + i), entry(2 * third + i)]).collect();
        Ok(Self {
            width,
            height,
            bits: first as u32,
            float,
            samples: samples as usize,
            compression,
            colour,
            alpha,
            predictor: number(317).unwrap_or(1),
            planar: number(284) == Some(2) && samples > 1,
            lsb_first: number(266) == Some(2),
            palette,
            subsampling,
            chunk_width,
            chunk_height,
            tiled,
            offsets: file.values(dir, if tiled { 324 } else { 273 }),
            lengths: file.values(dir, if tiled { 325 } else { 279 }),
            old_jpeg: number(513).filter(|_| compression == 6),
        })
    }

    pub(super) fn kind(&self) -> PixelKind {
        match (self.alpha, self.colour) {
            (Alpha::None, Colour::Grey { .. }) => PixelKind::Luma8,
            (Alpha::None, _) | (_, Colour::Cmyk) => PixelKind::Rgb8,
            _ => PixelKind::Rgba8,
        }
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match self.colour {
            Colour::Cmyk => notes.push("cmyk".to_owned()),
            Colour::Palette => notes.push("palette".to_owned()),
            _ => {}
        }
        if self.bits != 8 {
            notes.push(format!("{}-bit", self.bits));
        }
        notes
    }
}
