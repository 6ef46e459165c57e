//! The five facts of Content Credentials, one line a file: `cargo run --release -p lodestone-provenance --example
//! credentials -- DIR [LISTS]`. LISTS is a folder as in docs/trust-lists.md. `--mutate N FILE…` changes bytes of files N
//! times each and only counts what came of it: no panic may.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use lodestone_media::segments;
use lodestone_provenance::{Examined, Item, Kit, KitSources, Wish, examine};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--mutate", rounds, files @ ..] => mutate(rounds.parse().unwrap_or(100), files),
        [dir] => table(dir, None),
        [dir, lists] => table(dir, Some(PathBuf::from(lists))),
        _ => {
            eprintln!("usage: credentials DIR [LISTS] | credentials --mutate N FILE...");
            std::process::exit(2);
        }
    }
}

fn read(bytes: &[u8], kit: &Kit) -> Examined {
    let segments = segments::scan(bytes);
    let item = Item { bytes, segments: &segments, width: 0, height: 0, pixels: None, sidecar: None };
    examine(&item, kit, &Wish { credentials: true, ..Wish::default() })
}

fn table(dir: &str, lists: Option<PathBuf>) {
    let start = Instant::now();
    let kit = Kit::load(&KitSources { trust_lists: lists, ..KitSources::default() }).expect("lists load");
    println!("loading took {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    for line in kit.describe() {
        println!("{line}");
    }
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("a folder").flatten().map(|e| e.path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.is_file()) {
        let bytes = std::fs::read(path).expect("a file");
        let start = Instant::now();
        let examined = read(&bytes, &kit);
        let took = start.elapsed().as_secs_f64() * 1e3;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let facts = &examined.assessment.facts;
        let fact = |name: &str| facts.get(name).map_or("-", String::as_str).to_owned();
        let (state, source) = (fact("credentials"), fact("credentials_source"));
        match &examined.assessment.credentials {
            None => println!("{name}: {state}, {took:.1} ms"),
            Some(c) if !c.parsed => {
                println!(
                    "{name}: {state}, remote {}, {}, {took:.1} ms",
                    c.remote_only,
                    c.error.as_deref().unwrap_or("")
                );
            }
            Some(c) => println!(
                "{name}: {state}/{source} | hash {:?} | signature {:?} | {:?} | {:?} | {:?} | {} manifests | {:?} | {} by {} at {} | {:?} | {:?} | {} kB, {took:.1} ms",
                c.hash,
                c.signature,
                c.trust,
                c.time,
                c.source_types,
                c.manifests,
                c.actions,
                c.claim_generator.as_deref().unwrap_or("-"),
                c.issuer.as_deref().unwrap_or("-"),
                c.signed_at.as_deref().unwrap_or("-"),
                c.codes,
                c.error,
                bytes.len() / 1000,
            ),
        }
        if std::env::var_os("FINDINGS").is_some() {
            for finding in &examined.findings {
                println!("    {} {}", finding.code, finding.what);
                for b in &finding.bearings {
                    println!("        {:?} {:?} {:?}", b.direction, b.proposition, b.strength);
                }
            }
            println!("    {}", examined.assessment.statement);
        }
    }
}

fn mutate(rounds: u64, files: &[&str]) {
    let kit = Kit::built_in();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut slowest = 0.0f64;
    for path in files {
        let whole = std::fs::read(path).expect("a file");
        // Most bytes are pixels: aim at where the manifest store stands.
        let at = whole.windows(4).position(|w| w == b"jumb").unwrap_or(0);
        for _ in 0..rounds {
            let mut bytes = whole.clone();
            for _ in 0..=next() % 6 {
                let near = at as u64 + next() % 40_000;
                let place = usize::try_from(near).unwrap_or(0) % bytes.len().max(1);
                match next() % 8 {
                    0 => bytes.truncate(place.max(64)),
                    1 => {
                        let end = (place + (next() % 64) as usize).min(bytes.len());
                        bytes.drain(place..end);
                    }
                    2 => {
                        let from = (at + (next() % 40_000) as usize) % bytes.len();
                        let to = (from + (next() % 256) as usize).min(bytes.len());
                        let copy = bytes[from..to].to_vec();
                        bytes.splice(place..place, copy);
                    }
                    3 => bytes[place] = [0, 0xff, 0x7f, 0x80][(next() % 4) as usize],
                    _ => bytes[place] ^= 1 << (next() % 8),
                }
            }
            let start = Instant::now();
            let examined = read(&bytes, &kit);
            slowest = slowest.max(start.elapsed().as_secs_f64());
            let c = examined.assessment.credentials.unwrap_or_default();
            let key = match c.error {
                Some(why) => why.chars().take(70).collect(),
                None => format!("hash {:?}, signature {:?}", c.hash, c.signature),
            };
            *counts.entry(key).or_default() += 1;
        }
    }
    for (key, count) in counts {
        println!("{count:8}  {key}");
    }
    println!("slowest {:.1} ms", slowest * 1e3);
}
