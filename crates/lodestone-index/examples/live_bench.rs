//! What changes cost a live index, and what they cost its look-ups.
//!
//! `cargo run --release -p lodestone-index --example live_bench -- FOLDER [CODES [MEMTABLE]]`: random codes of even weight, one
//! thread. FOLDER must not exist; it is removed at the end. On a memory file system the flushes of the disk cost nothing,
//! which shows the rest. Look-up rates and merges are CPU time (Linux), single commits the time that passes.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use lodestone_index::{Change, Code256, LiveError, LiveIndex, LiveOptions, SearchStats};

/// SplitMix64: the same codes on every machine.
struct Codes(u64);

impl Codes {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn code(&mut self) -> Code256 {
        let mut words = [self.word(), self.word(), self.word(), self.word()];
        let weight: u32 = words.iter().map(|word| word.count_ones()).sum();
        words[3] ^= u64::from(weight % 2);
        Code256(words)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("which folder?")?;
    let count: u64 = args.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let mut options = LiveOptions::default();
    if let Some(pairs) = args.next() {
        options.memtable_pairs = pairs.parse()?;
    }
    let folder = Path::new(&folder);
    std::fs::create_dir(folder)?;
    let result = measure(folder, count, options);
    std::fs::remove_dir_all(folder)?;
    result
}

fn measure(folder: &Path, count: u64, mut options: LiveOptions) -> Result<(), Box<dyn Error>> {
    let go_on = &mut |_| ControlFlow::Continue(());
    // Nothing is merged unless asked for.
    options.background = false;
    let memtable = options.memtable_pairs as u64;
    let index = LiveIndex::open(folder, options.clone())?;

    let start = Instant::now();
    let mut codes = Codes(1);
    index.bulk::<LiveError>(
        &[],
        1,
        |bulk| (0..count).try_for_each(|id| bulk.push(codes.code(), id)),
        go_on,
    )?;
    println!("bulk: {count} codes, {:.2} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    drop(index);
    let index = LiveIndex::open(folder, options)?;
    println!("open: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    index.verify(&mut |_, _| ControlFlow::Continue(()))?;
    println!("verify: {:.2} s", start.elapsed().as_secs_f64());

    let queries = queries(count);
    rate("warming up", &index, &queries)?;
    rate("one segment", &index, &queries)?;

    // One pair a commit, each looked up at once.
    let mut fresh = Codes(2);
    let (mut commits, mut look_ups) = (Vec::new(), Vec::new());
    for id in count..count + 2000 {
        let code = fresh.code();
        let start = Instant::now();
        index.apply(&[Change::Add(code, id)], id)?;
        commits.push(start.elapsed().as_secs_f64() * 1e6);
        let start = Instant::now();
        let hits = index.snapshot().search(&[code], 31)?;
        look_ups.push(start.elapsed().as_secs_f64() * 1e6);
        assert!(hits.iter().any(|hit| hit.id == id && hit.distance_bits == 0), "seen at once");
    }
    print_times("one pair a commit", &mut commits);
    print_times("  its look-up after", &mut look_ups);

    let mut next = count + 2000;
    let mut add = |pairs: u64| -> Result<f64, LiveError> {
        let changes: Vec<Change> = (next..next + pairs).map(|id| Change::Add(fresh.code(), id)).collect();
        next += pairs;
        let start = Instant::now();
        index.apply(&changes, next)?;
        Ok(start.elapsed().as_secs_f64())
    };
    println!("1000 pairs in a commit: {:.2} µs each", add(1000)? * 1e6 / 1e3);
    index.flush()?;
    let with_flush = add(memtable)?;
    println!(
        "{memtable} pairs in a commit, and their flush: {:.2} µs each",
        with_flush * 1e6 / memtable as f64
    );
    add(memtable)?;
    rate("four segments, memtable empty", &index, &queries)?;
    add(memtable - 1)?;
    let facts = index.snapshot().facts();
    println!("now {} segments and {} pairs in memory", facts.segments.len(), facts.memtable_pairs);
    rate("four segments, memtable full", &index, &queries)?;

    let start = Instant::now();
    index.apply(&[Change::RemoveIds(0..=count / 100)], next)?;
    println!("removal of a hundredth by range: {:.1} µs", start.elapsed().as_secs_f64() * 1e6);
    let start = Instant::now();
    let len = index.snapshot().len()?;
    println!("counting the {len} left: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    rate("the same after it", &index, &queries)?;

    let start = (Instant::now(), cpu_seconds()?);
    index.compact(go_on)?;
    let cpu = cpu_seconds()? - start.1;
    println!("merge of all: {:.2} s, {cpu:.2} s CPU", start.0.elapsed().as_secs_f64());
    rate("merged, blocks checked at first use", &index, &queries)?;
    rate("merged, blocks checked", &index, &queries)
}

/// Distinct queries, half of them near a code that is there.
fn queries(count: u64) -> Vec<Code256> {
    let mut there = Codes(1);
    let mut other = Codes(3);
    let step = (count / 5000).max(1);
    let mut queries = Vec::new();
    for n in 0..step * 5000 {
        let code = there.code();
        if n % step == 0 {
            let mut words = code.0;
            for _ in 0..(n / step) % 16 {
                let bit = other.word() % 256;
                words[(bit / 64) as usize] ^= 1 << (bit % 64);
            }
            queries.push(Code256(words));
            queries.push(other.code());
        }
    }
    queries
}

fn rate(what: &str, index: &LiveIndex, queries: &[Code256]) -> Result<(), Box<dyn Error>> {
    let snapshot = index.snapshot();
    let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
    let start = cpu_seconds()?;
    for query in queries {
        snapshot.search_into(std::slice::from_ref(query), 31, &mut hits, &mut stats)?;
    }
    let single = queries.len() as f64 / (cpu_seconds()? - start);
    let found = hits.len();
    hits.clear();
    let start = cpu_seconds()?;
    snapshot.search_into(queries, 31, &mut hits, &mut stats)?;
    let batched = queries.len() as f64 / (cpu_seconds()? - start);
    assert_eq!(hits.len(), found);
    println!("{what}: {single:.0} look-ups a second one by one, {batched:.0} in a batch; {found} found");
    Ok(())
}

fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("schedstat")?.parse::<f64>()? / 1e9)
}

fn print_times(what: &str, times: &mut [f64]) {
    times.sort_unstable_by(f64::total_cmp);
    let at = |part: usize| times.get((times.len() - 1) * part / 100).copied().unwrap_or_default();
    println!("{what}: median {:.1} µs, 99 % within {:.1}, worst {:.1}", at(50), at(99), at(100));
}
