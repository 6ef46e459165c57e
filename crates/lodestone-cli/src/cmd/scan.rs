//! `lodestone scan`.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use lodestone_engine::report::{self, Report};
use lodestone_engine::scan::{ScanContext, ScanOptions, Scanned, scan};
use lodestone_engine::wire::Examiners;
use lodestone_engine::{Keep, Progress, Snapshot, WalkOptions, Wish, path_text, wire};
use serde_json::{Value, json};

use super::page_file::PageFile;
use super::{Objects, worker_start};
use crate::Ended;
use crate::args::{Depth, Format, Scan};
use crate::settings::Settings;
use crate::show::{Show, clock};
use crate::summary;

/// Scans, prints, and writes the report.
pub(crate) fn run(args: &Scan) -> Result<Ended> {
    let mut settings = Settings::examining(&args.lists, &args.reading, &args.examining, args.examine)?;
    settings.use_descriptor()?;
    settings.use_kit(if settings.depth == Depth::Full { Wish::FULL } else { Wish::WITHOUT_PIXELS })?;
    settings.observe.thumbnail = args.thumbnails.clone();
    for root in &args.roots {
        std::fs::symlink_metadata(root).with_context(|| format!("cannot scan {}", root.display()))?;
    }
    let report = args.report.as_deref().map(PageFile::create).transpose()?;
    let started = Instant::now();
    let mut keep =
        settings.data.as_deref().map(|folder| Keep::open(folder, super::bank::now_us)).transpose()?;
    let snapshot = crate::lists::snapshot(&args.lists, &settings, keep.as_mut())?;
    let start = worker_start(&settings.observe)?;
    let examiners = super::examine::examiners(start.clone(), &settings, snapshot.calibrations())?;
    let options = ScanOptions {
        roots: args.roots.clone(),
        walk: WalkOptions {
            follow_links: !args.no_follow,
            // The program's own state, and the report that this run replaces: two runs over a folder are the same.
            skip: settings
                .data
                .iter()
                .chain(&args.report)
                .filter_map(|path| std::fs::canonicalize(path).ok())
                .collect(),
        },
        observe: settings.observe.clone(),
        appraise: settings.appraise,
        workers: settings.workers,
        deadline: settings.deadline,
        rehash: args.rehash,
    };
    let resumable = keep.is_some();
    let facts = repeatable(args, &settings, &examiners);
    let roots: Vec<String> = args.roots.iter().map(|root| path_text(root).0).collect();
    let run = keep.as_mut().map(|keep| keep.start_run(&roots, &json!(facts))).transpose()?;
    let cancel = super::on_ctrl_c(match resumable {
        true => "finishing the files in work; Ctrl-C again to stop at once. What is done is kept.",
        false => "finishing the files in work; Ctrl-C again to stop at once.",
    })?;
    let (progress, mut show) = (Progress::default(), Show::new());
    let mut scanned = scan(
        &options,
        ScanContext {
            snapshot: &snapshot,
            start,
            keep: keep.as_mut(),
            cancel: &cancel,
            progress: &progress,
            tick: &mut |progress| show.tick(progress),
        },
    )?;
    show.clear();
    if let (Some(keep), Some(run)) = (&mut keep, run) {
        let noted = keep.finish_run(run, &json!(scanned.summary), scanned.summary.interrupted);
        if let Err(error) = noted {
            scanned.not_kept.get_or_insert(error.to_string());
        }
    }
    // A reader that has seen enough (`| head`) takes nothing from the report and the exit status.
    let printed = print(args.format, &mut scanned, &snapshot, &facts);
    if let Some(report) = report {
        let elapsed = clock(started.elapsed().as_secs_f64());
        let path = write_report(report, args, &mut scanned, &snapshot, &facts, &elapsed)?;
        eprintln!("report: {}", path.display());
    }
    printed.or_else(|error| if crate::is_broken_pipe(&error) { Ok(()) } else { Err(error) })?;
    if let Some(why) = &scanned.not_kept {
        eprintln!("lodestone: the run is complete, but observations could not be kept: {why}");
    }
    let summary = &scanned.summary;
    if summary.interrupted {
        let rest = summary.not_reached;
        let how = if resumable {
            "run the same command again to go on"
        } else {
            "with --data a run can be continued"
        };
        eprintln!("lodestone: interrupted with {rest} files not reached; {how}");
    }
    crate::lists::say_look_ups(&scanned.look_ups, &snapshot, args.lists.verbose);
    crate::lists::say_failures(&scanned.look_ups);
    let incomplete = summary.unreadable > 0
        || summary.interrupted
        || scanned.not_kept.is_some()
        || scanned.look_ups.failed > 0;
    Ok(match (incomplete, summary.known + summary.derived > 0) {
        (true, _) => Ended::Incomplete,
        (false, true) => Ended::Matched,
        (false, false) => Ended::Clean,
    })
}

