//! What a search costs, and what it still finds, among very many known pictures.
//!
//! `vote_scale SET/truth.csv [--pictures 100000] [--part 0|1] [--every N]`
//!
//! The refs of the set are known; all others are made from its distractors, which have nothing to do with the refs: four
//! crops of each, features extracted, and then as many copies as are needed, each with other bits of every descriptor
//! turned over (16 of 256), places mirrored, turned or shifted. So the crowd has the statistics of real descriptors,
//! letters and frames included, and is denser than a real one: every crop has some dozen near copies. Asked are the
//! queries of the set, with features of the whole and of regions as the engine asks. Distractors that stand in queries of
//! the set are in the crowd too, and count as wrong matches though they are right.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(clippy::disallowed_methods, reason = "an example reads files and clocks")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use lodestone_features::region::{RegionOptions, region_prints};
use lodestone_features::{
    Features, FindStats, OrbOptions, Part, Questioned, VoteIndexBuilder, VoteOptions, extract, extract_parts,
    find_known,
};
use set::{luma, on_core, read};

mod set;

/// A number of nobody's choice. *Source:* Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// A copy of features with other bits turned over and another place for the whole.
fn varied(features: &Features, random: &mut SplitMix) -> Features {
    let mut out = features.clone();
    let turn = random.next() as u8;
    let flip = random.next() & 1 == 1;
    for (keypoint, descriptor) in out.keypoints.iter_mut().zip(&mut out.descriptors) {
        if flip {
            keypoint.x = (features.width * 16).saturating_sub(keypoint.x);
        }
        keypoint.angle = keypoint.angle.wrapping_add(turn);
        for _ in 0..16 {
            let bit = random.next() % 256;
            descriptor.0[bit as usize / 64] ^= 1 << (bit % 64);
        }
    }
    out
}

