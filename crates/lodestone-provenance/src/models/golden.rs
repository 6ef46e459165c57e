//! Pictures that come with a model and the scores it must give: another decoder, filter or preprocessing shows here.

use lodestone_media::{FrameInfo, Limits, PixelKind, PixelSink, decode, segments};

use crate::item::Pixels;

/// The first frame of a picture, decoded as every examined file is.
#[derive(Default)]
pub(super) struct Picture {
    width: u32,
    height: u32,
    kind: Option<PixelKind>,
    done: bool,
    rgb: Vec<u8>,
    alpha: Vec<u8>,
    /// EXIF orientation, 1 where none is stated.
    pub(super) orientation: u8,
}

impl Picture {
    /// # Errors
    /// In words, why it cannot be decoded.
    pub(super) fn decoded(bytes: &[u8]) -> Result<Self, String> {
        let mut picture = Self::default();
        let limits = Limits { max_pixels: 50_000_000, ..Limits::default() };
        let decoded = decode(bytes, &limits, &mut picture).map_err(|e| e.to_string())?;
        if let Some(partial) = decoded.partial {
            return Err(partial);
        }
        picture.orientation = segments::orientation(&segments::scan(bytes)).unwrap_or(1);
        Ok(picture)
    }

    pub(super) fn pixels(&self) -> Pixels<'_> {
        let alpha = (self.kind == Some(PixelKind::Rgba8)).then_some(self.alpha.as_slice());
        Pixels { width: self.width, height: self.height, rgb: &self.rgb, alpha }
    }
}

impl PixelSink for Picture {
    fn frame(&mut self, info: &FrameInfo) {
        if !self.done {
            (self.width, self.height, self.kind) = (info.width, info.height, Some(info.pixels));
        }
    }

    fn rows(&mut self, rows: &[u8]) {
        match self.kind {
            _ if self.done => {}
            Some(PixelKind::Rgb8) => self.rgb.extend_from_slice(rows),
            Some(PixelKind::Rgba8) => {
                for p in rows.chunks_exact(4) {
                    self.rgb.extend_from_slice(&p[..3]);
                    self.alpha.push(p[3]);
                }
            }
            _ => self.rgb.extend(rows.iter().flat_map(|l| [*l; 3])),
        }
    }

    fn end_frame(&mut self) {
        self.done = true;
    }
}