/// What has to be the same for another run to give the same answer. Workers and folders of state are not among it.
fn repeatable(args: &Scan, settings: &Settings, examiners: &Examiners) -> BTreeMap<String, String> {
    let mut facts: BTreeMap<String, String> = settings
        .effective
        .iter()
        .filter(|one| !matches!(one.name, "data" | "workers" | "pixels" | "sidecars"))
        .map(|one| (one.name.to_owned(), one.value.clone()))
        .collect();
    facts.insert(
        "pre".into(),
        if args.reading.pre == Some(crate::args::Pre::Nn512) { "512nn" } else { "full" }.into(),
    );
    facts.insert("basis".into(), examiners.basis.clone());
    for (name, lines) in [("examiners", &examiners.kit), ("calibrations", &examiners.calibrations)] {
        if !lines.is_empty() {
            facts.insert(name.into(), lines.join("; "));
        }
    }
    facts.insert("follow_links".into(), (!args.no_follow).to_string());
    facts
}

fn print(
    format: Format,
    scanned: &mut Scanned,
    snapshot: &Snapshot,
    facts: &BTreeMap<String, String>,
) -> Result<()> {
    let end =
        wire::summary(&scanned.summary, snapshot.banks(), facts, snapshot.generation(), &scanned.look_ups);
    match format {
        Format::Ndjson => {
            let mut objects = Objects::new(format);
            for record in scanned.records() {
                objects.push(&wire::file(&record?))?;
            }
            for group in &scanned.groups {
                objects.push(&wire::group(group))?;
            }
            objects.push(&end)?;
            objects.finish()?;
        }
        Format::Json => json_document(scanned, &end)?,
        Format::Csv => {
            let groups = std::mem::take(&mut scanned.groups);
            let written = report::csv(&mut BufWriter::new(io::stdout()), &groups, &mut scanned.records());
            scanned.groups = groups;
            written?;
        }
        Format::Text => {
            let mut out = io::stdout().lock();
            let style = summary::Style::of_terminal(io::stdout().is_terminal());
            summary::print(&mut out, &scanned.summary, &scanned.groups, snapshot.banks(), style)?;
        }
    }
    Ok(())
}

/// `{"files": […], "groups": […], "summary": {…}}`, written as it comes.
fn json_document(scanned: &mut Scanned, end: &Value) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
    out.write_all(b"{\"files\": [")?;
    for (number, record) in scanned.records().enumerate() {
        out.write_all(if number == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut out, &wire::file(&record?)).map_err(io::Error::from)?;
    }
    out.write_all(b"\n], \"groups\": [")?;
    for (number, group) in scanned.groups.iter().enumerate() {
        out.write_all(if number == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut out, &wire::group(group)).map_err(io::Error::from)?;
    }
    writeln!(out, "\n], \"summary\": {}}}", json!(end))?;
    out.flush()?;
    Ok(())
}

/// Writes the report.
fn write_report(
    file: PageFile,
    args: &Scan,
    scanned: &mut Scanned,
    snapshot: &Snapshot,
    facts: &BTreeMap<String, String>,
    elapsed: &str,
) -> Result<PathBuf> {
    let groups = std::mem::take(&mut scanned.groups);
    let totals = scanned.summary.clone();
    let report = Report {
        title: "Scan report".to_owned(),
        summary: &totals,
        groups: &groups,
        banks: snapshot.banks(),
        settings: facts.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        program: concat!("lodestone ", env!("CARGO_PKG_VERSION")).to_owned(),
        generation: snapshot.generation(),
        roots: args.roots.iter().map(|root| path_text(root).0).collect(),
        started: String::new(),
        finished: String::new(),
        elapsed: elapsed.to_owned(),
    };
    let written = file.write(|out| report::render(out, &report, &mut scanned.records()));
    scanned.groups = groups;
    written
}
