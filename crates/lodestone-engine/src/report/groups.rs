//! The ranked groups: one card each, the rest in a compact table.

use std::io::{self, Write};

use lodestone_types::{Edge, Group, Priority, State};

use super::collect::{FileRow, Seen};
use super::text::{Attr, Path, Text, bytes, count, plural};
use super::{Report, limits, words};

/// All groups, in the order given.
pub(super) fn cards(out: &mut dyn Write, report: &Report<'_>, seen: &Seen) -> io::Result<()> {
    writeln!(
        out,
        "<section id=\"groups\"><h2>Ranked groups <i>{}</i></h2>",
        count(report.groups.len() as u64)
    )?;
    if report.groups.is_empty() {
        return writeln!(out, "<p class=\"empty\">No file of this scan stands in a group.</p></section>");
    }
    writeln!(
        out,
        "<p class=\"hint\">One card a group: look at the first file, the others show the same or a similar picture. Points \
         only put groups in order; they are no probability, and nothing is left out because it looks generated.</p>"
    )?;
    if seen.pictures.left_out > 0 {
        writeln!(
            out,
            "<p class=\"note\">{} not embedded, to keep this page quick to open: those of the first ranks are.</p>",
            plural(seen.pictures.left_out, "small picture is", "small pictures are")
        )?;
    }
    let (cards, rest) = report.groups.split_at(report.groups.len().min(limits::CARDS));
    for group in cards {
        card(out, group, seen)?;
    }
    if !rest.is_empty() {
        compact(out, rest)?;
    }
    writeln!(out, "</section>")
}

fn card(out: &mut dyn Write, group: &Group, seen: &Seen) -> io::Result<()> {
    let first = group.members.get(group.representative).or_else(|| group.members.first());
    let row = first.and_then(|path| seen.members.get(path));
    write!(
        out,
        "<article class=\"card\" id=\"g{0}\" data-f aria-labelledby=\"h{0}\"><div class=\"rank\"><b>{1}</b></div><div \
         class=\"what\"><h3 id=\"h{0}\">{2}</h3>",
        group.group,
        count(group.rank),
        Path(first.map_or("", String::as_str)),
    )?;
    write!(out, "<p class=\"meta\">")?;
    state_chips(out, group, seen)?;
    if let Some(row) = row {
        for fact in facts(row) {
            write!(out, "<span>{}</span>", Text(&fact))?;
        }
    }
    write!(out, "</p>")?;
    if !group.reasons.is_empty() {
        write!(out, "<ul class=\"reasons\">")?;
        for reason in &group.reasons {
            write!(out, "<li>{}</li>", Text(reason))?;
        }
        write!(out, "</ul>")?;
    }
    if let Some(origin) = row.and_then(|row| row.origin.as_deref()) {
        write!(out, "<p class=\"origin\"><em>The file says</em> {}</p>", Text(origin))?;
    }
    write!(out, "<div class=\"more\">")?;
    reveal(out, first.map_or("", String::as_str), seen)?;
    if group.members.len() > 1 {
        members(out, group, seen)?;
    }
    if !group.edges.is_empty() {
        together(out, group)?;
    }
    write!(out, "</div>")?;
    write!(out, "</div><div class=\"why\">")?;
    factors(out, &group.priority)?;
    writeln!(out, "</div></article>")
}

/// How many members ended in which state, of those that the page knows.
fn state_chips(out: &mut dyn Write, group: &Group, seen: &Seen) -> io::Result<()> {
    const ORDER: [State; 6] =
        [State::Known, State::Derived, State::KnownGood, State::Alike, State::Examined, State::Unreadable];
    let rows: Vec<&FileRow> = group.members.iter().filter_map(|path| seen.members.get(path)).collect();
    for state in ORDER {
        let members = rows.iter().filter(|row| row.state == state).count();
        match members {
            0 => {}
            1 => chip(out, state, "")?,
            many => chip(out, state, &format!(" {}", count(many as u64)))?,
        }
    }
    if group.members.len() > 1 {
        write!(out, "<span>{}</span>", plural(group.members.len() as u64, "file", "files"))?;
    }
    if group.exposures_saved > 0 {
        write!(out, "<span>saves {}</span>", plural(group.exposures_saved, "look", "looks"))?;
    }
    Ok(())
}

/// A state as a small label.
pub(super) fn chip(out: &mut dyn Write, state: State, more: &str) -> io::Result<()> {
    write!(out, "<span class=\"chip {}\">{}{more}</span>", words::state_class(state), words::state(state))
}

/// Format, size and what else a reader of the hash should know.
fn facts(row: &FileRow) -> Vec<String> {
    let mut facts = Vec::new();
    let size = if row.width > 0 { format!(" {} × {}", row.width, row.height) } else { String::new() };
    match &row.format {
        Some(format) => facts.push(format!("{format}{size}")),
        None if !size.is_empty() => facts.push(size.trim_start().to_owned()),
        None => {}
    }
    if row.frames > 1 {
        facts.push(plural(row.frames.into(), "frame", "frames"));
    }
    facts.push(bytes(row.size_bytes));
    if let Some(quality) = row.pdq_quality {
        facts.push(format!("PDQ quality {quality}"));
    }
    facts.extend(row.notes.iter().cloned());
    facts
}