/// Regions of a questioned picture with features of their own, as the engine has them.
const PARTS: usize = 6;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().position(|a| a == name).and_then(|k| args.get(k + 1)).cloned();
    let number = |name: &str| value(name).and_then(|v| v.parse::<usize>().ok());
    let truth = Path::new(args.get(1).map_or("truth.csv", String::as_str));
    let folder = truth.parent().unwrap_or(Path::new("."));
    let rows = read(truth);
    let pictures = number("--pictures").unwrap_or(100_000);
    let (part, every) = (number("--part"), number("--every").unwrap_or(20));
    let mut random = SplitMix(1);
    let mut crowd = Vec::new();
    let start = on_core();
    for row in rows.iter().filter(|r| r.kind == "distractor").step_by(number("--thin").unwrap_or(1)) {
        let Some(luma) = luma(&folder.join(&row.path)) else { continue };
        for _ in 0..4 {
            let share = |side: u32, random: &mut SplitMix| {
                (side / 2 + (random.next() % 100) as u32 * side / 200).max(1)
            };
            let (width, height) = (share(luma.width(), &mut random), share(luma.height(), &mut random));
            let left = (random.next() % u64::from(luma.width() - width + 1)) as u32;
            let top = (random.next() % u64::from(luma.height() - height + 1)) as u32;
            crowd.push(extract_parts(&luma, &[Part { left, top, width, height }], &OrbOptions::KNOWN));
        }
    }
    println!("{} pictures of the crowd in {:.1} s", crowd.len(), (on_core() - start).as_secs_f64());
    let mut builder = VoteIndexBuilder::new();
    let mut names: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.kind == "ref") {
        let Some(luma) = luma(&folder.join(&row.path)) else { continue };
        let id = names.len() as u64;
        builder.push(id, &extract(&luma, &OrbOptions::KNOWN));
        names.insert(row.known.clone(), id);
    }
    let mut made = 0u64;
    while names.len() as u64 + made < pictures as u64 && !crowd.is_empty() {
        let features = varied(&crowd[made as usize % crowd.len()], &mut random);
        if !builder.push(1_000_000 + made, &features) {
            break;
        }
        made += 1;
    }
    let start = on_core();
    let index = builder.finish();
    println!(
        "{} pictures, built in {:.1} s, {:.1} MB, {} bytes each",
        index.len(),
        (on_core() - start).as_secs_f64(),
        index.memory_bytes() as f64 / 1e6,
        index.memory_bytes() / index.len().max(1)
    );
    let order: BTreeMap<&str, usize> =
        rows.iter().filter(|r| r.kind == "ref").enumerate().map(|(k, r)| (r.known.as_str(), k)).collect();
    let mut asked: Vec<(u64, &str, Questioned)> = Vec::new();
    let mut extracting = Duration::ZERO;
    for (k, row) in rows.iter().filter(|r| r.kind == "query").enumerate() {
        let Some(half) = order.get(row.known.as_str()) else { continue };
        if part.is_some_and(|part| half % 2 != part) || k % every != 0 {
            continue;
        }
        let Some(luma) = luma(&folder.join(&row.path)) else { continue };
        // Layer 2 finds the regions, whether layer 3 asks about them or not.
        let prints = region_prints(&luma, &RegionOptions::default());
        let start = on_core();
        let mut features = extract(&luma, &OrbOptions::QUESTIONED);
        for print in prints.regions.iter().take(PARTS) {
            let pixels = |value: f32| value.max(0.0).round() as u32;
            let region = &print.region;
            let part = Part {
                left: pixels(region.x),
                top: pixels(region.y),
                width: pixels(region.width),
                height: pixels(region.height),
            };
            features.append(&extract_parts(&luma, &[part], &OrbOptions::PART));
        }
        extracting += on_core() - start;
        asked.push((names[&row.known], &row.transform, Questioned::new(&features)));
    }
    let n = asked.len().max(1) as f64;
    let features: usize = asked.iter().map(|(_, _, questioned)| questioned.len()).sum();
    println!(
        "{} asked; {:.0} features, {:.2} ms each",
        asked.len(),
        features as f64 / n,
        extracting.as_secs_f64() * 1e3 / n
    );
    let standard = VoteOptions::default();
    let mut tried = vec![standard];
    for (probes, beam, margin) in [(4, 1, 2), (8, 4, 8), (16, 4, 12)] {
        tried.push(VoteOptions { probes, beam, margin, ..standard });
    }
    if args.iter().any(|a| a == "--one") {
        tried.truncate(1);
    }
    for options in tried {
        let mut stats = FindStats::default();
        let (mut matched, mut reported, mut wrong, mut slowest) = (0, 0, 0, Duration::ZERO);
        let start = on_core();
        let mut missed: BTreeMap<&str, u32> = BTreeMap::new();
        for (right, transform, questioned) in &asked {
            let begin = on_core();
            let found = find_known(&index, questioned, &options, &mut stats);
            slowest = slowest.max(on_core() - begin);
            let is_found = found.iter().any(|f| f.id == *right && f.alignment.is_match());
            matched += u32::from(is_found);
            *missed.entry(transform).or_default() += u32::from(!is_found);
            reported += u32::from(found.iter().any(|f| f.id == *right));
            wrong += found.iter().filter(|f| f.id != *right && f.alignment.is_match()).count();
        }
        let each = (on_core() - start).as_secs_f64() * 1e3 / n;
        println!(
            "probes {} beam {} margin {} hits {} limit {}: matched {:.4}, reported {:.4}, wrong matches {wrong}; {each:.2} ms each, slowest {:.1}; look-ups {:.0} blocks {:.0} votes {:.0} pictures {:.0} aligned {:.1} a query",
            options.probes,
            options.beam,
            options.margin,
            options.hits,
            options.limit_bits,
            f64::from(matched) / n,
            f64::from(reported) / n,
            slowest.as_secs_f64() * 1e3,
            stats.votes.look_ups as f64 / n,
            stats.votes.blocks as f64 / n,
            stats.votes.votes as f64 / n,
            stats.votes.pictures as f64 / n,
            stats.aligned as f64 / n
        );
        missed.retain(|_, count| *count > 0);
        println!("  not matched: {missed:?}");
    }
}
