//! Prints what is found of an earlier compression: `recompression FILE…` or `recompression --list FILE` (a path a line).
//!
//! One line a file: path, score of double compression, estimated earlier quality in the finding, score and place of the
//! grid, the fact. Used by eval/provenance/recompression.py.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use lodestone_media::{Decoded, FrameInfo, Limits, PixelKind, PixelSink, decode, segments};
use lodestone_provenance::{Item, Kit, Pixels, Wish, examine};

#[derive(Default)]
struct Rgb {
    size: (u32, u32),
    kind: Option<PixelKind>,
    rgb: Vec<u8>,
    frames: u32,
}

impl PixelSink for Rgb {
    fn frame(&mut self, info: &FrameInfo) {
        self.size = (info.width, info.height);
        self.kind = Some(info.pixels);
    }

    fn rows(&mut self, rows: &[u8]) {
        if self.frames > 0 {
            return;
        }
        match self.kind {
            Some(PixelKind::Luma8) => self.rgb.extend(rows.iter().flat_map(|&g| [g; 3])),
            Some(PixelKind::Rgb8) => self.rgb.extend_from_slice(rows),
            _ => self.rgb.extend(rows.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]])),
        }
    }

    fn end_frame(&mut self) {
        self.frames += 1;
    }
}

fn main() {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.first().is_some_and(|p| p == "--list") {
        let list = paths.get(1).and_then(|p| std::fs::read_to_string(p).ok()).unwrap_or_default();
        paths = list.lines().map(str::to_owned).collect();
    }
    let kit = Kit::built_in();
    let wish = Wish { recompression: true, ..Wish::default() };
    for path in paths {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let segments = segments::scan(&bytes);
        let mut sink = Rgb::default();
        let decoded: Result<Decoded, _> = if segments.jpeg.is_some() {
            continue_without()
        } else {
            decode(&bytes, &Limits::default(), &mut sink)
        };
        let pixels = decoded.ok().map(|_| Pixels {
            width: sink.size.0,
            height: sink.size.1,
            rgb: &sink.rgb,
            alpha: None,
        });
        let item = Item { bytes: &bytes, segments: &segments, width: 0, height: 0, pixels, sidecar: None };
        let started = std::time::Instant::now();
        let examined = examine(&item, &kit, &wish);
        let spent = started.elapsed().as_secs_f64() * 1e3;
        let scores = &examined.assessment.scores;
        let score = |name: &str| scores.get(name).map_or("-".to_owned(), |s| format!("{s:.4}"));
        let what = |code: &str| {
            examined.findings.iter().find(|f| f.code == code).map_or("-", |f| f.what.as_str()).to_owned()
        };
        let fact = examined.assessment.facts.get("recompressed").map_or("-", String::as_str).to_owned();
        println!(
            "{path}\t{}\t{}\t{fact}\t{}\t{}\t{spent:.1}",
            score("recompression"),
            score("grid_offset"),
            what("recompression.double"),
            what("recompression.grid_offset")
        );
    }
}

/// JPEGs are read by the examiner itself.
fn continue_without() -> Result<Decoded, lodestone_media::Error> {
    Err(lodestone_media::Error::Unsupported("not needed".to_owned()))
}
