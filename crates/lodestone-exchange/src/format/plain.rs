//! One value a line: plain lists, PDQ text, HMA local files.

use std::io::BufRead;

use lodestone_types::{ListEntry, Reject, RejectKind, SignalType};

use super::{fatal, lines, lines::Lines, meaningful, reject, signal, values};

type Row = Result<ListEntry, Reject>;

/// Rows of a text list; blank lines and `#` comments are passed over.
pub(super) fn rows<R: BufRead>(
    input: R,
    mut row: impl FnMut(u64, &str) -> Option<Row>,
) -> impl Iterator<Item = Row> {
    byte_rows(input, move |number, bytes| row(number, &lines::text(bytes)))
}

/// Likewise, each line as it stands.
pub(super) fn byte_rows<R: BufRead>(
    input: R,
    mut row: impl FnMut(u64, &[u8]) -> Option<Row>,
) -> impl Iterator<Item = Row> {
    let mut lines = Lines::new(input);
    let mut done = false;
    std::iter::from_fn(move || {
        while !done {
            let Some(line) = lines.next_line() else { break };
            let (number, bytes) = match line {
                Ok(line) => line,
                Err(error) => {
                    done = true;
                    return Some(Err(error));
                }
            };
            let text = bytes.trim_ascii_start();
            if text.is_empty() || text.starts_with(b"#") {
                continue;
            }
            if let Some(row) = row(number, bytes) {
                done = matches!(&row, Err(error) if error.kind == RejectKind::Fatal);
                return Some(row);
            }
        }
        None
    })
}

/// `hash` a line.
pub(super) fn plain<R: BufRead>(input: R, kind: SignalType) -> impl Iterator<Item = Row> {
    rows(input, move |line, text| Some(value(line, kind, text)))
}

fn value(line: u64, kind: SignalType, text: &str) -> Row {
    let signals = vec![values::value(kind, text, line)?];
    meaningful(ListEntry { entry: line.to_string(), signals, line, ..ListEntry::default() })
}

/// `hexhash[,quality[,filename]]`; a file name may hold commas.
pub(super) fn pdq_text<R: BufRead>(input: R) -> impl Iterator<Item = Row> {
    rows(input, |line, text| Some(pdq_row(line, text)))
}

fn pdq_row(line: u64, text: &str) -> Row {
    let mut parts = text.splitn(3, ',');
    let mut entry = ListEntry { entry: line.to_string(), line, ..ListEntry::default() };
    entry.signals.push(signal(SignalType::Pdq, parts.next().unwrap_or_default(), line)?);
    if let Some(text) = parts.next().map(str::trim).filter(|text| !text.is_empty()) {
        entry.pdq_quality = Some(quality(line, text)?);
    }
    if let Some(name) = parts.next().filter(|name| !name.trim().is_empty()) {
        entry.extra = Some(serde_json::json!({ "filename": name }));
    }
    meaningful(entry)
}

/// PDQ quality: 0 to 100. Spreadsheets write a whole number as `98.0` or `98,0`.
pub(super) fn quality(line: u64, text: &str) -> Result<u8, Reject> {
    let whole =
        text.split_once(['.', ',']).filter(|(_, rest)| !rest.is_empty() && rest.bytes().all(|c| c == b'0'));
    whole
        .map_or(text, |(whole, _)| whole)
        .parse::<u8>()
        .ok()
        .filter(|quality| *quality <= 100)
        .ok_or_else(|| reject(line, "quality is not a number from 0 to 100"))
}

/// `<signal_type> <value>` a line, or the value alone when the type is declared.
pub(super) fn hma_local_file<R: BufRead>(
    input: R,
    declared: Option<SignalType>,
) -> impl Iterator<Item = Row> {
    rows(input, move |line, text| {
        let text = text.trim();
        Some(match (text.split_once([' ', '\t']), declared) {
            (Some((kind, rest)), _) => match kind.parse::<SignalType>() {
                Ok(kind) => value(line, kind, rest),
                Err(_) => Err(reject(line, format!("signal type {} is not supported", short_word(kind)))),
            },
            (None, Some(kind)) => value(line, kind, text),
            (None, None) => Err(reject(line, "no signal type before the value")),
        })
    })
}

/// A word from a list, when it is short and plain enough to repeat.
pub(super) fn short_word(word: &str) -> &str {
    let plain =
        word.len() <= 20 && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_');
    if plain { word } else { "(unnamed)" }
}

/// A fatal row, for readers whose header is wrong.
pub(super) fn fatal_row(line: u64, reason: &str) -> Option<Row> {
    Some(Err(fatal(line, reason)))
}
