//! `widths [N]`: pairs compared a second by every kernel of this machine, for 64- and 128-bit codes and for 144-byte
//! vectors, over `N` synthetic entries (default 1,000,000) and queries of which half are planted near an entry.
//!
//! CPU time of one thread (Linux). All kernels must give the same answers, or the program fails.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods)]

use lodestone_index::{Kernel, NarrowCode, NarrowIndex, SearchStats, Vector144, VectorIndex, VectorQuery};

fn main() {
    let n: usize = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    println!(
        "{:<22} {:>8} {:>7} {:>9} {:>12} {:>10} {:>8}",
        "what", "kernel", "queries", "Mpairs/s", "us/query", "compared", "hits"
    );
    let mut random = Random(1);
    codes::<1>(n, 10, "64 bit, radius 10", &mut random);
    codes::<1>(n, 16, "64 bit, radius 16", &mut random);
    codes::<2>(n, 10, "128 bit, radius 10", &mut random);
    codes::<2>(n, 24, "128 bit, radius 24", &mut random);
    for (name, varied) in [("noise", false), ("of varied contrast", true)] {
        let mut vectors = Vec::new();
        vectors.resize_with(n, || vector(&mut random, varied));
        let index = VectorIndex::from_entries(vectors.iter().copied().zip(0..).collect());
        for limit in [0, 5_000, 40_000] {
            vector_queries(&index, &vectors, limit, &format!("{name}, {limit}"), &mut random);
        }
    }
}

fn codes<const WORDS: usize>(n: usize, radius: u32, name: &str, random: &mut Random) {
    let mut codes: Vec<NarrowCode<WORDS>> = Vec::new();
    codes.resize_with(n, || NarrowCode(std::array::from_fn(|_| random.next())));
    let index = NarrowIndex::from_entries(codes.iter().copied().zip(0..).collect());
    let mut queries = codes.clone();
    queries.truncate(1000);
    for (number, query) in queries.iter_mut().enumerate() {
        query.0[0] ^= if number % 2 == 0 { 0x11 } else { random.next() };
    }
    let mut answers = None;
    let all = Kernel::available().into_iter().map(|kernel| (kernel, false));
    for (kernel, tables) in [(Kernel::detect(), true)].into_iter().chain(all) {
        let mut index = index.clone().with_kernel(kernel);
        if !tables {
            index = index.without_tables();
        }
        for single in [true, false] {
            let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
            let queries = if single { &queries[..queries.len().min(250)] } else { &queries[..] };
            let start = cpu_seconds();
            for batch in queries.chunks(if single { 1 } else { queries.len() }) {
                index.search_into(batch, radius, &mut hits, &mut stats);
            }
            report(name, kernel, single, cpu_seconds() - start, stats, n);
            if !single {
                assert_eq!(answers.get_or_insert_with(|| hits.clone()), &hits);
            }
        }
    }
}

fn vector(random: &mut Random, varied: bool) -> Vector144 {
    let full = varied.then(|| random.next() % 200 + 56);
    Vector144(std::array::from_fn(|_| match full {
        None => random.next() as u8,
        // Many small bytes and few large ones, by a contrast of the vector's own.
        Some(full) => {
            let part = random.next() % 256;
            (part * part * full / 65_536).min(255) as u8
        }
    }))
}

fn vector_queries(index: &VectorIndex, vectors: &[Vector144], limit: u32, name: &str, random: &mut Random) {
    let mut queries: Vec<VectorQuery> = Vec::new();
    for (number, vector) in vectors.iter().take(1000).enumerate() {
        let mut vector = *vector;
        if number % 2 == 0 {
            vector.0[number % 144] ^= 3;
        } else {
            vector.0.iter_mut().for_each(|byte| *byte = byte.wrapping_add(random.next() as u8 % 64));
        }
        queries.push(VectorQuery { vector, max_distance_squared: limit });
    }
    let mut answers = None;
    for kernel in Kernel::available() {
        let index = index.clone().with_kernel(kernel);
        for single in [true, false] {
            let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
            let queries =
                if single { &queries[..queries.len().min(100)] } else { &queries[..queries.len().min(400)] };
            let start = cpu_seconds();
            for batch in queries.chunks(if single { 1 } else { queries.len() }) {
                index.search_into(batch, &mut hits, &mut stats);
            }
            report(name, kernel, single, cpu_seconds() - start, stats, vectors.len());
            if !single {
                assert_eq!(answers.get_or_insert_with(|| hits.clone()), &hits);
            }
        }
    }
}

fn report(name: &str, kernel: Kernel, single: bool, seconds: f64, stats: SearchStats, n: usize) {
    let pairs = stats.queries as f64 * n as f64;
    println!(
        "{name:<22} {:>8} {:>7} {:>9.0} {:>12.1} {:>9.1}% {:>8}",
        kernel.name(),
        if single { "single" } else { "batch" },
        pairs / seconds / 1e6,
        seconds * 1e6 / stats.queries as f64,
        (stats.scanned + stats.entries) as f64 / pairs * 100.0,
        stats.hits
    );
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let a = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        b ^ (b >> 31)
    }
}

/// CPU time of this thread (Linux).
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}
