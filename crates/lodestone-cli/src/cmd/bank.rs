//! `lodestone bank`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use lodestone_engine::bank_index::{self, Outcome};
use lodestone_engine::derive::Layers;
use lodestone_engine::lists::{ListRequest, ListSpec, describe, open_list};
use lodestone_exchange::format::{ListFormat, WriteOptions};
use lodestone_hash::Digester;
use lodestone_store::{BankChange, FeatureCount, ImportOptions, ListSource, Store, StoreError, StoredBank};
use lodestone_types::{Bank as ABank, BankKind, Signal, hex};
use serde_json::json;

use super::bank_files::{self, Files};
use super::export::Gate;
use super::{Objects, bundles};
use crate::Ended;
use crate::args::{Bank, Data, Format, Lists, Reading};
use crate::settings::Settings;
use crate::show::{IndexShow, mended};
use crate::words::count;

/// Runs a command on banks.
pub(crate) fn run(args: &Bank) -> Result<Ended> {
    match args {
        Bank::Create { name, kind, radius, photodna_distance, data } => {
            let kind: BankKind = kind.parse().map_err(anyhow::Error::msg)?;
            let (mut store, folder) = open(data)?;
            store.create_bank(name, kind, *radius, "", now_us())?;
            store.set_photodna_max_distance(name, *photodna_distance)?;
            eprintln!("bank {name} ({kind}, radius {radius}) created");
            return Ok(index(&mut store, &folder));
        }
        Bank::Set { bank, radius, photodna_distance, layers, members_needed, confirmations_needed, data } => {
            let layers =
                layers.as_deref().map(str::parse::<Layers>).transpose().map_err(anyhow::Error::msg)?;
            let change = BankChange {
                radius_bits: *radius,
                photodna_max_distance: photodna_distance.map(Some),
                layers: layers.map(|layers| layers.and(Layers::WHOLE).bits()),
                members_needed: *members_needed,
                confirmations_needed: *confirmations_needed,
                ..BankChange::default()
            };
            return set(bank, &change, data);
        }
        Bank::Add { bank, paths, signal, id, format, data, .. } if paths.is_empty() => {
            return add(bank, signal, id.as_deref(), *format, data);
        }
        Bank::Add {
            bank,
            paths,
            kind,
            no_features,
            descriptor,
            max_rejects,
            keys,
            reading,
            format,
            data,
            ..
        } => {
            let kind = kind.as_deref().map(str::parse::<BankKind>).transpose().map_err(anyhow::Error::msg)?;
            let files = Files {
                bank,
                paths,
                kind,
                features: !no_features,
                descriptor: descriptor.as_deref(),
                max_rejects: *max_rejects,
            };
            return bank_files::add(&files, keys, reading, *format, data);
        }
        Bank::ExportFeatures { bank, out, bundle_key, keys, format, data } => {
            return bundles::export(bank, (out, bundle_key), keys, *format, data);
        }
        Bank::ImportFeatures { bank, bundle, bundle_key, keys, format, data } => {
            return bundles::import(bank, (bundle, bundle_key), keys, *format, data);
        }
        Bank::Remove { bank, entry, yes, data } => {
            let (mut store, folder) = open(data)?;
            let found =
                store.entry(bank, entry)?.with_context(|| format!("bank {bank} has no entry {entry}"))?;
            if !yes {
                let values = count(found.row.signals.len() as u64, "value", "values");
                bail!("entry {entry} of bank {bank} holds {values}; say --yes to remove it");
            }
            store.remove_entry(bank, entry)?;
            eprintln!("bank {bank}: entry {entry} removed (generation {})", store.generation()?);
            return Ok(index(&mut store, &folder));
        }
        Bank::List { format, data } => list(*format, &open_to_read(settings(data)?.need_data()?)?)?,
        Bank::Import { bank, list, kind, list_format, map, max_rejects, format, data } => {
            let Ok(spec) = list.parse::<ListSpec>();
            let list_format = list_format
                .as_deref()
                .map(str::parse::<ListFormat>)
                .transpose()
                .map_err(anyhow::Error::msg)?;
            let mapping = map.as_deref().map(str::parse).transpose().map_err(anyhow::Error::msg)?;
            let kind = kind.as_deref().map(str::parse::<BankKind>).transpose().map_err(anyhow::Error::msg)?;
            let request = ListRequest { spec, kind: kind.unwrap_or_default(), format: list_format, mapping };
            return import(bank, request, kind, *max_rejects, *format, data);
        }
        Bank::Export { bank, list_format, signal_type, vics_version, out, held, release_held, data } => {
            let format = list_format.parse().map_err(anyhow::Error::msg)?;
            let signal_type = signal_type.as_deref().map(str::parse).transpose()?;
            let vics = vics_version.parse().map_err(anyhow::Error::msg)?;
            let options = WriteOptions { signal_type, vics };
            let folder = settings(data)?.need_data()?.clone();
            let gate = Gate { held: held.as_deref(), released: *release_held };
            return super::export::export(bank, format, &options, out.as_deref(), &gate, &folder);
        }
        Bank::Show { bank, entry, format, data } => {
            show(bank, entry.as_deref(), *format, &open_to_read(settings(data)?.need_data()?)?)?;
        }
        Bank::Delete { bank, yes, data } => {
            let (mut store, folder) = open(data)?;
            let entries = store.bank(bank)?.version.entries;
            if !yes {
                bail!("bank {bank} holds {}; say --yes to delete it", count(entries, "entry", "entries"));
            }
            store.delete_bank(bank)?;
            eprintln!("bank {bank} and its {} deleted", count(entries, "entry", "entries"));
            return Ok(index(&mut store, &folder));
        }
    }
    Ok(Ended::Clean)
}

