//! The top of the page: how many files, what was found in each in a few words, and what nobody may conclude from it.

use std::io::{self, Write};

use lodestone_types::{CameraChain, Record, State};

use super::super::text::{Path, Text, count, plural};
use super::{Examination, STANDING, limits, words};

/// What one pass over the records has kept.
#[derive(Default)]
pub(super) struct Overview {
    pub(super) files: usize,
    unreadable: u64,
    speaking: u64,
    known: u64,
    pictures: bool,
    rows: Vec<Row>,
}

struct Row {
    path: String,
    unreadable: bool,
    known: bool,
    chain: CameraChain,
    generator: Option<String>,
    signed: Option<String>,
    watermark: Option<String>,
}

impl Overview {
    pub(super) fn add(&mut self, record: &Record) {
        let seen = &record.observation;
        self.files += 1;
        self.unreadable += u64::from(seen.unreadable.is_some());
        self.known += u64::from(record.state == State::Known);
        self.pictures |= seen.thumbnail.is_some() || !seen.maps.is_empty();
        let said = seen.assessment.as_ref();
        self.speaking += u64::from(said.is_some_and(|said| !said.abstains));
        if self.rows.len() < limits::ROWS {
            self.rows.push(Row {
                path: record.path.clone(),
                unreadable: seen.unreadable.is_some(),
                known: record.state == State::Known,
                chain: said.map_or(CameraChain::None, |said| said.camera_chain),
                generator: said.and_then(|said| {
                    let input = if said.input_picture_used { ", input picture" } else { "" };
                    said.generator.as_ref().map(|name| format!("{name}{input}"))
                }),
                signed: said.and_then(|said| said.credentials.as_ref()).map(words::signed),
                watermark: said.and_then(|said| said.watermarks.first()).map(|mark| mark.message.clone()),
            });
        }
    }
}

pub(super) fn write(out: &mut dyn Write, report: &Examination<'_>, seen: &Overview) -> io::Result<()> {
    writeln!(
        out,
        "<header class=\"mast\"><h1>{}</h1>\n<p class=\"sub\"><span>{}</span><span>{}</span><span>Rules {}</span>\
         <span>Generation {}</span></p></header>",
        Text(&report.title),
        plural(seen.files as u64, "file", "files"),
        Text(&report.examiners.program),
        Text(&report.examiners.basis),
        report.generation
    )?;
    write!(
        out,
        "<div class=\"bar\"><nav aria-label=\"Sections\"><a href=\"#overview\">Overview</a><a href=\"#files\">Files \
         <i>{}</i></a><a href=\"#method\">How to read this</a></nav>\n<div class=\"tools\" id=\"tools\" hidden><label \
         class=\"find\"><span>Filter</span><input type=\"search\" id=\"filter\" autocomplete=\"off\" spellcheck=\"false\" \
         placeholder=\"path, finding, value\"></label><output id=\"found\" for=\"filter\"></output>",
        count(seen.files as u64)
    )?;
    if seen.pictures {
        write!(
            out,
            "<span class=\"exposed\">Exposures in this session: <output id=\"exposures\">0</output></span><button \
             type=\"button\" id=\"hide\" disabled>Hide all <kbd>Esc</kbd></button>"
        )?;
    }
    writeln!(out, "</div></div>\n<main>\n<section id=\"overview\"><h2>Overview</h2>")?;
    writeln!(
        out,
        "<p class=\"note\"><b>{STANDING}</b> Findings are what a file says of itself and what its bytes and pixels show. \
         Metadata can be written, copied or removed by anyone; no finding is no evidence.</p>"
    )?;
    figures(out, seen)?;
    if seen.files > 1 {
        table(out, seen)?;
    }
    writeln!(out, "</section>")
}

fn figures(out: &mut dyn Write, seen: &Overview) -> io::Result<()> {
    writeln!(
        out,
        "<div class=\"figures\"><div class=\"fig lead\"><b>{}</b><span>of {} with evidence of origin</span><small>in \
         the others these checks found none, which says nothing</small></div><div class=\"fig\"><b>{}</b><span>could \
         not be read whole</span><small>what they still say is shown</small></div><div class=\"fig\"><b>{}</b>\
         <span>known</span><small>in a list of known content</small></div></div>",
        count(seen.speaking),
        plural(seen.files as u64, "file", "files"),
        count(seen.unreadable),
        count(seen.known)
    )
}

fn table(out: &mut dyn Write, seen: &Overview) -> io::Result<()> {
    writeln!(
        out,
        "<table class=\"contents\"><thead><tr><th class=\"n\">No.</th><th>File</th><th>Camera chain</th>\
         <th>Generator</th><th>Content Credentials</th><th>Watermark</th></tr></thead><tbody>"
    )?;
    for (number, row) in (1..).zip(&seen.rows) {
        let shown = number <= limits::FILES;
        write!(out, "<tr data-f><td class=\"n\">")?;
        if shown {
            write!(out, "<a href=\"#f{number}\">{number}</a>")?
        } else {
            write!(out, "{number}")?
        }
        write!(out, "</td><td>{}", Path(&row.path))?;
        for (holds, what) in [(row.known, "known"), (row.unreadable, "not read whole")] {
            if holds {
                write!(out, " <span class=\"tag\">{what}</span>")?;
            }
        }
        let text = |value: &Option<String>| Text(value.as_deref().unwrap_or("–")).to_string();
        writeln!(
            out,
            "</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            if row.chain == CameraChain::None { "–" } else { words::chain(row.chain).0 },
            text(&row.generator),
            text(&row.signed),
            text(&row.watermark),
        )?;
    }
    writeln!(out, "</tbody></table>")?;
    if seen.files > seen.rows.len() {
        let rest = (seen.files - seen.rows.len()) as u64;
        writeln!(out, "<p class=\"hint\">and {} more; JSON lines hold all.</p>", count(rest))?;
    }
    Ok(())
}
