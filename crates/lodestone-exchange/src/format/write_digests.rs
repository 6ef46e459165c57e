//! Writes what digest tools read: hashdeep, and md5sum with its kin.

use std::io::{self, Write};

use lodestone_types::{ListEntry, Signal, SignalType};
use serde_json::Value;

use super::write::of_kind;
use super::{ListFormat, Refusal};

/// Digests that hashdeep has columns for, in its order.
const COLUMNS: [SignalType; 3] = [SignalType::Md5, SignalType::Sha1, SignalType::Sha256];

/// Whether values of a type can stand in a list of digests.
pub(super) fn check(format: ListFormat, kind: Option<SignalType>) -> Result<(), Refusal> {
    match kind {
        Some(kind) if !COLUMNS.contains(&kind) => Err(Refusal::new(
            format!("{format} lists hold digests of files, no {kind} values"),
            "say md5, sha1 or sha256",
        )),
        _ => Ok(()),
    }
}

/// `hash  name` for each digest of one type (MD5 unless said otherwise); returns how many. A name with a line end or a
/// backslash is escaped as GNU coreutils do.
pub(super) fn md5sum(out: &mut impl Write, entry: &ListEntry, kind: Option<SignalType>) -> io::Result<usize> {
    let name = name_of(entry);
    let escaped = name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
    let mark = if escaped == name { "" } else { "\\" };
    let mut written = 0;
    for signal in of_kind(entry, kind.or(Some(SignalType::Md5))) {
        writeln!(out, "{mark}{}  {escaped}", signal.to_hex())?;
        written += 1;
    }
    Ok(written)
}

/// A row of hashdeep; returns how many digests it holds. Its columns are the digests of the first entry that has a size
/// and any of them. An entry without its size, or without one of the columns, cannot be written: hashdeep compares
/// them all.
pub(super) fn hashdeep(
    out: &mut impl Write,
    entry: &ListEntry,
    kind: Option<SignalType>,
    columns: &mut Vec<SignalType>,
) -> io::Result<usize> {
    let Some(size) = size_of(entry) else { return Ok(0) };
    let name = name_of(entry);
    let name = if name.contains(char::is_control) { &entry.entry } else { name };
    if name.contains(char::is_control) {
        return Ok(0);
    }
    let first = |kind: SignalType| of_kind(entry, Some(kind)).next().map(Signal::to_hex);
    if columns.is_empty() {
        let wanted =
            |column: &SignalType| kind.is_none_or(|kind| kind == *column) && first(*column).is_some();
        columns.extend(COLUMNS.iter().copied().filter(wanted));
        if columns.is_empty() {
            return Ok(0);
        }
        hashdeep_head(out, columns)?;
    }
    let Some(digests) = columns.iter().map(|column| first(*column)).collect::<Option<Vec<_>>>() else {
        return Ok(0);
    };
    writeln!(out, "{size},{},{name}", digests.join(","))?;
    Ok(digests.len())
}

/// The two lines that hashdeep begins with; of no columns, its usual ones.
pub(super) fn hashdeep_head(out: &mut impl Write, columns: &[SignalType]) -> io::Result<()> {
    let columns = if columns.is_empty() { &[SignalType::Md5, SignalType::Sha256][..] } else { columns };
    write!(out, "%%%% HASHDEEP-1.0\n%%%% size")?;
    for column in columns {
        write!(out, ",{column}")?;
    }
    writeln!(out, ",filename")
}

/// The name of an entry's file, as the lists that carry one call it; else its id.
fn name_of(entry: &ListEntry) -> &str {
    let named = ["filename", "file_name", "FileName", "RelativeFilePath"]
        .iter()
        .find_map(|field| entry.extra.as_ref()?.get(field)?.as_str())
        .or_else(|| entry.extra.as_ref()?.pointer("/MediaFiles/0/FileName")?.as_str());
    named.filter(|name| !name.trim().is_empty()).unwrap_or(&entry.entry)
}

fn size_of(entry: &ListEntry) -> Option<u64> {
    let size = ["size", "MediaSize", "file_size", "FileSize", "size_bytes"]
        .iter()
        .find_map(|field| entry.extra.as_ref()?.get(field))?;
    match size {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
