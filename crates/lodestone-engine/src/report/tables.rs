//! Matches, unreadable files, all files, and what makes the run repeatable.

use std::io::{self, Write};

use lodestone_types::{SignalType, Standing};

use super::collect::{FileRow, Seen};
use super::groups::{chip, reveal};
use super::text::{Path, Text, bytes, count};
use super::{Report, limits, words};

pub(super) fn matches(out: &mut dyn Write, seen: &Seen) -> io::Result<()> {
    section(out, "matches", "Matches", seen.matches_total, true)?;
    if seen.matches.is_empty() {
        writeln!(out, "<p class=\"empty\">No file matches a list.</p>")?;
        return writeln!(out, "</details></section>");
    }
    writeln!(
        out,
        "<table><thead><tr><th>File</th><th>Bank</th><th>Kind of known</th><th>Entry</th><th>By</th>\
         <th class=\"n\">Bits</th><th class=\"n\">Radius</th><th>The file is</th></tr></thead><tbody>"
    )?;
    for row in &seen.matches {
        let found = &row.found;
        let radius = if found.signal_type.is_digest() || found.hash_bits().is_none() {
            "–".to_owned()
        } else {
            found.radius_bits.to_string()
        };
        write!(
            out,
            "<tr data-f><td>{}</td><td>{}</td><td>{}</td><td class=\"id\">{}",
            Path(&row.path),
            Text(&found.bank),
            words::bank_kind(found.bank_kind),
            Text(&found.entry),
        )?;
        if let Some(class) = &found.classification {
            write!(out, "<small>class {}</small>", Text(class))?;
        }
        let by = match found.signal_type {
            _ if found.layer == 4 && found.inliers.is_none() => "a user's descriptor".to_owned(),
            _ if found.hash_bits().is_none() => "local features".to_owned(),
            SignalType::Pdq if found.layer == 2 => "region (pdq)".to_owned(),
            SignalType::Pdq => "picture (pdq)".to_owned(),
            digest if digest.is_digest() => format!("bytes ({digest})"),
            other => other.to_string(),
        };
        write!(
            out,
            "</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{radius}</td><td>{}",
            Text(&by),
            found.hash_bits().map_or_else(|| "–".to_owned(), |bits| bits.to_string()),
            Text(&words::transform(&found.transform)),
        )?;
        if let Some(relation) = found.relation {
            write!(out, "<small>{} the known picture</small>", relation.words())?;
        }
        match found.standing {
            Standing::Match => {}
            Standing::Review => write!(out, "<small>for a person to look at</small>")?,
            Standing::PossibleDerivative => write!(out, "<small>a possible derivative, no match</small>")?,
        }
        if found.folded {
            write!(out, "<small>hash from a scaled decode, not repeated exactly</small>")?;
        }
        if found.suppressed {
            write!(out, "<small>suppressed: the exact bytes are in a negative or known-good bank</small>")?;
        }
        writeln!(out, "</td></tr>")?;
    }
    writeln!(out, "</tbody></table>")?;
    cut(out, seen.matches_total, limits::MATCHES)?;
    writeln!(out, "</details></section>")
}

pub(super) fn unreadable(out: &mut dyn Write, report: &Report<'_>, seen: &Seen) -> io::Result<()> {
    section(out, "unreadable", "Unreadable", seen.unreadable_total.max(report.summary.unreadable), true)?;
    if seen.unreadable_total == 0 && report.summary.unreadable == 0 {
        writeln!(out, "<p class=\"empty\">Every file was read.</p>")?;
        return writeln!(out, "</details></section>");
    }
    writeln!(
        out,
        "<p class=\"hint\">Unreadable is not \"no match\": these files were compared by their digests only, where they \
         have one. A file that matched by digest counts as known and is listed here all the same.</p>"
    )?;
    if !report.summary.unreadable_reasons.is_empty() {
        write!(out, "<ul class=\"tally\">")?;
        for (reason, files) in &report.summary.unreadable_reasons {
            write!(out, "<li><b>{}</b> {}</li>", count(*files), Text(reason))?;
        }
        writeln!(out, "</ul>")?;
    }
    if !seen.unreadable.is_empty() {
        writeln!(
            out,
            "<table><thead><tr><th>File</th><th>Failed while</th><th>Reason</th><th>Detail</th></tr></thead><tbody>"
        )?;
        for (path, why) in &seen.unreadable {
            writeln!(
                out,
                "<tr data-f><td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>",
                Path(path),
                words::stage(why.stage),
                Text(&why.reason),
                Text(&why.detail)
            )?;
        }
        writeln!(out, "</tbody></table>")?;
    }
    cut(out, seen.unreadable_total, limits::UNREADABLE)?;
    writeln!(out, "</details></section>")
}

