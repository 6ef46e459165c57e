//! How much CPU an import costs: `cargo run --release -p lodestone-store --example import_bench [ROWS]`.
//!
//! Writes a synthetic PDQ list, imports it twice (new, then unchanged), and reads it back. CPU time is the process's
//! own, from `/proc/self/stat`, and zero where there is none.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::Write;
use std::time::Instant;

use lodestone_exchange::format::{ReadOptions, open};
use lodestone_store::{ImportOptions, ListSource, Store, StoreError};
use lodestone_types::{BankKind, SignalType};

fn main() {
    let rows: u64 = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.txt");
    write_list(&list, rows);
    println!("{rows} PDQ lines, {} bytes", std::fs::metadata(&list).unwrap().len());

    let mut store = Store::open(&dir.path().join("data")).unwrap();
    store.create_bank("BENCH", BankKind::KnownReal, 31, "list.txt", 0).unwrap();
    let options = ReadOptions { declared: Some(SignalType::Pdq), ..ReadOptions::default() };
    measured("parse only", || {
        let list = open(std::fs::File::open(&list).unwrap(), &options).unwrap();
        format!("{} entries", list.entries.filter(Result::is_ok).count())
    });
    for what in ["import, new", "import, again"] {
        measured(what, || {
            let list = open(std::fs::File::open(&list).unwrap(), &options).unwrap();
            let source = ListSource { name: "list.txt", sha256: "" };
            let report = store.import("BENCH", source, list.entries, ImportOptions::default()).unwrap();
            format!("{} added, {} unchanged", report.added, report.unchanged)
        });
    }
    measured("read entries", || {
        let mut count = 0u64;
        store
            .for_each_entry("BENCH", |_| {
                count += 1;
                Ok::<(), StoreError>(())
            })
            .unwrap();
        format!("{count} entries")
    });
    measured("read signals", || {
        let mut count = 0u64;
        store
            .for_each_signal("BENCH", |_, _| {
                count += 1;
                Ok::<(), StoreError>(())
            })
            .unwrap();
        format!("{count} signals")
    });
    let size = std::fs::metadata(dir.path().join("data/lodestone.db")).unwrap().len();
    println!("lodestone.db: {size} bytes, {:.1} an entry", size as f64 / rows as f64);
}

fn write_list(path: &std::path::Path, rows: u64) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..rows {
        for _ in 0..4 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            write!(out, "{state:016x}").unwrap();
        }
        writeln!(out).unwrap();
    }
    out.flush().unwrap();
}

fn measured(what: &str, run: impl FnOnce() -> String) {
    let (wall, cpu) = (Instant::now(), cpu_s());
    let result = run();
    println!("{what}: {:.2} s CPU, {:.2} s wall, {result}", cpu_s() - cpu, wall.elapsed().as_secs_f64());
}

/// User and system time of this process, in seconds; ticks of 10 ms.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
