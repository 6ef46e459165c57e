//! Judges whole-picture hashes and regions on a labelled set.
//!
//! `judge_regions SET [--out RESULTS.csv] [--radius BITS] [--whole-radius BITS] [--hashes N] [--half 0|1] [--only T+T]
//! [--threads N] [--misses]`
//!
//! `SET/truth.csv` has the columns path, kind (ref, query, distractor), transform, ref. The list is the hash of every
//! reference. Whole pictures match within 31 bits in 16 forms; so do regions. With `--radius` above 31 regions are
//! looked up in that radius and moved by `refine` until they match within 31 or do not; `--whole-radius` does the same
//! for the whole picture, which finds pictures cut a little. `--half` takes every second
//! reference's queries, so that what was tuned on one half can be judged on the other.
//!
//! Prints recall for each transform, wrong matches, false hits and milliseconds of each stage.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods, clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Mutex,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use lodestone_features::{
    Luma,
    region::{Region, RegionOptions, refine, region_prints},
};
use lodestone_hash::{PdqFeatures, PdqHash, pdq};
use lodestone_media::{FrameInfo, Limits, PixelKind, PixelSink, decode};

const MATCH_BITS: u32 = 31;
const WHOLE_QUALITY: u8 = 50;

/// The first frame.
#[derive(Default)]
struct First {
    info: Option<FrameInfo>,
    pixels: Vec<u8>,
}

impl PixelSink for First {
    fn frame(&mut self, info: &FrameInfo) {
        if info.index == 0 {
            self.info = Some(*info);
        }
    }

    fn rows(&mut self, rows: &[u8]) {
        let wanted = self.info.map_or(0, |i| i.width as usize * i.height as usize * i.pixels.bytes());
        if self.pixels.len() < wanted {
            self.pixels.extend_from_slice(rows);
        }
    }

    fn end_frame(&mut self) {}
}

struct Picture {
    luma: Luma,
    whole: PdqFeatures,
    decode_ms: f64,
    whole_ms: f64,
}

