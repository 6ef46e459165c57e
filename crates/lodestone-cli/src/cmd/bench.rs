//! `lodestone bench`: what the comparisons in bench/ run. One thread, this process, no sandbox.

use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use lodestone_engine::observe::Eye;
use lodestone_engine::{ObserveOptions, Step, WalkOptions, walk};
use lodestone_index::{Code256, HammingIndex, RadiusSearch};
use lodestone_types::hex;

use crate::Ended;
use crate::args::Bench;

/// Runs a measurement.
pub(crate) fn run(args: &Bench) -> Result<Ended> {
    match args {
        Bench::Hash { files, folded, timing } => hash(files, *folded, *timing),
        Bench::Match { db, queries, count, radius } => matching(db, queries, *count, *radius),
    }
}

fn hash(files: &[PathBuf], folded: bool, timing: bool) -> Result<Ended> {
    let options = ObserveOptions {
        folded,
        provenance: false,
        composites: false,
        max_frames: 1,
        ..ObserveOptions::default()
    };
    let mut eye = Eye::new(&options);
    let mut out = BufWriter::new(std::io::stdout());
    let mut ended = Ended::Clean;
    let mut read_s = 0.0;
    let started = cpu_s();
    let mut failed = None;
    walk(files, &WalkOptions { follow_links: true, skip: Vec::new() }, &mut |step| {
        let path = match step {
            Step::File { path, .. } => path,
            Step::Trouble { path, why } => {
                eprintln!("{}: {}", path.display(), why.detail);
                ended = Ended::Incomplete;
                return ControlFlow::Continue(());
            }
        };
        let before = cpu_s();
        let bytes = std::fs::read(&path);
        read_s += cpu_s() - before;
        let print = bytes.ok().and_then(|bytes| eye.pdq(&bytes));
        let written = match print {
            Some(print) => {
                let hash = print.pdq_dihedral.first().map(|h| hex::encode(h)).unwrap_or_default();
                writeln!(out, "{hash} {} {}", print.quality, path.display())
            }
            None => {
                eprintln!("{}: no picture", path.display());
                ended = Ended::Incomplete;
                Ok(())
            }
        };
        failed = written.err();
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    out.flush()?;
    if timing {
        eprintln!("read_cpu_s={read_s:.4} decode_and_hash_cpu_s={:.4}", cpu_s() - started - read_s);
    }
    Ok(ended)
}

fn matching(db: &Path, queries: &Path, count: usize, radius: u32) -> Result<Ended> {
    let index = HammingIndex::from_codes(&codes(db)?);
    let mut queries = codes(queries)?;
    queries.truncate(count);
    let before = cpu_s();
    let hits = index.search(&queries, radius);
    let searched = cpu_s() - before;
    let mut out = BufWriter::new(std::io::stdout());
    for hit in &hits {
        writeln!(out, "{} {} {}", hit.query, hit.id, hit.distance_bits)?;
    }
    out.flush()?;
    eprintln!("search_cpu_s={searched:.6}");
    Ok(Ended::Clean)
}

fn codes(path: &Path) -> Result<Vec<Code256>> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let (codes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        bail!("{}: not a multiple of 32 bytes", path.display());
    }
    Ok(codes.iter().map(Code256::from_bytes).collect())
}

/// CPU time of this process, user and system, in seconds.
#[cfg(unix)]
fn cpu_s() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Wall time, where there is no clock of CPU time to ask.
#[cfg(not(unix))]
fn cpu_s() -> f64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
