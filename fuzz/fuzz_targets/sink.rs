//! A sink that holds decoders to their word.
#![allow(dead_code)] // not every target decodes

use lodestone_media::{FrameInfo, Limits, PixelSink};

/// Counts what comes and panics where a decoder hands over another number of rows than it announced.
#[derive(Default)]
pub struct Strict {
    left: Option<(usize, usize)>,
    pub frames: u32,
}

impl PixelSink for Strict {
    fn frame(&mut self, info: &FrameInfo) {
        assert!(self.left.is_none(), "a frame within a frame");
        assert!(info.width > 0 && info.height > 0);
        let row = info.width as usize * info.pixels.bytes();
        self.left = Some((row, row * info.height as usize));
    }

    fn rows(&mut self, rows: &[u8]) {
        let (row, left) = self.left.as_mut().expect("rows outside a frame");
        assert_eq!(rows.len() % *row, 0, "part of a row");
        *left = left.checked_sub(rows.len()).expect("more rows than announced");
    }

    fn end_frame(&mut self) {
        assert_eq!(self.left.take().expect("an end without a frame").1, 0, "fewer rows than announced");
        self.frames += 1;
    }
}

/// Small enough that no input is slow.
pub fn limits() -> Limits {
    Limits { max_pixels: 1 << 20, max_memory: 64 << 20, max_frames: 8, ..Limits::default() }
}
