//! One JSON object a line: entries with all their fields, of every kind of signal, texts too.
//!
//! ```text
//! {"entry":"a-17","signals":[{"type":"pdq","value":"f8f8…"}],"pdq_quality":100,"classification":"A1","tags":["x"],"extra":{…}}
//! ```
//!
//! Fields that are not known here are carried in `extra`, and so written back, numbers with their digits. A line that
//! ends within its object is fatal: the list was cut short.

use std::io::{self, BufRead, Write};

use lodestone_types::{ListEntry, Reject, SignalType};
use serde_json::{Map, Value, json};

use super::exact;
use super::plain::{byte_rows, short_word};
use super::spelling::{self, NUMBERS};
use super::{fatal, meaningful, reject, values};

type Row = Result<ListEntry, Reject>;

/// Whether a list's first line is one of these.
pub(super) fn is_row(line: &str) -> bool {
    serde_json::from_str::<Map<String, Value>>(line).is_ok_and(|fields| fields.contains_key("signals"))
}

/// Entries, one a line.
pub(super) fn read<R: BufRead>(input: R) -> impl Iterator<Item = Row> {
    byte_rows(input, |line, text| Some(row(line, text)))
}

fn row(line: u64, text: &[u8]) -> Row {
    let Ok(exact) = exact::parse(text, "") else {
        let cut = serde_json::from_slice::<Value>(text).is_err_and(|error| error.is_eof());
        return Err(if cut {
            fatal(line, "the list is cut short")
        } else {
            reject(line, "not a JSON object")
        });
    };
    if let Some(fault) = exact.fault {
        return Err(reject(line, fault));
    }
    let Value::Object(mut fields) = exact.value else {
        return Err(reject(line, "not a JSON object"));
    };
    let mut entry = ListEntry { line, ..ListEntry::default() };
    entry.entry = match fields.remove("entry") {
        None | Some(Value::Null) => line.to_string(),
        Some(value) => word(value).ok_or_else(|| reject(line, "entry is no text"))?,
    };
    if entry.entry.trim().is_empty() {
        entry.entry = line.to_string();
    }
    signals(fields.remove("signals").unwrap_or_default(), &mut entry)?;
    entry.pdq_quality = match fields.remove("pdq_quality") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let quality = value.as_u64().filter(|quality| *quality <= 100);
            let quality = quality.and_then(|quality| u8::try_from(quality).ok());
            Some(quality.ok_or_else(|| reject(line, "quality is not a number from 0 to 100"))?)
        }
    };
    entry.classification = match fields.remove("classification") {
        None | Some(Value::Null) => None,
        Some(value) => Some(word(value).ok_or_else(|| reject(line, "classification is no text"))?),
    };
    entry.tags = match fields.remove("tags") {
        None | Some(Value::Null) => Vec::new(),
        Some(value) => {
            serde_json::from_value(value).map_err(|_| reject(line, "tags are no list of texts"))?
        }
    };
    entry.extra = carried(fields, exact.numbers, line)?;
    meaningful(entry)
}

/// `[{"type": …, "value": …}, …]`, or `{"TYPE": value or list of values, …}`.
fn signals(given: Value, entry: &mut ListEntry) -> Result<(), Reject> {
    let line = entry.line;
    match given {
        Value::Array(list) => {
            for one in &list {
                let kind = one.get("type").or_else(|| one.get("signal_type"));
                let (Some(kind), Some(value)) =
                    (kind.and_then(Value::as_str), one.get("value").and_then(Value::as_str))
                else {
                    return Err(reject(line, "a signal without type and value"));
                };
                entry.signals.push(values::value(known(kind, line)?, value, line)?);
            }
        }
        Value::Object(by_type) => {
            for (kind, values) in &by_type {
                let kind = known(kind, line)?;
                let one = std::slice::from_ref(values);
                for value in values.as_array().map_or(one, Vec::as_slice) {
                    let text = value.as_str().ok_or_else(|| reject(line, "a value that is no text"))?;
                    entry.signals.push(values::value(kind, text, line)?);
                }
            }
        }
        _ => return Err(reject(line, "no signals")),
    }
    Ok(())
}

fn known(kind: &str, line: u64) -> Result<SignalType, Reject> {
    SignalType::from_wire(kind)
        .ok_or_else(|| reject(line, format!("signal type {} is not supported", short_word(kind))))
}

