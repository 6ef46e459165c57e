//! What appending and verifying cost: `cargo run --release -p lodestone-tlog --example log_bench DIR [ENTRIES [BATCH [SINGLE]]]`.
//!
//! Begins a log in DIR, appends ENTRIES entries of 300 bytes in batches of BATCH, then SINGLE more one by one, and verifies
//! the whole. Prints the verifier key, so that another program can verify the folder too. CPU time is the process's own,
//! from `/proc/self/stat`, peak memory from `/proc/self/status`; zero where there is none.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::time::Instant;

use lodestone_tlog::{Expected, Folder, Log, SigningKey, verify};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().unwrap();
    let mut number = |default: usize| arguments.next().map_or(default, |text| text.parse().unwrap());
    let (entries, batch, single) = (number(1_000_000), number(1000), number(1000));

    let key = SigningKey::generate("bench.example/log").unwrap();
    let verifier = key.verifier().clone();
    println!("{verifier}");
    let mut log = Log::create(Folder::for_writing(Path::new(&dir)).unwrap(), key).unwrap();
    measured(&format!("append {entries} in batches of {batch}"), || {
        let mut next = 0;
        while next < entries {
            let until = entries.min(next + batch);
            log.append(&(next..until).map(entry).collect::<Vec<_>>()).unwrap();
            next = until;
        }
    });
    let older = log.signed_checkpoint().to_owned();
    measured(&format!("append {single} one by one"), || {
        for next in 0..single {
            log.append(&[entry(next)]).unwrap();
        }
    });
    measured("1000 proofs of inclusion", || {
        for i in 0..1000 {
            log.reader().inclusion_proof(i * 7919 % log.size()).unwrap();
        }
    });
    drop(log);
    measured("verify", || {
        let expected = Expected { keys: &[verifier], older: Some(older.as_bytes()) };
        let report = verify(&Folder::for_reading(Path::new(&dir)), &expected, |_, _| {});
        println!("{report}");
    });
    println!("peak memory: {} MiB", peak_mib());
}

fn entry(number: usize) -> String {
    format!("{{\"v\":1,\"n\":{number},\"pad\":\"{}\"}}", "x".repeat(270))
}

fn measured(what: &str, run: impl FnOnce()) {
    let (start, cpu) = (Instant::now(), cpu_seconds());
    run();
    println!("{what}: {:.2} s, {:.2} s of CPU", start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
