//! Measures the first reading on a labelled folder: `cargo run -p lodestone-provenance --example first_reading -- DIR`.
//!
//! DIR holds `manifest.csv` (with columns `path`, `label`, `subtype`, `width`, `height`) and, if there is one,
//! `fixtures_expected.json` (`{path: {metadata_says, signal}}`). `--list LABEL` prints one line a file of that label.
//! `--pixels` decodes every picture and makes the checks that need pixels; `--time` prints what a file costs without them.
//! See eval/provenance/README.md for what the numbers mean.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::path::Path;

use lodestone_media::segments;
use lodestone_media::{FrameInfo, Limits, PixelKind, PixelSink};
use lodestone_provenance::{Item, Kit, Pixels, Wish, examine};
use lodestone_types::{Assessment, CameraChain, Finding, Proposition};

#[derive(Default)]
struct Row {
    files: u32,
    unreadable: u32,
    weak: u32,
    contradicted: u32,
    strong: u32,
    generator: u32,
    input_used: u32,
    editor: u32,
    structure_disagrees: u32,
    size_disagrees: u32,
    c2pa: u32,
    abstains: u32,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let Some(dir) = args.next() else {
        eprintln!("usage: first_reading DIR [--list LABEL] [--pixels] [--time]");
        std::process::exit(2);
    };
    let rest: Vec<String> = args.collect();
    let list = rest.iter().position(|a| a == "--list").and_then(|at| rest.get(at + 1)).cloned();
    let pixels = rest.iter().any(|a| a == "--pixels");
    let timed = rest.iter().any(|a| a == "--time");
    let dir = Path::new(&dir);
    let Ok(manifest) = std::fs::read_to_string(dir.join("manifest.csv")) else {
        println!("skipped: no manifest.csv in {}", dir.display());
        return;
    };
    let mut lines = csv_rows(&manifest);
    let header = lines.remove(0);
    let column = |name: &str| header.iter().position(|h| h == name).expect("manifest has the column");
    let (path, label, subtype) = (column("path"), column("label"), column("subtype"));
    let (width, height) = (column("width"), column("height"));

    let kit = Kit::built_in();
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut generators: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut read: BTreeMap<String, (Vec<Finding>, Assessment)> = BTreeMap::new();
    let mut costs: Vec<(f64, f64)> = Vec::new();
    for line in &lines {
        let key = match line[label].as_str() {
            "camera" | "edited" => format!("{}: {}", line[label], line[subtype]),
            label => label.to_owned(),
        };
        let row = rows.entry(key.clone()).or_default();
        row.files += 1;
        let Ok(bytes) = std::fs::read(dir.join(&line[path])) else {
            row.unreadable += 1;
            continue;
        };
        let segments = segments::scan(&bytes);
        let number = |i: usize| line[i].parse().unwrap_or(0);
        let item = Item {
            bytes: &bytes,
            segments: &segments,
            width: number(width),
            height: number(height),
            pixels: None,
            sidecar: None,
        };
        let taken = if pixels { Taken::of(&bytes) } else { None };
        let examined = match &taken {
            Some(taken) => {
                let shown = Pixels { width: taken.width, height: taken.height, rgb: &taken.rgb, alpha: None };
                let item = Item { width: taken.width, height: taken.height, pixels: Some(shown), ..item };
                examine(
                    &item,
                    &kit,
                    &Wish { recompression: true, credentials: false, ..Wish::WITHOUT_PIXELS },
                )
            }
            None => examine(&item, &kit, &Wish { credentials: !timed, ..Wish::WITHOUT_PIXELS }),
        };
        if timed {
            let rounds = 5;
            let began = std::time::Instant::now();
            for _ in 0..rounds {
                let found = segments::scan(&bytes);
                let item = Item { segments: &found, ..item };
                let _ = examine(&item, &kit, &Wish { credentials: false, ..Wish::WITHOUT_PIXELS });
            }
            let ms = began.elapsed().as_secs_f64() * 1e3 / f64::from(rounds);
            let megapixels = f64::from(item.width) * f64::from(item.height) / 1e6;
            if segments.jpeg.is_some() && megapixels > 0.1 {
                costs.push((ms, ms / megapixels));
            }
        }
        let (findings, assessment) = (examined.findings, examined.assessment);
        let has = |code: &str| u32::from(findings.iter().any(|f| f.code == code));
        row.weak += u32::from(assessment.camera_chain == CameraChain::Weak);
        row.contradicted += u32::from(assessment.camera_chain == CameraChain::Contradicted);
        row.strong += u32::from(assessment.camera_chain == CameraChain::Strong);
        row.generator += u32::from(assessment.generator.is_some());
        row.input_used += u32::from(assessment.input_picture_used);
        row.editor += u32::from(assessment.editor.is_some());
        row.structure_disagrees += has("structure.disagrees");
        row.size_disagrees += has("exif.size_disagrees");
        row.c2pa += has("c2pa.present").max(u32::from(assessment.credentials.is_some()));
        row.abstains += u32::from(assessment.abstains);
        if let Some(generator) = &assessment.generator {
            *generators.entry((key.clone(), generator.clone())).or_default() += 1;
        }
        if list.as_deref().is_some_and(|wanted| key.starts_with(wanted)) {
            let codes: Vec<_> = findings.iter().map(|f| f.code.as_str()).collect();
            let structure =
                findings.iter().find(|f| f.code == "structure.described").map_or("", |f| f.what.as_str());
            println!(
                "{} | {:?} | {} | {} | {}",
                line[path],
                assessment.camera_chain,
                codes.join(" "),
                structure,
                assessment.statement
            );
            for finding in findings.iter().filter(|f| f.code.starts_with("thumbnail.")) {
                println!("  {}", finding.what);
            }
        }
        read.insert(line[path].clone(), (findings, assessment));
    }

