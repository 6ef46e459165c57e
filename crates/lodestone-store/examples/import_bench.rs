//! How much CPU an import costs: `cargo run --release -p lodestone-store --example import_bench [ROWS [vics]]`.
//!
//! Writes a synthetic PDQ list (or VICS set of about 1.1 KB a medium), imports it twice (new, then unchanged), and reads it back. CPU time is the process's
//! own, from `/proc/self/stat`, peak memory from `/proc/self/status`; zero where there is none.
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
    let vics = std::env::args().nth(2).is_some_and(|text| text == "vics");
    write_list(&list, rows, vics);
    println!(
        "{rows} {}, {} bytes",
        if vics { "VICS media" } else { "PDQ lines" },
        std::fs::metadata(&list).unwrap().len()
    );
    println!("peak memory before: {} MiB", peak_mib());

    let mut store = Store::open(&dir.path().join("data")).unwrap();
    store.create_bank("BENCH", BankKind::KnownReal, 31, "list.txt", 0).unwrap();
    let options = ReadOptions { declared: (!vics).then_some(SignalType::Pdq), ..ReadOptions::default() };
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
    println!("peak memory: {} MiB", peak_mib());
    let size = std::fs::metadata(dir.path().join("data/lodestone.db")).unwrap().len();
    println!("lodestone.db: {size} bytes, {:.1} an entry", size as f64 / rows as f64);
}

fn write_list(path: &std::path::Path, rows: u64, vics: bool) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut value = || {
        let mut text = String::new();
        for _ in 0..4 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push_str(&format!("{state:016x}"));
        }
        text
    };
    let comment = "x".repeat(800);
    if vics {
        write!(out, "{{\"@odata.context\":\"x/2.0.xml/US/$metadata#Media\",\"value\":[").unwrap();
    }
    for row in 0..rows {
        let pdq = value();
        if vics {
            let comma = if row == 0 { "" } else { "," };
            let (md5, sha1) = (&pdq[..32], &pdq[24..]);
            write!(
                out,
                "{comma}{{\"MediaID\":{row},\"Category\":2,\"MD5\":\"{md5}\",\"SHA1\":\"{sha1}\",\"Comments\":\"{comment}\",\
                 \"AlternativeHashes\":[{{\"HashName\":\"PDQ\",\"HashValue\":\"{pdq}\"}}]}}"
            )
            .unwrap();
        } else {
            writeln!(out, "{pdq}").unwrap();
        }
    }
    if vics {
        write!(out, "]}}").unwrap();
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

/// Most memory this process has held, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
}
