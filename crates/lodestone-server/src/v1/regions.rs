//! Regions of a file's picture that match: told beside its matches, for people to look at, and acted upon by nobody.

use lodestone_engine::derive::region_hits;
use lodestone_engine::live::LiveState;
use lodestone_types::{Observation, SignalType, Standing};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::lookup::taking_part;
use crate::v1::asked::Asked;

/// What the regions of a picture match, nearest first, at most as many as may be told of an item. `suppressed`: the exact
/// bytes are a confirmed false alarm, or a known good file.
///
/// # Errors
/// 503 when the index cannot be read.
pub(super) fn told(
    state: &LiveState,
    seen: &Observation,
    asked: &Asked,
    suppressed: bool,
) -> Result<Value, ApiError> {
    let hits = region_hits(state, seen)?;
    let one = |hit: &lodestone_engine::derive::RegionHit| {
        let (content_id, bank) = taking_part(state, &asked.ask, hit.entry_no)?;
        Some(json!({
            "bank": bank.bank.name,
            "bank_kind": bank.bank.kind,
            "bank_content_id": content_id,
            "signal_type": "pdq",
            "layer": 2,
            "distance_bits": hit.distance_bits,
            "radius_bits": hit.radius_bits,
            "transform": hit.transform,
            "standing": match (hit.standing, state.standing_of(hit.entry_no, SignalType::Pdq)) {
                (Standing::Match, Standing::Match) => Standing::Match,
                _ => Standing::Review,
            },
            "suppressed": suppressed,
            "windows": hit.windows,
            "expected_false_hits": hit.expected_false_hits,
        }))
    };
    Ok(hits.iter().filter_map(one).take(asked.limit).collect())
}