fn set(bank: &str, change: &BankChange<'_>, data: &Data) -> Result<Ended> {
    if *change == BankChange::default() {
        bail!(
            "bank set {bank}: say what to change: --radius BITS, --photodna-distance N, --layers 1,2,3, \
             --members-needed N, --confirmations-needed N"
        );
    }
    let (mut store, folder) = open(data)?;
    let set = store.batch(now_us(), |batch| batch.change_bank(bank, change))?;
    let photodna = set.bank.photodna_max_distance.unwrap_or(0);
    eprintln!(
        "bank {bank}: radius {}, PhotoDNA distance {photodna}, layers {}, asks for {} (generation {})",
        set.bank.radius_bits,
        Layers::from_bits(set.layers),
        asks_for(&set),
        store.generation()?
    );
    Ok(index(&mut store, &folder))
}

/// What a bank asks of members before its matches stand, in words.
fn asks_for(bank: &StoredBank) -> String {
    let members =
        (bank.members_needed > 0).then(|| count(u64::from(bank.members_needed), "member", "members"));
    let confirmed = u64::from(bank.confirmations_needed);
    let confirmed = (confirmed > 0).then(|| count(confirmed, "confirmation", "confirmations"));
    match (members, confirmed) {
        (None, None) => "nothing".to_owned(),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(members), Some(confirmed)) => format!("{members} or {confirmed}"),
    }
}

/// The settings of a command that needs a data folder and no more.
pub(crate) fn settings(data: &Data) -> Result<Settings> {
    Settings::new(&Lists { data: data.data.clone(), ..Lists::default() }, &Reading::default())
}

fn open(data: &Data) -> Result<(Store, PathBuf)> {
    let settings = settings(data)?;
    let folder = settings.need_data()?;
    Ok((Store::open(folder)?, folder.clone()))
}

/// Opens a data folder for writing; makes none.
pub(crate) fn open_existing(folder: &Path) -> Result<Store> {
    drop(Store::open_read_only(folder)?);
    Ok(Store::open(folder)?)
}

/// Brings the index up to what was just changed. The change itself is done whatever comes of this: the next command
/// that uses the index tries again.
pub(crate) fn index(store: &mut Store, folder: &Path) -> Ended {
    let mut show = IndexShow::new();
    let options = crate::lists::build_options();
    let outcome = bank_index::bring_up_to_date(store, folder, &options, &mut |news| show.tell(&news));
    show.clear();
    match outcome {
        // What was asked for has been said; an index that was damaged is news.
        Ok(Outcome::Built { why: None, .. } | Outcome::CaughtUp { .. }) => Ended::Clean,
        Ok(outcome) => {
            if let Some(line) = mended(&outcome) {
                eprintln!("{line}");
            }
            Ended::Clean
        }
        Err(error) => {
            eprintln!(
                "lodestone: the banks are changed, their index is not, and the next command tries again: {error}"
            );
            Ended::Incomplete
        }
    }
}

