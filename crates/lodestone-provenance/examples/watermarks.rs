//! Measures the watermark decoder on a labelled folder: `cargo run --release -p lodestone-provenance --example watermarks
//! -- DIR [--values] [--variants] [--made N]`.
//!
//! DIR holds `manifest.csv` with columns `path`, `label`, `subtype`, `note`; marked files have label `watermark` and a
//! subtype `scheme:message` (SD1, SD2, SDXL, FLUX). Prints how many of each series were found, and what was found in the
//! others. `--values` prints every correlation instead, one a line. `--variants` looks at flips, turns and crops of the
//! others, too. `--made N` looks at N pictures made here (noise, charts, stripes, blocks; half of them saved as JPEG) and at
//! nothing else: unmarked, and as periodic as pictures get. Without a manifest every file under DIR counts as unmarked.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use lodestone_media::{FrameInfo, Limits, PixelKind, PixelSink, decode};
use lodestone_provenance::watermark::{Heard, direct, search};
use lodestone_provenance::{Item, Kit, Pixels, Wish, examine};

fn main() {
    let mut dir = None;
    let (mut values, mut variants, mut made) = (false, false, 0u32);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--values" => values = true,
            "--variants" => variants = true,
            "--made" => made = args.next().and_then(|n| n.parse().ok()).unwrap_or(0),
            _ => dir = Some(PathBuf::from(arg)),
        }
    }
    if made > 0 {
        return look_at_made(made);
    }
    let Some(dir) = dir else {
        eprintln!("usage: watermarks DIR [--values] [--variants] [--made N]");
        return;
    };
    let kit = Kit::built_in();
    let wish = Wish { watermarks: true, ..Wish::default() };
    // Series to files, found right, found after a search, found wrong.
    let mut series: BTreeMap<String, [u32; 4]> = BTreeMap::new();
    let (mut pixels_seen, mut time_direct, mut time_search, mut pictures) = (0u64, 0.0, 0.0, 0u32);
    for (path, expected, name) in files(&dir) {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let mut first = First::default();
        if decode(&bytes, &Limits::default(), &mut first).is_err() {
            continue;
        }
        let looks = if variants && expected.is_none() { first.variants() } else { vec![("as is", first)] };
        for (variant, look) in looks {
            let pixels = look.pixels();
            if values {
                let at = Instant::now();
                let found = direct(&pixels);
                time_direct += at.elapsed().as_secs_f64();
                let at = Instant::now();
                let searched = search(&pixels);
                time_search += at.elapsed().as_secs_f64();
                pixels_seen += u64::from(look.width) * u64::from(look.height);
                pictures += 1;
                for (kind, heard) in
                    found.iter().map(|h| ("direct", h)).chain(searched.iter().map(|h| ("search", h)))
                {
                    line(&path, &name, variant, (look.width, look.height), kind, heard);
                }
                continue;
            }
            let told = marks(pixels, &kit, &wish);
            let row = series.entry(name.clone()).or_default();
            row[0] += 1;
            for mark in told {
                let right = expected
                    .as_ref()
                    .is_some_and(|(scheme, message)| mark.scheme == *scheme && mark.message == *message);
                row[if right { 1 } else { 3 }] += 1;
                row[2] += u32::from(right && mark.crop_phase.is_some());
                if !right {
                    println!("not expected: {} ({variant}): {mark:?}", path.display());
                }
            }
        }
    }
    if values {
        let megapixels = pixels_seen as f64 / 1e6;
        eprintln!(
            "{pictures} pictures, {megapixels:.1} megapixels: own grid {:.1} ms/MP, search {:.1} ms/MP, {:.1} ms a picture",
            time_direct * 1e3 / megapixels,
            time_search * 1e3 / megapixels,
            time_search * 1e3 / f64::from(pictures)
        );
        return;
    }
    println!("{:<40} {:>6} {:>6} {:>12} {:>6}", "series", "files", "found", "after search", "wrong");
    for (name, [files, right, searched, wrong]) in series {
        println!("{name:<40} {files:>6} {right:>6} {searched:>12} {wrong:>6}");
    }
}

