//! `lodestone match --against`: whole lists looked up in other lists, in the banks, or in everything ever scanned.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::{Context, Result, bail};
use lodestone_engine::join::{JoinError, JoinOptions, Joined, JoinedList, join};
use lodestone_engine::lists::{ListRequest, ListSpec, Within, describe};
use lodestone_engine::retro::{Recalled, RetroError, retro};
use lodestone_engine::{LookUps, Snapshot, SnapshotBuilder, wire};
use lodestone_store::Store;
use lodestone_types::{Bank, BankKind, Match as Matched, SignalType, State};
use serde_json::{Value, json};

use super::{Objects, quoted};
use crate::Ended;
use crate::args::{Format, Match};
use crate::lists::{self, ListShow};
use crate::settings::Settings;
use crate::show::Steps;
use crate::words::{self, count, visible};

/// What stands for the banks of the data folder.
const BANKS: &str = "banks";
/// What stands for all kept observations of the data folder.
const SEEN: &str = "seen";

/// Looks up every entry of the lists given.
pub(crate) fn run(args: &Match) -> Result<Ended> {
    let given = &args.lists;
    let others = [&given.known, &given.known_generated, &given.known_good, &given.negative];
    if !args.signal.is_empty() || others.iter().any(|lists| !lists.is_empty()) {
        bail!(
            "--against takes the place of --known and its like, and of --signal: lists stand after it, or as arguments"
        );
    }
    if args.files.is_empty() {
        bail!("--against: no list to look up; give one as argument, [TYPE:]LIST");
    }
    let settings = Settings::new(given, &args.reading)?;
    let mapping = given.map.as_deref().map(str::parse).transpose().map_err(anyhow::Error::msg)?;
    let request = |text: &str| {
        let Ok(spec) = text.parse::<ListSpec>();
        ListRequest { spec, kind: BankKind::KnownReal, format: None, mapping: mapping.clone() }
    };
    let stop = super::on_ctrl_c("stopping; what was read is looked up first. Ctrl-C again to stop at once.")?;
    let requests: Vec<ListRequest> = args
        .files
        .iter()
        .map(|path| match path.to_str() {
            Some(text) => request(text),
            None => ListRequest { spec: ListSpec { declared: None, path: path.clone() }, ..request("") },
        })
        .collect();
    let builder = SnapshotBuilder::new(lists::build_options_within(args.index_memory));
    if args.against.iter().any(|text| text == SEEN) {
        if args.against.len() > 1 {
            bail!("--against {SEEN} stands alone: the lists given as arguments are what is searched for");
        }
        return seen(args, &settings, builder, &requests, &stop);
    }
    let against: Vec<_> =
        args.against.iter().filter(|text| *text != BANKS).map(|text| request(text)).collect();
    let banks = args.against.iter().any(|text| text == BANKS);
    let within = Within { radius_bits: settings.radius_bits, photodna_max_distance: args.photodna_distance };
    let snapshot = lists::against(
        builder.with_photodna(),
        &settings,
        banks,
        &against,
        within,
        given.max_rejects,
        &stop,
    )?;
    list_by_list(args, &settings, &snapshot, &requests, &stop)
}