fn add(bank: &str, signals: &[String], id: Option<&str>, format: Format, data: &Data) -> Result<Ended> {
    let signals = signals
        .iter()
        .map(|text| text.parse::<Signal>().with_context(|| "--signal".to_owned()))
        .collect::<Result<Vec<_>>>()?;
    if let Some(signal) = signals.iter().find(|signal| signal.says_nothing()) {
        bail!("--signal: this {} value says nothing: that of an empty file, or zeros only", signal.kind());
    }
    let (mut store, folder) = open(data)?;
    let added = store.add_entry(bank, id, signals, now_us())?;
    if matches!(format, Format::Ndjson | Format::Json) {
        let mut objects = Objects::new(Format::Ndjson);
        objects
            .push(&json!({ "bank": bank, "entry": added.row.entry, "generation": added.added_generation }))?;
        objects.finish()?;
    } else {
        println!("{bank}: entry {} added (generation {})", added.row.entry, added.added_generation);
    }
    let kind = store.bank(bank)?.kind;
    if !kind.makes_known() && added.row.signals.iter().any(|signal| !signal.kind().is_digest()) {
        eprintln!(
            "  a {kind} bank speaks by exact digest only: its PDQ and PhotoDNA values are kept and not matched"
        );
    }
    Ok(index(&mut store, &folder))
}

/// Opens a data folder for reading, beside a writer if there is one.
pub(crate) fn open_to_read(folder: &Path) -> Result<Store> {
    Ok(Store::open_read_only(folder)?)
}

/// Microseconds since 1970, UTC.
pub(crate) fn now_us() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_micros()).ok())
        .unwrap_or(0)
}

fn describe_bank(stored: &StoredBank, features: &BTreeMap<String, FeatureCount>) -> serde_json::Value {
    let bank = &stored.bank;
    let mut object = json!(bank);
    object["entries"] = json!(bank.version.entries);
    object["layers"] = json!(Layers::from_bits(stored.layers).numbers());
    object["members_needed"] = json!(stored.members_needed);
    object["confirmations_needed"] = json!(stored.confirmations_needed);
    object["with_features"] = json!(features.get(&bank.name).map_or(0, |count| count.entries));
    object
}

fn list(format: Format, store: &Store) -> Result<()> {
    let (banks, features) = (store.stored_banks()?, store.feature_counts()?);
    if format == Format::Text || format == Format::Csv {
        let mut out = io::stdout().lock();
        for stored in &banks {
            let bank = &stored.bank;
            let entries = count(bank.version.entries, "entry", "entries");
            let asks = match asks_for(stored).as_str() {
                "nothing" => String::new(),
                asked => format!(", asks for {asked}"),
            };
            let kept = features.get(&bank.name).map_or(0, |count| count.entries);
            let kept = if kept > 0 { format!(", {kept} with local features") } else { String::new() };
            let layers = Layers::from_bits(stored.layers);
            let layers = if layers.beyond_whole() { format!(", layers {layers}") } else { String::new() };
            writeln!(
                out,
                "{:<24} {:<20} radius {:>2}  version {:>3}  {entries}{kept}{layers}{asks}  {}",
                bank.name,
                bank.kind.as_str(),
                bank.radius_bits,
                bank.version.number,
                bank.source
            )?;
        }
        if banks.is_empty() {
            writeln!(out, "no banks; `lodestone bank import NAME LIST` makes one")?;
        }
        return Ok(());
    }
    let mut objects = Objects::new(format);
    for bank in &banks {
        objects.push(&describe_bank(bank, &features))?;
    }
    Ok(objects.finish()?)
}

