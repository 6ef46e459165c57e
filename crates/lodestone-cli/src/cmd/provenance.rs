//! `lodestone provenance`: what examiners bring along.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use lodestone_engine::learn::{LearnOptions, learn};
use lodestone_engine::{WalkOptions, Wish};
use serde_json::json;

use super::worker_start;
use crate::Ended;
use crate::args::{Document, Examining, Learn, Lists, Provenance, Reading};
use crate::settings::Settings;
use crate::show::Steps;
use crate::words::{count, visible};

/// Shows, or learns.
pub(crate) fn run(args: &Provenance) -> Result<Ended> {
    match args {
        Provenance::Show { examining, format } => show(examining, *format),
        Provenance::Learn(args) => learnt(args),
    }
}

/// Learns from a folder, and writes the database beside its place, then moves it there.
fn learnt(args: &Learn) -> Result<Ended> {
    let settings = Settings::new(&Lists::default(), &Reading::default())?;
    if !args.folder.is_dir() {
        bail!("{}: not a folder", args.folder.display());
    }
    if args.label.trim().is_empty() {
        bail!("--label says what wrote the files, and is empty");
    }
    let folder = args.out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let writing = || format!("cannot write {}", args.out.display());
    if args.out.is_dir() {
        bail!("{}: it is a folder; name a file in it", writing());
    }
    let mut file =
        tempfile::Builder::new().prefix(".lodestone-learn-").tempfile_in(folder).with_context(writing)?;
    let options = LearnOptions {
        folder: args.folder.clone(),
        walk: WalkOptions { follow_links: true, skip: Vec::new() },
        title: args.label.clone(),
        label: args.label.clone(),
        date: date(super::bank::now_us()),
        observe: settings.observe.clone(),
        deadline: settings.deadline,
    };
    let mut show = Steps::new("learning");
    let learnt = learn(worker_start(&settings.observe)?, &options, &mut |done| show.tick(done, 0, "files"));
    show.clear();
    let learnt = learnt?;
    file.write_all(learnt.database.as_bytes()).with_context(writing)?;
    file.persist(&args.out).with_context(writing)?;
    println!(
        "{} from {} written to {}",
        count(learnt.signatures, "structure", "structures"),
        count(learnt.files, "file", "files"),
        args.out.display()
    );
    for (why, files) in &learnt.refused {
        println!("  {} left out: {}", count(*files, "file", "files"), visible(why));
    }
    println!("use it: lodestone examine FILE --structures {}", args.out.display());
    Ok(Ended::Clean)
}

/// `YYYY-MM-DD` of microseconds since 1970, UTC. *Source:* Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`.
fn date(now_us: i64) -> String {
    let days = now_us.div_euclid(86_400_000_000) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Says what is built in and what the operator brings, with dates and digests.
fn show(examining: &Examining, format: Document) -> Result<Ended> {
    let mut settings = Settings::examining(&Lists::default(), &Reading::default(), examining, None)?;
    settings.use_kit(Wish::FULL)?;
    let tables = settings.tables()?;
    let examiners = super::examine::examiners(worker_start(&settings.observe)?, &settings, &tables)?;
    let mut out = io::stdout().lock();
    match format {
        Document::Ndjson | Document::Json => writeln!(out, "{}", json!(examiners))?,
        Document::Text => {
            writeln!(out, "program       {}", examiners.program)?;
            writeln!(out, "rules         {}", examiners.basis)?;
            for (name, lines) in [("examiners", &examiners.kit), ("calibrations", &examiners.calibrations)] {
                for (number, line) in lines.iter().enumerate() {
                    let name = if number == 0 { name } else { "" };
                    writeln!(out, "{name:<13} {}", visible(line))?;
                }
                if lines.is_empty() {
                    writeln!(out, "{name:<13} none")?;
                }
            }
        }
    }
    Ok(Ended::Clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let day = 86_400_000_000;
        for (days, text) in
            [(0, "1970-01-01"), (11_016, "2000-02-29"), (20_779, "2026-11-22"), (-1, "1969-12-31")]
        {
            assert_eq!(date(days * day), text);
        }
        assert_eq!(date(day - 1), "1970-01-01");
    }
}
