//! How matches of parts of pictures are told, and which layers ran.

use lodestone_engine::live::{KnownBank, LiveState};
use lodestone_types::{Observation, Standing};
use serde_json::{Map, Value, json};

use super::{PARTS, Plan};
use crate::App;
use crate::lookup::{Derived, Found};

/// What a match of a part of a picture says of itself.
pub(crate) fn how(derived: &Derived) -> Map<String, Value> {
    let hit = &derived.hit;
    let told = json!({
        "layer": hit.layer,
        "standing": if hit.standing == Standing::Match { Standing::Match } else { Standing::Review },
        "relation": hit.relation,
        "distance_bits": hit.distance_bits,
        "radius_bits": hit.radius_bits,
        "inliers": hit.inliers,
        "evidence_bits": hit.evidence_bits,
        "windows": hit.windows,
        "expected_false_hits": hit.expected_false_hits,
        "transform": hit.transform,
    });
    match told {
        Value::Object(told) => told,
        _ => Map::new(),
    }
}

/// A match of a part of a picture, as `/v1` tells it.
pub(crate) fn one(found: &Found, suppressed: bool) -> Option<Value> {
    let derived = found.derived.as_ref()?;
    let mut told = json!({
        "bank": found.bank.bank.name,
        "bank_kind": found.bank.bank.kind,
        "bank_content_id": found.content_id,
        // Features are no signal.
        "signal_type": (derived.hit.layer == 2).then_some("pdq"),
    });
    if let Value::Object(fields) = &mut told {
        fields.extend(how(derived));
        if suppressed {
            fields.insert("suppressed".to_owned(), json!(true));
        }
    }
    Some(told)
}

/// The layers that ran over a file: 1 where it is a picture, and those whose parts were made of it.
pub(crate) fn ran(seen: &Observation, plan: &Plan) -> Vec<u8> {
    let mut ran = Vec::new();
    if !seen.fingerprints.is_empty() {
        ran.push(1);
    }
    if seen.regions.is_some() && plan.layers().has(2) {
        ran.push(2);
    }
    if !seen.features.is_empty() && plan.layers().has(3) {
        ran.push(3);
    }
    ran
}

/// How layer 3 stands for a bank: what is kept of its pictures, what is looked for, and why the rest is not.
pub(crate) fn features(app: &App, state: &LiveState, number: u64) -> Value {
    let known = app.pictures.now();
    let bank = known.banks().get(&number).copied().unwrap_or_default();
    let KnownBank { kept, looked_for, no_room, unreadable, outdated } = bank;
    let mut told = json!({ "kept": kept, "looked_for": looked_for });
    let without = without_features(app, state, number);
    if without > 0 {
        told["without"] = json!(without);
    }
    let not_loaded = !known.is_of(state);
    if not_loaded {
        told["not_loaded"] = json!(true);
    }
    for (why, count) in [("no_room", no_room), ("unreadable", unreadable), ("outdated", outdated)] {
        if count > 0 {
            told[why] = json!(count);
        }
    }
    told
}

/// Values of a bank beyond those with features: layer 3 cannot see them. Pictures that came in a list, or before the bank
/// asked for layer 3.
fn without_features(app: &App, state: &LiveState, number: u64) -> u64 {
    let values = state.banks().find(|bank| bank.number == number).map_or(0, |bank| bank.pdq_values);
    let kept = app.pictures.now().banks().get(&number).map_or(0, |bank| bank.kept);
    values.saturating_sub(kept)
}

/// Whether layer 3 cannot see all that a bank keeps.
fn is_incomplete(app: &App, state: &LiveState, number: u64) -> bool {
    let known = app.pictures.now();
    !known.is_of(state) || known.banks().get(&number).is_some_and(|bank| bank.not_looked_for() > 0)
}

/// Whether layer 3 sees nothing of what a bank keeps.
fn is_blind(app: &App, state: &LiveState, number: u64) -> bool {
    let known = app.pictures.now();
    let sees_none = |bank: &KnownBank| bank.kept > 0 && bank.looked_for == 0;
    !known.is_of(state) || known.banks().get(&number).is_some_and(sees_none)
}

/// Whether layer 3 misses anything of a bank that asks for it.
pub(crate) fn misses(app: &App, state: &LiveState, plan: &Plan) -> bool {
    state.banks().any(|bank| plan.of_bank(bank.number).has(3) && is_incomplete(app, state, bank.number))
}

/// Adds to the banks of an answer which layers looked into each, and what layer 3 could not see of it.
pub(crate) fn name_layers(app: &App, state: &LiveState, plan: &Plan, banks: &mut Value) {
    for told in banks.as_array_mut().into_iter().flatten() {
        let bank = told.get("name").and_then(Value::as_str).and_then(|name| state.bank(name));
        let Some(bank) = bank.map(|bank| bank.as_ref().clone()) else { continue };
        let layers = plan.of_bank(bank.number);
        let mut ran = layers.numbers();
        // Layers that the bank asks for and this program has not.
        let asked = |layer: &u8| !plan.is_named && bank.layers >> (layer - 1) & 1 == 1;
        let mut not_run: Vec<u8> = (1..=8).filter(|layer| asked(layer) && !has(*layer)).collect();
        if layers.has(3) {
            told["features"] = features(app, state, bank.number);
            if is_blind(app, state, bank.number) {
                ran.retain(|layer| *layer != 3);
                not_run.insert(0, 3);
            } else if is_incomplete(app, state, bank.number) || without_features(app, state, bank.number) > 0
            {
                told["layers_incomplete"] = json!([3]);
            }
        }
        told["layers"] = json!(ran);
        if !not_run.is_empty() {
            told["layers_not_run"] = json!(not_run);
        }
    }
}

/// Whether this server has a layer.
fn has(layer: u8) -> bool {
    layer <= 1 || PARTS.contains(&layer)
}