pub(super) fn files(out: &mut dyn Write, seen: &Seen) -> io::Result<()> {
    section(out, "files", "All files", seen.files, false)?;
    if seen.too_many_files {
        writeln!(
            out,
            "<p class=\"note\">{} files are more than this page lists. The NDJSON and CSV output of the same scan hold \
             every one.</p>",
            count(seen.files)
        )?;
    } else if seen.rows.is_empty() {
        writeln!(out, "<p class=\"empty\">No file was found.</p>")?;
    } else {
        writeln!(
            out,
            "<table><thead><tr><th>File</th><th>State</th><th>Format</th><th class=\"n\">Pixels</th>\
             <th class=\"n\">Size</th><th class=\"n\">PDQ quality</th><th class=\"n\">Group</th></tr></thead><tbody>"
        )?;
        for row in &seen.rows {
            file(out, row, seen)?;
        }
        writeln!(out, "</tbody></table>")?;
    }
    writeln!(out, "</details></section>")
}

fn file(out: &mut dyn Write, row: &FileRow, seen: &Seen) -> io::Result<()> {
    write!(out, "<tr data-f><td>{}", Path(&row.path))?;
    if let Some(origin) = &row.origin {
        write!(out, "<small>{}</small>", Text(origin))?;
    }
    if !seen.members.contains_key(&row.path) {
        reveal(out, &row.path, seen)?;
    }
    write!(out, "</td><td>")?;
    chip(out, row.state, "")?;
    write!(out, "</td><td>{}</td><td class=\"n\">", Text(row.format.as_deref().unwrap_or("–")))?;
    if row.width > 0 {
        write!(out, "{} × {}", row.width, row.height)?;
    }
    write!(out, "</td><td class=\"n\">{}</td><td class=\"n\">", bytes(row.size_bytes))?;
    if let Some(quality) = row.pdq_quality {
        write!(out, "{quality}")?;
    }
    write!(out, "</td><td class=\"n\">")?;
    if let Some(group) = row.group {
        write!(out, "<a href=\"#g{group}\">{group}</a>")?;
    }
    writeln!(out, "</td></tr>")
}

/// Banks, settings and versions: what has to be the same for the run to give the same result.
pub(super) fn method(out: &mut dyn Write, report: &Report<'_>) -> io::Result<()> {
    writeln!(
        out,
        "<section id=\"method\"><h2>Method</h2><p class=\"hint\">The same bytes, lists, program and settings give the \
         same account.</p>"
    )?;
    if report.banks.is_empty() {
        writeln!(
            out,
            "<p class=\"empty\">No list was given: files were compared among themselves only.</p>"
        )?;
    } else {
        writeln!(
            out,
            "<h3>Lists and banks</h3><table><thead><tr><th>Bank</th><th>Kind</th><th>Source</th>\
             <th class=\"n\">Entries</th><th class=\"n\">Version</th><th class=\"n\">Radius, bits</th><th>SHA-256 of \
             the list</th></tr></thead><tbody>"
        )?;
        for bank in report.banks {
            writeln!(
                out,
                "<tr><td><b>{}</b></td><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td><td class=\"id\">{}</td></tr>",
                Text(&bank.name),
                words::bank_kind(bank.kind),
                Text(&bank.source),
                count(bank.version.entries),
                bank.version.number,
                bank.radius_bits,
                Text(if bank.version.sha256.is_empty() { "–" } else { &bank.version.sha256 }),
            )?;
        }
        writeln!(out, "</tbody></table>")?;
    }
    writeln!(out, "<h3>Run and settings</h3><dl class=\"pairs\">")?;
    pair(out, "program", &report.program)?;
    pair(out, "generation", &report.generation.to_string())?;
    for root in &report.roots {
        pair(out, "folder", root)?;
    }
    for (name, value) in
        [("started", &report.started), ("finished", &report.finished), ("elapsed", &report.elapsed)]
    {
        if !value.is_empty() {
            pair(out, name, value)?;
        }
    }
    for (name, value) in &report.settings {
        pair(out, name, value)?;
    }
    writeln!(out, "</dl></section>")
}

fn pair(out: &mut dyn Write, name: &str, value: &str) -> io::Result<()> {
    writeln!(out, "<div><dt>{}</dt><dd>{}</dd></div>", Text(name), Text(value))
}

fn section(out: &mut dyn Write, id: &str, title: &str, total: u64, open: bool) -> io::Result<()> {
    writeln!(
        out,
        "<section id=\"{id}\"><details class=\"{}\"{}><summary><h2>{title} <i>{}</i></h2></summary>",
        if id == "files" { "sec long" } else { "sec" },
        if open { " open" } else { "" },
        count(total)
    )
}

fn cut(out: &mut dyn Write, total: u64, shown: usize) -> io::Result<()> {
    let rest = total.saturating_sub(shown as u64);
    if rest > 0 {
        writeln!(out, "<p class=\"hint\">and {} more; NDJSON and CSV hold all.</p>", count(rest))?;
    }
    Ok(())
}
