//! The shapes other programs rely on: one JSON object per file, group and run.

mod origin;

use std::collections::BTreeMap;

use lodestone_types::{
    Backdrop, Bank, Fingerprint, Group, HashMode, Match, Observation, Record, Standing, Summary, hex,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::look_up::LookUps;

pub use origin::{EXAMINE_SCHEMA, Examiners, examined};

use origin::origin;

/// A match; what features alone have found has no distance in bits.
pub fn a_match(one: &Match) -> Value {
    let mut object = json!(one);
    if one.hash_bits().is_none() {
        for key in ["signal_type", "distance_bits", "radius_bits"] {
            object[key] = Value::Null;
        }
    }
    object
}

/// Fingerprints of one file by wire name. Absent ones are `null`.
pub fn signals(observation: &Observation) -> Value {
    let digests = observation.digests.as_ref();
    let primary = observation.primary();
    let mut signals = json!({
        "md5": digests.map(|d| hex::encode(&d.md5)),
        "sha1": digests.map(|d| hex::encode(&d.sha1)),
        "sha256": digests.map(|d| d.sha256.to_string()),
        "pdq": primary.and_then(pdq),
        "pdq_quality": primary.map(|p| p.quality),
    });
    if let Some(mode) = primary.map(|p| p.mode).filter(|mode| *mode != HashMode::Exact) {
        signals["pdq_mode"] = json!(mode);
    }
    if observation.fingerprints.len() > 1 {
        signals["frames"] = observation.fingerprints.iter().map(frame).collect();
    }
    signals
}

fn pdq(print: &Fingerprint) -> Option<String> {
    print.pdq_dihedral.first().map(|hash| hex::encode(hash))
}

fn frame(print: &Fingerprint) -> Value {
    let mut frame = json!({
        "frame": print.form.frame,
        "t_ms": print.form.t_ms,
        "pdq": pdq(print),
        "pdq_quality": print.quality,
    });
    if let Some(backdrop) = print.form.backdrop {
        frame["composite"] = json!(if backdrop == Backdrop::White { "white" } else { "black" });
    }
    frame
}

/// One file of a scan: `kind: "file"`. What it says of its origin stands under the same keys as in [`examined`].
pub fn file(record: &Record) -> Value {
    let seen = &record.observation;
    let mut object = json!({
        "kind": "file",
        "path": record.path,
        "sha256": seen.digests.map(|d| d.sha256.to_string()),
        "state": record.state,
        "unreadable": seen.unreadable,
        "size_bytes": seen.size_bytes,
        "format": seen.format,
        "picture": seen.picture,
        "signals": signals(seen),
        "matches": record.matches.iter().filter(|one| !one.is_possible()).map(a_match).collect::<Vec<_>>(),
        "group": record.group,
    });
    extend(&mut object, origin(seen));
    object["generation"] = json!(record.generation);
    // Told apart, so that nobody acts on it.
    let possible: Vec<Value> = record.matches.iter().filter(|one| one.is_possible()).map(a_match).collect();
    if !possible.is_empty() {
        object["possible_derivatives"] = json!(possible);
    }
    if let Some(bytes) = &record.path_bytes_hex {
        object["path_bytes_hex"] = json!(bytes);
    }
    object
}

/// One file of `hash`: path, digests and fingerprints only.
pub fn hashed(path: &str, observation: &Observation) -> Value {
    json!({
        "path": path,
        "sha256": observation.digests.map(|d| d.sha256.to_string()),
        "signals": signals(observation),
        "format": observation.format,
        "picture": observation.picture,
        "unreadable": observation.unreadable,
    })
}

/// One signal given on the command line and what it matches.
pub fn signal(text: &str, matches: &[Match], generation: u64) -> Value {
    json!({ "kind": "signal", "signal": text, "matches": matches, "generation": generation })
}

/// What the look-ups of a run looked at.
pub fn look_up(look_ups: &LookUps) -> Value {
    let stats = &look_ups.stats;
    json!({
        "queries": stats.queries, "probes": stats.probes, "entries": stats.entries, "verified": stats.verified,
        "scanned": stats.scanned, "hits": stats.hits, "failed": look_ups.failed,
    })
}

/// One pair of two lists: `kind: "pair"`.
pub fn pair(list: &str, entry: &str, found: &Match) -> Value {
    let mut object = json!({
        "kind": "pair",
        "list": list,
        "entry": entry,
        "against": found.bank,
        "against_kind": found.bank_kind,
        "against_entry": found.entry,
        "signal_type": found.signal_type,
        "distance_bits": found.distance_bits,
        "radius_bits": found.radius_bits,
    });
    if let Some(distance) = found.distance_squared {
        object["distance_squared"] = json!(distance);
        object["max_distance_squared"] = json!(found.max_distance_squared);
    }
    if found.standing != Standing::Match {
        object["standing"] = json!(found.standing);
    }
    if let Some(classification) = &found.classification {
        object["classification"] = json!(classification);
    }
    object
}

/// One group: `kind: "group"`.
pub fn group(group: &Group) -> Value {
    tagged("group", group)
}

/// The end of a run: `kind: "summary"`, with everything that makes it repeatable.
pub fn summary(
    summary: &Summary,
    banks: &[Bank],
    settings: &BTreeMap<String, String>,
    generation: u64,
    look_ups: &LookUps,
) -> Value {
    let mut object = tagged("summary", summary);
    object["look_up"] = look_up(look_ups);
    object["banks"] = json!(banks);
    object["settings"] = json!(settings);
    object["generation"] = json!(generation);
    object["program"] = json!({ "name": "lodestone", "version": env!("CARGO_PKG_VERSION") });
    object
}

fn extend(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

fn tagged(kind: &str, value: &impl Serialize) -> Value {
    let mut object = json!({ "kind": kind });
    extend(&mut object, serde_json::to_value(value).unwrap_or_default());
    object
}
