//! What generators' conventions tell of a labelled folder, with pixels: `cargo run --release -p lodestone-provenance
//! --example conventions -- DIR [--list]`. DIR holds `manifest.csv` with columns `path` and `label`; `--list` prints one
//! line a file with a generator.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use lodestone_media::{FrameInfo, Limits, PixelKind, PixelSink, segments};
use lodestone_provenance::{Item, Kit, Pixels, Wish, examine};

#[derive(Default)]
struct Keep {
    size: (u32, u32),
    kind: Option<PixelKind>,
    rgb: Vec<u8>,
    alpha: Vec<u8>,
}

impl PixelSink for Keep {
    fn frame(&mut self, info: &FrameInfo) {
        if self.rgb.is_empty() {
            self.size = (info.width, info.height);
            self.kind = Some(info.pixels);
        }
    }

    fn rows(&mut self, rows: &[u8]) {
        match self.kind {
            Some(PixelKind::Luma8) => self.rgb.extend(rows.iter().flat_map(|&v| [v, v, v])),
            Some(PixelKind::Rgb8) => self.rgb.extend_from_slice(rows),
            Some(PixelKind::Rgba8) => {
                for p in rows.chunks_exact(4) {
                    self.rgb.extend_from_slice(&p[..3]);
                    self.alpha.push(p[3]);
                }
            }
            None => {}
        }
    }

    fn end_frame(&mut self) {
        self.kind = None;
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let Some(dir) = args.next() else {
        eprintln!("usage: conventions DIR [--list]");
        std::process::exit(2);
    };
    let list = args.any(|a| a == "--list");
    let dir = Path::new(&dir);
    let manifest = std::fs::read_to_string(dir.join("manifest.csv")).expect("manifest.csv");
    let mut lines = manifest.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| header.iter().position(|h| *h == name).expect("a column of the manifest");
    let (path, label) = (column("path"), column("label"));
    let kit = Kit::built_in();
    let wish = Wish { watermarks: true, ..Wish::default() };
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut spent = Duration::ZERO;
    let mut files = 0u32;
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let (Some(path), Some(label)) = (fields.get(path), fields.get(label)) else { continue };
        let Ok(bytes) = std::fs::read(dir.join(path)) else { continue };
        let segments = segments::scan(&bytes);
        let mut keep = Keep::default();
        let decoded = lodestone_media::decode(&bytes, &Limits::default(), &mut keep).is_ok();
        let pixels = Pixels {
            width: keep.size.0,
            height: keep.size.1,
            rgb: &keep.rgb,
            alpha: (!keep.alpha.is_empty()).then_some(keep.alpha.as_slice()),
        };
        let (width, height) = keep.size;
        let pixels = decoded.then_some(pixels);
        let item = Item { bytes: &bytes, segments: &segments, width, height, pixels, sidecar: None };
        let metadata_only = Item { pixels: None, ..item };
        let begun = Instant::now();
        let _ = examine(&metadata_only, &kit, &Wish::default());
        spent += begun.elapsed();
        files += 1;
        let examined = examine(&item, &kit, &wish);
        let told = examined.assessment;
        let fact = |name: &str| told.facts.get(name).map_or("", String::as_str).to_owned();
        let name = told.generator.clone().unwrap_or_else(|| "-".to_owned());
        let source = told.generator_source.clone().unwrap_or_default();
        let key = format!("{name} ({}) {source}", fact("generator"));
        *counts.entry(((*label).to_owned(), key.clone())).or_default() += 1;
        if list && told.generator.is_some() {
            let codes: Vec<_> = examined.findings.iter().map(|f| f.code.as_str()).collect();
            println!("{path} | {key} | source type {} | {}", fact("source_type"), codes.join(" "));
        }
    }
    for ((label, key), count) in counts {
        println!("{label:<12} {count:>5}  {key}");
    }
    println!("metadata and structure: {} µs a file", spent.as_micros() / u128::from(files.max(1)));
}
