//! `lodestone match`.

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use lodestone_engine::examine::{ExamineContext, ExaminedAll, examine};
use lodestone_engine::lists::Within;
use lodestone_engine::scan::ScanOptions;
use lodestone_engine::{LookUps, Progress, Snapshot, SnapshotBuilder, WalkOptions, appraise_signal, wire};
use lodestone_types::{Match as Matched, Record, Signal, SignalType, State};
use serde_json::json;

use super::remote::{self, Remotes, Said};
use super::{Objects, worker_start};
use crate::Ended;
use crate::args::{Format, Match};
use crate::settings::Settings;
use crate::show::Show;
use crate::words;

/// Matches signals given by value in the order given, then files in the order of their paths.
pub(crate) fn run(args: &Match) -> Result<Ended> {
    if !args.against.is_empty() {
        return super::against::run(args);
    }
    if args.format == Format::Csv {
        bail!("--format csv is for --against; here it is text, ndjson or json");
    }
    let mut settings = Settings::new(&args.lists, &args.reading)?;
    settings.use_descriptor()?;
    let signals = args
        .signal
        .iter()
        .map(|text| text.parse::<Signal>().context("--signal"))
        .collect::<Result<Vec<_>>>()?;
    let mut builder = SnapshotBuilder::new(crate::lists::build_options());
    if signals.iter().any(|signal| signal.kind() == SignalType::Photodna) {
        builder = builder.with_photodna();
    }
    let within = Within { radius_bits: settings.radius_bits, photodna_max_distance: args.photodna_distance };
    let snapshot = crate::lists::snapshot_with(builder, within, &args.lists, &settings, None)?;
    if snapshot.banks().is_empty() && args.remote.is_empty() && settings.data.is_none() {
        bail!(
            "there is nothing to match against: --known LIST_OR_FOLDER, --data DIR with banks, or --remote NAME"
        );
    }
    if args.remote.is_empty() && snapshot.banks().iter().all(|bank| bank.version.entries == 0) {
        eprintln!("warning: the banks have no entries: nothing can match");
    }
    let stop = match args.remote.is_empty() {
        true => Arc::default(),
        false => super::on_ctrl_c("finishing what is in work; Ctrl-C again to stop at once.")?,
    };
    let mut remotes = Remotes::open(args, &settings, &stop)?;
    let mut asked = remotes.signals(&signals).into_iter();
    let mut look_ups = LookUps::default();
    let machine = matches!(args.format, Format::Ndjson | Format::Json);
    let mut objects = Objects::new(args.format);
    let (mut matched, mut incomplete, mut closed) = (false, false, false);
    for signal in &signals {
        let text = format!("{signal:?}");
        let said = asked.next();
        incomplete |= said.as_ref().is_some_and(|said| said.incomplete);
        matched |= said.as_ref().is_some_and(|said| said.known || said.for_review);
        let matches = match appraise_signal(&snapshot, signal, &mut look_ups) {
            Ok(matches) => matches,
            Err(error) => {
                eprintln!("lodestone: {text} could not be looked up: {error}");
                if machine {
                    let mut object = json!({ "kind": "failed", "signal": text, "why": error.to_string() });
                    if let Some(said) = said {
                        object["matches"] = json!([]);
                        said.add_to(&mut object);
                    }
                    objects.push(&object)?;
                } else if said.as_ref().is_some_and(|said| !said.lines().is_empty()) {
                    print_matches(&text, &[], said.as_ref())?;
                }
                continue;
            }
        };
        matched |= matches.iter().any(|one| one.bank_kind.makes_known());
        let written = if machine {
            let mut object = wire::signal(&text, &matches, snapshot.generation());
            if let Some(said) = said {
                said.add_to(&mut object);
            }
            objects.push(&object)
        } else {
            print_matches(&text, &matches, said.as_ref())
        };
        closed |= super::closed(written)?;
    }
    let mut ended = ExaminedAll::default();
    if !args.files.is_empty() && !closed {
        let mut one = |mut record: Record, said: Option<Said>| {
            if let Some(said) = &said {
                incomplete |= said.incomplete;
                if said.known && matches!(record.state, State::KnownGood | State::Examined) {
                    record.state = State::Known;
                }
                if said.for_review && matches!(record.state, State::KnownGood | State::Examined) {
                    record.state = State::Derived;
                }
                matched |= said.known || said.for_review;
            }
            matched |= matches!(record.state, State::Known | State::Derived);
            incomplete |= record.state == State::Unreadable;
            if machine {
                let mut object = wire::file(&record);
                if let Some(said) = said {
                    said.add_to(&mut object);
                }
                return objects.push(&object);
            }
            let path = words::visible(&record.path);
            if let (State::Unreadable, Some(why)) = (record.state, &record.observation.unreadable) {
                eprintln!("lodestone: {path}: {}", words::unreadable(why));
                if record.matches.is_empty() && said.is_none() {
                    return writeln!(io::stdout().lock(), "{path}: unreadable: {}", words::unreadable(why));
                }
            }
            print_matches(&path, &record.matches, said.as_ref())
        };
        let together = if args.remote.is_empty() { 1 } else { remote::TOGETHER };
        let mut waiting = Vec::new();
        let mut ask = |waiting: &mut Vec<Record>| {
            let records = std::mem::take(waiting);
            let mut said = remotes.records(&records).into_iter();
            records.into_iter().try_for_each(|record| one(record, said.next()))
        };
        let mut each = |record: Record| {
            waiting.push(record);
            if waiting.len() >= together { ask(&mut waiting) } else { Ok(()) }
        };
        let done = files(args, &settings, &snapshot, &mut each);
        let done = done.and_then(|all| ask(&mut waiting).map(|()| all));
        match done {
            Ok(all) => ended = all,
            // A reader that has seen enough (`| head`) ends it early, and takes nothing from the exit status.
            Err(error) => closed |= super::closed(Err(error))?,
        }
    }
    let interrupted = ended.interrupted;
    look_ups.add(ended.look_ups);
    incomplete |= interrupted;
    if machine && !closed {
        super::closed(objects.finish())?;
    }
    if interrupted {
        eprintln!("lodestone: interrupted; not all files were matched");
    }
    crate::lists::say_look_ups(&look_ups, &snapshot, args.lists.verbose);
    crate::lists::say_failures(&look_ups);
    remotes.say();
    Ok(Ended::of(incomplete || look_ups.failed > 0, matched))
}

