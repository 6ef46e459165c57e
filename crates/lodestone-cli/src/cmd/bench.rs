//! `lodestone bench`: what the comparisons in bench/ run. One thread, this process, no sandbox.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use lodestone_engine::observe::Eye;
use lodestone_engine::{ObserveOptions, Step, WalkOptions, walk};
use lodestone_index::{BuildOptions, Code256, LayoutChoice, SearchStats, Segment, SegmentBuilder};
use lodestone_types::hex;

use crate::Ended;
use crate::args::Bench;

/// Runs a measurement.
pub(crate) fn run(args: &Bench) -> Result<Ended> {
    match args {
        Bench::Hash { files, folded, timing } => hash(files, *folded, *timing),
        Bench::Match { db, queries, count, radius, batch, widths, segment, threads, rounds } => {
            let radius = *radius;
            let empty = resident_bytes();
            let before = (cpu_s(), Instant::now());
            let index = match segment {
                Some(path) => Segment::open(path)?,
                None => build(db, widths.as_deref(), *threads)?,
            };
            let (build_cpu, build_wall) = (cpu_s() - before.0, before.1.elapsed().as_secs_f64());
            let mut queries = codes(queries)?;
            queries.truncate(*count);
            look_up(&index, &queries, radius, *batch, (*rounds).max(1))?;
            let resident = resident_bytes().saturating_sub(empty);
            eprintln!(
                "build_cpu_s={build_cpu:.3} build_wall_s={build_wall:.3} codes={} resident_bytes={resident} \
                 resident_bytes_per_code={:.2}",
                index.distinct(),
                resident as f64 / index.distinct().max(1) as f64
            );
            Ok(Ended::Clean)
        }
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

fn build(db: &Path, widths: Option<&str>, threads: usize) -> Result<Segment> {
    let layout = match widths {
        None => LayoutChoice::Auto,
        Some("linear") => LayoutChoice::Linear,
        Some(widths) => LayoutChoice::Widths(
            widths.split(',').map(str::parse).collect::<Result<_, _>>().context("--widths")?,
        ),
    };
    let mut builder = SegmentBuilder::new(BuildOptions { threads, layout, ..BuildOptions::default() });
    let mut file =
        BufReader::with_capacity(1 << 20, File::open(db).with_context(|| db.display().to_string())?);
    let mut code = [0; 32];
    for id in 0.. {
        if file.fill_buf().with_context(|| db.display().to_string())?.is_empty() {
            break;
        }
        file.read_exact(&mut code)
            .with_context(|| format!("{}: not a multiple of 32 bytes", db.display()))?;
        builder.push(Code256::from_bytes(&code), id)?;
    }
    Ok(builder.build(&mut |_| ControlFlow::Continue(()))?)
}

/// One thread; one call a query, or one for all of them.
fn look_up(index: &Segment, queries: &[Code256], radius: u32, batch: bool, rounds: usize) -> Result<()> {
    let mut hits = Vec::new();
    let mut out = BufWriter::new(std::io::stdout());
    for round in 0..rounds {
        hits.clear();
        let mut stats = SearchStats::default();
        let before = cpu_s();
        if batch {
            index.search_into(queries, radius, &mut hits, &mut stats)?;
        } else {
            for (number, query) in (0..).zip(queries.chunks(1)) {
                let first = hits.len();
                index.search_into(query, radius, &mut hits, &mut stats)?;
                hits[first..].iter_mut().for_each(|hit| hit.query = number);
            }
        }
        let searched = cpu_s() - before;
        let each = |n: u64| n as f64 / stats.queries.max(1) as f64;
        eprintln!(
            "search_cpu_s={searched:.6} queries_per_cpu_s={:.0} probes={:.1} entries={:.1} verified={:.2} scanned={:.0}",
            queries.len() as f64 / searched,
            each(stats.probes),
            each(stats.entries),
            each(stats.verified),
            each(stats.scanned)
        );
        if round + 1 == rounds {
            for hit in &hits {
                writeln!(out, "{} {} {}", hit.query, hit.id, hit.distance_bits)?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

/// Memory of this process that is in RAM, in bytes; 0 where the system does not say.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
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