fn import(
    name: &str,
    mut request: ListRequest,
    kind: Option<BankKind>,
    max_rejects: u64,
    format: Format,
    data: &Data,
) -> Result<Ended> {
    let (mut store, folder) = open(data)?;
    let existing = existing(&store, name, kind)?;
    request.kind = existing.as_ref().map_or(request.kind, |bank| bank.kind);
    let path = request.spec.path.clone();
    let source = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    // Its digest is made first, by a reading of its own: a pipe would then be empty.
    if std::fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        bail!("list {}: a pipe or device cannot be imported; write it to a file first", path.display());
    }
    // The list is told apart and its kind checked before anything is made for it.
    let listing = open_list(&request)?;
    let list_format = listing.format;
    let sha256 = if list_format == ListFormat::NsrlRds3 { String::new() } else { sha256_of(&path)? };
    let made_here = existing.is_none();
    if made_here {
        let radius = settings(data)?.radius_bits;
        store.create_bank(name, request.kind, radius, &source, now_us())?;
    }
    let started = std::time::Instant::now();
    let mut progress = |rows: u64| {
        if started.elapsed().as_secs() >= 2 && rows.is_multiple_of(100_000) {
            eprintln!("{rows} rows");
        }
    };
    let options = ImportOptions { max_rejects, now_us: now_us(), on_progress: Some(&mut progress) };
    let source = ListSource { name: &source, sha256: &sha256 };
    let imported = store.import_fed(name, source, options, |take| listing.for_each(take).map(|_digest| ()));
    let report = match imported {
        Ok(report) => report,
        Err(error) => {
            if made_here {
                store.delete_bank(name)?;
            }
            return Err(
                anyhow::Error::from(error).context(format!("list {}: nothing was imported", path.display()))
            );
        }
    };
    if matches!(format, Format::Ndjson | Format::Json) {
        let mut objects = Objects::new(Format::Ndjson);
        let lines: Vec<_> = report
            .rejected
            .iter()
            .map(|reject| json!({ "line": reject.line, "reason": reject.reason }))
            .collect();
        objects.push(&json!({
            "bank": name, "format": list_format.as_str(), "added": report.added, "updated": report.updated,
            "unchanged": report.unchanged, "renamed": report.renamed, "rejected": report.rejected_total,
            "rejects": lines, "ignored_empty_file_hashes": report.ignored_empty_file_hashes,
            "generation": report.generation,
        }))?;
        objects.finish()?;
    } else {
        println!(
            "{name}: {} added, {} updated, {} unchanged, {} rejected ({list_format}; generation {})",
            report.added, report.updated, report.unchanged, report.rejected_total, report.generation
        );
        if report.ignored_empty_file_hashes > 0 {
            println!(
                "  {} rows hold only hashes of empty files and are left out",
                report.ignored_empty_file_hashes
            );
        }
        for reject in report.rejected.iter().take(20) {
            eprintln!("  not taken: {}", describe(reject));
        }
    }
    Ok(index(&mut store, &folder))
}

/// The bank of this name, if there is one; it has to be of the kind that was asked for.
pub(super) fn existing(store: &Store, name: &str, kind: Option<BankKind>) -> Result<Option<ABank>> {
    let bank = match store.bank(name) {
        Ok(bank) => bank,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if let Some(kind) = kind
        && bank.kind != kind
    {
        bail!("bank {name} is {}, not {kind}; a bank's kind does not change", bank.kind);
    }
    Ok(Some(bank))
}

fn sha256_of(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let mut digester = Digester::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hex::encode(&digester.finish().sha256)),
            n => digester.update(&chunk[..n]),
        }
    }
}

fn show(name: &str, entry: Option<&str>, format: Format, store: &Store) -> Result<()> {
    let object = match entry {
        None => describe_bank(&store.stored_bank(name)?, &store.feature_counts()?),
        Some(id) => {
            let found = store.entry(name, id)?.with_context(|| format!("bank {name} has no entry {id}"))?;
            let signals: Vec<_> = found
                .row
                .signals
                .iter()
                .map(|signal| json!({ "signal_type": signal.kind(), "value": signal.to_text() }))
                .collect();
            json!({
                "bank": name, "entry": found.row.entry, "signals": signals, "pdq_quality": found.row.pdq_quality,
                "classification": found.row.classification, "tags": found.row.tags, "line": found.row.line,
                "generation": found.added_generation, "extra": found.row.extra,
            })
        }
    };
    if matches!(format, Format::Ndjson | Format::Json) {
        let mut objects = Objects::new(Format::Ndjson);
        objects.push(&object)?;
        return Ok(objects.finish()?);
    }
    println!("{}", serde_json::to_string_pretty(&object)?);
    Ok(())
}
