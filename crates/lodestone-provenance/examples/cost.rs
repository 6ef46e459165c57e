//! What examining costs: `cargo run --release -p lodestone-provenance --example cost -- DIR [--list]`.
//!
//! CPU time (user and system) for every file under DIR, the examiners alone:
//!
//! * *structure*: the segment scan and all examiners that need neither pixels nor signatures (metadata with its rules,
//!   maker notes, JPEG structure against the database). Not in it: reading the file, digests, pixels, weighing.
//! * *signed*: the same and the Content Credentials: manifests parsed, hash of the bytes, signatures, chains, timestamps.
//!
//! The first is the mean of 80 ms by this thread's own clock; the second the mean of half a second by the clock of the whole
//! process, because the validating library hashes in a thread of its own. JPEGs below 0.1 megapixels are left out of the figures a megapixel: there the fixed part counts. `--list` prints a line a
//! file. See eval/provenance/README.md for what came out.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use lodestone_media::segments::{self, SegmentKind};
use lodestone_provenance::{Item, Kit, Wish, examine};

/// Nanoseconds of CPU per round of one file, and what kind of file it is.
struct Cost {
    path: PathBuf,
    megapixels: f64,
    jpeg: bool,
    signed: bool,
    bytes: usize,
    structure_ms: f64,
    signed_ms: f64,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let Some(dir) = args.next() else {
        eprintln!("usage: cost DIR [--list]");
        std::process::exit(2);
    };
    let list = args.any(|a| a == "--list");
    let mut paths = Vec::new();
    walk(Path::new(&dir), &mut paths);
    paths.sort();
    if paths.is_empty() {
        println!("skipped: no files in {dir}");
        return;
    }
    let before = now_ms();
    let kit = Kit::built_in();
    let loaded = now_ms() - before;
    let mut costs = Vec::new();
    for path in paths {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let found = segments::scan(&bytes);
        let Some(jpeg) = found.format.map(|_| found.jpeg.is_some()) else { continue };
        let frame = found.jpeg.as_ref().and_then(|j| j.frame.as_ref());
        let megapixels = frame.map_or(0.0, |f| f64::from(f.width) * f64::from(f.height) / 1e6);
        let signed = found.of(SegmentKind::C2pa).next().is_some();
        drop(found);
        let wish = Wish::default();
        let structure_ms = of(&bytes, &kit, &wish);
        let signed_ms = if signed { mean(&bytes, &kit, &Wish { credentials: true, ..wish }) } else { 0.0 };
        if list {
            println!(
                "{structure_ms:8.3} ms {signed_ms:8.3} ms {megapixels:7.2} MP {:9} bytes {}",
                bytes.len(),
                path.display()
            );
        }
        costs.push(Cost { path, megapixels, jpeg, signed, bytes: bytes.len(), structure_ms, signed_ms });
    }
    println!("built-in kit: {loaded:.1} ms, once a worker");
    let jpegs: Vec<&Cost> = costs.iter().filter(|c| c.jpeg && c.megapixels >= 0.1).collect();
    say("JPEG, metadata and structure, ms a file", jpegs.iter().map(|c| c.structure_ms));
    say("JPEG, metadata and structure, ms a megapixel", jpegs.iter().map(|c| c.structure_ms / c.megapixels));
    let about_one = jpegs.iter().filter(|c| (0.5..=2.0).contains(&c.megapixels));
    say("JPEG of 0.5 to 2 megapixels, ms a file", about_one.map(|c| c.structure_ms));
    say(
        "other formats, metadata and structure, ms a file",
        costs.iter().filter(|c| !c.jpeg).map(|c| c.structure_ms),
    );
    let signed: Vec<&Cost> = costs.iter().filter(|c| c.signed).collect();
    say("signed, all of it, ms a file", signed.iter().map(|c| c.signed_ms));
    say("signed, ms a megabyte", signed.iter().map(|c| c.signed_ms / (c.bytes as f64 / 1e6)));
    for (what, most) in [
        ("structure", costs.iter().max_by(|a, b| a.structure_ms.total_cmp(&b.structure_ms))),
        ("signed", costs.iter().max_by(|a, b| a.signed_ms.total_cmp(&b.signed_ms))),
    ] {
        if let Some(most) = most {
            let ms = if what == "signed" { most.signed_ms } else { most.structure_ms };
            println!("most, {what}: {ms:.2} ms, {} bytes, {}", most.bytes, most.path.display());
        }
    }
}

/// Mean milliseconds of CPU for one file, this thread. The kernel brings its count up to date every few milliseconds.
fn of(bytes: &[u8], kit: &Kit, wish: &Wish) -> f64 {
    once(bytes, kit, wish);
    let before = now_ms();
    let mut times = 0u32;
    loop {
        // Asking the clock costs some microseconds.
        (0..8).for_each(|_| once(bytes, kit, wish));
        times += 8;
        let spent = now_ms() - before;
        if spent >= 80.0 {
            return spent / f64::from(times);
        }
    }
}

/// Mean milliseconds of CPU for one file, all threads. The kernel counts them in hundredths of a second.
fn mean(bytes: &[u8], kit: &Kit, wish: &Wish) -> f64 {
    let process = || {
        let told = std::fs::read_to_string("/proc/self/stat").ok()?;
        let fields: Vec<u64> =
            told.rsplit_once(')')?.1.split_whitespace().map(|f| f.parse().unwrap_or(0)).collect();
        Some((fields.get(11)? + fields.get(12)?) as f64 * 10.0)
    };
    let (began, before) = (Instant::now(), process());
    let mut times = 0u32;
    while began.elapsed().as_millis() < 500 || times < 8 {
        once(bytes, kit, wish);
        times += 1;
    }
    let spent = before.and_then(|before| Some(process()? - before));
    spent.unwrap_or(began.elapsed().as_secs_f64() * 1e3) / f64::from(times)
}

fn once(bytes: &[u8], kit: &Kit, wish: &Wish) {
    let segments = segments::scan(bytes);
    let item = Item { bytes, segments: &segments, width: 0, height: 0, pixels: None, sidecar: None };
    std::hint::black_box(examine(&item, kit, wish));
}

/// CPU time of this thread in milliseconds; where the system does not tell, time on the wall.
fn now_ms() -> f64 {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ns = told.and_then(|t| t.split_whitespace().next()?.parse::<u64>().ok());
    ns.map_or_else(|| BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3, |ns| ns as f64 / 1e6)
}

fn say(what: &str, values: impl Iterator<Item = f64>) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values.get((values.len().saturating_sub(1)) * part / 100).copied().unwrap_or(0.0);
    println!(
        "{what}: {} files, median {:.3}, 95 of 100 {:.3}, most {:.3}",
        values.len(),
        at(50),
        at(95),
        at(100)
    );
}

fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, out);
        } else {
            out.push(path);
        }
    }
}
