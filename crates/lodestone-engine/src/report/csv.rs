//! CSV, one row a file. *Source:* RFC 4180; formula injection after OWASP, "CSV Injection".

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;

use lodestone_types::{Assessment, Group, Record, Stage, State, hex};
use serde::Serialize;

const HEADER: &str = "path,sha256,md5,sha1,state,stage,reason,pdq,pdq_quality,bank,entry,signal_type,distance_bits,\
                      transform,matches,group,rank,camera_chain,camera,generator,generator_source,input_image_used,\
                      editor,watermark,credentials_hash,credentials_signature,credentials_trust,credentials_time,\
                      source_types\r\n";

/// Writes one row a file: its digests, how it ended, its PDQ and its best match. `matches` counts all of them; NDJSON
/// holds each. A field that a spreadsheet would take for a formula gets a leading apostrophe.
///
/// # Errors
/// The writer's, and those of the records' source.
pub fn csv(
    out: &mut dyn io::Write,
    groups: &[Group],
    records: &mut dyn Iterator<Item = io::Result<Record>>,
) -> io::Result<()> {
    let ranks: BTreeMap<u64, u64> = groups.iter().map(|group| (group.group, group.rank)).collect();
    let by_path: BTreeMap<&str, u64> = groups
        .iter()
        .flat_map(|group| group.members.iter().map(|path| (path.as_str(), group.group)))
        .collect();
    let out = &mut io::BufWriter::new(out);
    io::Write::write_all(out, HEADER.as_bytes())?;
    for record in records {
        row(out, &record?, &ranks, &by_path)?;
    }
    io::Write::flush(out)
}

fn row(
    out: &mut dyn io::Write,
    record: &Record,
    ranks: &BTreeMap<u64, u64>,
    by_path: &BTreeMap<&str, u64>,
) -> io::Result<()> {
    let observation = &record.observation;
    let digests = observation.digests.as_ref();
    let unreadable = observation.unreadable.as_ref();
    let print = observation.primary();
    let matches = || record.matches.iter().filter(|m| !m.is_possible());
    let best = matches().next();
    let by_hash = best.filter(|m| m.hash_bits().is_some());
    let group = record.group.or_else(|| by_path.get(record.path.as_str()).copied());
    let rank = group.and_then(|group| ranks.get(&group));
    let fields = [
        field(&record.path),
        text(digests.map(|d| d.sha256)),
        text(digests.map(|d| hex::encode(&d.md5))),
        text(digests.map(|d| hex::encode(&d.sha1))),
        state_word(record.state).to_owned(),
        unreadable.map_or_else(String::new, |u| stage_word(u.stage).to_owned()),
        unreadable.map_or_else(String::new, |u| field(&u.reason)),
        text(print.and_then(|print| print.pdq_dihedral.first()).map(|pdq| hex::encode(pdq))),
        text(print.map(|print| print.quality)),
        best.map_or_else(String::new, |m| field(&m.bank)),
        best.map_or_else(String::new, |m| field(&m.entry)),
        text(by_hash.map(|m| m.signal_type)),
        text(by_hash.map(|m| m.distance_bits)),
        best.map_or_else(String::new, |m| field(&word(&m.transform.kind))),
        matches().count().to_string(),
        text(group),
        text(rank),
    ];
    out.write_all(fields.join(",").as_bytes())?;
    out.write_all(b",")?;
    out.write_all(origin(observation.assessment.as_ref()).join(",").as_bytes())?;
    out.write_all(b"\r\n")
}

/// What the file says of its origin: the last columns.
fn origin(said: Option<&Assessment>) -> [String; 12] {
    let Some(said) = said else { return Default::default() };
    let outside = |value: Option<&str>| value.map(field).unwrap_or_default();
    let signed = said.credentials.as_ref();
    [
        word(&said.camera_chain),
        outside(said.camera.as_deref()),
        outside(said.generator.as_deref()),
        outside(said.generator_source.as_deref()),
        said.input_picture_used.to_string(),
        outside(said.editor.as_deref()),
        outside(said.watermarks.first().map(|mark| mark.message.as_str())),
        signed.map(|one| word(&one.hash)).unwrap_or_default(),
        signed.map(|one| word(&one.signature)).unwrap_or_default(),
        signed.map(|one| word(&one.trust)).unwrap_or_default(),
        signed.map(|one| word(&one.time)).unwrap_or_default(),
        signed.map(|one| field(&one.source_types.join(" "))).unwrap_or_default(),
    ]
}

fn text(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A field from outside: defused, then quoted where RFC 4180 asks for it.
fn field(value: &str) -> String {
    let risky = value
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let value = if risky { format!("'{value}") } else { value.to_owned() };
    if value.contains([',', '"', '\r', '\n']) { format!("\"{}\"", value.replace('"', "\"\"")) } else { value }
}

/// The word an enumeration has in JSON.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The state's word in output.
pub(super) fn state_word(state: State) -> &'static str {
    match state {
        State::Known => "known",
        State::Derived => "derived",
        State::KnownGood => "known_good",
        State::Alike => "alike",
        State::Examined => "examined",
        State::Unreadable => "unreadable",
    }
}

/// The stage's word in output.
pub(super) fn stage_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Walk => "walk",
        Stage::Read => "read",
        Stage::Identify => "identify",
        Stage::Unpack => "unpack",
        Stage::Decode => "decode",
        Stage::Worker => "worker",
        Stage::Match => "match",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_looks_like_a_formula_is_defused() {
        for start in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\u{ff1d}1"] {
            assert!(field(start).trim_start_matches('"').starts_with('\''), "{start:?}");
        }
        assert_eq!(field("plain-name.jpg"), "plain-name.jpg");
    }

    #[test]
    fn quotes_commas_and_line_breaks_are_quoted() {
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("say \"x\""), "\"say \"\"x\"\"\"");
        assert_eq!(field("=cmd|'/c x'!A1,\n"), "\"'=cmd|'/c x'!A1,\n\"");
    }

    #[test]
    fn words_are_those_of_the_json() {
        for state in
            [State::Known, State::Derived, State::KnownGood, State::Alike, State::Examined, State::Unreadable]
        {
            assert_eq!(state_word(state), word(&state));
        }
        for stage in [Stage::Walk, Stage::Read, Stage::Identify, Stage::Unpack, Stage::Decode, Stage::Worker]
        {
            assert_eq!(stage_word(stage), word(&stage));
        }
    }
}
