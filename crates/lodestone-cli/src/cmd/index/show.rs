//! `lodestone index show`.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use lodestone_engine::bank_index;
use lodestone_index::{LiveFacts, Segment, SegmentFacts};
use lodestone_store::Store;
use serde_json::{Value, json};

use super::super::{Objects, bank};
use crate::Ended;
use crate::args::{Data, Format};
use crate::words::visible;

/// Shows an index file, or the index of a data folder.
pub(super) fn run(file: Option<&Path>, format: Format, data: &Data) -> Result<Ended> {
    let object = match file {
        Some(path) => file_facts(path, &Segment::open(path)?.facts()),
        None => {
            let settings = bank::settings(data)?;
            let folder = settings.need_data().context("give an index FILE, or --data DIR")?;
            let store = Store::open_read_only(folder)?;
            {
                let (facts, values) = bank_index::facts(folder)?;
                let made_from = store.generation_of(facts.stamp)?;
                folder_facts(folder, &facts, values, made_from, store.generation()?)
            }
        }
    };
    if matches!(format, Format::Ndjson | Format::Json) {
        let mut objects = Objects::new(Format::Ndjson);
        objects.push(&object)?;
        objects.finish()?;
        return Ok(Ended::Clean);
    }
    text(&mut io::stdout().lock(), &object, 0)?;
    Ok(Ended::Clean)
}

/// Everything a file says of itself.
pub(super) fn file_facts(path: &Path, facts: &SegmentFacts) -> Value {
    let mut object = json!({ "kind": "index", "path": path.display().to_string() });
    extend(&mut object, segment_facts(facts));
    object
}

fn extend(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

fn segment_facts(facts: &SegmentFacts) -> Value {
    // One figure a kind of section: the tables of a part are many.
    let mut sections: Vec<(&str, u64)> = Vec::new();
    for section in &facts.sections {
        match sections.iter_mut().find(|(name, _)| *name == section.name) {
            Some((_, bytes)) => *bytes += section.bytes,
            None => sections.push((section.name, section.bytes)),
        }
    }
    let a_hash = |bytes: u64| (100.0 * bytes as f64 / facts.entries.max(1) as f64).round() / 100.0;
    let sections: Vec<Value> = sections
        .into_iter()
        .map(|(name, bytes)| json!({ "name": name, "bytes": bytes, "bytes_a_hash": a_hash(bytes) }))
        .collect();
    let parts: Vec<Value> = facts
        .parts
        .iter()
        .map(|part| {
            let layout = if part.widths.is_empty() { "linear" } else { "ring" };
            json!({ "layout": layout, "codes": part.codes, "even": part.even, "chunk_bits": part.widths })
        })
        .collect();
    json!({
        "version": facts.version, "code_bits": facts.code_bits, "entries": facts.entries,
        "distinct": facts.distinct, "canaries": facts.canaries, "bytes": facts.file_bytes,
        "bytes_a_hash": a_hash(facts.file_bytes), "owner_bytes": facts.owner_bytes,
        "checksum": format!("{:016x}", facts.checksum), "parts": parts, "sections": sections,
    })
}

fn folder_facts(
    data: &Path,
    facts: &LiveFacts,
    values: u64,
    made_from: Option<u64>,
    generation: u64,
) -> Value {
    let (mut bytes, mut dead) = (0, 0);
    let segments: Vec<Value> = facts
        .segments
        .iter()
        .map(|one| {
            bytes += one.segment.file_bytes;
            dead += one.dead_pairs;
            let mut object = json!({
                "number": one.number, "removed": one.dead_pairs, "removed_ranges": one.dead_ranges,
            });
            extend(&mut object, segment_facts(&one.segment));
            object
        })
        .collect();
    json!({
        "kind": "index", "data": data.display().to_string(), "entries": values,
        "bytes": bytes, "in_memory": facts.memtable_pairs, "removed": dead,
        "stands_at_generation": made_from, "banks_at_generation": generation,
        "up_to_date": made_from == Some(generation), "commits": facts.generation, "segments": segments,
    })
}

/// `name: value` lines; what is within something stands indented below it.
fn text(out: &mut impl Write, object: &Value, indent: usize) -> io::Result<()> {
    let Some(fields) = object.as_object() else { return Ok(()) };
    let nests = |value: &Value| value.as_array().is_some_and(|items| items.iter().any(Value::is_object));
    for (name, value) in fields.iter().filter(|(name, _)| *name != "kind") {
        let words = name.replace('_', " ");
        let one = words.trim_end_matches('s');
        match value {
            Value::Array(items) if nests(value) => {
                for item in items {
                    if item.as_object().is_some_and(|fields| fields.values().any(nests)) {
                        writeln!(out, "{:indent$}  {one}", "")?;
                        text(out, item, indent + 2)?;
                    } else {
                        let facts: Vec<_> = item.as_object().into_iter().flatten().map(fact).collect();
                        writeln!(out, "{:indent$}  {one:<24} {}", "", facts.join(", "))?;
                    }
                }
            }
            Value::String(text) => writeln!(out, "{:indent$}  {words:<24} {}", "", visible(text))?,
            other => writeln!(out, "{:indent$}  {words:<24} {other}", "")?,
        }
    }
    Ok(())
}

fn fact((name, value): (&String, &Value)) -> String {
    let words = name.replace('_', " ");
    match value {
        Value::String(text) => format!("{words} {}", visible(text)),
        other => format!("{words} {other}"),
    }
}
