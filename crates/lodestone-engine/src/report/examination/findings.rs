//! The table of findings: what, where in the file, with which value, and how it bears.

use std::io::{self, Write};

use lodestone_types::Finding;

use super::super::text::{Text, count};
use super::{limits, words};

pub(super) fn write(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    write!(out, "<h3>Findings <i>{}</i></h3>", count(findings.len() as u64))?;
    if findings.is_empty() {
        return write!(
            out,
            "<p class=\"hint\">None by the checks below. That is no evidence either way.</p>"
        );
    }
    write!(
        out,
        "<table class=\"findings\"><thead><tr><th class=\"n\">No.</th><th>What was observed</th><th>Where in the file, \
         with its value</th><th>How it bears</th><th class=\"n\">log10 LR</th></tr></thead><tbody>"
    )?;
    for (number, finding) in (1..).zip(findings.iter().take(limits::FINDINGS)) {
        row(out, number, finding)?;
    }
    write!(out, "</tbody></table>")?;
    more(out, findings.len(), limits::FINDINGS)
}

fn row(out: &mut dyn Write, number: usize, finding: &Finding) -> io::Result<()> {
    write!(
        out,
        "<tr><td class=\"n\">{number}</td><td>{}<small>{} <code>{}</code></small></td><td>",
        Text(&finding.what),
        Text(&finding.examiner),
        Text(&finding.code)
    )?;
    for place in finding.locations.iter().take(limits::PLACES) {
        write!(out, "<p class=\"place\"><code>{}</code>", Text(&place.field))?;
        if let Some(offset) = place.offset {
            write!(out, " <span class=\"at\">byte {}</span>", count(offset))?;
        }
        if let Some(raw) = &place.raw {
            write!(out, "<bdi class=\"raw\">{}</bdi>", Text(raw))?;
        }
        write!(out, "</p>")?;
    }
    more(out, finding.locations.len(), limits::PLACES)?;
    write!(out, "</td><td>")?;
    for bearing in &finding.bearings {
        write!(out, "<p class=\"place\">{}</p>", words::bearing(bearing))?;
    }
    if finding.bearings.is_empty() {
        write!(out, "<small>shown only</small>")?;
    }
    match finding.log10_lr.filter(|lr| lr.is_finite()) {
        Some(lr) => {
            write!(out, "</td><td class=\"n\">{lr:.2}")?;
            if let Some(of) = &finding.weight {
                let (h1, h2) = (words::proposition(of.h1), words::proposition(of.h2));
                write!(out, "<small>alone, {h1} / {h2}, by {}</small>", Text(&of.calibration))?;
            }
            write!(out, "</td></tr>")
        }
        None => write!(out, "</td><td class=\"n\"><small>not calibrated</small></td></tr>"),
    }
}

fn more(out: &mut dyn Write, all: usize, shown: usize) -> io::Result<()> {
    if all > shown {
        write!(out, "<p class=\"hint\">and {} more; JSON holds all.</p>", count((all - shown) as u64))?;
    }
    Ok(())
}
