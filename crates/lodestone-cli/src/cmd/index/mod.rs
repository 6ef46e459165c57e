//! `lodestone index`: index files and the index of a data folder, made, shown, checked and searched.

mod build;
mod show;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::{Context, Result, bail};
use lodestone_engine::bank_index::{self, IndexError};
use lodestone_engine::{LookUps, wire};
use lodestone_index::{BuildOptions, Code256, SearchStats, Segment};
use lodestone_store::Store;
use lodestone_types::{Signal, SignalType};
use serde_json::json;

use super::{Objects, bank};
use crate::Ended;
use crate::args::{Building, Data, Format, Index, IndexSearch};
use crate::show::{IndexShow, Steps, mended};
use crate::words::{count, visible};

/// Runs a command on indexes.
pub(crate) fn run(args: &Index) -> Result<Ended> {
    match args {
        Index::Build(args) => build::run(args),
        Index::Show { file, format, data } => show::run(file.as_deref(), *format, data),
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

fn flow(stop: &AtomicBool) -> ControlFlow<()> {
    if stop.load(Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
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
    let banks = verified.generation;
    Ok(match verified.made_from {
        Some(own) if own == banks => format!("{values}, the same as the banks (generation {banks})"),
        Some(own) => format!(
            "{values}; it stands at generation {own}, the banks at {banks}: the next command that uses it brings it up to date"
        ),
        None => format!(
            "{values}; it was not made from a state of these banks: the next command that uses it makes it again"
        ),
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
