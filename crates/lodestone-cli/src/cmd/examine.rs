//! `lodestone examine`: everything known of one file.

use std::io::{self, Write};

use anyhow::Result;
use lodestone_engine::observer::Observer;
use lodestone_engine::{LookUps, appraise, full_path, wire};
use lodestone_types::{Finding, Record, State, hex};

use super::{Objects, worker_start};
use crate::Ended;
use crate::args::{Examine, Format};
use crate::settings::Settings;
use crate::words;

/// Observes one file, matches it, prints it all.
pub(crate) fn run(args: &Examine) -> Result<Ended> {
    let settings = Settings::new(&args.lists, &args.reading)?;
    let snapshot = crate::lists::snapshot(&args.lists, &settings, None)?;
    let mut look_ups = LookUps::default();
    let mut observer =
        Observer::new(worker_start(&settings.observe)?, settings.observe.clone(), settings.deadline);
    let mut seen = Vec::new();
    observer.observe_file(&args.file).each(|one| {
        let (path, bytes_hex) = full_path(&args.file, one.member);
        seen.push((path, bytes_hex, one.observation));
        io::Result::Ok(())
    })?;
    let records = appraise(&snapshot, settings.appraise, seen, &mut look_ups);
    super::closed(print(args.format, &records))?;
    let any = |state| records.iter().any(|record| record.state == state);
    crate::lists::say_look_ups(&look_ups, &snapshot, args.lists.verbose);
    crate::lists::say_failures(&look_ups);
    Ok(Ended::of(any(State::Unreadable) || look_ups.failed > 0, any(State::Known)))
}

fn print(format: Format, records: &[Record]) -> io::Result<()> {
    if matches!(format, Format::Ndjson | Format::Json) {
        let mut objects = Objects::new(if records.len() == 1 { Format::Ndjson } else { format });
        for record in records {
            objects.push(&wire::file(record))?;
        }
        return objects.finish();
    }
    let mut out = io::stdout().lock();
    records.iter().try_for_each(|record| text(&mut out, record))
}

fn text(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let seen = &record.observation;
    let mut line = |name: &str, value: &str| writeln!(out, "  {name:<12} {value}");
    line("", &words::visible(&record.path))?;
    line(
        "state",
        &serde_json::to_value(record.state)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default(),
    )?;
    line("bytes", &seen.size_bytes.to_string())?;
    line("format", seen.format.as_deref().unwrap_or("not recognised"))?;
    if let Some(digests) = &seen.digests {
        line("sha256", &digests.sha256.to_string())?;
        line("sha1", &hex::encode(&digests.sha1))?;
        line("md5", &hex::encode(&digests.md5))?;
    }
    if let Some(picture) = &seen.picture {
        let mut facts = format!("{} x {}", picture.width, picture.height);
        if picture.frames > 1 {
            facts += &format!(", {} frames", picture.frames);
        }
        if let Some(orientation) = picture.orientation {
            facts += &format!(", EXIF orientation {orientation} (not applied)");
        }
        line("picture", &facts)?;
        for note in &picture.notes {
            line("", note)?;
        }
        if let Some(why) = &picture.partial {
            line("partial", why)?;
        }
    }
    for print in &seen.fingerprints {
        let hash = print.pdq_dihedral.first().map(|h| hex::encode(h)).unwrap_or_default();
        let mut facts = format!("{hash} quality {}", print.quality);
        if print.form.frame > 0 {
            facts += &format!(", frame {} at {} ms", print.form.frame, print.form.t_ms);
        }
        if let Some(backdrop) = print.form.backdrop {
            facts += &format!(", on {backdrop:?}").to_lowercase();
        }
        line("pdq", &facts)?;
    }
    if let Some(why) = &seen.unreadable {
        line("unreadable", &words::unreadable(why))?;
    }
    for one in &record.matches {
        line("match", &words::a_match(one))?;
    }
    for finding in &seen.findings {
        line("finding", &describe(finding))?;
    }
    if let Some(assessment) = &seen.assessment {
        line("reading", &assessment.statement)?;
        for limit in &assessment.limits {
            line("", limit)?;
        }
    }
    writeln!(out)
}

fn describe(finding: &Finding) -> String {
    let places: Vec<_> = finding
        .locations
        .iter()
        .map(|place| match place.offset {
            Some(offset) => format!("{} at byte {offset}", place.field),
            None => place.field.clone(),
        })
        .collect();
    let what = words::visible(&finding.what);
    if places.is_empty() { what } else { format!("{what} [{}]", words::visible(&places.join("; "))) }
}
