//! `lodestone examine`: everything known of files, and what it is worth.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use lodestone_engine::examine::{ExamineContext, examine};
use lodestone_engine::observer::Observer;
use lodestone_engine::report::examination::{self, Examination};
use lodestone_engine::scan::ScanOptions;
use lodestone_engine::wire::Examiners;
use lodestone_engine::{
    BASIS, Calibrations, Progress, Snapshot, Spool, Start, WalkOptions, Wish, path_text, wire,
};
use lodestone_types::{Record, State};
use serde_json::Value;

use super::map_files::MapFiles;
use super::page_file::PageFile;
use super::{Objects, worker_start};
use crate::Ended;
use crate::args::{Examine, Format};
use crate::examined;
use crate::settings::Settings;
use crate::show::Show;
use crate::summary::Style;

/// Observes files, matches them, weighs what was found, prints it all.
pub(crate) fn run(args: &Examine) -> Result<Ended> {
    let mut settings = Settings::examining(&args.lists, &args.reading, &args.examining, None)?;
    settings.use_descriptor()?;
    settings.use_kit(wish(args, &settings))?;
    settings.observe.sidecars = settings.sidecars && !args.no_sidecars;
    settings.observe.thumbnail = args.thumbnails.clone().filter(|_| args.report.is_some());
    let page = args.report.as_deref().map(PageFile::create).transpose()?;
    let maps = args.maps.as_deref().map(MapFiles::create).transpose()?;
    let snapshot = crate::lists::snapshot(&args.lists, &settings, None)?;
    let start = worker_start(&settings.observe)?;
    let examiners = examiners(start.clone(), &settings, snapshot.calibrations())?;
    let options = ScanOptions {
        roots: args.files.clone(),
        walk: WalkOptions {
            follow_links: !args.no_follow,
            skip: settings
                .data
                .iter()
                .chain(&args.report)
                .chain(&args.maps)
                .filter_map(|path| std::fs::canonicalize(path).ok())
                .collect(),
        },
        observe: settings.observe.clone(),
        appraise: settings.appraise,
        workers: settings.workers,
        deadline: settings.deadline,
        rehash: true,
    };
    let cancel = super::on_ctrl_c("finishing the files in work; Ctrl-C again to stop at once.")?;
    let (progress, mut show) = (Progress::default(), Show::new());
    let mut printer = Printer::new(args.format.into(), &examiners);
    let mut spool = page.is_some().then(Spool::new).transpose().context("temporary file for the page")?;
    let (mut known, mut unreadable) = (false, false);
    let context = ExamineContext {
        snapshot: &snapshot,
        start,
        cancel: &cancel,
        progress: &progress,
        tick: &mut |progress| show.tick(progress),
    };
    let all = examine(&options, context, &mut |record| {
        known |= record.state == State::Known;
        unreadable |= record.observation.unreadable.is_some();
        let drawn = maps.as_ref().map(|maps| maps.write(&record)).transpose()?;
        if let Some(spool) = &mut spool {
            spool.push(&record)?;
        }
        printer.push(&record, drawn)
    })?;
    show.clear();
    printer.finish()?;
    if let (Some(page), Some(spool)) = (page, spool) {
        let path = write_page(page, args, &settings, &snapshot, &examiners, spool)?;
        eprintln!("report: {}", path.display());
    }
    if all.interrupted {
        eprintln!("lodestone: interrupted; not all files were examined");
    }
    crate::lists::say_look_ups(&all.look_ups, &snapshot, args.lists.verbose);
    crate::lists::say_failures(&all.look_ups);
    Ok(Ended::of(unreadable || all.interrupted || all.look_ups.failed > 0, known))
}

