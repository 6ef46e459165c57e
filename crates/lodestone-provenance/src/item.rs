//! What the examiners are given: one file, its segments, and its pixels where they could be decoded.

use lodestone_media::segments::Segments;
use serde::{Deserialize, Serialize};

/// The first frame's pixels as decoded, in stored orientation, alpha dropped.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// height × width × 3, row-major, 8 bits a channel, R G B.
    pub rgb: &'a [u8],
    /// height × width, row-major; `None` where the picture has no alpha channel.
    pub alpha: Option<&'a [u8]>,
}

/// One questioned file.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// Its exact bytes.
    pub bytes: &'a [u8],
    /// Its metadata and structure.
    pub segments: &'a Segments<'a>,
    /// Width of the decoded picture in stored orientation, 0 where unknown.
    pub width: u32,
    /// Height of it.
    pub height: u32,
    /// Its pixels; `None` where they were not asked for, are too many, or could not be decoded.
    pub pixels: Option<Pixels<'a>>,
    /// Text of a file that stands beside it under the same name (`.txt`), if asked for and there.
    pub sidecar: Option<&'a str>,
}

/// Which checks are wanted beyond metadata and structure, which are always made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Content Credentials.
    pub credentials: bool,
    /// Watermarks and hidden text in the pixels.
    pub watermarks: bool,
    /// Traces of recompression in JPEG coefficients, and the thumbnail against the picture.
    pub recompression: bool,
    /// The user's own models.
    pub models: bool,
    /// Aids to look at, as PNG files; never scored.
    pub maps: bool,
    /// Prompts as text and not as digests.
    pub show_text: bool,
}

impl Wish {
    /// Everything but maps and text.
    pub const FULL: Self = Self {
        credentials: true,
        watermarks: true,
        recompression: true,
        models: true,
        maps: false,
        show_text: false,
    };
    /// What needs no pixels: for scans.
    pub const WITHOUT_PIXELS: Self =
        Self { watermarks: false, recompression: false, models: false, ..Self::FULL };

    /// Whether any wish needs pixels.
    pub fn needs_pixels(&self) -> bool {
        self.watermarks || self.recompression || self.models || self.maps
    }
}

/// A picture for people to look at, made from a file's pixels. It is an aid and is never scored alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// `error-level`, `noise`, `grid`, `ghost`.
    pub name: String,
    /// What it shows and what it cannot, in a sentence or two.
    pub caption: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// A PNG file.
    pub png: Vec<u8>,
}
