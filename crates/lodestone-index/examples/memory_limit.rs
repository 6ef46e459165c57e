//! `memory_limit MIB [LINES]`: what this machine's memory gives a look-up: nanoseconds a cache line when runs of `LINES`
//! neighbouring lines (one without it) are read at random places of a stretch of `MIB`, with huge pages where the system
//! grants them and with small ones. The places do not depend on what is read, so that as many misses are in flight as the
//! core allows.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods)]

use std::time::Instant;

use memmap2::MmapOptions;

const LINE: usize = 64;
const READ: usize = 4_000_000;

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<usize>().unwrap());
    let bytes = args.next().unwrap_or(1000) << 20;
    let lines = args.next().unwrap_or(1);
    for (huge, name) in [(true, "huge pages"), (false, "small pages")] {
        let mut map = MmapOptions::new().len(bytes).map_anon().unwrap();
        #[cfg(target_os = "linux")]
        map.advise(if huge { memmap2::Advice::HugePage } else { memmap2::Advice::NoHugePage }).unwrap();
        for page in map.chunks_mut(4096) {
            page[0] = 1;
        }
        let words: &[u64] = bytemuck::cast_slice(&map);
        let places = bytes / LINE - lines;
        let mut best = f64::INFINITY;
        let mut sum = 0u64;
        for _ in 0..5 {
            let mut state = 1u64;
            let started = Instant::now();
            for _ in 0..READ / lines {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let line = (state >> 33) as usize % places;
                for next in 0..lines {
                    sum = sum.wrapping_add(words[(line + next) * LINE / 8]);
                }
            }
            best = best.min(started.elapsed().as_secs_f64() * 1e9 / READ as f64);
        }
        println!("{} MiB, runs of {lines}, {name}: {best:.1} ns a line (sum {sum})", bytes >> 20);
    }
}