/// Reads and matches the files, each handed over in the order of their paths.
fn files(
    args: &Match,
    settings: &Settings,
    snapshot: &Snapshot,
    each: &mut dyn FnMut(Record) -> io::Result<()>,
) -> io::Result<ExaminedAll> {
    let options = ScanOptions {
        roots: args.files.clone(),
        walk: WalkOptions { follow_links: true, skip: Vec::new() },
        observe: settings.observe.clone(),
        appraise: settings.appraise,
        workers: settings.workers,
        deadline: settings.deadline,
        rehash: true,
    };
    let start = worker_start(&settings.observe).map_err(io::Error::other)?;
    let cancel = super::on_ctrl_c("finishing the files in work; Ctrl-C again to stop at once.")
        .map_err(io::Error::other)?;
    let (progress, mut show) = (Progress::default(), Show::new());
    let tick = &mut |progress: &Progress| show.tick(progress);
    let context = ExamineContext { snapshot, start, cancel: &cancel, progress: &progress, tick };
    let all = examine(&options, context, each);
    show.clear();
    all
}

/// One line a match, of the lists and of remote matchers; none is said too, and what was not answered is no such thing.
fn print_matches(what: &str, matches: &[Matched], said: Option<&Said>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let lines = said.map(Said::lines).unwrap_or_default();
    if matches.is_empty() && lines.is_empty() {
        return writeln!(out, "{what}: no match");
    }
    for one in matches {
        writeln!(out, "{what}: {}", words::a_match(one))?;
    }
    for line in lines {
        writeln!(out, "{what}: {line}")?;
    }
    Ok(())
}
