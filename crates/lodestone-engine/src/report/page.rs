//! The page's frame: head with its security policy, heading, totals, foot.

use std::io::{self, Write};

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::Report;
use super::collect::Seen;
use super::text::{Attr, Text, bytes, count, plural};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What a page adds to the common style sheet: of a scan nothing.
pub(super) const SCAN: &str = "";
/// Of an examination.
pub(super) const EXAMINATION: &str = include_str!("examination.css");
/// Of a comparison.
pub(super) const COMPARISON: &str = concat!(include_str!("examination.css"), include_str!("comparison.css"));

/// The policy that a page sets itself: nothing may be fetched, and only its own style and script may work.
fn policy(style: &str) -> String {
    let hash = |text: &str| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        hash(style),
        hash(SCRIPT)
    )
}

pub(super) fn head(out: &mut dyn Write, report: &Report<'_>) -> io::Result<()> {
    open(out, &report.title, &report.program, SCAN, "#groups", "Skip to the ranked groups")
}

/// Everything before the heading.
pub(super) fn open(
    out: &mut dyn Write,
    title: &str,
    program: &str,
    more_style: &str,
    skip_to: &str,
    skip: &str,
) -> io::Result<()> {
    let style = format!("{STYLE}{more_style}");
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"{}\">\n<title>{}</title>\n<style>{style}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"{skip_to}\">{skip}</a>\n",
        policy(&style),
        Attr(program),
        Text(title),
    )
}

pub(super) fn masthead(out: &mut dyn Write, report: &Report<'_>, seen: &Seen) -> io::Result<()> {
    write!(out, "<header class=\"mast\"><h1>{}</h1>\n<p class=\"sub\">", Text(&report.title))?;
    let mut facts = Vec::new();
    match report.roots.as_slice() {
        [] => {}
        [root] => facts.push(format!("<span>Folder <bdi class=\"path\">{}</bdi></span>", Text(root))),
        [first, rest @ ..] => facts.push(format!(
            "<span>Folders <bdi class=\"path\">{}</bdi> and {} more</span>",
            Text(first),
            rest.len()
        )),
    }
    if !report.started.is_empty() {
        facts.push(format!("<span>Started {}</span>", Text(&report.started)));
    }
    if !report.elapsed.is_empty() {
        facts.push(format!("<span>Took {}</span>", Text(&report.elapsed)));
    }
    facts.push(format!("<span>{}</span>", Text(&report.program)));
    facts.push(format!("<span>Generation {}</span>", report.generation));
    writeln!(out, "{}</p></header>", facts.join(""))?;

    let pictures = seen.pictures.len() as u64;
    write!(
        out,
        "<div class=\"bar\"><nav aria-label=\"Sections\"><a href=\"#overview\">Overview</a>\
         <a href=\"#groups\">Groups <i>{}</i></a><a href=\"#matches\">Matches <i>{}</i></a>\
         <a href=\"#unreadable\">Unreadable <i>{}</i></a><a href=\"#files\">Files <i>{}</i></a>\
         <a href=\"#method\">Method</a></nav>\n\
         <div class=\"tools\" id=\"tools\" hidden><label class=\"find\"><span>Filter</span>\
         <input type=\"search\" id=\"filter\" autocomplete=\"off\" spellcheck=\"false\" \
         placeholder=\"path, reason, bank, entry\"></label><output id=\"found\" for=\"filter\"></output>",
        count(report.groups.len() as u64),
        count(seen.matches_total),
        count(seen.unreadable_total.max(report.summary.unreadable)),
        count(seen.files),
    )?;
    if pictures > 0 {
        write!(
            out,
            "<span class=\"exposed\">Exposures in this session: <output id=\"exposures\">0</output></span>\
             <button type=\"button\" id=\"hide\" disabled>Hide all <kbd>Esc</kbd></button>"
        )?;
    }
    writeln!(out, "</div></div>\n<main>")
}

