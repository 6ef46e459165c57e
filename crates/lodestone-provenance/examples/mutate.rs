//! Reads mutated copies of a folder's files, to see that none makes an examiner panic:
//! `cargo run --release -p lodestone-provenance --example mutate -- DIR [N] [--credentials] [--from NUMBER]`.
//!
//! N (1,000,000) copies: cut, patched, shifted, spliced with another file's bytes, lengths made huge. The sequence is
//! written out below, so a run can be repeated; a file that panics is named by its number. Whole files above 256 KiB are
//! mutated in their first 64 KiB and last 16 KiB, where metadata stands, and only these parts are read. `--credentials`
//! validates credentials too; `--from` begins another sequence, so that runs can be shared out.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lodestone_media::segments;
use lodestone_provenance::{Item, Kit, Wish, examine};

const HEAD: usize = 64 << 10;
const TAIL: usize = 16 << 10;

fn main() {
    let mut args = std::env::args().skip(1);
    let Some(dir) = args.next() else {
        eprintln!("usage: mutate DIR [N] [--credentials] [--from NUMBER]");
        std::process::exit(2);
    };
    let rest: Vec<String> = args.collect();
    let credentials = rest.iter().any(|a| a == "--credentials");
    let from = rest.iter().position(|a| a == "--from").and_then(|at| rest.get(at + 1)?.parse::<u64>().ok());
    let wanted: u64 = rest.first().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let mut paths = Vec::new();
    walk(Path::new(&dir), &mut paths);
    paths.sort();
    let mut files: Vec<Vec<u8>> =
        paths.iter().filter_map(|p| std::fs::read(p).ok()).filter(|b| !b.is_empty()).map(shortened).collect();
    files.sort();
    files.dedup();
    if files.is_empty() {
        println!("skipped: no files in {dir}");
        return;
    }
    let kit = Kit::built_in();
    let wish = Wish { credentials, ..Wish::WITHOUT_PIXELS };
    // Never 0, from which xorshift gives nothing else.
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ from.unwrap_or(0));
    let (mut panics, mut longest, started) = (0u64, Duration::ZERO, Instant::now());
    let mut findings = 0u64;
    for number in 0..wanted {
        let base = &files[random.below(files.len())];
        let other = &files[random.below(files.len())];
        let copy = mutated(base, other, &mut random);
        let began = Instant::now();
        let read = catch_unwind(AssertUnwindSafe(|| {
            let found = segments::scan(&copy);
            let item =
                Item { bytes: &copy, segments: &found, width: 640, height: 480, pixels: None, sidecar: None };
            examine(&item, &kit, &wish).findings.len() as u64
        }));
        longest = longest.max(began.elapsed());
        match read {
            Ok(count) => findings += count,
            Err(_) => {
                panics += 1;
                println!("copy {number} panics");
            }
        }
    }
    let took = started.elapsed();
    println!(
        "{wanted} mutated copies of {} files: {panics} panics, {findings} findings, {:.0} s, {:.3} ms each, longest {:.1} ms",
        files.len(),
        took.as_secs_f64(),
        took.as_secs_f64() * 1e3 / wanted.max(1) as f64,
        longest.as_secs_f64() * 1e3
    );
    std::process::exit(i32::from(panics > 0));
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

fn shortened(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() > 256 << 10 {
        let tail = bytes.split_off(bytes.len() - TAIL);
        bytes.truncate(HEAD);
        bytes.extend(tail);
    }
    bytes
}

fn mutated(base: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut copy = base.to_vec();
    for _ in 0..=random.below(6) {
        if copy.is_empty() {
            break;
        }
        // Half of the changes go into the first 4 KiB, where headers and directories are.
        let reach = if random.below(2) == 0 { copy.len().min(4096) } else { copy.len() };
        let at = random.below(reach);
        match random.below(9) {
            0 => copy[at] = 0xff,
            1 => copy[at] = 0,
            2 => copy[at] ^= 1 << random.below(8),
            3 => copy[at] = random.byte(),
            4 => {
                let end = (at + 4).min(copy.len());
                copy[at..end].fill(if random.below(2) == 0 { 0xff } else { 0x7f });
            }
            5 => drop(copy.drain(at..(at + 1 + random.below(64)).min(copy.len()))),
            6 => copy.insert(at, random.byte()),
            7 => copy.truncate(at),
            _ => {
                let from = random.below(other.len());
                let end = (from + random.below(512)).min(other.len());
                drop(copy.splice(at..at, other[from..end].iter().copied()));
            }
        }
    }
    copy
}

/// Xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 16
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(0) % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}
