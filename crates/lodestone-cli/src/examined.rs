//! One examined file on the terminal: short sections, wrapped, hostile text made visible.

use std::collections::BTreeMap;
use std::io::{self, Write};

use lodestone_types::{
    Assessment, CheckState, Credentials, Direction, Finding, Location, Observation, PairAssessment, Record,
    Strength, hex,
};
use serde::Serialize;

use crate::summary::Style;
use crate::words::{self, visible};

/// Prints one file.
///
/// # Errors
/// The writer's.
pub(crate) fn text(out: &mut dyn Write, record: &Record, style: Style) -> io::Result<()> {
    let mut page = Page { out, style, width: style.width.clamp(60, 110) };
    let seen = &record.observation;
    page.title(&record.path)?;
    file(&mut page, record)?;
    if let Some(said) = &seen.assessment {
        reading(&mut page, said)?;
        pairs(&mut page, &said.pairs)?;
        if let Some(credentials) = &said.credentials {
            signed(&mut page, credentials)?;
        }
        origin(&mut page, said)?;
    }
    findings(&mut page, &seen.findings)?;
    if let Some(said) = &seen.assessment {
        checks(&mut page, said)?;
        limits(&mut page, said)?;
    }
    writeln!(page.out)
}

struct Page<'a> {
    out: &'a mut dyn Write,
    style: Style,
    width: usize,
}

impl Page<'_> {
    fn title(&mut self, text: &str) -> io::Result<()> {
        let text = visible(text);
        if self.style.colour {
            writeln!(self.out, "\u{1b}[1m{text}\u{1b}[0m")
        } else {
            writeln!(self.out, "{text}")
        }
    }

    fn section(&mut self, name: &str) -> io::Result<()> {
        writeln!(self.out)?;
        self.out.write_all(b"  ")?;
        self.title(name)
    }

    /// A name and its value, which goes on below itself.
    fn line(&mut self, name: &str, value: &str) -> io::Result<()> {
        let indent = 16;
        for (number, line) in wrapped(&visible(value), self.width.saturating_sub(indent)).iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            writeln!(self.out, "  {name:<13} {line}")?;
        }
        Ok(())
    }

    /// Text of its own, `indent` columns in.
    fn text(&mut self, indent: usize, value: &str) -> io::Result<()> {
        for line in wrapped(&visible(value), self.width.saturating_sub(indent)) {
            writeln!(self.out, "{:indent$}{line}", "")?;
        }
        Ok(())
    }
}

fn file(page: &mut Page<'_>, record: &Record) -> io::Result<()> {
    let seen = &record.observation;
    if let Some(digests) = &seen.digests {
        page.line("sha256", &digests.sha256.to_string())?;
        page.line("sha1", &hex::encode(&digests.sha1))?;
        page.line("md5", &hex::encode(&digests.md5))?;
    }
    page.line("file", &about(seen))?;
    if let Some(picture) = &seen.picture {
        for note in picture.notes.iter().chain(&picture.partial) {
            page.line("", note)?;
        }
    }
    page.line("state", &word(&record.state))?;
    if let Some(why) = &seen.unreadable {
        page.line("unreadable", &words::unreadable(why))?;
    }
    for print in &seen.fingerprints {
        let hash = print.pdq_dihedral.first().map(|h| hex::encode(h)).unwrap_or_default();
        let mut facts = format!("{hash} quality {}", print.quality);
        if print.form.frame > 0 {
            facts += &format!(", frame {} at {} ms", print.form.frame, print.form.t_ms);
        }
        if let Some(backdrop) = print.form.backdrop {
            facts += &format!(", on {backdrop:?}").to_lowercase();
        }
        page.line("pdq", &facts)?;
    }
    for one in &record.matches {
        page.line("match", &words::a_match(one))?;
    }
    Ok(())
}

fn about(seen: &Observation) -> String {
    let format = seen.format.as_deref().unwrap_or("format not recognised");
    let mut facts = format!("{format}, {} bytes", seen.size_bytes);
    if let Some(picture) = &seen.picture {
        facts += &format!(", {} x {}", picture.width, picture.height);
        if picture.frames > 1 {
            facts += &format!(", {} frames", picture.frames);
        }
        if let Some(orientation) = picture.orientation {
            facts += &format!(", EXIF orientation {orientation} (not applied)");
        }
    }
    facts
}