    println!(
        "{:<38} {:>5} {:>7} {:>5} {:>9} {:>9} {:>5} {:>6} {:>9} {:>8} {:>4} {:>7}",
        "label",
        "files",
        "weak",
        "contradicted",
        "+structure",
        "generator",
        "input",
        "editor",
        "struct -",
        "size -",
        "c2pa",
        "abstain"
    );
    for (label, row) in &rows {
        println!(
            "{label:<38} {:>5} {:>7} {:>5} {:>10} {:>9} {:>5} {:>6} {:>9} {:>8} {:>4} {:>7}",
            row.files,
            row.weak,
            row.contradicted,
            row.strong,
            row.generator,
            row.input_used,
            row.editor,
            row.structure_disagrees,
            row.size_disagrees,
            row.c2pa,
            row.abstains
        );
        if row.unreadable > 0 {
            println!("  {} could not be opened", row.unreadable);
        }
    }
    println!("\ngenerators named");
    for ((label, generator), count) in &generators {
        if label != "fixture" {
            println!("{label:<38} {count:>5} {generator}");
        }
    }
    if timed {
        let mut each: Vec<f64> = costs.iter().map(|c| c.0).collect();
        let mut megapixel: Vec<f64> = costs.iter().map(|c| c.1).collect();
        each.sort_by(f64::total_cmp);
        megapixel.sort_by(f64::total_cmp);
        let at = |list: &[f64], part: usize| list.get(list.len() * part / 100).copied().unwrap_or(0.0);
        println!(
            "\n{} JPEG files, scan and examine: median {:.3} ms, 95 % {:.3} ms, most {:.3} ms; a megapixel: median {:.3} ms, 95 % {:.3} ms",
            each.len(),
            at(&each, 50),
            at(&each, 95),
            each.last().copied().unwrap_or(0.0),
            at(&megapixel, 50),
            at(&megapixel, 95)
        );
    }
    fixtures(dir, &read);
}

/// The first frame as RGB.
#[derive(Default)]
struct Taken {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
    kind: Option<PixelKind>,
}

impl Taken {
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut taken = Self::default();
        lodestone_media::decode(bytes, &Limits::default(), &mut taken).ok()?;
        (!taken.rgb.is_empty()).then_some(taken)
    }
}

impl PixelSink for Taken {
    fn frame(&mut self, info: &FrameInfo) {
        self.kind = (info.index == 0).then_some(info.pixels);
        if info.index == 0 {
            (self.width, self.height) = (info.width, info.height);
        }
    }

    fn rows(&mut self, rows: &[u8]) {
        match self.kind {
            Some(PixelKind::Luma8) => self.rgb.extend(rows.iter().flat_map(|&v| [v; 3])),
            Some(PixelKind::Rgb8) => self.rgb.extend_from_slice(rows),
            Some(PixelKind::Rgba8) => {
                self.rgb.extend(rows.chunks_exact(4).flat_map(|p| p.iter().take(3).copied()));
            }
            None => {}
        }
    }

    fn end_frame(&mut self) {}
}

/// Every fixture against what its metadata says.
fn fixtures(dir: &Path, read: &BTreeMap<String, (Vec<Finding>, Assessment)>) {
    let Ok(text) = std::fs::read_to_string(dir.join("fixtures_expected.json")) else {
        println!("\nskipped: no fixtures_expected.json");
        return;
    };
    let expected: serde_json::Value = serde_json::from_str(&text).expect("fixtures_expected.json is JSON");
    let mut right = 0;
    let mut wrong = Vec::new();
    for (path, entry) in expected.as_object().expect("an object") {
        let says = entry["metadata_says"].as_str().unwrap_or_default();
        let signal = entry["signal"].as_str().unwrap_or_default();
        let Some((_, assessment)) = read.get(path) else {
            wrong.push(format!("{path}: not in the manifest"));
            continue;
        };
        let reading = match assessment.supported.first() {
            None => "none",
            Some(Proposition::AiGenerated) => "ai",
            Some(Proposition::AiEdited | Proposition::EditedCapture) => "edited",
            Some(Proposition::CameraOriginal) => "camera",
            Some(Proposition::OtherSynthetic) => "graphic",
        };
        if reading == says {
            right += 1;
        } else {
            wrong.push(format!("{path}: expected {says} ({signal}), read {reading}"));
        }
    }
    println!("\nfixtures: {right} of {} read as expected", right + wrong.len());
    for line in wrong {
        println!("  {line}");
    }
}

/// CSV with quoted fields.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![];
    let mut row = vec![];
    let mut field = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                field.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field).trim_end_matches('\r').to_owned());
                rows.push(std::mem::take(&mut row));
            }
            c => field.push(c),
        }
    }
    rows
}