/// The button that shows one small picture, if there is one. Without the page's script it stays dead.
pub(super) fn reveal(out: &mut dyn Write, path: &str, seen: &Seen) -> io::Result<()> {
    let Some(picture) = seen.pictures.of(path) else { return Ok(()) };
    write!(
        out,
        "<div class=\"pic\"><button type=\"button\" class=\"reveal\" disabled data-w=\"{}\" data-h=\"{}\" \
         data-png=\"{}\">Reveal {}</button></div>",
        picture.width,
        picture.height,
        Attr(&picture.png_base64),
        Text(&picture.mode),
    )
}

fn members(out: &mut dyn Write, group: &Group, seen: &Seen) -> io::Result<()> {
    write!(
        out,
        "<details><summary>Members <i>{}</i></summary><ol class=\"members\">",
        count(group.members.len() as u64)
    )?;
    for (at, path) in group.members.iter().enumerate().take(limits::MEMBERS) {
        write!(out, "<li>{}", Path(path))?;
        if at == group.representative {
            write!(out, " <span class=\"tag\">look at this one</span>")?;
        }
        if let Some(row) = seen.members.get(path) {
            write!(out, "<small>")?;
            chip(out, row.state, "")?;
            write!(out, " {}", Text(&facts(row).join(" · ")))?;
            if let Some(found) = &row.best_match {
                write!(out, " · {} {}, {}", Text(&found.bank), Text(&found.entry), words::distance(found))?;
                if !found.signal_type.is_digest() {
                    write!(out, ", {}", Text(&words::transform(&found.transform)))?;
                }
            }
            write!(out, "</small>")?;
        }
        if at != group.representative {
            reveal(out, path, seen)?;
        }
        write!(out, "</li>")?;
    }
    write!(out, "</ol>")?;
    more(out, group.members.len(), limits::MEMBERS)?;
    write!(out, "</details>")
}

fn together(out: &mut dyn Write, group: &Group) -> io::Result<()> {
    write!(
        out,
        "<details><summary>Why together <i>{}</i></summary><table><thead><tr><th>File</th><th>and file</th>\
         <th>are</th><th class=\"n\">bits</th><th>second file</th></tr></thead><tbody>",
        count(group.edges.len() as u64)
    )?;
    let name = |at: usize| group.members.get(at).map_or("", String::as_str);
    for edge in group.edges.iter().take(limits::EDGES) {
        let Edge { a, b, kind, distance_bits, transform } = edge;
        write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{distance_bits}</td><td>{}</td></tr>",
            Path(name(*a)),
            Path(name(*b)),
            Text(&words::edge(*kind)),
            Text(&words::transform(transform))
        )?;
    }
    write!(out, "</tbody></table>")?;
    more(out, group.edges.len(), limits::EDGES)?;
    write!(out, "</details>")
}

fn more(out: &mut dyn Write, all: usize, shown: usize) -> io::Result<()> {
    if all > shown {
        write!(out, "<p class=\"hint\">and {} more; NDJSON holds all.</p>", count((all - shown) as u64))?;
    }
    Ok(())
}

/// The factors behind a rank, each with a bar as long as its share of the largest.
fn factors(out: &mut dyn Write, priority: &Priority) -> io::Result<()> {
    write!(out, "<p class=\"points\"><b>{}</b> points</p>", priority.points)?;
    let largest =
        priority.factors.iter().map(|factor| factor.points.unsigned_abs()).max().unwrap_or(1).max(1);
    if priority.factors.is_empty() {
        return Ok(());
    }
    write!(out, "<ul class=\"factors\">")?;
    for factor in &priority.factors {
        let width = u64::from(factor.points.unsigned_abs()) * 100 / u64::from(largest);
        let class = if factor.points < 0 { "minus" } else { "plus" };
        write!(
            out,
            "<li><svg viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"{class}\" \
             width=\"{width}\" height=\"4\"/></svg><b>{:+}</b><span>{}</span><code>{}</code></li>",
            factor.points,
            Text(&factor.why),
            Text(&factor.code),
        )?;
    }
    write!(out, "</ul>")
}

fn compact(out: &mut dyn Write, rest: &[Group]) -> io::Result<()> {
    writeln!(
        out,
        "<details class=\"long\"><summary>Further groups <i>{}</i></summary><table><thead><tr><th class=\"n\">Rank</th>\
         <th>Look at</th><th class=\"n\">Files</th><th class=\"n\">Points</th><th>First reason</th></tr></thead><tbody>",
        count(rest.len() as u64)
    )?;
    for group in rest.iter().take(limits::COMPACT) {
        writeln!(
            out,
            "<tr data-f id=\"g{}\"><td class=\"n\">{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td>{}</td></tr>",
            group.group,
            count(group.rank),
            Path(group.members.get(group.representative).map_or("", String::as_str)),
            count(group.members.len() as u64),
            group.priority.points,
            Text(group.reasons.first().map_or("", String::as_str)),
        )?;
    }
    write!(out, "</tbody></table>")?;
    more(out, rest.len(), limits::COMPACT)?;
    writeln!(out, "</details>")
}