fn read(path: &Path) -> Option<Picture> {
    let bytes = std::fs::read(path).ok()?;
    let start = Instant::now();
    let mut first = First::default();
    decode(&bytes, &Limits::default(), &mut first).ok()?;
    let info = first.info?;
    let decode_ms = ms(start);
    let kind = match info.pixels {
        PixelKind::Luma8 => lodestone_hash::PixelKind::Luma8,
        PixelKind::Rgb8 => lodestone_hash::PixelKind::Rgb8,
        PixelKind::Rgba8 => lodestone_hash::PixelKind::Rgba8,
    };
    let start = Instant::now();
    let whole = pdq(info.width, info.height, kind, &first.pixels).ok()?;
    let whole_ms = ms(start);
    let n = info.pixels.bytes();
    let grey = |p: &[u8]| {
        if n < 3 {
            return p[0];
        }
        ((299 * u32::from(p[0]) + 587 * u32::from(p[1]) + 114 * u32::from(p[2]) + 500) / 1000) as u8
    };
    let luma = Luma::new(info.width, info.height, first.pixels.chunks_exact(n).map(grey).collect()).ok()?;
    Some(Picture { luma, whole, decode_ms, whole_ms })
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

struct Row {
    path: String,
    kind: String,
    transform: String,
    name: String,
}

struct Found {
    name: String,
    bits: u32,
    layer: &'static str,
    note: String,
}

#[derive(Default)]
struct Outcome {
    found: Vec<Found>,
    nearest: u32,
    nearest_whole: u32,
    decode_ms: f64,
    whole_ms: f64,
    regions_ms: f64,
    look_up_ms: f64,
    regions: usize,
    look_ups: usize,
    refined: usize,
}

struct Judge {
    list: Vec<(String, PdqHash)>,
    radius: u32,
    whole_radius: u32,
    options: RegionOptions,
    hashes: u32,
}

impl Judge {
    fn judge(&self, path: &Path, right: &str) -> Outcome {
        let mut out = Outcome { nearest: 256, nearest_whole: 256, ..Outcome::default() };
        let Some(picture) = read(path) else {
            eprintln!("cannot read {}", path.display());
            return out;
        };
        (out.decode_ms, out.whole_ms) = (picture.decode_ms, picture.whole_ms);
        if picture.whole.quality() >= WHOLE_QUALITY {
            let (width, height) = (picture.luma.width() as f32, picture.luma.height() as f32);
            let whole = Region { x: 0.0, y: 0.0, width, height };
            for (form, hash) in picture.whole.dihedral().into_iter().enumerate() {
                self.near(hash, self.whole_radius, |name, bits, target| {
                    if bits <= MATCH_BITS {
                        out.found.push(Found { name, bits, layer: "L1", note: String::new() });
                        return;
                    }
                    out.refined += 1;
                    let start = Instant::now();
                    let refined = refine(&picture.luma, &whole, form, &target, self.hashes);
                    out.look_up_ms += ms(start);
                    if refined.distance_bits <= MATCH_BITS {
                        let note = format!("whole {bits} {:?}", refined.extent);
                        out.found.push(Found { name, bits: refined.distance_bits, layer: "L2", note });
                    }
                });
            }
        }
        let target = self.list.iter().find(|(name, _)| name == right).map(|(_, hash)| *hash);
        for (hash, target) in picture.whole.dihedral().iter().zip(target.iter().cycle()) {
            let bits = hash.distance_bits(target);
            out.nearest_whole = out.nearest_whole.min(bits.min(256 - bits));
        }
        let start = Instant::now();
        let prints = region_prints(&picture.luma, &self.options);
        out.regions_ms = ms(start);
        out.regions = prints.regions.len();
        if std::env::var_os("DUMP").is_some() {
            for (rank, p) in prints.regions.iter().enumerate() {
                println!(
                    "DUMP {rank} {:?} {:.3} q{} {:.0} {:.0} {:.0} {:.0}",
                    p.kind,
                    p.score,
                    p.quality,
                    p.region.x,
                    p.region.y,
                    p.region.right(),
                    p.region.bottom()
                );
            }
        }
        let start = Instant::now();
        for (rank, print) in prints.regions.iter().enumerate() {
            for (form, hash) in print.forms().enumerate() {
                out.look_ups += 2;
                if let Some(target) = target {
                    let bits = hash.distance_bits(&target);
                    out.nearest = out.nearest.min(bits.min(256 - bits));
                }
                self.near(hash, self.radius, |name, bits, target| {
                    let mut bits = bits;
                    if bits > MATCH_BITS {
                        out.refined += 1;
                        bits = refine(&picture.luma, &print.region, form, &target, self.hashes).distance_bits;
                    }
                    if bits <= MATCH_BITS {
                        let note = format!("{:?} rank {rank} {:?}", print.kind, print.region);
                        out.found.push(Found { name, bits, layer: "L2", note });
                    }
                });
            }
        }
        out.look_up_ms += ms(start);
        out
    }

    /// Every listed hash within `radius` of `hash` or of its complement.
    fn near(&self, hash: PdqHash, radius: u32, mut found: impl FnMut(String, u32, PdqHash)) {
        for (name, listed) in &self.list {
            let bits = hash.distance_bits(listed);
            if bits <= radius {
                found(name.clone(), bits, *listed);
            } else if 256 - bits <= radius {
                found(name.clone(), 256 - bits, listed.complement());
            }
        }
    }
}

fn argument(name: &str) -> Option<String> {
    let mut args = std::env::args();
    args.find(|a| a == name)?;
    args.next()
}

fn main() {
    let Some(set) = std::env::args().nth(1).map(PathBuf::from) else {
        return eprintln!("judge_regions SET …");
    };
    let number = |name: &str, default: u32| argument(name).and_then(|v| v.parse().ok()).unwrap_or(default);
    let half = argument("--half").and_then(|v| v.parse::<usize>().ok());
    let misses = std::env::args().any(|a| a == "--misses");
    let only = argument("--only");
    let text = std::fs::read_to_string(set.join("truth.csv")).unwrap();
    let rows: Vec<Row> = text
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.trim_end().split(',').map(str::to_owned);
            let mut next = || fields.next();
            Some(Row { path: next()?, kind: next()?, transform: next()?, name: next()? })
        })
        .collect();
    let mut list = Vec::new();
    let mut wanted = BTreeMap::new();
    for row in rows.iter().filter(|row| row.kind == "ref") {
        if let Some(picture) = read(&set.join(&row.path)) {
            wanted.insert(row.name.clone(), half.is_none_or(|half| list.len() % 2 == half));
            list.push((row.name.clone(), picture.whole.hash()));
        }
    }
    let judge = Judge {
        list,
        radius: number("--radius", MATCH_BITS),
        whole_radius: number("--whole-radius", MATCH_BITS),
        options: RegionOptions {
            most: number("--most", 60) as usize,
            dihedral: number("--dihedral", 16) as usize,
            cut: number("--cut", 12) as usize,
            ..RegionOptions::default()
        },
        hashes: number("--hashes", 60),
    };
    let judged: Vec<&Row> = rows
        .iter()
        .filter(|row| {
            let asked = only.as_ref().is_none_or(|only| only.split('+').any(|t| t == row.transform));
            asked
                && match row.kind.as_str() {
                    "query" => wanted.get(&row.name).copied().unwrap_or(false),
                    "distractor" => true,
                    _ => false,
                }
        })
        .collect();
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..number("--threads", 1) {
            scope.spawn(|| {
                while let Some((i, row)) = {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    judged.get(i).map(|row| (i, row))
                } {
                    let outcome = judge.judge(&set.join(&row.path), &row.name);
                    outcomes.lock().unwrap().insert(i, outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
    report(&judged, &outcomes, misses);
    if let Some(path) = argument("--out") {
        let mut csv = String::from("path,ref,distance,layer\n");
        for (row, outcome) in judged.iter().zip(outcomes.values()) {
            for found in &outcome.found {
                csv.push_str(&format!("{},{},{},{}\n", row.path, found.name, found.bits, found.layer));
            }
        }
        std::fs::write(path, csv).unwrap();
    }
}

#[derive(Default)]
struct Count {
    all: usize,
    l1: usize,
    l2: usize,
    either: usize,
    wrong: usize,
    distances: Vec<u32>,
    whole: Vec<u32>,
}

fn report(judged: &[&Row], outcomes: &BTreeMap<usize, Outcome>, misses: bool) {
    let mut transforms: BTreeMap<&str, Count> = BTreeMap::new();
    let mut distractors: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (row, outcome) in judged.iter().zip(outcomes.values()) {
        if row.kind == "distractor" {
            let count = distractors.entry(&row.transform).or_default();
            count.0 += 1;
            if let Some(found) = outcome.found.first() {
                count.1 += 1;
                println!("FALSE {} {} {} {}", row.path, found.name, found.bits, found.note);
            }
            continue;
        }
        let count = transforms.entry(&row.transform).or_default();
        let by = |layer: &str| outcome.found.iter().any(|f| f.layer == layer && f.name == row.name);
        let (l1, l2) = (by("L1"), by("L2"));
        count.all += 1;
        count.l1 += usize::from(l1);
        count.l2 += usize::from(l2);
        count.either += usize::from(l1 || l2);
        count.distances.push(outcome.nearest);
        count.whole.push(outcome.nearest_whole);
        if let Some(found) = outcome.found.iter().find(|f| f.name != row.name) {
            count.wrong += 1;
            println!("WRONG {} {} {} {}", row.path, found.name, found.bits, found.note);
        }
        if misses && !l1 && !l2 {
            println!("MISS {} {} nearest {}", row.transform, row.path, outcome.nearest);
        }
    }
    println!(
        "{:<28} {:>4} {:>6} {:>6} {:>6} {:>5}  bits of the whole, of the nearest region: median, 90th",
        "transform", "n", "L1", "L2", "both", "wrong"
    );
    let mut macro_recall = (0.0, 0.0);
    for (transform, count) in &mut transforms {
        let part = |n: usize| n as f64 / count.all as f64;
        macro_recall = (macro_recall.0 + part(count.l1), macro_recall.1 + part(count.either));
        count.distances.sort_unstable();
        count.whole.sort_unstable();
        let at = |p: usize| (count.all - 1) * p / 100;
        println!(
            "{transform:<28} {:>4} {:>6.3} {:>6.3} {:>6.3} {:>5}  {:>3} {:>3}  {:>3} {:>3}",
            count.all,
            part(count.l1),
            part(count.l2),
            part(count.either),
            count.wrong,
            count.whole[at(50)],
            count.whole[at(90)],
            count.distances[at(50)],
            count.distances[at(90)]
        );
    }
    let n = transforms.len().max(1) as f64;
    println!("macro recall: L1 {:.4}, L1+L2 {:.4}", macro_recall.0 / n, macro_recall.1 / n);
    for (kind, (all, hit)) in &distractors {
        println!("distractors {kind}: {hit} of {all}");
    }
    let mean =
        |of: fn(&Outcome) -> f64| outcomes.values().map(of).sum::<f64>() / outcomes.len().max(1) as f64;
    println!(
        "a picture: decode {:.2} ms, whole {:.2} ms, regions {:.2} ms, look-up and refinement {:.2} ms; {:.1} regions, {:.0} look-ups, {:.2} refined",
        mean(|o| o.decode_ms),
        mean(|o| o.whole_ms),
        mean(|o| o.regions_ms),
        mean(|o| o.look_up_ms),
        mean(|o| o.regions as f64),
        mean(|o| o.look_ups as f64),
        mean(|o| o.refined as f64)
    );
}
