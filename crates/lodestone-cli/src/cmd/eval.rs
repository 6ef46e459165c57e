//! `lodestone eval`: what is found, and what calibration tables cost, on files of which the truth is known.

use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use lodestone_engine::calibration::fit::{CONFOUNDED_AUC, Figures, html, score_names};
use lodestone_engine::calibration::{Case, judge, rates};
use lodestone_engine::labelled::{LabelledFile, ScoreFigures, judge_score, size_control};
use serde::Serialize;

use super::calibrate::{observe, read_folder};
use crate::Ended;
use crate::args::{Document, Eval, EvalProvenance, Lists};
use crate::settings::Settings;

#[derive(Serialize)]
struct Found {
    files: usize,
    unreadable: usize,
    rates: rates::Table,
    tables: Vec<Figures>,
    size_only_auc: f64,
    scores: Vec<ScoreFigures>,
    ms_a_file: [f64; 2],
    notes: Vec<String>,
}

/// Judges.
pub(crate) fn run(args: &Eval) -> Result<Ended> {
    match args {
        Eval::Provenance(args) => provenance(args),
        Eval::Tail(args) => super::tail::run(args),
        Eval::Background(args) => super::background::run(args),
    }
}

fn provenance(args: &EvalProvenance) -> Result<Ended> {
    let labelled = read_folder(&args.folder)?;
    let with_pixels = args.pixels || args.square.is_some();
    let mut settings = Settings::examining(&Lists::default(), &args.reading, &args.examining, None)?;
    settings.observe.wish.models = with_pixels || !args.examining.model.is_empty();
    let tables = settings.tables()?;
    let files = observe(&args.folder, &labelled, (&args.examining, &args.reading), with_pixels)?;
    if let Some(side) = args.square {
        let other = files.iter().filter(|f| f.reading.is_some() && f.size != (side, side)).count();
        if other > 0 {
            bail!("{other} pictures are not {side} × {side}: make copies with normalise.py --square {side}");
        }
    }
    let cases: Vec<Case> = files.iter().filter_map(LabelledFile::case).collect();
    let cases: Vec<&Case> = cases.iter().collect();
    let mut notes = Vec::new();
    let fitted_here = tables.tables().filter(|t| t.corpus.digest == labelled.digest);
    let ids: std::collections::BTreeSet<&str> = fitted_here.map(|t| t.id.as_str()).collect();
    notes
        .extend(ids.iter().map(|id| {
            format!("{id} was fitted on these very files: its figures here flatter; see its own.")
        }));
    let control = size_control(&cases);
    let names = score_names(&cases.iter().map(|c| (*c).clone()).collect::<Vec<_>>());
    let confounded = control > CONFOUNDED_AUC;
    if confounded {
        notes.push(format!(
            "The size of these pictures alone tells camera from generated with AUC {control:.3}: no score is judged on them. \
             Make copies with normalise.py --square 320 and give --square 320."
        ));
    }
    let scores = if confounded {
        Vec::new()
    } else {
        names.iter().filter_map(|name| judge_score(name, &cases)).collect()
    };
    let read: Vec<rates::Read<'_>> = files.iter().map(|f| (&f.row, f.reading.as_ref())).collect();
    let found = Found {
        files: files.len(),
        unreadable: files.iter().filter(|f| f.reading.is_none()).count(),
        rates: rates::rates(&read),
        tables: judge(&tables, &cases, "this folder"),
        size_only_auc: control,
        scores,
        ms_a_file: cost(&files),
        notes,
    };
    if let Some(report) = &args.report {
        let page = html("Provenance, judged on a labelled folder", &found.notes, &found.tables);
        std::fs::write(report, page).with_context(|| format!("cannot write {}", report.display()))?;
    }
    super::closed(print(args.format, &found))?;
    Ok(Ended::of(found.unreadable > 0, false))
}

/// Median and 95th percentile, milliseconds a file, in a worker.
fn cost(files: &[LabelledFile]) -> [f64; 2] {
    let mut all: Vec<f64> = files.iter().map(|f| f.took.as_secs_f64() * 1e3).collect();
    all.sort_by(f64::total_cmp);
    let at = |q: f64| all.get(((all.len().saturating_sub(1)) as f64 * q) as usize).copied().unwrap_or(0.0);
    [at(0.5), at(0.95)].map(|ms| (ms * 100.0).round() / 100.0)
}

fn print(format: Document, found: &Found) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if format != Document::Text {
        serde_json::to_writer(&mut out, found).map_err(io::Error::from)?;
        return writeln!(out);
    }
    write!(out, "{}", rates::text(&found.rates))?;
    for one in &found.tables {
        writeln!(out, "{}", one.text())?;
    }
    writeln!(out, "size only: AUC {:.3} (0.5: tells nothing)", found.size_only_auc)?;
    for score in &found.scores {
        writeln!(out, "{}", score.text())?;
    }
    let [median, most] = found.ms_a_file;
    writeln!(
        out,
        "{} files, {} unreadable; {median} ms a file (median), {most} ms (95 of 100)",
        found.files, found.unreadable
    )?;
    for note in &found.notes {
        writeln!(out, "note: {note}")?;
    }
    Ok(())
}
