//! `lodestone index build`: an index file of a list, or of bare hashes.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::{Context, Result, bail};
use lodestone_engine::lists::{ListRequest, ListSpec, describe, open_list};
use lodestone_index::{Code256, Segment, SegmentBuilder, SegmentError};
use lodestone_types::{BankKind, RejectKind, SignalType};

use super::super::{Objects, on_ctrl_c};
use super::{flow, options, show};
use crate::Ended;
use crate::args::{Format, IndexBuild};
use crate::show::{IndexShow, Steps};
use crate::words::{count, visible};

/// Builds, tries out what was built, and says what it is.
pub(super) fn run(args: &IndexBuild) -> Result<Ended> {
    let out = &args.out;
    may_replace(out)?;
    let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let stop = on_ctrl_c("stopping; nothing is written. Ctrl-C again to stop at once.")?;
    let mut builder = SegmentBuilder::new(options(&args.building)).spill_in(folder);
    let pushed = if args.raw { raw(args, &mut builder, &stop)? } else { list(args, &mut builder, &stop)? };
    if pushed == 0 {
        bail!("list {}: no PDQ value in it", args.list);
    }
    let mut show = IndexShow::new();
    let written = builder.write(out, &mut |step| {
        show.build(step);
        flow(&stop)
    });
    show.clear();
    let written = match written {
        Err(SegmentError::Stopped) => bail!("stopped; nothing was written"),
        other => other.context("cannot write the index")?,
    };
    // Opening tries it out: an index that does not find its canaries is no index.
    let segment = Segment::open(out)?;
    if matches!(args.format, Format::Ndjson | Format::Json) {
        let mut objects = Objects::new(Format::Ndjson);
        objects.push(&show::file_facts(out, &segment.facts()))?;
        objects.finish()?;
    } else {
        println!(
            "{}: {} ({} distinct), {} bytes, {:.1} a hash",
            visible(&out.display().to_string()),
            count(written.entries, "hash", "hashes"),
            written.distinct,
            written.bytes,
            written.bytes as f64 / written.entries.max(1) as f64
        );
    }
    Ok(Ended::Clean)
}

/// Only an index, or nothing, gives way to a new one.
fn may_replace(path: &Path) -> Result<()> {
    if path.is_dir() {
        bail!("cannot write an index to {}: it is a folder; name a file in it", path.display());
    }
    if path.exists() && matches!(Segment::open(path), Err(SegmentError::NotASegment { .. })) {
        bail!("cannot write an index to {}: there is another file; give another name", path.display());
    }
    Ok(())
}

/// Codes of 32 bytes end to end; their places, from 0, are their ids.
fn raw(args: &IndexBuild, builder: &mut SegmentBuilder, stop: &AtomicBool) -> Result<u64> {
    let path = Path::new(&args.list);
    let read = || format!("list {}", path.display());
    // Before it is opened: a pipe would wait for its writer.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        bail!(
            "list {}: bare hashes are read from a file, not from a folder, pipe or device; write them to a file first",
            path.display()
        );
    }
    let file = std::fs::File::open(path).with_context(read)?;
    let total = file.metadata().with_context(read)?.len();
    if total == 0 {
        bail!("list {}: the file is empty", path.display());
    }
    if !total.is_multiple_of(32) {
        bail!("list {}: {total} bytes are no multiple of 32", path.display());
    }
    let mut show = Steps::new("index, reading");
    let mut input = io::BufReader::with_capacity(1 << 20, file);
    let mut id = 0;
    let mut code = [0; 32];
    while id < total / 32 {
        io::Read::read_exact(&mut input, &mut code).with_context(read)?;
        builder.push(Code256::from_bytes(&code), id)?;
        id += 1;
        if id.is_multiple_of(1 << 16) {
            show.tick(id, total / 32, "hashes");
            if stop.load(Relaxed) {
                bail!("stopped; nothing was written");
            }
        }
    }
    show.clear();
    Ok(id)
}

/// The PDQ values of a list; their lines are their ids.
fn list(args: &IndexBuild, builder: &mut SegmentBuilder, stop: &AtomicBool) -> Result<u64> {
    let Ok(spec) = args.list.parse::<ListSpec>();
    let format = args.list_format.as_deref().map(str::parse).transpose().map_err(anyhow::Error::msg)?;
    let mapping = args.map.as_deref().map(str::parse).transpose().map_err(anyhow::Error::msg)?;
    let request = ListRequest { spec, kind: BankKind::KnownReal, format, mapping };
    let path = request.spec.path.display().to_string();
    let listing = open_list(&request)?;
    let read = listing.read();
    let mut show = Steps::new("index, reading");
    let (mut rows, mut pushed, mut rejected, mut ignored) = (0u64, 0u64, 0u64, 0u64);
    let mut failed: Option<anyhow::Error> = None;
    listing.for_each(&mut |row| {
        rows += 1;
        if rows.is_multiple_of(1 << 14) {
            show.tick(read.bytes(), read.total(), "bytes");
            if stop.load(Relaxed) {
                failed = Some(anyhow::anyhow!("stopped; nothing was written"));
            }
        }
        match row {
            Ok(entry) => {
                for value in entry.signals.iter().filter(|one| one.kind() == SignalType::Pdq) {
                    let value = value.array().map_or(Ok(()), |v| builder.push(Code256::from_bytes(&v), entry.line));
                    pushed += 1;
                    if let Err(error) = value {
                        failed = Some(error.into());
                    }
                }
            }
            Err(reject) if reject.kind == RejectKind::Ignored => ignored += 1,
            Err(reject) => {
                rejected += 1;
                if reject.kind == RejectKind::Fatal || rejected > args.max_rejects {
                    let reason = describe(&reject);
                    let allowed = args.max_rejects;
                    failed = Some(anyhow::anyhow!(
                        "list {path}: {reason} ({rejected} lines cannot be read, {allowed} may be; nothing was written)"
                    ));
                } else {
                    eprintln!("  not taken: {}", describe(&reject));
                }
            }
        }
        failed.is_none()
    })?;
    show.clear();
    if let Some(error) = failed {
        return Err(error);
    }
    if ignored > 0 {
        eprintln!("  {ignored} rows hold only hashes of empty files or zeros and are left out");
    }
    Ok(pushed)
}
