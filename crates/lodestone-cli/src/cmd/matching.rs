//! `lodestone match`.

use std::io::{self, Write};

use anyhow::{Context, Result};
use lodestone_engine::lists::Within;
use lodestone_engine::observer::Observer;
use lodestone_engine::{LookUps, SnapshotBuilder, appraise, appraise_signal, full_path, wire};
use lodestone_types::{Match as Matched, Signal, SignalType, State};
use serde_json::json;

use super::{Objects, worker_start};
use crate::Ended;
use crate::args::{Format, Match};
use crate::settings::Settings;
use crate::words;

/// Matches signals given by value, then files, in the order given.
pub(crate) fn run(args: &Match) -> Result<Ended> {
    if !args.against.is_empty() {
        return super::against::run(args);
    }
    let settings = Settings::new(&args.lists, &args.reading)?;
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
    let mut look_ups = LookUps::default();
    let machine = matches!(args.format, Format::Ndjson | Format::Json);
    let mut objects = Objects::new(args.format);
    let (mut matched, mut incomplete, mut closed) = (false, false, false);
    for signal in &signals {
        let text = format!("{signal:?}");
        let matches = match appraise_signal(&snapshot, signal, &mut look_ups) {
            Ok(matches) => matches,
            Err(error) => {
                eprintln!("lodestone: {text} could not be looked up: {error}");
                if machine {
                    objects.push(&json!({ "kind": "failed", "signal": text, "why": error.to_string() }))?;
                }
                continue;
            }
        };
        matched |= matches.iter().any(|one| one.bank_kind.makes_known());
        let written = if machine {
            objects.push(&wire::signal(&text, &matches, snapshot.generation()))
        } else {
            print_matches(&text, &matches)
        };
        closed |= super::closed(written)?;
    }
    let mut observer =
        Observer::new(worker_start(&settings.observe)?, settings.observe.clone(), settings.deadline);
    for file in &args.files {
        let written = observer.observe_file(file).each(|one| {
            let (path, bytes_hex) = full_path(file, one.member);
            let seen = vec![(path, bytes_hex, one.observation)];
            for record in appraise(&snapshot, settings.appraise, seen, &mut look_ups) {
                matched |= record.state == State::Known;
                incomplete |= record.state == State::Unreadable;
                if machine {
                    objects.push(&wire::file(&record))?;
                    continue;
                }
                let path = words::visible(&record.path);
                if let (State::Unreadable, Some(why)) = (record.state, &record.observation.unreadable) {
                    eprintln!("lodestone: {path}: {}", words::unreadable(why));
                }
                print_matches(&path, &record.matches)?;
            }
            io::Result::Ok(())
        });
        // A reader that has seen enough (`| head`) ends it early, and takes nothing from the exit status.
        closed |= super::closed(written)?;
        if closed {
            break;
        }
    }
    if machine && !closed {
        super::closed(objects.finish())?;
    }
    crate::lists::say_look_ups(&look_ups, &snapshot, args.lists.verbose);
    crate::lists::say_failures(&look_ups);
    Ok(Ended::of(incomplete || look_ups.failed > 0, matched))
}

/// One line a match; none is said too.
pub(crate) fn print_matches(what: &str, matches: &[Matched]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if matches.is_empty() {
        return writeln!(out, "{what}: no match");
    }
    for one in matches {
        writeln!(out, "{what}: {}", words::a_match(one))?;
    }
    Ok(())
}
