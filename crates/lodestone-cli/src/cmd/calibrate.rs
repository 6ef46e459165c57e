//! `lodestone calibrate`: likelihood ratios from files of which the truth is known.

use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use lodestone_engine::Wish;
use lodestone_engine::calibration::fit::{
    Figures, Method, Occasion, html, joint_table, score_names, score_table,
};
use lodestone_engine::calibration::labelled::Labelled;
use lodestone_engine::calibration::{Case, Table, specs};
use lodestone_engine::labelled::{LabelledFile, observe_labelled};
use lodestone_types::Proposition;
use serde_json::json;

use super::worker_start;
use crate::Ended;
use crate::args::{self, Calibrate, Document, Examining, Lists, Reading};
use crate::settings::Settings;

/// Observes, fits, judges with one source left out in turn, writes.
pub(crate) fn run(args: &Calibrate) -> Result<Ended> {
    let labelled = read_folder(&args.labelled)?;
    let files = observe(&args.labelled, &labelled, (&args.examining, &args.reading), args.pixels)?;
    let unread = files.iter().filter(|f| f.reading.is_none()).count();
    let cases: Vec<Case> = files.iter().filter_map(LabelledFile::case).collect();
    let borrowed: Vec<&Case> = cases.iter().collect();
    let folder_name = args.labelled.file_name().map(|n| n.to_string_lossy().into_owned());
    let occasion = Occasion {
        date: today(),
        corpus: args.name.clone().or(folder_name).unwrap_or_default(),
        digest: labelled.digest,
    };
    let method = match args.method {
        args::Method::Logistic => Method::Logistic,
        args::Method::Isotonic => Method::Isotonic,
    };
    let mut fits = Vec::new();
    for spec in specs() {
        fits.push((spec.id.clone(), joint_table(&spec, &borrowed, &occasion)));
    }
    for score in score_names(&cases) {
        for h1 in [Proposition::CameraOriginal, Proposition::EditedCapture] {
            let fitted = score_table(&score, [h1, Proposition::AiGenerated], &borrowed, method, &occasion);
            fits.push((format!("{score}, {h1:?} against AiGenerated"), fitted));
        }
    }
    let (mut tables, mut figures, mut notes) = (Vec::<Table>::new(), Vec::new(), Vec::new());
    for (id, fitted) in fits {
        match fitted {
            Err(why) => notes.push(format!("{id}: no table: {why}.")),
            Ok((table, judgements)) => {
                let pair = (table.h1, table.h2);
                figures.push(Figures::of(&table.id, "leave one source out", pair, &judgements, &[]));
                let below_one =
                    table.judged.as_ref().and_then(|j| j.cllr_range).is_some_and(|[_, high]| high < 1.0);
                if below_one || args.keep_all {
                    tables.push(table);
                } else {
                    notes.push(format!(
                        "{id}: not written: on sources left out its cost may reach that of saying nothing (Cllr 1)."
                    ));
                }
            }
        }
    }
    if unread > 0 {
        notes.push(format!("{unread} files could not be read."));
    }
    if let Some(out) = &args.out {
        let text = serde_json::to_string_pretty(&tables)? + "\n";
        std::fs::write(out, text).with_context(|| format!("cannot write {}", out.display()))?;
    }
    if let Some(report) = &args.report {
        let page = html("Calibration of provenance findings", &notes, &figures);
        std::fs::write(report, page).with_context(|| format!("cannot write {}", report.display()))?;
    }
    super::closed(print(args.format, &figures, &notes, &tables))?;
    Ok(Ended::of(unread > 0 || tables.is_empty(), false))
}

fn print(format: Document, figures: &[Figures], notes: &[String], tables: &[Table]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if format != Document::Text {
        return writeln!(out, "{}", json!({"figures": figures, "notes": notes, "tables": tables}));
    }
    for one in figures {
        writeln!(out, "{}", one.text())?;
    }
    for note in notes {
        writeln!(out, "{note}")?;
    }
    writeln!(out, "{} tables", tables.len())
}

/// A labelled folder's rows, or one clear line.
pub(super) fn read_folder(folder: &Path) -> Result<Labelled> {
    if !folder.is_dir() {
        bail!("no folder {}", folder.display());
    }
    Labelled::read(folder).with_context(|| folder.display().to_string())
}

/// Every file of it, observed in workers.
pub(super) fn observe(
    folder: &Path,
    labelled: &Labelled,
    (examining, reading): (&Examining, &Reading),
    pixels: bool,
) -> Result<Vec<LabelledFile>> {
    let mut settings = Settings::examining(&Lists::default(), reading, examining, None)?;
    let base = if pixels { Wish::FULL } else { Wish::WITHOUT_PIXELS };
    settings.use_kit(Wish { models: base.models || !examining.model.is_empty(), ..base })?;
    settings.observe.sidecars = settings.sidecars;
    let start = worker_start(&settings.observe)?;
    let cancel = super::on_ctrl_c("ending; nothing is written of an interrupted run")?;
    let worker = (&start, &settings.observe, settings.deadline);
    let files = observe_labelled(folder, &labelled.rows, worker, settings.workers, &cancel);
    if files.len() < labelled.rows.len() {
        bail!("interrupted after {} of {} files", files.len(), labelled.rows.len());
    }
    Ok(files)
}

fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    date(i64::try_from(seconds / 86_400).unwrap_or(0))
}

/// Days since 1970 as `YYYY-MM-DD`. *Source:* Hinnant, "chrono-compatible low-level date algorithms".
fn date(days: i64) -> String {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_are_dates() {
        assert_eq!([date(0), date(11_016), date(20_779)], ["1970-01-01", "2000-02-29", "2026-11-22"]);
    }
}
