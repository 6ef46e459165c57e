//! Where decoded pixels go: rows, top to bottom, as they come.

use crate::Format;

/// How pixels lie in a row. 8 bits a sample, tightly packed, no padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PixelKind {
    /// Grey, 1 byte.
    Luma8,
    /// R, G, B.
    Rgb8,
    /// R, G, B, straight (not premultiplied) alpha.
    Rgba8,
}

impl PixelKind {
    /// Bytes of one pixel.
    pub fn bytes(self) -> usize {
        match self {
            Self::Luma8 => 1,
            Self::Rgb8 => 3,
            Self::Rgba8 => 4,
        }
    }
}

/// A frame that starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// Number from 0, as shown (frames left out keep their number).
    pub index: u32,
    /// When it is shown, milliseconds from the start.
    pub t_ms: u64,
    /// Width in pixels, stored orientation; at least 1.
    pub width: u32,
    /// Height in pixels; at least 1.
    pub height: u32,
    /// How pixels lie.
    pub pixels: PixelKind,
}

/// Takes decoded pixels. For each frame: one `frame`, then `rows` until all rows came, then `end_frame`.
pub trait PixelSink {
    /// A frame starts.
    fn frame(&mut self, info: &FrameInfo);
    /// The next rows: any number of whole rows of `width * pixels.bytes()` bytes.
    fn rows(&mut self, rows: &[u8]);
    /// All rows of the frame came. A partial picture's missing rows were filled by the decoder before.
    fn end_frame(&mut self);
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The format by content.
    pub format: Format,
    /// Width of the first frame, stored orientation.
    pub width: u32,
    /// Height of the first frame.
    pub height: u32,
    /// Frames in the file, as far as known; 1 for a still.
    pub frames: u32,
    /// Why the picture is incomplete, if it is.
    pub partial: Option<String>,
    /// What a reader of the pixels should know: `cmyk`, `16-bit`, `embedded preview` …
    pub notes: Vec<String>,
}