fn reading(page: &mut Page<'_>, said: &Assessment) -> io::Result<()> {
    page.section("What was found")?;
    page.text(2, &said.statement)
}

fn pairs(page: &mut Page<'_>, pairs: &[PairAssessment]) -> io::Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    page.section("What it is worth")?;
    let mut not_assessed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for pair in pairs {
        let (h1, h2) = (spaced(&pair.h1), spaced(&pair.h2));
        match (pair.log10_lr, &pair.abstained) {
            (Some(lr), _) => {
                let range = pair
                    .range
                    .map_or_else(String::new, |[low, high]| format!(", between {low:.1} and {high:.1}"));
                page.text(2, &format!("{h1} / {h2}: log10 LR {lr:.1}{range}"))?;
                page.text(6, &pair.wording)?;
                if !pair.rests_on.is_empty() {
                    page.text(6, &format!("rests on {}", pair.rests_on.join(", ")))?;
                }
                if !pair.contrary.is_empty() {
                    page.text(6, &format!("against it: {}", pair.contrary.join(", ")))?;
                }
                if let Some(table) = &pair.calibration {
                    page.text(6, &format!("calibration {table}"))?;
                }
            }
            (None, why) => {
                let why = why.as_deref().unwrap_or("no reason given");
                let pairs: &mut Vec<_> = not_assessed.entry(why).or_default();
                pairs.push(format!("{h1} / {h2}"));
            }
        }
    }
    not_assessed
        .iter()
        .try_for_each(|(why, pairs)| page.text(2, &format!("not assessed ({why}): {}", pairs.join("; "))))
}

fn signed(page: &mut Page<'_>, one: &Credentials) -> io::Result<()> {
    page.section("Content Credentials (C2PA), five separate facts")?;
    let parsed = match (one.parsed, one.remote_only) {
        (true, _) => format!("yes, {}", words::count(u64::from(one.manifests), "manifest", "manifests")),
        (false, true) => "they are elsewhere, and were not asked for".to_owned(),
        (false, false) => format!("no: {}", one.error.as_deref().unwrap_or("not told why")),
    };
    page.line("parsed", &parsed)?;
    page.line("bytes", &spaced(&one.hash))?;
    page.line("signature", &spaced(&one.signature))?;
    page.line("signer", &words::trust(one.trust))?;
    page.line("time", &spaced(&one.time))?;
    for (name, value) in [
        ("made by", &one.claim_generator),
        ("certificate", &one.issuer),
        ("", &one.common_name),
        ("signed at", &one.signed_at),
    ] {
        if let Some(value) = value {
            page.line(name, value)?;
        }
    }
    for (name, values) in [("sources", &one.source_types), ("actions", &one.actions), ("codes", &one.codes)] {
        if !values.is_empty() {
            page.line(name, &values.join(", "))?;
        }
    }
    for list in &one.trust_lists {
        let date = list.date.as_deref().unwrap_or("no date");
        page.line("list", &format!("{} ({}, {date})", list.name, word(&list.list)))?;
    }
    Ok(())
}

fn origin(page: &mut Page<'_>, said: &Assessment) -> io::Result<()> {
    page.section("Origin")?;
    let camera = said.camera.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
    page.line("camera chain", &format!("{}{camera}", word(&said.camera_chain)))?;
    if let Some(name) = &said.generator {
        let source = said.generator_source.as_deref().unwrap_or("metadata").replace('_', " ");
        let input = if said.input_picture_used { ", with an input picture" } else { "" };
        page.line("generator", &format!("{name}, by {source}{input}"))?;
    }
    if let Some(made) = &said.workflow {
        for (name, values) in [("models", &made.models), ("loras", &made.loras), ("inputs", &made.inputs)] {
            if !values.is_empty() {
                page.line(name, &values.join(", "))?;
            }
        }
        let facts = [
            ("mode", &made.mode),
            ("seed", &made.seed),
            ("prompt sha256", &made.prompt_sha256),
            ("prompt", &made.prompt),
        ];
        for (name, value) in facts {
            if let Some(value) = value {
                page.line(name, value)?;
            }
        }
    }
    if let Some(name) = &said.editor {
        page.line("editor", name)?;
    }
    if let Some(name) = &said.digital_source_type {
        page.line("source type", &format!("{name} (unsigned)"))?;
    }
    for mark in &said.watermarks {
        let crop = if mark.crop_phase.is_some() { ", on a shifted grid: a crop" } else { "" };
        page.line(
            "watermark",
            &format!("{} {}, correlation {:.2}{crop}", mark.scheme, mark.message, mark.correlation),
        )?;
    }
    Ok(())
}

