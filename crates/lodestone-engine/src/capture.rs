//! The first frame's pixels, held for the examiners while the others only pass by.

use lodestone_media::{FrameInfo, PixelKind};
use lodestone_provenance::Pixels;

/// Pixels as the examiners take them: R, G, B, and alpha apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Captured {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// height × width × 3, row-major.
    pub(crate) rgb: Vec<u8>,
    /// height × width, where the picture has alpha.
    pub(crate) alpha: Option<Vec<u8>>,
}

/// What came of capturing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Held {
    /// Not asked for, or no frame came to its end.
    #[default]
    Nothing,
    /// The frame has this many pixels: more than are examined.
    TooMany(u64),
    /// All of them.
    Whole(Captured),
}

impl Held {
    /// The pixels, where all of them are held.
    pub(crate) fn pixels(&self) -> Option<Pixels<'_>> {
        let Self::Whole(one) = self else { return None };
        Some(Pixels { width: one.width, height: one.height, rgb: &one.rgb, alpha: one.alpha.as_deref() })
    }
}

/// Takes the rows of the first frame of each file. Memory: 3 or 4 bytes a pixel, up to the limit given.
#[derive(Debug)]
pub(crate) struct Capture {
    /// Most pixels of a frame that is held; 0: none is.
    max_pixels: u64,
    held: Held,
    /// The first frame is over, or left out.
    closed: bool,
    kind: PixelKind,
}

impl Capture {
    pub(crate) fn new(max_pixels: u64) -> Self {
        Self { max_pixels, held: Held::Nothing, closed: false, kind: PixelKind::Rgb8 }
    }

    /// What was held; ready for another file.
    pub(crate) fn take(&mut self) -> Held {
        let whole = std::mem::replace(&mut self.closed, false);
        match std::mem::take(&mut self.held) {
            Held::Whole(_) if !whole => Held::Nothing,
            held => held,
        }
    }

    pub(crate) fn frame(&mut self, info: &FrameInfo) {
        if self.max_pixels == 0 || self.closed {
            return;
        }
        let pixels = u64::from(info.width) * u64::from(info.height);
        if pixels > self.max_pixels {
            (self.held, self.closed) = (Held::TooMany(pixels), true);
            return;
        }
        self.kind = info.pixels;
        let alpha = (info.pixels == PixelKind::Rgba8).then(Vec::new);
        self.held = Held::Whole(Captured { width: info.width, height: info.height, rgb: Vec::new(), alpha });
    }

    pub(crate) fn rows(&mut self, rows: &[u8]) {
        let Held::Whole(held) = &mut self.held else { return };
        if self.closed {
            return;
        }
        if held.rgb.is_empty() {
            // Within the limit: one piece instead of a dozen, each twice as large. Where there is no room, growing says so.
            let pixels = held.width as usize * held.height as usize;
            let _ = held.rgb.try_reserve_exact(pixels * 3);
            let _ = held.alpha.as_mut().map(|alpha| alpha.try_reserve_exact(pixels));
        }
        match self.kind {
            PixelKind::Luma8 => held.rgb.extend(rows.iter().flat_map(|grey| [*grey; 3])),
            PixelKind::Rgb8 => held.rgb.extend_from_slice(rows),
            PixelKind::Rgba8 => {
                for pixel in rows.chunks_exact(4) {
                    held.rgb.extend_from_slice(&pixel[..3]);
                }
                if let Some(alpha) = &mut held.alpha {
                    alpha.extend(rows.chunks_exact(4).map(|pixel| pixel[3]));
                }
            }
        }
    }

    pub(crate) fn end_frame(&mut self) {
        if let Held::Whole(held) = &self.held
            && !self.closed
        {
            let whole = held.rgb.len() as u64 == u64::from(held.width) * u64::from(held.height) * 3;
            if !whole {
                self.held = Held::Nothing;
            }
        }
        self.closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(capture: &mut Capture, pixels: PixelKind, rows: &[u8]) {
        capture.frame(&FrameInfo { index: 0, t_ms: 0, width: 2, height: 1, pixels });
        capture.rows(rows);
        capture.end_frame();
    }

    #[test]
    fn the_first_frame_is_held_and_later_ones_pass() {
        let mut capture = Capture::new(2);
        frame(&mut capture, PixelKind::Rgba8, &[1, 2, 3, 4, 5, 6, 7, 8]);
        frame(&mut capture, PixelKind::Luma8, &[9, 9]);
        let rgb = vec![1, 2, 3, 5, 6, 7];
        let whole = Captured { width: 2, height: 1, rgb, alpha: Some(vec![4, 8]) };
        assert_eq!(capture.take(), Held::Whole(whole));
        frame(&mut capture, PixelKind::Luma8, &[9, 8]);
        let grey = Captured { width: 2, height: 1, rgb: vec![9, 9, 9, 8, 8, 8], alpha: None };
        assert_eq!(capture.take(), Held::Whole(grey));
        assert_eq!(capture.take(), Held::Nothing);
    }

    #[test]
    fn more_pixels_than_are_examined_and_frames_that_break_off_are_not_held() {
        let mut capture = Capture::new(1);
        frame(&mut capture, PixelKind::Luma8, &[1, 2]);
        assert_eq!(capture.take(), Held::TooMany(2));
        let mut capture = Capture::new(2);
        frame(&mut capture, PixelKind::Luma8, &[1]);
        assert_eq!(capture.take(), Held::Nothing);
        capture.frame(&FrameInfo { index: 0, t_ms: 0, width: 2, height: 1, pixels: PixelKind::Luma8 });
        capture.rows(&[1, 2]);
        assert_eq!(capture.take(), Held::Nothing, "no end came");
        let mut none = Capture::new(0);
        frame(&mut none, PixelKind::Luma8, &[1, 2]);
        assert_eq!(none.take(), Held::Nothing);
    }
}
