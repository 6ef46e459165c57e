//! Judges local features alone on a labelled set: recall per transform, false hits, cost.
//!
//! `judge_features SET/truth.csv [--out results.csv] [--part 0|1] [--every N] [--regions]`
//!
//! `truth.csv` has the columns path, kind (ref, query, distractor), transform, ref; paths are relative to it. All refs
//! go into one index. `--part` asks about the queries of every other reference only (and of every other distractor), so
//! that one half serves for tuning and the other for the figure. `results.csv`: path, ref, inliers, layer.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(clippy::disallowed_methods, reason = "an example reads files and clocks")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use lodestone_features::{
    FindStats, OrbOptions, Questioned, VoteIndexBuilder, VoteOptions, extract, find_known,
};
use set::{luma, on_core, read};

mod set;

#[derive(Default)]
struct Tally {
    all: u32,
    found: u32,
    review: u32,
    wrong: u32,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().position(|a| a == name).and_then(|k| args.get(k + 1)).cloned();
    let number = |name: &str| value(name).and_then(|v| v.parse::<usize>().ok());
    let truth = Path::new(args.get(1).map_or("truth.csv", String::as_str));
    let folder = truth.parent().unwrap_or(Path::new("."));
    let rows = read(truth);
    let (part, every) = (number("--part"), number("--every").unwrap_or(1));
    let mut questioned_options = OrbOptions::QUESTIONED;
    if let Some(features) = number("--features") {
        questioned_options.features = features;
    }
    if let Some(side) = number("--side") {
        questioned_options.longest_side = side as u32;
    }
    let mut known_options = OrbOptions::KNOWN;
    if let Some(features) = number("--known") {
        known_options.features = features;
    }
    let mut names: Vec<&str> = Vec::new();
    let mut builder = VoteIndexBuilder::new();
    let mut bytes = 0;
    for row in rows.iter().filter(|r| r.kind == "ref") {
        let Some(luma) = luma(&folder.join(&row.path)) else { continue };
        let features = extract(&luma, &known_options);
        bytes += features.to_bytes().len();
        builder.push(names.len() as u64, &features);
        names.push(&row.known);
    }
    let index = builder.finish();
    println!(
        "{} known pictures, {} bytes a record, {} bytes of index each",
        index.len(),
        bytes / index.len().max(1),
        index.memory_bytes() / index.len().max(1)
    );
    let order: BTreeMap<&str, usize> = names.iter().enumerate().map(|(k, n)| (*n, k)).collect();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let (mut wrong_evidence, mut extracting, mut searching) = ([0u32; 40], Duration::ZERO, Duration::ZERO);
    let (mut asked, mut stats, mut out) =
        (0u32, FindStats::default(), String::from("path,ref,inliers,layer\n"));
    let mut slowest = Duration::ZERO;
    let mut false_hits = Vec::new();
    let mut distractors = 0usize;
    let mut misses: Vec<String> = Vec::new();
    for (line, row) in rows.iter().filter(|r| r.kind != "ref").enumerate() {
        let half = match order.get(row.known.as_str()) {
            Some(k) => *k,
            None => {
                distractors += 1;
                distractors
            }
        };
        if part.is_some_and(|part| half % 2 != part) || half / 2 % every != 0 {
            continue;
        }
        let Some(luma) = luma(&folder.join(&row.path)) else {
            println!("line {line}: {} cannot be read", row.path);
            continue;
        };
        let start = on_core();
        let features = extract(&luma, &questioned_options);
        let extracted = on_core();
        let questioned = Questioned::new(&features);
        let found = find_known(&index, &questioned, &VoteOptions::default(), &mut stats);
        let end = on_core();
        extracting += extracted - start;
        searching += end - extracted;
        slowest = slowest.max(end - start);
        asked += 1;
        let tally = tallies.entry(&row.transform).or_default();
        tally.all += 1;
        let (mut best_right, mut why) = (0, None);
        for found in &found {
            let name = names[found.id as usize];
            let a = &found.alignment;
            if name == row.known {
                (best_right, why) = (a.evidence_bits, a.doubt);
                tally.found += u32::from(a.is_match());
                tally.review += u32::from(!a.is_match());
            } else {
                wrong_evidence[(a.evidence_bits as usize / 20).min(39)] += 1;
                tally.wrong += u32::from(a.is_match());
                if a.evidence_bits >= 130 {
                    false_hits.push(format!(
                        "{} as {name}: {} inliers, {} bits, hull {:.3} {:.3}, {:?} {:?}",
                        row.path,
                        a.inliers,
                        a.evidence_bits,
                        a.hull_share_of_known,
                        a.hull_share_of_questioned,
                        a.form,
                        a.doubt
                    ));
                }
            }
            if a.is_match() {
                let _ = writeln!(out, "{},{name},{},features", row.path, a.inliers);
            }
        }
        if row.kind == "query"
            && !found.iter().any(|f| names[f.id as usize] == row.known && f.alignment.is_match())
        {
            misses.push(format!("{} {best_right} bits {why:?}", row.path));
        }
    }
    if let Some(path) = value("--out") {
        let written = std::fs::write(path, out);
        println!("results: {}", if written.is_ok() { "written" } else { "not written" });
    }
    if let Some(path) = value("--misses") {
        let _ = std::fs::write(path, misses.join("\n"));
    }
    let (mut sum, mut kinds) = (0.0, 0u32);
    for (transform, t) in &tallies {
        let share = f64::from(t.found) / f64::from(t.all);
        println!(
            "{transform:24} {:4} asked  {share:.3} matched  {:3} for review  {:3} wrong",
            t.all, t.review, t.wrong
        );
        if rows.iter().any(|r| r.kind == "query" && r.transform == **transform) {
            sum += share;
            kinds += 1;
        }
    }
    println!("macro recall {:.4} over {kinds} transforms", sum / f64::from(kinds.max(1)));
    let histogram: Vec<String> = (0..40)
        .filter(|k| wrong_evidence[*k] > 0)
        .map(|k| format!("{}: {}", 20 * k, wrong_evidence[k]))
        .collect();
    println!("wrong pictures by evidence (bits, 20 to a bin): {}", histogram.join(", "));
    for hit in false_hits.iter().take(number("--show").unwrap_or(10)) {
        println!("  {hit}");
    }
    let each = |d: Duration| d.as_secs_f64() * 1000.0 / f64::from(asked.max(1));
    println!(
        "{asked} asked; ms each: features {:.2}, search {:.2}; slowest {:.1} ms; {:?}",
        each(extracting),
        each(searching),
        slowest.as_secs_f64() * 1000.0,
        stats
    );
}