fn marks(pixels: Pixels<'_>, kit: &Kit, wish: &Wish) -> Vec<lodestone_types::Watermark> {
    let segments = lodestone_media::segments::scan(&[]);
    let (width, height) = (pixels.width, pixels.height);
    let item = Item { bytes: &[], segments: &segments, width, height, pixels: Some(pixels), sidecar: None };
    examine(&item, kit, wish).assessment.watermarks
}

/// Pictures that no generator made: every kind in turn, sides of 256 to 640, the even ones through a JPEG.
fn look_at_made(count: u32) {
    let kit = Kit::built_in();
    let wish = Wish { watermarks: true, ..Wish::default() };
    let (mut hits, mut kinds) = (0u32, BTreeMap::<&str, u32>::new());
    for number in 0..count {
        let (kind, picture) = made(number);
        *kinds.entry(kind).or_default() += 1;
        for mark in marks(picture.pixels(), &kit, &wish) {
            hits += 1;
            println!("not expected: number {number}, {kind}: {mark:?}");
        }
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    println!("{count} made pictures ({}): {hits} hits", kinds.join(", "));
}

fn made(number: u32) -> (&'static str, First) {
    let mut state = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u32
    };
    let (width, height) = (256 + next() % 385, 256 + next() % 385);
    let colours: Vec<[u8; 3]> = (0..64).map(|_| [next() as u8, next() as u8, next() as u8]).collect();
    let (period, depth) = (2 + next() % 15, 2 + next() % 60);
    let (slope, phase) = (next() % 7, next() % 64);
    let kinds =
        ["noise", "noise on a ramp", "charts", "stripes", "checks", "blocks of one colour", "waves", "grain"];
    let kind = kinds[(number / 2) as usize % kinds.len()];
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let colour = |n: u32| colours[n as usize % 64];
            let mut near = |[r, g, b]: [u8; 3], depth: u32| {
                [r, g, b].map(|c| c.saturating_add((next() % depth) as u8).saturating_sub((depth / 2) as u8))
            };
            rgb.extend(match kind {
                "noise" => near([128; 3], 255),
                "noise on a ramp" => near([(x / 3) as u8, (y / 3) as u8, ((x + y) / 5) as u8], depth),
                "charts" => colour(x * 8 / width + y * 8 / height * 8),
                "stripes" => colour((x + y * slope) / period % 2),
                "checks" => colour((x / period + y / period) % 2),
                // What strong compression leaves: a colour a block, on the grid that the decoder looks at.
                "blocks of one colour" => near(colour(x / 8 * 7 + y / 8 * 13 + phase), 3),
                "waves" => {
                    let at = |n: u32| (128.0 + 100.0 * f64::from(n).sin()) as u8;
                    [at(x / period), at(y / period + phase), at((x + y) / period)]
                }
                _ => near(colour(y / 40), 12),
            });
        }
    }
    let picture = First { width, height, rgb, ..First::default() };
    if number % 2 == 1 {
        return (kind, picture);
    }
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, [50, 75, 90, 95][number as usize / 16 % 4]);
    encoder.set_sampling_factor(match number / 64 % 2 {
        0 => jpeg_encoder::SamplingFactor::F_1_1,
        _ => jpeg_encoder::SamplingFactor::F_2_2,
    });
    let sides = (u16::try_from(width).expect("small"), u16::try_from(height).expect("small"));
    encoder.encode(&picture.rgb, sides.0, sides.1, jpeg_encoder::ColorType::Rgb).expect("a picture");
    let mut saved = First::default();
    decode(&file, &Limits::default(), &mut saved).expect("what was just written");
    (kind, saved)
}

fn line(path: &Path, name: &str, variant: &str, size: (u32, u32), kind: &str, heard: &Heard) {
    println!(
        "{}\t{name}\t{variant}\t{}x{}\t{kind}\t{}\t{}\t{:.4}\t{:.4}\t{:.4}\t{:.3}\t{:?}",
        path.display(),
        size.0,
        size.1,
        heard.scheme.as_str(),
        heard.message,
        heard.correlation,
        heard.halves[0],
        heard.halves[1],
        heard.peak,
        heard.crop_phase
    );
}

