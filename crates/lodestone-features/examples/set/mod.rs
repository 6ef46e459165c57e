//! What the examples share: reading a labelled set.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use lodestone_features::Luma;
use lodestone_media::{FrameInfo, Limits, PixelKind, PixelSink};

/// Grey values of the first frame.
#[derive(Default)]
struct Grey {
    info: Option<FrameInfo>,
    first: bool,
    pixels: Vec<u8>,
}

impl PixelSink for Grey {
    fn frame(&mut self, info: &FrameInfo) {
        self.first = self.info.is_none();
        self.info.get_or_insert(*info);
    }

    fn rows(&mut self, rows: &[u8]) {
        let Some(info) = self.info.filter(|_| self.first) else { return };
        match info.pixels {
            PixelKind::Luma8 => self.pixels.extend_from_slice(rows),
            kind => self.pixels.extend(rows.chunks_exact(kind.bytes()).map(|p| {
                ((u32::from(p[0]) * 77 + u32::from(p[1]) * 150 + u32::from(p[2]) * 29 + 128) >> 8) as u8
            })),
        }
    }

    fn end_frame(&mut self) {}
}

/// Decodes a file's first frame to grey.
pub(crate) fn luma(path: &Path) -> Option<Luma> {
    let bytes = std::fs::read(path).ok()?;
    let mut grey = Grey::default();
    lodestone_media::decode(&bytes, &Limits::default(), &mut grey).ok()?;
    let info = grey.info?;
    Luma::new(info.width, info.height, grey.pixels).ok()
}

/// A line of truth.csv.
pub(crate) struct Row {
    /// Relative to the file.
    pub(crate) path: String,
    /// `ref`, `query` or `distractor`.
    pub(crate) kind: String,
    /// What was done.
    pub(crate) transform: String,
    /// The ref's name.
    pub(crate) known: String,
}

/// Reads truth.csv.
pub(crate) fn read(truth: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(truth).unwrap_or_default();
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split(',').map(|f| f.trim().to_owned());
            Some(Row {
                path: fields.next()?,
                kind: fields.next()?,
                transform: fields.next()?,
                known: fields.next()?,
            })
        })
        .collect()
}

/// Time that this process has had a core, where the system tells; elapsed time elsewhere. What waits for other programs
/// is not counted.
pub(crate) fn on_core() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    std::fs::read_to_string("/proc/self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .map_or_else(|| start.elapsed(), Duration::from_nanos)
}