fn write_page(
    page: PageFile,
    args: &Examine,
    settings: &Settings,
    snapshot: &Snapshot,
    examiners: &Examiners,
    spool: Spool,
) -> Result<PathBuf> {
    let mut records = spool.finish().context("temporary file for the page")?;
    let mut facts: Vec<(String, String)> = settings
        .effective
        .iter()
        .filter(|one| !matches!(one.name, "data" | "workers" | "pixels" | "sidecars" | "examine"))
        .map(|one| (one.name.to_owned(), one.value.clone()))
        .collect();
    let wish = settings.observe.wish;
    for (name, value) in [
        ("pixels examined", wish.watermarks),
        ("text beside files read", settings.observe.sidecars),
        ("prompts shown", wish.show_text),
    ] {
        facts.push((name.to_owned(), if value { "yes" } else { "no" }.to_owned()));
    }
    let title = match args.files.as_slice() {
        [one] => format!("Examination of {}", path_text(one).0),
        many => format!("Examination of {} files and folders", many.len()),
    };
    let report = Examination {
        title,
        examiners,
        settings: facts,
        generation: snapshot.generation(),
        banks: snapshot.banks().iter().map(|bank| format!("{} ({})", bank.name, bank.kind)).collect(),
    };
    page.write(|out| examination::render(out, &report, &mut records))
}

fn wish(args: &Examine, settings: &Settings) -> Wish {
    let full = if settings.pixels && !args.no_pixels { Wish::FULL } else { Wish::WITHOUT_PIXELS };
    Wish { maps: args.maps.is_some(), show_text: args.show_text, ..full }
}

/// Has a worker load what the examiners bring, before any file is read: what cannot be used ends the command here.
pub(crate) fn examiners(start: Start, settings: &Settings, tables: &Calibrations) -> Result<Examiners> {
    let mut observer = Observer::new(start, settings.observe.clone(), settings.deadline);
    let kit = observer.kit().context("what examiners bring cannot be used")?;
    Ok(Examiners {
        program: concat!("lodestone ", env!("CARGO_PKG_VERSION")).to_owned(),
        basis: BASIS.to_owned(),
        kit,
        calibrations: tables.describe(),
    })
}

/// Standard output: text, a line a file, or one document. A reader that has seen enough (`| head`) takes nothing from the
/// exit status and the report.
struct Printer<'a> {
    format: Format,
    examiners: &'a Examiners,
    style: Style,
    /// Of a single file `json` is the object itself, of several an array: the first waits for a second.
    first: Option<Value>,
    objects: Option<Objects>,
    closed: bool,
}

impl<'a> Printer<'a> {
    fn new(format: Format, examiners: &'a Examiners) -> Self {
        let style = Style::of_terminal(io::stdout().is_terminal());
        Self { format, examiners, style, first: None, objects: None, closed: false }
    }

    /// `drawn`: the maps that were written.
    fn push(&mut self, record: &Record, drawn: Option<Value>) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let written = self.written(record, drawn);
        self.closed = super::closed(written)?;
        Ok(())
    }

    fn written(&mut self, record: &Record, drawn: Option<Value>) -> io::Result<()> {
        if self.format == Format::Text {
            return examined::text(&mut io::stdout().lock(), record, self.style);
        }
        let mut object = wire::examined(record, self.examiners);
        if let Some(drawn) = drawn {
            object["maps"] = drawn;
        }
        if self.format == Format::Json && self.objects.is_none() {
            let Some(first) = self.first.take() else {
                self.first = Some(object);
                return Ok(());
            };
            self.objects.insert(Objects::new(Format::Json)).push(&first)?;
        }
        let format = self.format;
        self.objects.get_or_insert_with(|| Objects::new(format)).push(&object)
    }

    fn finish(self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        super::closed(match (self.format, self.first, self.objects) {
            (_, _, Some(objects)) => objects.finish(),
            (_, Some(first), None) => writeln!(io::stdout(), "{first}"),
            (Format::Json, None, None) => writeln!(io::stdout(), "[]"),
            _ => Ok(()),
        })
        .map(drop)
    }
}