fn findings(page: &mut Page<'_>, findings: &[Finding]) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    page.section("Findings")?;
    for finding in findings {
        let weight = match (finding.log10_lr, &finding.weight) {
            (Some(lr), Some(of)) => {
                format!("  alone, {} / {}: log10 LR {lr:.1}", spaced(&of.h1), spaced(&of.h2))
            }
            _ => String::new(),
        };
        page.text(2, &format!("{}: {}  [{}]{weight}", finding.examiner, finding.what, finding.code))?;
        if !finding.bearings.is_empty() {
            page.text(6, &bearings(finding))?;
        }
        for location in &finding.locations {
            page.text(6, &place(location))?;
        }
    }
    Ok(())
}

fn bearings(finding: &Finding) -> String {
    let told: Vec<_> = finding
        .bearings
        .iter()
        .map(|bearing| {
            let how = match bearing.strength {
                Strength::Weak => "weakly",
                Strength::Moderate => "moderately",
                Strength::Strong => "strongly",
            };
            let direction = match bearing.direction {
                Direction::Supports => "supports",
                Direction::Against => "speaks against",
            };
            format!("{how} {direction} {}", spaced(&bearing.proposition))
        })
        .collect();
    told.join("; ")
}

fn place(location: &Location) -> String {
    let at = location.offset.map_or_else(String::new, |offset| format!(" at byte {offset}"));
    let raw = location.raw.as_deref().map(|raw| format!(": {raw}")).unwrap_or_default();
    format!("{}{at}{raw}", location.field)
}

fn checks(page: &mut Page<'_>, said: &Assessment) -> io::Result<()> {
    if said.checks.is_empty() {
        return Ok(());
    }
    page.section("Checks")?;
    for (name, state) in [
        ("made", CheckState::Applied),
        ("not applicable", CheckState::NotApplicable),
        ("failed", CheckState::Failed),
    ] {
        let told: Vec<_> = said
            .checks
            .iter()
            .filter(|check| check.state == state)
            .map(|check| match &check.why {
                Some(why) => format!("{} ({why})", check.examiner),
                None => check.examiner.clone(),
            })
            .collect();
        if !told.is_empty() {
            page.text(2, &format!("{name}: {}", told.join("; ")))?;
        }
    }
    Ok(())
}

fn limits(page: &mut Page<'_>, said: &Assessment) -> io::Result<()> {
    page.section("Limits")?;
    said.limits.iter().try_for_each(|limit| page.text(2, limit))
}

/// The word an enumeration has in JSON.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn spaced(value: &impl Serialize) -> String {
    word(value).replace('_', " ")
}

/// Lines of at most `room` characters, broken at spaces; a longer word is broken where the line ends.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let room = room.max(20);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        while let Some(line) = lines.last_mut() {
            let used = line.chars().count();
            let gap = usize::from(used > 0);
            if used + gap + word.len() <= room {
                if gap > 0 {
                    line.push(' ');
                }
                line.extend(word);
                break;
            }
            if used > 0 {
                lines.push(String::new());
                continue;
            }
            line.extend(word.drain(..room));
            lines.push(String::new());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_wider_than_it_may_be_and_nothing_is_lost() {
        let text = format!("short words {} and an end", "x".repeat(55));
        let lines = wrapped(&text, 20);
        assert!(lines.iter().all(|line| line.chars().count() <= 20), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert_eq!(wrapped("", 30), [""]);
    }
}
