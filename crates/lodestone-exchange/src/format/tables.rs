//! Tables whose columns are known: NSRL RDSv2, ICSE, HashKeeper.

use std::io::BufRead;

use lodestone_types::{ListEntry, Reject, SignalType};

use super::csv::{Table, header_line, rows};
use super::mapping::Role;
use super::records::{Records, delimiter, fields};
use super::{ListFormat, Refusal, meaningful, signal};

type Row = Result<ListEntry, Reject>;

/// Columns of an export of INTERPOL's ICSE database, in their order. *Source:* IPED `HashDBTool`.
const ICSE: [&str; 12] = [
    "MD5",
    "SHA1",
    "PhotoDNA",
    "Image ID",
    "Is distributed",
    "Victim identified",
    "Offender identified",
    "Series name",
    "Number of submissions",
    "File Available",
    "Media Type",
    "Baseline",
];

/// Which of these tables a list is, by its header row.
///
/// # Errors
/// [`Refusal`] for the file that only names HashKeeper's sets.
pub(super) fn told(lines: &[&str]) -> Option<Result<ListFormat, Refusal>> {
    let (line, named) = header_line(lines)?;
    let names = fields(line, named.unwrap_or_else(|| delimiter(line)));
    let starts = |wanted: &[&str]| {
        names.len() >= wanted.len()
            && names.iter().zip(wanted).all(|(name, wanted)| name.trim().eq_ignore_ascii_case(wanted))
    };
    if starts(&["SHA-1", "MD5", "CRC32"]) {
        return Some(Ok(ListFormat::NsrlRds2));
    }
    if starts(&ICSE) {
        return Some(Ok(ListFormat::IcseCsv));
    }
    if starts(&["hashset_id", "name", "vendor"]) {
        return Some(Err(Refusal::new(
            "this file of HashKeeper names sets, and holds no hashes",
            "give the .hsh file beside it",
        )));
    }
    (starts(&["file_id", "hashset_id"]) && names.iter().any(|name| name.trim() == "hash"))
        .then_some(Ok(ListFormat::HashKeeper))
}

/// `NSRLFile.txt`: SHA-1 and MD5 of each row, nothing else. *Source:* NSRL RDS 2.x.
pub(super) fn nsrl_rds2<R: BufRead>(input: R) -> Result<impl Iterator<Item = Row>, Refusal> {
    let mut records = Records::new(input);
    let header = records.header()?;
    let at = |wanted: &str| header.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted));
    let (Some(sha1), Some(md5)) = (at("SHA-1"), at("MD5")) else {
        return Err(Refusal::new("not an NSRLFile.txt: no columns SHA-1 and MD5", ""));
    };
    Ok(records.map(move |record| {
        let (line, fields) = record?;
        let mut entry = ListEntry { entry: line.to_string(), line, ..ListEntry::default() };
        for (at, kind) in [(sha1, SignalType::Sha1), (md5, SignalType::Md5)] {
            let text = fields.get(at).map_or("", |text| text.trim());
            if !text.is_empty() {
                entry.signals.push(signal(kind, text, line)?);
            }
        }
        meaningful(entry)
    }))
}

/// An export of ICSE: digests and PhotoDNA read, `Image ID` the id, all else carried as it stands, flags too.
pub(super) fn icse<R: BufRead>(input: R) -> Result<impl Iterator<Item = Row>, Refusal> {
    known(input, "no ICSE export: no columns MD5 and Image ID", &["MD5", "Image ID"], |name| {
        match name.to_ascii_lowercase().as_str() {
            "md5" => Role::Signal(SignalType::Md5),
            "sha1" => Role::Signal(SignalType::Sha1),
            "photodna" => Role::Signal(SignalType::Photodna),
            "image id" => Role::Id,
            _ => Role::Other,
        }
    })
}

/// HashKeeper's `.hsh`: its `hash` is an MD5, `file_id` the id. *Source:* Autopsy `HashkeeperHashSetParser`, The Sleuth
/// Kit `hashkeeper.c`.
pub(super) fn hashkeeper<R: BufRead>(input: R) -> Result<impl Iterator<Item = Row>, Refusal> {
    known(input, "no HashKeeper set: no columns file_id and hash", &["file_id", "hash"], |name| {
        match name.to_ascii_lowercase().as_str() {
            "hash" => Role::Signal(SignalType::Md5),
            "file_id" => Role::Id,
            _ => Role::Other,
        }
    })
}

fn known<R: BufRead>(
    input: R,
    missing: &str,
    needed: &[&str],
    role: fn(&str) -> Role,
) -> Result<impl Iterator<Item = Row> + use<R>, Refusal> {
    let mut records = Records::new(input);
    let header = records.header()?;
    if !needed.iter().all(|wanted| header.iter().any(|name| name.eq_ignore_ascii_case(wanted))) {
        return Err(Refusal::new(missing, ""));
    }
    let roles = header.iter().map(|name| role(name)).collect();
    Ok(rows(records, Table::new(header, roles, None)))
}