/// What is carried: `extra` as it stands, and in it what has no field of its own here.
fn carried(
    mut fields: Map<String, Value>,
    numbers: Map<String, Value>,
    line: u64,
) -> Result<Option<Value>, Reject> {
    let mut carried = match fields.remove("extra") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(extra)) => extra,
        Some(extra) if fields.is_empty() && !numbers.keys().any(|pointer| pointer.starts_with("/extra")) => {
            return Ok(Some(extra));
        }
        Some(_) => {
            return Err(reject(line, "fields that are not known here, beside an extra that is no object"));
        }
    };
    if carried.contains_key(NUMBERS) || fields.contains_key(NUMBERS) {
        return Err(reject(line, spelling::RESERVED));
    }
    let mut kept = Map::new();
    for (pointer, text) in numbers {
        // A field's pointer is that of `extra` once the field is in it; those of `extra` lose that name.
        let within = pointer.strip_prefix("/extra").filter(|rest| rest.starts_with('/'));
        match within {
            Some(within) => kept.insert(within.to_owned(), text),
            None if fields.contains_key(&spelling::first_name(&pointer)) => kept.insert(pointer, text),
            None => None,
        };
    }
    for (name, value) in fields {
        if carried.insert(name, value).is_some() {
            return Err(reject(line, "a field that stands in extra as well"));
        }
    }
    spelling::keep(&mut carried, kept);
    Ok((!carried.is_empty()).then_some(Value::Object(carried)))
}

fn word(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Writes one entry; returns how many values.
pub(super) fn write(out: &mut impl Write, entry: &ListEntry) -> io::Result<usize> {
    if entry.signals.is_empty() {
        return Ok(0);
    }
    let signals: Vec<Value> = entry
        .signals
        .iter()
        .map(|signal| json!({ "type": signal.kind().as_str(), "value": signal.to_text() }))
        .collect();
    let mut row = json!({ "entry": entry.entry, "signals": signals });
    if let Some(quality) = entry.pdq_quality {
        row["pdq_quality"] = json!(quality);
    }
    if let Some(classification) = &entry.classification {
        row["classification"] = json!(classification);
    }
    if !entry.tags.is_empty() {
        row["tags"] = json!(entry.tags);
    }
    let mut numbers = Map::new();
    if let Some(extra) = &entry.extra {
        let mut extra = extra.clone();
        if let Value::Object(fields) = &mut extra {
            let spelled = spelling::take_numbers(fields);
            numbers.extend(spelled.into_iter().map(|(pointer, text)| (format!("/extra{pointer}"), text)));
        }
        row["extra"] = extra;
    }
    spelling::write(&mut *out, &row, &numbers)?;
    out.write_all(b"\n")?;
    Ok(signals.len())
}

#[cfg(test)]
mod tests {
    use lodestone_types::RejectKind;

    use super::*;

    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let text = format!(
            "{}\n{}\n",
            json!({
                "entry": "a\n1", "signals": [
                    { "type": "pdq", "value": "ab".repeat(32) }, { "type": "raw_text", "value": "two\nlines" }
                ],
                "pdq_quality": 80, "classification": "A1", "tags": ["x;y"], "extra": { "Z": 1.5, "A": null }
            }),
            json!({ "signals": { "md5": ["01".repeat(16), "02".repeat(16)] }, "MediaSize": 7 }),
        );
        let entries: Vec<ListEntry> = read(text.as_bytes()).collect::<Result<_, _>>().unwrap();
        assert_eq!(entries[0].signals.len(), 2);
        assert_eq!((entries[1].entry.as_str(), entries[1].signals.len()), ("2", 2));
        assert_eq!(entries[1].extra, Some(json!({ "MediaSize": 7 })));
        let mut out = Vec::new();
        for entry in &entries {
            write(&mut out, entry).unwrap();
        }
        let again: Vec<ListEntry> = read(out.as_slice()).collect::<Result<_, _>>().unwrap();
        assert_eq!(again, entries);
    }

    #[test]
    fn wrong_rows_are_rejected_without_their_values_and_a_cut_one_is_fatal() {
        let wrong = [
            r#"{"signals":[{"type":"pdq","value":"secret"}]}"#,
            r#"{"signals":[{"type":"vpdq","value":"secret"}]}"#,
            r#"{"signals":[{"value":"secret"}]}"#,
            r#"{"signals":{"md5":5}}"#,
            r#"{"signals":[],"entry":"secret"}"#,
            r#"{"entry":["secret"],"signals":[]}"#,
            r#"["secret"]"#,
        ];
        for text in wrong {
            let reject = read(text.as_bytes()).next().unwrap().unwrap_err();
            assert_eq!((reject.kind, reject.line), (RejectKind::Row, 1), "{text}");
            assert!(!reject.reason.contains("secret"), "{}", reject.reason);
        }
        let cut = read(&br#"{"signals":[{"type":"pdq","#[..]).next().unwrap().unwrap_err();
        assert_eq!(cut.kind, RejectKind::Fatal);
    }
}
