//! `lodestone match`.

use std::io::Write;

use anyhow::{Context, Result};
use lodestone_engine::observer::Observer;
use lodestone_engine::{appraise, appraise_signal, path_text, wire};
use lodestone_types::{Match as Matched, Signal, SignalType, State};

use super::{Objects, worker_start};
use crate::Ended;
use crate::args::{Format, Match};
use crate::settings::Settings;
use crate::words;

/// Matches signals given by value, then files, in the order given.
pub(crate) fn run(args: &Match) -> Result<Ended> {
    let settings = Settings::new(&args.lists, &args.reading)?;
    let signals = args
        .signal
        .iter()
        .map(|text| text.parse::<Signal>().with_context(|| "--signal".to_owned()))
        .collect::<Result<Vec<_>>>()?;
    let store = settings.data.as_deref().map(super::bank::open_to_read).transpose()?;
    let snapshot = crate::lists::snapshot(&args.lists, &settings, store.as_ref())?;
    let machine = matches!(args.format, Format::Ndjson | Format::Json);
    let mut objects = Objects::new(args.format);
    let (mut matched, mut incomplete) = (false, false);
    for signal in &signals {
        let matches = appraise_signal(&snapshot, signal);
        if signal.kind() == SignalType::Photodna {
            incomplete = true;
            eprintln!("lodestone: photodna values are kept in banks and not matched yet");
        }
        matched |= !matches.is_empty();
        let text = format!("{signal:?}");
        if machine {
            objects.push(&wire::signal(&text, &matches, snapshot.generation()))?;
        } else {
            print_matches(&text, &matches)?;
        }
    }
    let mut observer =
        Observer::new(worker_start(&settings.observe)?, settings.observe.clone(), settings.deadline);
    for file in &args.files {
        let path = path_text(file);
        let seen = observer.observe_file(file).into_iter().map(|one| {
            let name =
                one.member.map_or_else(|| path.0.clone(), |member| format!("{}!/{}", path.0, member.name));
            (name, path.1.clone(), one.observation)
        });
        for record in appraise(&snapshot, settings.appraise, seen.collect()) {
            matched |= record.state == State::Known;
            incomplete |= record.state == State::Unreadable;
            if machine {
                objects.push(&wire::file(&record))?;
                continue;
            }
            if let (State::Unreadable, Some(why)) = (record.state, &record.observation.unreadable) {
                eprintln!("lodestone: {}: {}", record.path, words::unreadable(why));
            }
            print_matches(&record.path, &record.matches)?;
        }
    }
    if machine {
        objects.finish()?;
    }
    Ok(match (incomplete, matched) {
        (true, _) => Ended::Incomplete,
        (false, true) => Ended::Matched,
        (false, false) => Ended::Clean,
    })
}

/// One line a match; none is said too.
pub(crate) fn print_matches(what: &str, matches: &[Matched]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if matches.is_empty() {
        return writeln!(out, "{what}: no match");
    }
    for one in matches {
        writeln!(out, "{what}: {}", words::a_match(one))?;
    }
    Ok(())
}
