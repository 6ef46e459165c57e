//! `lodestone bank export`: a bank as a list, through the gate that holds back what nobody vouches for.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use lodestone_exchange::format::gate::{self, EntrySink, GatedWriter, HeldFormat, HeldWriter};
use lodestone_exchange::format::{ListFormat, ListWriter, WriteOptions, WriteReport};
use lodestone_server::auth::Caller;
use lodestone_server::{audit, export_gate};
use lodestone_store::{KdbWriter, Store};
use lodestone_types::{BankKind, ListEntry};
use serde_json::json;
use tempfile::NamedTempFile;

use super::bank::{now_us, open_existing, open_to_read};
use crate::Ended;
use crate::words::count;

/// What becomes of entries that the gate holds back.
pub(crate) struct Gate<'a> {
    /// File that they are listed in.
    pub(crate) held: Option<&'a Path>,
    /// They go out too: a person's decision.
    pub(crate) released: bool,
}

/// Writes a bank as a list; what is held back is listed apart.
pub(crate) fn export(
    name: &str,
    format: ListFormat,
    options: &WriteOptions,
    out: Option<&Path>,
    gate: &Gate<'_>,
    data: &Path,
) -> Result<Ended> {
    if gate.released {
        // Who decides that is written down before anything goes out.
        let mut store = open_existing(data)?;
        store.bank(name)?;
        let object =
            json!({ "bank": name, "format": format.as_str(), "what": "everything, also what is held back" });
        let caller = Caller { key: Arc::from("command-line") };
        store.batch(now_us(), |batch| audit::note(batch, &caller, "bank.export", &object)).map_err(said)?;
    }
    let store = open_to_read(data)?;
    let kind = store.bank(name)?.kind;
    // A device takes what is written to it, and has no place for a file beside it.
    let is_device = |path: &Path| std::fs::metadata(path).is_ok_and(|found| !found.is_file());
    let held_path = gate.held.map(Path::to_owned).or_else(|| out.filter(|out| !is_device(out)).map(beside));
    for path in out.into_iter().chain(held_path.as_deref()) {
        check_place(path, data)?;
    }
    if out.is_some() && out.map(place_of) == held_path.as_deref().map(place_of) {
        bail!("--out and --held name one file");
    }
    let mut held = match &held_path {
        Some(path) => Some(temporary(path)?),
        None => None,
    };
    let report = {
        let held: Box<dyn Write> = match &mut held {
            Some(file) => Box::new(BufWriter::new(file.as_file_mut())),
            None => Box::new(io::sink()),
        };
        let list = |out| ListWriter::new(BufWriter::new(out), format, options);
        match out {
            None if format == ListFormat::AutopsyKdb => {
                bail!("an Autopsy hash set is a database, not a stream: give --out FILE.kdb");
            }
            None => {
                write(name, kind, gate, list(Box::new(io::stdout().lock()) as Box<dyn Write>)?, held, &store)?
            }
            Some(path) if is_device(path) && format != ListFormat::AutopsyKdb => {
                let file = std::fs::File::options().write(true).open(path);
                let file = file.with_context(|| path.display().to_string())?;
                write(name, kind, gate, list(Box::new(file))?, held, &store)?
            }
            Some(path) => {
                let file = temporary(path)?;
                let report = match format {
                    ListFormat::AutopsyKdb => {
                        write(name, kind, gate, Kdb::create(file.path())?, held, &store)?
                    }
                    _ => write(name, kind, gate, list(Box::new(file.as_file()))?, held, &store)?,
                };
                file.persist(path).with_context(|| path.display().to_string())?;
                report
            }
        }
    };
    if report.held == 0 && gate.held.is_none() {
        return Ok(Ended::Clean);
    }
    let mut listed = "--held FILE lists them with their evidence".to_owned();
    if let (Some(path), Some(file)) = (held_path, held) {
        file.persist(&path).with_context(|| path.display().to_string())?;
        listed = format!("see {}", path.display());
    }
    if report.held > 0 {
        let reasons: Vec<String> =
            report.reasons.iter().map(|(code, times)| format!("{code} {times}")).collect();
        let held_back = count(report.held, "entry is", "entries are");
        eprintln!("{held_back} held back ({}): {listed}", reasons.join(", "));
        eprintln!("  an opinion of a person lets an entry out, and --release-held all of them");
    }
    Ok(Ended::Clean)
}

/// Where a file is, or would be, whatever links lead there.
fn place_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let real = std::fs::canonicalize(path).ok();
    real.or_else(|| Some(std::fs::canonicalize(folder).ok()?.join(path.file_name()?)))
        .unwrap_or(path.to_owned())
}

/// The data folder is the store's: a list that took the place of one of its files would end it.
fn check_place(path: &Path, data: &Path) -> Result<()> {
    let data = std::fs::canonicalize(data).unwrap_or(data.to_owned());
    if place_of(path).starts_with(&data) {
        bail!("{} lies in the data folder: name another place", path.display());
    }
    Ok(())
}

/// The file for what is held back, beside the list.
fn beside(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".held.ndjson");
    name.into()
}

fn temporary(path: &Path) -> Result<NamedTempFile> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    NamedTempFile::new_in(folder).with_context(|| path.display().to_string())
}

/// An Autopsy hash set as a list.
struct Kdb {
    set: KdbWriter,
    report: WriteReport,
}

impl Kdb {
    fn create(path: &Path) -> Result<Self> {
        Ok(Self { set: KdbWriter::create(path)?, report: WriteReport::default() })
    }
}

impl EntrySink for Kdb {
    fn entry(&mut self, entry: &ListEntry) -> io::Result<()> {
        let values = self.set.entry(entry).map_err(io::Error::other)?;
        match values {
            0 => self.report.left_out += 1,
            _ => self.report.entries += 1,
        }
        self.report.values += values as u64;
        Ok(())
    }

    fn finish(self) -> io::Result<WriteReport> {
        self.set.finish().map_err(io::Error::other)?;
        Ok(self.report)
    }
}

fn write(
    name: &str,
    kind: BankKind,
    gate: &Gate<'_>,
    list: impl EntrySink,
    held: impl Write,
    store: &Store,
) -> Result<gate::GateReport> {
    let report = if gate.released || !gate::is_gated(kind) {
        let mut list = list;
        store.for_each_entry::<anyhow::Error>(name, |entry| Ok(list.entry(&entry.row)?))?;
        gate::GateReport { written: list.finish()?, ..gate::GateReport::default() }
    } else {
        let mut gated = GatedWriter::new(list, HeldWriter::new(held, HeldFormat::Ndjson), kind);
        store.for_each_entry::<anyhow::Error>(name, |entry| {
            let facts = export_gate::facts(store, kind, &entry)?;
            gated.entry(&entry.row, &facts)?;
            Ok(())
        })?;
        gated.finish()?
    };
    let written = report.written;
    let left_out = if written.left_out > 0 {
        format!("; {} left out, which this format cannot hold", count(written.left_out, "value", "values"))
    } else {
        String::new()
    };
    eprintln!(
        "{} in {}{left_out}",
        count(written.values, "value", "values"),
        count(written.entries, "entry", "entries")
    );
    Ok(report)
}

#[allow(clippy::needless_pass_by_value)] // for map_err
fn said(error: lodestone_server::error::ApiError) -> anyhow::Error {
    anyhow::anyhow!(error.message().to_owned())
}