fn list_by_list(
    args: &Match,
    settings: &Settings,
    snapshot: &Snapshot,
    requests: &[ListRequest],
    stop: &AtomicBool,
) -> Result<Ended> {
    let mut out = Pairs::new(args.format)?;
    let mut look_ups = LookUps::default();
    let mut done: Vec<(String, JoinedList)> = Vec::new();
    let options = JoinOptions { threads: settings.workers, max_rejects: args.lists.max_rejects };
    let (mut broken, mut closed) = (None, false);
    for request in requests {
        let name = request.spec.path.display().to_string();
        let mut show = ListShow::new("look-up");
        let mut list = JoinedList::default();
        let joined = join(
            snapshot,
            request,
            options,
            &mut look_ups,
            &mut |joined| match joined {
                Joined::Pair { entry, found } => out.pair(&name, entry, found),
                Joined::Failed { entry, error } => out.failed(&name, entry, &error.to_string()),
                Joined::Rejected(reject) => {
                    eprintln!("list {name}: not taken: {}", describe(reject));
                    Ok(())
                }
                _ => Ok(()),
            },
            &mut list,
            &mut |step| {
                show.tick(step);
                if stop.load(Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        show.clear();
        if joined.is_ok() || list != JoinedList::default() {
            list.interrupted |= joined.is_err();
            done.push((name, list));
        }
        match joined {
            Ok(()) => {}
            Err(JoinError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => closed = true,
            Err(JoinError::Output(error)) => return Err(error.into()),
            Err(error) => broken = Some(error),
        }
        if stop.load(Relaxed) || broken.is_some() || closed {
            break;
        }
    }
    let interrupted = stop.load(Relaxed) || broken.is_some();
    let lists: Vec<Value> = done.iter().map(|(name, list)| list_facts(name, list, snapshot)).collect();
    let apart = done.iter().filter(|(_, list)| !comparable(list, snapshot)).count();
    let sum = |of: fn(&JoinedList) -> u64| done.iter().map(|(_, list)| of(list)).sum::<u64>();
    let (entries, pairs, known) = (sum(|list| list.entries), sum(|list| list.pairs), sum(|list| list.known));
    let written = if closed {
        Ok(())
    } else {
        out.finish(&json!({
        "kind": "summary", "lists": lists, "against": snapshot.banks(), "entries": entries, "pairs": pairs,
        "entries_with_known": known, "lists_not_comparable": apart, "look_up": wire::look_up(&look_ups), "interrupted": interrupted,
        "generation": snapshot.generation(), "program": program(),
    }))
    };
    // A reader that has seen enough (`| head`) takes nothing from the exit status.
    closed |= super::closed(written)?;
    for (name, list) in &done {
        say_list(name, list, comparable(list, snapshot));
    }
    say_against(snapshot.banks());
    eprintln!(
        "{} looked up, {} found, generation {}",
        count(entries, "entry", "entries"),
        count(pairs, "pair", "pairs"),
        snapshot.generation()
    );
    lists::say_look_ups(&look_ups, snapshot, true);
    lists::say_failures(&look_ups);
    if let Some(error) = broken {
        return Err(error.into());
    }
    if interrupted || closed && done.iter().any(|(_, list)| list.interrupted) {
        eprintln!("lodestone: interrupted; not all was looked up");
    }
    Ok(Ended::of(interrupted || look_ups.failed > 0, known > 0))
}

/// Whether one value at least is of a type that stands on the other side too.
fn comparable(list: &JoinedList, snapshot: &Snapshot) -> bool {
    list.entries == 0 || list.pairs > 0 || list.kinds.iter().any(|kind| snapshot.holds(*kind))
}

fn list_facts(name: &str, list: &JoinedList, snapshot: &Snapshot) -> Value {
    json!({
        "list": name, "sha256": list.sha256, "entries": list.entries, "pdq": list.pdq, "digests": list.digests,
        "photodna": list.photodna,
        "not_matched": list.not_matched, "comparable": comparable(list, snapshot), "pairs": list.pairs, "entries_with_known": list.known,
        "rejected": list.rejected, "ignored_empty_file_hashes": list.ignored, "interrupted": list.interrupted,
    })
}

fn say_list(name: &str, list: &JoinedList, comparable: bool) {
    let name = visible(name);
    let version = if list.sha256.is_empty() { String::new() } else { format!(", sha256 {}", list.sha256) };
    eprintln!(
        "list {name}: {} ({} PDQ, {} digests){version}",
        count(list.entries, "entry", "entries"),
        list.pdq,
        list.digests
    );
    if list.photodna > 0 {
        eprintln!("  {}", count(list.photodna, "PhotoDNA value", "PhotoDNA values"));
    }
    if list.not_matched > 0 {
        let values = count(list.not_matched, "value", "values");
        eprintln!("  {values} of types that are not matched here");
    }
    if !comparable {
        let kinds: Vec<_> = list.kinds.iter().map(ToString::to_string).collect();
        eprintln!(
            "warning: nothing in list {name} could be compared: no value it is matched against is of its types ({})",
            kinds.join(", ")
        );
    }
    if list.rejected > 0 {
        eprintln!("  {} not taken", count(list.rejected, "row", "rows"));
    }
    if list.ignored > 0 {
        eprintln!("  {} rows hold only hashes of empty files and are left out", list.ignored);
    }
}

fn say_against(banks: &[Bank]) {
    for bank in banks {
        let version = &bank.version;
        let sha256 =
            if version.sha256.is_empty() { String::new() } else { format!(", sha256 {}", version.sha256) };
        eprintln!(
            "against {}: {}, version {}{sha256}",
            visible(&bank.name),
            count(version.entries, "entry", "entries"),
            version.number
        );
    }
}

fn program() -> Value {
    json!({ "name": "lodestone", "version": env!("CARGO_PKG_VERSION") })
}

/// New entries against everything that scans have kept.
fn seen(
    args: &Match,
    settings: &Settings,
    mut builder: SnapshotBuilder,
    requests: &[ListRequest],
    stop: &AtomicBool,
) -> Result<Ended> {
    let store = Store::open_read_only(settings.need_data()?)?;
    let generation = store.hold()?;
    let mut names = BTreeSet::new();
    for request in requests {
        lists::load(
            &mut builder,
            &mut names,
            request,
            settings.radius_bits.into(),
            args.lists.max_rejects,
            stop,
        )?;
    }
    let snapshot = lists::build(builder, generation + 1, stop)?;
    let comparable = [SignalType::Pdq, SignalType::Md5, SignalType::Sha1, SignalType::Sha256]
        .iter()
        .any(|kind| snapshot.holds(*kind));
    if !comparable {
        eprintln!("warning: nothing could be compared: the lists hold no value of a type that scans keep");
    }
    let machine = matches!(args.format, Format::Ndjson | Format::Json);
    let mut objects = Objects::new(args.format);
    let mut out = BufWriter::new(io::stdout());
    if args.format == Format::Csv {
        writeln!(out, "path,{COLUMNS}")?;
    }
    let mut look_ups = LookUps::default();
    let mut known = false;
    let mut show = Steps::new("look-up");
    let recalled = retro(
        &snapshot,
        settings.appraise,
        settings.workers,
        &store,
        &mut look_ups,
        &mut |recalled| match recalled {
            Recalled::Record(record) if machine => {
                known |= record.state == State::Known;
                objects.push(&wire::file(record))
            }
            Recalled::Record(record) => {
                known |= record.state == State::Known;
                if let Some(why) = &record.observation.unreadable
                    && why.stage == lodestone_types::Stage::Match
                {
                    eprintln!("lodestone: {}: {}", visible(&record.path), words::unreadable(why));
                }
                for one in &record.matches {
                    if args.format == Format::Csv {
                        writeln!(out, "{},{}", quoted(&record.path), csv(one))?;
                    } else {
                        writeln!(out, "{}: {}", visible(&record.path), words::a_match(one))?;
                    }
                }
                Ok(())
            }
            Recalled::Lost { path, observations } => {
                let lost = count(observations, "kept observation", "kept observations");
                eprintln!("lodestone: {}: {lost} cannot be read any more; scan it again", visible(path));
                Ok(())
            }
            _ => Ok(()),
        },
        &mut |done, total| {
            show.tick(done, total, "files");
            if stop.load(Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    );
    show.clear();
    let retro = match recalled {
        Ok(retro) => retro,
        Err(RetroError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => {
            return Ok(Ended::of(look_ups.failed > 0, known));
        }
        Err(RetroError::Output(error)) => return Err(error.into()),
        Err(error) => return Err(error).context("kept observations"),
    };
    let mut written = out.flush();
    if machine {
        written = objects
            .push(&json!({
                "kind": "summary", "lists": snapshot.banks(), "against": SEEN, "comparable": comparable, "files": retro.files,
                "observations": retro.observations, "known": retro.known, "unreadable": retro.unreadable,
                "lost": retro.lost, "look_up": wire::look_up(&look_ups), "interrupted": retro.interrupted,
                "generation": snapshot.generation(), "program": program(),
            }))
            .and_then(|()| objects.finish());
    }
    super::closed(written)?;
    say_against(snapshot.banks());
    eprintln!(
        "{} of {} looked up, {} match, generation {}",
        count(retro.observations, "kept observation", "kept observations"),
        count(retro.files, "file", "files"),
        retro.known,
        snapshot.generation()
    );
    if retro.unreadable > 0 {
        eprintln!("  {} could not be read when scanned, and were matched by digest", retro.unreadable);
    }
    lists::say_look_ups(&look_ups, &snapshot, true);
    lists::say_failures(&look_ups);
    if retro.interrupted {
        eprintln!("lodestone: interrupted; not all was looked up");
    }
    Ok(Ended::of(retro.interrupted || retro.lost > 0 || look_ups.failed > 0, retro.known > 0))
}

/// Columns that tell a match.
const COLUMNS: &str = "against,against_kind,against_entry,signal_type,distance_bits,radius_bits,classification,distance_squared";

fn csv(found: &Matched) -> String {
    format!(
        "{},{},{},{},{},{},{},{}",
        quoted(&found.bank),
        found.bank_kind,
        quoted(&found.entry),
        found.signal_type,
        found.distance_bits,
        found.radius_bits,
        quoted(found.classification.as_deref().unwrap_or_default()),
        found.distance_squared.map_or_else(String::new, |distance| distance.to_string())
    )
}

/// Pairs on standard output, in any format.
enum Pairs {
    Lines { out: BufWriter<io::Stdout>, csv: bool },
    Objects(Objects),
}

impl Pairs {
    fn new(format: Format) -> Result<Self> {
        if matches!(format, Format::Ndjson | Format::Json) {
            return Ok(Self::Objects(Objects::new(format)));
        }
        let (mut out, csv) = (BufWriter::with_capacity(1 << 16, io::stdout()), format == Format::Csv);
        if csv {
            writeln!(out, "list,entry,{COLUMNS}")?;
        }
        Ok(Self::Lines { out, csv })
    }

    fn pair(&mut self, list: &str, entry: &str, found: &Matched) -> io::Result<()> {
        match self {
            Self::Objects(objects) => objects.push(&wire::pair(list, entry, found)),
            Self::Lines { out, csv: true } => {
                writeln!(out, "{},{},{}", quoted(list), quoted(entry), csv(found))
            }
            Self::Lines { out, csv: false } => {
                writeln!(out, "{} entry {}: {}", visible(list), visible(entry), words::a_match(found))
            }
        }
    }

    fn failed(&mut self, list: &str, entry: &str, why: &str) -> io::Result<()> {
        eprintln!("lodestone: {} entry {} could not be looked up: {why}", visible(list), visible(entry));
        match self {
            Self::Objects(objects) => {
                objects.push(&json!({ "kind": "failed", "list": list, "entry": entry, "why": why }))
            }
            Self::Lines { .. } => Ok(()),
        }
    }

    fn finish(self, summary: &Value) -> io::Result<()> {
        match self {
            Self::Objects(mut objects) => {
                objects.push(summary)?;
                objects.finish()
            }
            Self::Lines { mut out, .. } => out.flush(),
        }
    }
}
