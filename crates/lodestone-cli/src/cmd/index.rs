//! `lodestone index`: index files and the index of a data folder, made, shown, checked and searched.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::{Context, Result, bail};
use lodestone_engine::bank_index::{self, IndexError};
use lodestone_engine::lists::{ListRequest, ListSpec, describe, open_list};
use lodestone_engine::{LookUps, wire};
use lodestone_index::{
    BuildOptions, Code256, LiveFacts, SearchStats, Segment, SegmentBuilder, SegmentError, SegmentFacts,
};
use lodestone_store::Store;
use lodestone_types::{BankKind, RejectKind, Signal, SignalType};
use serde_json::{Value, json};

use super::{Objects, bank};
use crate::Ended;
use crate::args::{Building, Data, Format, Index, IndexBuild, IndexSearch};
use crate::show::{IndexShow, Steps, mended};
use crate::words::{count, visible};

/// Runs a command on indexes.
pub(crate) fn run(args: &Index) -> Result<Ended> {
    match args {
        Index::Build(build) => self::build(build),
        Index::Show { file, format, data } => show(file.as_deref(), *format, data),
        Index::Verify { files, format, data } => verify(files, *format, data),
        Index::Rebuild { building, data } => rebuild(building, data),
        Index::Compact { building, data } => compact(building, data),
        Index::Search(search) => self::search(search),
    }
}

fn options(building: &Building) -> BuildOptions {
    let mut options = crate::lists::build_options_within(building.memory);
    if let Some(threads) = building.threads {
        options.threads = usize::from(threads);
    }
    options
}