pub(super) fn figures(out: &mut dyn Write, report: &Report<'_>) -> io::Result<()> {
    let s = report.summary;
    writeln!(out, "<section id=\"overview\"><h2>Overview</h2>")?;
    if s.interrupted || s.not_reached > 0 {
        writeln!(
            out,
            "<p class=\"note warn\"><b>This run was interrupted.</b> {} found and not reached: nothing below speaks of \
             them.</p>",
            if s.not_reached == 1 {
                "1 path was".to_owned()
            } else {
                format!("{} paths were", count(s.not_reached))
            }
        )?;
    }
    let total = s.exposures_needed.saturating_add(s.exposures_saved);
    let hundredths = s.exposures_saved.saturating_mul(100).checked_div(total).unwrap_or(0);
    writeln!(
        out,
        "<div class=\"figures\"><div class=\"fig lead\"><b>{}</b><span>to look at</span>\
         <small>of {}; grouping and matching save {} ({hundredths} %)</small></div>\
         <div class=\"fig\"><b>{}</b><span>{}</span><small>{} read</small></div>\
         <div class=\"fig\"><b>{}</b><span>{}</span><small>one card each</small></div>",
        count(s.exposures_needed),
        plural(total, "exposure", "exposures"),
        count(s.exposures_saved),
        count(s.files),
        if s.files == 1 { "file" } else { "files" },
        bytes(s.bytes),
        count(s.groups),
        if s.groups == 1 { "group" } else { "groups" },
    )?;
    let states = [
        ("s-known", "known", s.known, "in a list of known content"),
        ("s-derived", "derived from known", s.derived, "made from known content, or holding it"),
        ("s-good", "known good", s.known_good, "the exact bytes are in a known-good list"),
        ("s-alike", "alike", s.alike, "like another file of this scan only"),
        ("s-exam", "examined", s.examined, "read and hashed, nothing matched"),
        ("s-unre", "unreadable", s.unreadable, "matched by digest where there was one"),
    ];
    writeln!(out, "</div>\n<div class=\"states\">")?;
    stacked_bar(out, &states)?;
    write!(out, "<dl>")?;
    for (class, name, value, what) in states {
        write!(
            out,
            "<div{}><dt><i class=\"dot {class}\"></i>{name}</dt><dd><b>{}</b> <small>{what}</small></dd></div>",
            if value == 0 { " class=\"zero\"" } else { "" },
            count(value)
        )?;
    }
    writeln!(out, "</dl></div></section>")
}

/// A bar of the states' shares: whole thousandths, drawn so that they fill the bar exactly.
fn stacked_bar(out: &mut dyn Write, states: &[(&str, &str, u64, &str)]) -> io::Result<()> {
    let total: u128 = states.iter().map(|(_, _, value, _)| u128::from(*value)).sum();
    if total == 0 {
        return Ok(());
    }
    write!(
        out,
        "<svg class=\"stack\" viewBox=\"0 0 1000 12\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"Shares of the states\">"
    )?;
    let mut before: u128 = 0;
    for (class, name, value, _) in states {
        let from = before * 1000 / total;
        before += u128::from(*value);
        let to = before * 1000 / total;
        if to > from {
            write!(
                out,
                "<rect class=\"{class}\" x=\"{from}\" y=\"0\" width=\"{}\" height=\"12\"><title>{name}: {}</title></rect>",
                to - from,
                count(*value)
            )?;
        }
    }
    writeln!(out, "</svg>")
}

pub(super) fn foot(out: &mut dyn Write, report: &Report<'_>) -> io::Result<()> {
    close(out, &report.program)
}

/// Everything after the last section.
pub(super) fn close(out: &mut dyn Write, program: &str) -> io::Result<()> {
    write!(
        out,
        "</main>\n<footer><p>{} · This page holds no address of anything outside itself and forbids its own scripts to \
         fetch. Findings and distances are reported; people decide.</p></footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        Text(program)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inline_texts_cannot_end_their_own_elements() {
        assert!(!STYLE.to_ascii_lowercase().contains("</style"));
        assert!(!COMPARISON.to_ascii_lowercase().contains("</style"));
        let script = SCRIPT.to_ascii_lowercase();
        assert!(!script.contains("</script") && !script.contains("<!--"));
    }

    #[test]
    fn the_inline_texts_name_no_address_outside() {
        for text in [STYLE, COMPARISON, SCRIPT] {
            for word in ["http:", "https:", "//", "@import", "url(", "fetch", "XMLHttp", "eval", "innerHTML"]
            {
                assert!(!text.contains(word), "{word}");
            }
        }
    }
}