/// Path, the mark that is in it (scheme, message), and the name of its series.
type Labelled = (PathBuf, Option<(String, String)>, String);

fn files(dir: &Path) -> Vec<Labelled> {
    let Ok(manifest) = std::fs::read_to_string(dir.join("manifest.csv")) else {
        let mut found = Vec::new();
        walk(dir, &mut found);
        found.sort();
        return found.into_iter().map(|path| (path, None, "unmarked".to_owned())).collect();
    };
    let mut lines = manifest.lines().map(|line| {
        let mut quoted = false;
        let cut = move |c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        };
        line.split(cut).collect::<Vec<_>>()
    });
    let header = lines.next().unwrap_or_default();
    let column = |name: &str| header.iter().position(|h| *h == name).expect("the manifest has the column");
    let (path, label, subtype, note) = (column("path"), column("label"), column("subtype"), column("note"));
    lines
        .map(|row| {
            let mark = row[subtype].split_once(':').filter(|_| row[label] == "watermark").map(
                |(scheme, message)| {
                    let message = match message {
                        "SD1" => "StableDiffusionV1",
                        "SD2" => "SDV2",
                        other => other,
                    };
                    (scheme.to_owned(), message.to_owned())
                },
            );
            let variant = row[note].trim_matches('"').rsplit("variant ").next().unwrap_or_default();
            let name = match &mark {
                Some((scheme, message)) => format!("{scheme} {message} {variant}"),
                None => format!("unmarked: {}", row[label]),
            };
            (dir.join(row[path]), mark, name)
        })
        .collect()
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The first frame.
#[derive(Default)]
struct First {
    width: u32,
    height: u32,
    kind: Option<PixelKind>,
    done: bool,
    rgb: Vec<u8>,
}

impl PixelSink for First {
    fn frame(&mut self, info: &FrameInfo) {
        if !self.done {
            (self.width, self.height, self.kind) = (info.width, info.height, Some(info.pixels));
        }
    }

    fn rows(&mut self, rows: &[u8]) {
        match self.kind {
            _ if self.done => {}
            Some(PixelKind::Rgb8) => self.rgb.extend_from_slice(rows),
            Some(PixelKind::Rgba8) => self.rgb.extend(rows.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]])),
            _ => self.rgb.extend(rows.iter().flat_map(|l| [*l; 3])),
        }
    }

    fn end_frame(&mut self) {
        self.done = true;
    }
}

impl First {
    fn pixels(&self) -> Pixels<'_> {
        Pixels { width: self.width, height: self.height, rgb: &self.rgb, alpha: None }
    }

    /// Another picture, whose pixel (x, y) is this one's `at(x, y)`.
    fn drawn(&self, width: u32, height: u32, at: impl Fn(u32, u32) -> (u32, u32)) -> Self {
        let mut rgb = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let (x, y) = at(x, y);
                let from = (y as usize * self.width as usize + x as usize) * 3;
                rgb.extend_from_slice(&self.rgb[from..from + 3]);
            }
        }
        Self { width, height, rgb, ..Self::default() }
    }

    /// Flips, turns and crops of an unmarked picture are unmarked, too.
    fn variants(self) -> Vec<(&'static str, Self)> {
        let (w, h) = (self.width, self.height);
        let mut looks = vec![
            ("flipped", self.drawn(w, h, |x, y| (w - 1 - x, y))),
            ("upside down", self.drawn(w, h, |x, y| (x, h - 1 - y))),
            ("turned", self.drawn(h, w, |x, y| (y, h - 1 - x))),
            ("turned back", self.drawn(h, w, |x, y| (w - 1 - y, x))),
        ];
        if w > 300 && h > 300 {
            looks.push(("cropped 3, 5", self.drawn(w - 3, h - 5, |x, y| (x + 3, y + 5))));
            looks.push(("middle", self.drawn(w - 44, h - 36, |x, y| (x + 22, y + 18))));
        }
        if w >= 512 && h >= 512 {
            looks.push(("left half", self.drawn(w / 2, h, |x, y| (x, y))));
            looks.push(("every second pixel", self.drawn(w / 2, h / 2, |x, y| (2 * x, 2 * y))));
        }
        looks.push(("as is", self));
        looks
    }
}