fn build(args: &IndexBuild) -> Result<Ended> {
    let out = &args.out;
    may_replace(out)?;
    let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let stop = super::on_ctrl_c("stopping; nothing is written. Ctrl-C again to stop at once.")?;
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
        objects.push(&file_facts(out, &segment.facts()))?;
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

fn flow(stop: &AtomicBool) -> ControlFlow<()> {
    if stop.load(Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
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
    let file = std::fs::File::open(path).with_context(read)?;
    let total = file.metadata().with_context(read)?.len();
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

fn show(file: Option<&Path>, format: Format, data: &Data) -> Result<Ended> {
    let object = match file {
        Some(path) => file_facts(path, &Segment::open(path)?.facts()),
        None => {
            let settings = bank::settings(data)?;
            let folder = settings.need_data().context("give an index FILE, or --data DIR")?;
            let store = Store::open_read_only(folder)?;
            folder_facts(folder, &bank_index::facts(folder)?, store.generation()?)
        }
    };
    if matches!(format, Format::Ndjson | Format::Json) {
        let mut objects = Objects::new(Format::Ndjson);
        objects.push(&object)?;
        objects.finish()?;
        return Ok(Ended::Clean);
    }
    text(&mut io::stdout().lock(), &object)?;
    Ok(Ended::Clean)
}

fn file_facts(path: &Path, facts: &SegmentFacts) -> Value {
    let mut object = json!({ "kind": "index", "path": path.display().to_string() });
    extend(&mut object, segment_facts(facts));
    object
}

fn extend(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

fn segment_facts(facts: &SegmentFacts) -> Value {
    // One figure a kind of section: the tables of a part are many.
    let mut sections: Vec<(&str, u64)> = Vec::new();
    for section in &facts.sections {
        match sections.iter_mut().find(|(name, _)| *name == section.name) {
            Some((_, bytes)) => *bytes += section.bytes,
            None => sections.push((section.name, section.bytes)),
        }
    }
    let a_hash = |bytes: u64| (100.0 * bytes as f64 / facts.entries.max(1) as f64).round() / 100.0;
    let sections: Vec<Value> = sections
        .into_iter()
        .map(|(name, bytes)| json!({ "name": name, "bytes": bytes, "bytes_a_hash": a_hash(bytes) }))
        .collect();
    let parts: Vec<Value> = facts
        .parts
        .iter()
        .map(|part| {
            let layout = if part.widths.is_empty() { "linear" } else { "ring" };
            json!({ "layout": layout, "codes": part.codes, "even": part.even, "chunk_bits": part.widths })
        })
        .collect();
    json!({
        "version": facts.version, "code_bits": facts.code_bits, "entries": facts.entries,
        "distinct": facts.distinct, "canaries": facts.canaries, "bytes": facts.file_bytes,
        "bytes_a_hash": a_hash(facts.file_bytes), "owner_bytes": facts.owner_bytes,
        "checksum": format!("{:016x}", facts.checksum), "parts": parts, "sections": sections,
    })
}

fn folder_facts(data: &Path, facts: &LiveFacts, generation: u64) -> Value {
    let (mut entries, mut bytes, mut dead) = (facts.memtable_pairs, 0, 0);
    let segments: Vec<Value> = facts
        .segments
        .iter()
        .map(|one| {
            entries += one.segment.entries;
            bytes += one.segment.file_bytes;
            dead += one.dead_pairs;
            let mut object = json!({
                "number": one.number, "removed": one.dead_pairs, "removed_ranges": one.dead_ranges,
            });
            extend(&mut object, segment_facts(&one.segment));
            object
        })
        .collect();
    json!({
        "kind": "index", "data": data.display().to_string(), "entries": entries - dead.min(entries),
        "bytes": bytes, "in_memory": facts.memtable_pairs, "removed": dead,
        "stands_at_generation": facts.stamp, "banks_at_generation": generation,
        "up_to_date": facts.stamp == generation, "commits": facts.generation, "segments": segments,
    })
}

/// `name: value` lines; lists and objects indented below.
fn text(out: &mut impl Write, object: &Value) -> io::Result<()> {
    let Some(fields) = object.as_object() else { return Ok(()) };
    for (name, value) in fields.iter().filter(|(name, _)| *name != "kind") {
        let words = name.replace('_', " ");
        match value {
            Value::Array(items) if items.iter().all(Value::is_object) => {
                for item in items {
                    let facts: Vec<String> =
                        item.as_object().into_iter().flatten().filter_map(fact).collect();
                    writeln!(out, "  {:<24} {}", words.trim_end_matches('s'), facts.join(", "))?;
                }
            }
            Value::String(text) => writeln!(out, "  {words:<24} {}", visible(text))?,
            other => writeln!(out, "  {words:<24} {other}")?,
        }
    }
    Ok(())
}

fn fact((name, value): (&String, &Value)) -> Option<String> {
    let words = name.replace('_', " ");
    match value {
        Value::String(text) => Some(format!("{words} {}", visible(text))),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) if items.iter().all(Value::is_object) => {
            let inner: Vec<String> = items
                .iter()
                .map(|item| {
                    item.as_object().into_iter().flatten().filter_map(fact).collect::<Vec<_>>().join(" ")
                })
                .collect();
            Some(format!("{words} [{}]", inner.join("; ")))
        }
        other => Some(format!("{words} {other}")),
    }
}

fn verify(files: &[PathBuf], format: Format, data: &Data) -> Result<Ended> {
    let stop = super::on_ctrl_c("stopping.")?;
    let folder = if files.is_empty() || data.data.is_some() {
        let settings = bank::settings(data)?;
        Some(settings.need_data().context("give index FILEs, or --data DIR")?.clone())
    } else {
        None
    };
    let mut objects = Objects::new(format);
    let machine = matches!(format, Format::Ndjson | Format::Json);
    let mut ended = Ended::Clean;
    let mut say = |what: &str, result: Result<String>| -> Result<()> {
        let problem = result.as_ref().err().map(crate::told);
        if machine {
            objects.push(
                &json!({ "kind": "verified", "path": what, "sound": problem.is_none(), "problem": problem }),
            )?;
        }
        match (result, problem) {
            (Ok(facts), _) if !machine => println!("{}: sound, {facts}", visible(what)),
            (_, Some(problem)) => {
                ended = Ended::Incomplete;
                eprintln!("lodestone: {problem}");
            }
            _ => {}
        }
        Ok(())
    };
    for path in files {
        let mut show = Steps::new("verify");
        let checked = Segment::open(path).and_then(|segment| {
            segment.verify(&mut |done, total| {
                show.tick(done, total, "bytes");
                flow(&stop)
            })?;
            Ok(count(segment.len(), "hash", "hashes"))
        });
        show.clear();
        say(&path.display().to_string(), checked.map_err(Into::into))?;
        if stop.load(Relaxed) {
            break;
        }
    }
    if let Some(folder) = folder.filter(|_| !stop.load(Relaxed)) {
        let mut show = Steps::new("verify");
        let checked = whole_folder(&folder, &mut |done, total| {
            show.tick(done, total, "bytes");
            flow(&stop)
        });
        show.clear();
        say(&bank_index::index_folder(&folder).display().to_string(), checked)?;
    }
    if machine {
        objects.finish()?;
    }
    Ok(ended)
}

fn whole_folder(folder: &Path, progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> Result<String> {
    let store = Store::open_read_only(folder)?;
    store.hold()?;
    let verified = bank_index::verify(&store, folder, progress)?;
    let values = count(verified.values, "hash", "hashes");
    Ok(if verified.stamp == verified.generation {
        format!("{values}, the same as the banks (generation {})", verified.generation)
    } else {
        format!(
            "{values}; it stands at generation {}, the banks at {}: the next command that uses it brings it up to date",
            verified.stamp, verified.generation
        )
    })
}

fn rebuild(building: &Building, data: &Data) -> Result<Ended> {
    let settings = bank::settings(data)?;
    let folder = settings.need_data()?;
    let mut store = bank::open_existing(folder)?;
    let mut show = IndexShow::new();
    let outcome = bank_index::rebuild(&mut store, folder, &options(building), &mut |news| show.tell(&news));
    show.clear();
    let outcome = outcome?;
    println!(
        "{}",
        mended(&outcome).unwrap_or_else(|| "nothing to build: no bank holds a PDQ value".to_owned())
    );
    Ok(Ended::Clean)
}

fn compact(building: &Building, data: &Data) -> Result<Ended> {
    let settings = bank::settings(data)?;
    let folder = settings.need_data()?;
    let mut store = bank::open_existing(folder)?;
    let mut show = IndexShow::new();
    let facts = bank_index::compact(&mut store, folder, &options(building), &mut |news| show.tell(&news));
    show.clear();
    let facts = match facts {
        Err(IndexError::Missing) => bail!("nothing to compact: no bank holds a PDQ value"),
        other => other?,
    };
    let bytes: u64 = facts.segments.iter().map(|one| one.segment.file_bytes).sum();
    let entries: u64 = facts.segments.iter().map(|one| one.segment.entries).sum();
    println!(
        "index of the data folder: {} in {}, {bytes} bytes",
        count(entries, "hash", "hashes"),
        count(facts.segments.len() as u64, "segment", "segments")
    );
    Ok(Ended::Clean)
}

fn search(args: &IndexSearch) -> Result<Ended> {
    let signals = args
        .signal
        .iter()
        .map(|text| text.parse::<Signal>().with_context(|| "--signal".to_owned()))
        .collect::<Result<Vec<_>>>()?;
    let mut codes = Vec::new();
    for signal in &signals {
        match signal.array() {
            Some(value) if signal.kind() == SignalType::Pdq => codes.push(Code256::from_bytes(&value)),
            _ => bail!("--signal {}: an index holds PDQ values only", signal.kind()),
        }
    }
    let segment = Segment::open(&args.file)?;
    let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
    segment.search_into(&codes, args.radius, &mut hits, &mut stats)?;
    let machine = matches!(args.format, Format::Ndjson | Format::Json);
    let mut objects = Objects::new(args.format);
    for hit in &hits {
        let signal = signals.get(hit.query as usize).map_or_else(String::new, |signal| format!("{signal:?}"));
        if machine {
            objects.push(
                &json!({ "kind": "hit", "signal": signal, "id": hit.id, "distance_bits": hit.distance_bits }),
            )?;
        } else {
            writeln!(io::stdout(), "{signal}: id {} at {} bits", hit.id, hit.distance_bits)?;
        }
    }
    if machine {
        let look_ups = LookUps { stats, ..LookUps::default() };
        objects
            .push(&json!({ "kind": "summary", "hits": hits.len(), "look_up": wire::look_up(&look_ups) }))?;
        objects.finish()?;
    } else if hits.is_empty() {
        writeln!(io::stdout(), "no hash within {} bits", args.radius)?;
    }
    Ok(if hits.is_empty() { Ended::Clean } else { Ended::Matched })
}
