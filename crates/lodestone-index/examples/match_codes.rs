//! `match_codes DB Q NQ [RADIUS] [KERNEL]`: searches raw 32-byte codes. Prints `query_no db_no distance` per match, and
//! the CPU seconds of the search alone on stderr. `NQ` of 0 means all; `--single` searches one query at a time.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

use std::io::Write;

use lodestone_index::{Code256, HammingIndex, Kernel, RadiusSearch};

fn main() {
    let (flags, args): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let db = codes(&args[0]);
    let mut queries = codes(&args[1]);
    let nq: usize = args.get(2).map_or(0, |text| text.parse().unwrap());
    if nq > 0 {
        queries.truncate(nq);
    }
    let radius = args.get(3).map_or(31, |text| text.parse().unwrap());
    let start = cpu_seconds();
    let mut index = HammingIndex::from_codes(&db);
    let build = cpu_seconds() - start;
    if let Some(name) = args.get(4) {
        index =
            index.with_kernel(Kernel::available().into_iter().find(|kernel| kernel.name() == name).unwrap());
    }
    let start = cpu_seconds();
    let mut hits = Vec::new();
    if flags.iter().any(|flag| flag == "--single") {
        for (number, query) in (0..).zip(&queries) {
            let before = hits.len();
            index.search_into(std::slice::from_ref(query), radius, &mut hits);
            hits[before..].iter_mut().for_each(|hit| hit.query = number);
        }
    } else {
        index.search_into(&queries, radius, &mut hits);
    }
    let search = cpu_seconds() - start;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for hit in &hits {
        writeln!(out, "{} {} {}", hit.query, hit.id, hit.distance_bits).unwrap();
    }
    eprintln!(
        "kernel={} build_cpu_s={build} q_per_s={:.0}",
        index.kernel().name(),
        queries.len() as f64 / search
    );
    eprintln!("search_cpu_s={search}");
}

fn codes(path: &str) -> Vec<Code256> {
    std::fs::read(path).unwrap().as_chunks::<32>().0.iter().map(Code256::from_bytes).collect()
}

/// CPU time of this thread (Linux).
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}
