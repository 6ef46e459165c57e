//! One VICS medium as a list entry, and back, without loss.
//!
//! What the entry says in its own fields is written again from them; every other field, and every field whose spelling
//! we would not reproduce (a lower-case MD5, a category as text, a tag list), is carried in `extra` value for value, numbers with their digits.
//! One exception, on purpose: `Miniature` and `Thumbnail` hold a small *picture* of the medium. It is dropped on
//! reading: Lodestone keeps no pixels of known material.

use base64::{Engine, engine::general_purpose::STANDARD};
use lodestone_types::{ListEntry, Reject, Signal, SignalType};
use serde_json::{Map, Value, json};

use super::csv::split_tags;
use super::mapping::{Role, told};
use super::spelling::{self, NUMBERS};
use super::{meaningful, reject, values};

/// Fields that hold pixels.
const PIXELS: [&str; 2] = ["Miniature", "Thumbnail"];

/// Reads a medium with the spellings of its numbers. `record` counts media from 1.
pub(super) fn from_media(
    mut fields: Map<String, Value>,
    mut numbers: Map<String, Value>,
    record: u64,
) -> Result<ListEntry, Reject> {
    if fields.contains_key(NUMBERS) {
        return Err(reject(record, spelling::RESERVED));
    }
    fields.retain(|name, _| !PIXELS.iter().any(|pixels| pixels.eq_ignore_ascii_case(name)));
    let spelled = |name: &str| {
        let spelling = numbers.get(&format!("/{name}")).and_then(Value::as_str).map(str::to_owned);
        spelling.or_else(|| word(fields.get(name)))
    };
    let mut entry = ListEntry { line: record, ..ListEntry::default() };
    entry.entry = spelled("MediaID").unwrap_or_else(|| record.to_string());
    entry.classification = spelled("Category");
    for (name, kind) in [("MD5", SignalType::Md5), ("SHA1", SignalType::Sha1)] {
        match field(&fields, name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.trim().is_empty() => {}
            Some(Value::String(text)) => entry.signals.push(values::value(kind, text, record)?),
            Some(_) => return Err(reject(record, format!("{name} is no text"))),
        }
    }
    // Vendors write other things than the 144 bytes here; those are carried, not read.
    entry.signals.extend(field(&fields, "PhotoDNA").and_then(photodna));
    match field(&fields, "AlternativeHashes") {
        Some(Value::Array(hashes)) => {
            for hash in hashes {
                alternative(hash, &mut entry)?;
            }
        }
        Some(hash) => alternative(hash, &mut entry)?,
        None => {}
    }
    entry.tags = match fields.get("Tags") {
        Some(Value::String(text)) => split_tags(text),
        Some(Value::Array(tags)) => tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let mut entry = meaningful(entry)?;
    let ours = own_fields(&entry);
    fields.retain(|name, value| ours.get(name) != Some(value));
    numbers.retain(|pointer, _| fields.contains_key(&spelling::first_name(pointer)));
    spelling::keep(&mut fields, numbers);
    if !fields.is_empty() {
        entry.extra = Some(Value::Object(fields));
    }
    Ok(entry)
}

/// Writes a medium: our fields, and over them what was carried, with its numbers as they were spelled.
pub(super) fn write_media(out: &mut impl std::io::Write, entry: &ListEntry) -> std::io::Result<()> {
    let mut media = own_fields(entry);
    let mut numbers = Map::new();
    if let Some(Value::Object(extra)) = &entry.extra {
        for (name, value) in extra {
            media.insert(name.clone(), value.clone());
        }
        numbers = spelling::take_numbers(&mut media);
    }
    spelling::write(out, &Value::Object(media), &numbers)
}

/// The fields that the entry itself says. The order of its values does not show: a bank keeps none.
fn own_fields(entry: &ListEntry) -> Map<String, Value> {
    let mut signals: Vec<&Signal> = entry.signals.iter().collect();
    signals.sort_unstable();
    signals.dedup();
    let mut media = Map::new();
    media.insert("MediaID".to_owned(), number_or_text(&entry.entry));
    if let Some(class) = &entry.classification {
        media.insert("Category".to_owned(), number_or_text(class));
    }
    if !entry.tags.is_empty() {
        media.insert("Tags".to_owned(), json!(entry.tags.join(",")));
    }
    let mut others = Vec::new();
    for signal in signals {
        let name = match signal.kind() {
            SignalType::Md5 => "MD5",
            SignalType::Sha1 => "SHA1",
            SignalType::Photodna => "PhotoDNA",
            SignalType::Pdq => "PDQ",
            SignalType::Sha256 => "SHA256",
            SignalType::VideoMd5 => "VIDEO_MD5",
            _ => continue,
        };
        let value = match signal.kind() {
            SignalType::Photodna => STANDARD.encode(signal.bytes()),
            SignalType::Pdq => signal.to_hex(),
            _ => signal.to_hex().to_uppercase(),
        };
        if matches!(name, "MD5" | "SHA1" | "PhotoDNA") && !media.contains_key(name) {
            media.insert(name.to_owned(), Value::String(value));
            continue;
        }
        let mut hash = json!({ "HashName": name, "HashValue": value });
        if let (SignalType::Pdq, Some(quality), Some(fields)) =
            (signal.kind(), entry.pdq_quality, hash.as_object_mut())
        {
            fields.insert("Quality".to_owned(), json!(quality));
        }
        others.push(hash);
    }
    if !others.is_empty() {
        media.insert("AlternativeHashes".to_owned(), Value::Array(others));
    }
    media
}

/// One of `AlternativeHashes`: `{HashName, HashValue}`. A name that is not known here is carried, not read.
fn alternative(hash: &Value, entry: &mut ListEntry) -> Result<(), Reject> {
    let Some(fields) = hash.as_object() else { return Ok(()) };
    let (Some(name), Some(value)) = (word(field(fields, "HashName")), word(field(fields, "HashValue")))
    else {
        return Ok(());
    };
    match told(&name) {
        Role::Signal(SignalType::Photodna) => {
            entry.signals.extend(values::value(SignalType::Photodna, &value, entry.line).ok());
        }
        Role::Signal(kind) => {
            entry.signals.push(values::value(kind, &value, entry.line)?);
            if kind == SignalType::Pdq {
                let quality = fields.get("Quality").and_then(Value::as_u64).filter(|quality| *quality <= 100);
                entry.pdq_quality =
                    quality.and_then(|quality| u8::try_from(quality).ok()).or(entry.pdq_quality);
            }
        }
        _ => {}
    }
    Ok(())
}

/// A PhotoDNA value: text in one of its spellings, or an array of 144 numbers.
fn photodna(value: &Value) -> Option<Signal> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(_) => value.to_string(),
        _ => return None,
    };
    values::value(SignalType::Photodna, &text, 0).ok()
}

/// A field by its name, in any case if not in the model's.
pub(super) fn field<'f>(fields: &'f Map<String, Value>, name: &str) -> Option<&'f Value> {
    fields
        .get(name)
        .or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Text or number of a field, if it says anything.
pub(super) fn word(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number as JSON's, other text as text.
fn number_or_text(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => json!(number),
        _ => json!(text),
    }
}
