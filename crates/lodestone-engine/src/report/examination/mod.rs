//! The page of an examination: for each file what was found, where it stands, what it is worth, and what was not looked
//! at, so that a person can read it and a court can follow it.
//!
//! As the scan's report: one file that fetches nothing, all text from files escaped, no picture shown before a person
//! asks for that one. Records are read twice and not held.

mod checks;
mod file;
mod findings;
mod overview;
mod pairs;
mod signed;
mod words;

use std::io;

pub(super) use words::signed;

use super::page;
use super::text::{Text, count};
use crate::spool::Records;
use crate::wire::Examiners;

/// What the page holds at most, so that it opens whatever the pile.
pub mod limits {
    /// Files shown in full; the others are rows of the overview.
    pub const FILES: usize = 1_000;
    /// Rows of the overview.
    pub const ROWS: usize = 20_000;
    /// Findings shown of one file.
    pub const FINDINGS: usize = 400;
    /// Places shown of one finding.
    pub const PLACES: usize = 20;
    /// Bytes of small pictures and maps, base64.
    pub const PICTURE_BYTES: usize = 96 << 20;
}

/// What stands under every result.
pub const STANDING: &str =
    "This result must not be the only ground for closing, discarding or not reporting a file.";

/// What a page is made from, beside the records.
#[derive(Clone, Debug)]
pub struct Examination<'a> {
    /// Heading of the page.
    pub title: String,
    /// What gave the answers.
    pub examiners: &'a Examiners,
    /// Options in force, by name: what makes the answers repeatable.
    pub settings: Vec<(String, String)>,
    /// The snapshot that gave matches.
    pub generation: u64,
    /// Names of the banks that were matched against.
    pub banks: Vec<String>,
}

/// Writes the page. Reads `records` twice; memory is bounded by [`limits`], not by their number.
///
/// # Errors
/// The writer's, and those of the records' source.
pub fn render(out: &mut dyn io::Write, report: &Examination<'_>, records: &mut Records) -> io::Result<()> {
    let mut seen = overview::Overview::default();
    for number in 0..records.count() {
        seen.add(&records.read(number)?);
    }
    let out: &mut dyn io::Write = &mut io::BufWriter::with_capacity(1 << 16, out);
    page::open(
        out,
        &report.title,
        &report.examiners.program,
        page::EXAMINATION,
        "#files",
        "Skip to the files",
    )?;
    overview::write(out, report, &seen)?;
    writeln!(out, "<div id=\"files\">")?;
    let mut budget = limits::PICTURE_BYTES;
    for number in 0..records.count().min(limits::FILES) {
        file::write(out, number + 1, &records.read(number)?, &mut budget)?;
    }
    writeln!(out, "</div>")?;
    if seen.files > limits::FILES {
        writeln!(
            out,
            "<p class=\"note\">{} of {} files are shown in full; the output as JSON lines holds every one.</p>",
            count(limits::FILES as u64),
            count(seen.files as u64)
        )?;
    }
    method(out, report)?;
    page::close(out, &report.examiners.program)?;
    io::Write::flush(out)
}

/// How to read it, and what gave it.
fn method(out: &mut dyn io::Write, report: &Examination<'_>) -> io::Result<()> {
    writeln!(
        out,
        "<section id=\"method\"><h2>How to read this, and what gave it</h2>\n\
         <p class=\"prose\">A <b>finding</b> is what was observed: which field or bytes, where, with which value. It bears \
         on propositions, which exclude each other. A <b>likelihood ratio</b> says how many times more probable the findings \
         are if the first proposition of a pair holds than if the second does; it says nothing of how probable either \
         is, for which the circumstances of the case are needed. Its interval and its bounds come from the files on \
         which the calibration named beside it was fitted. Where that has no ground, nothing is said: <i>not \
         assessed</i>. A check that found nothing is no evidence, and neither is one that could not apply.</p>\n\
         <table class=\"scale\"><caption>Words for likelihood ratios (ENFSI, Guideline for Evaluative \
         Reporting)</caption><thead><tr><th>Ratio</th><th>log10</th><th>The findings give</th></tr></thead><tbody>"
    )?;
    for (ratio, log, words) in pairs::SCALE {
        writeln!(out, "<tr><td>{ratio}</td><td>{log}</td><td>{words}</td></tr>")?;
    }
    writeln!(out, "</tbody></table>\n<dl class=\"pairs\">")?;
    let examiners = report.examiners;
    pair(out, "program", &examiners.program)?;
    pair(out, "rules", &examiners.basis)?;
    for line in &examiners.kit {
        pair(out, "examiners bring", line)?;
    }
    for line in &examiners.calibrations {
        pair(out, "calibration", line)?;
    }
    for bank in &report.banks {
        pair(out, "matched against", bank)?;
    }
    pair(out, "generation", &report.generation.to_string())?;
    for (name, value) in &report.settings {
        pair(out, name, value)?;
    }
    writeln!(out, "</dl><p class=\"note\">{STANDING}</p></section>")
}

fn pair(out: &mut dyn io::Write, name: &str, value: &str) -> io::Result<()> {
    writeln!(out, "<div><dt>{}</dt><dd>{}</dd></div>", Text(name), Text(value))
}
