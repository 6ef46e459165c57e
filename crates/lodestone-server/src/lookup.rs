//! One look-up: a signal against the banks of a moment. No database, no clock, no network.

use std::sync::Arc;

use lodestone_engine::live::{LiveBank, LiveState};
use lodestone_engine::text::TextDistance;
use lodestone_types::{BankKind, Dihedral, Signal, SignalType};

use crate::error::ApiError;

/// How a look-up is made. The default is HMA's.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Names of banks that take part; `None`: all.
    pub banks: Option<Vec<String>>,
    /// PDQ distance up to which an entry matches; `None`: its own bank's radius.
    pub radius_bits: Option<u32>,
    /// Also what is turned, mirrored or inverted.
    pub forms: Forms,
    /// Banks whose ratio is below are left out; `None`: all take part.
    pub coin: Option<f64>,
    /// Seconds since 1970, for entries that are suspended; `None`: those are found too.
    pub now_s: Option<i64>,
}

/// Which forms of a picture are looked up beside it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forms {
    /// The seven other symmetries, where they are known (of files).
    pub dihedral: bool,
    /// Colours inverted.
    pub negative: bool,
}

/// How near an entry is.
#[derive(Clone, Debug, PartialEq)]
pub enum Distance {
    /// Bits that differ.
    Bits(u32),
    /// Equal.
    Exact,
    /// Texts.
    Text(TextDistance),
}

impl Distance {
    /// As HMA writes it: `"4"`, `"-"`, `"97%"`. *Source:* `hma.md` section 1.4.
    pub fn to_hma(&self) -> String {
        match self {
            Self::Bits(bits) => bits.to_string(),
            Self::Exact => "-".to_owned(),
            Self::Text(distance) => distance.to_string(),
        }
    }

    /// Bits that differ, where that is what it counts; 0 for equal ones.
    pub fn bits(&self) -> Option<u32> {
        match self {
            Self::Bits(bits) => Some(*bits),
            Self::Exact => Some(0),
            Self::Text(_) => None,
        }
    }
}

/// An entry that matches.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its number in the store.
    pub entry_no: u64,
    /// HMA's `bank_content_id`.
    pub content_id: u64,
    /// Its bank.
    pub bank: Arc<LiveBank>,
    /// By which type of signal.
    pub signal_type: SignalType,
    /// How near.
    pub distance: Distance,
    /// In which symmetry the picture matched.
    pub dihedral: Dihedral,
    /// Whether its negative matched.
    pub negative: bool,
}

/// Whether looking up this type scans all there are: then a thread that may wait has to do it.
pub fn scans(kind: SignalType) -> bool {
    matches!(kind, SignalType::RawText | SignalType::TrendQuery | SignalType::TextTlsh)
}

/// Everything that matches a signal; nearest first, then by id. `other_forms`: the picture's hashes in the other seven
/// symmetries, where they are known.
///
/// # Errors
/// 503 when the index cannot be read.
pub fn look_up(
    state: &LiveState,
    signal: &Signal,
    other_forms: &[(Dihedral, [u8; 32])],
    ask: &Ask,
) -> Result<Vec<Found>, ApiError> {
    let mut found = Vec::new();
    match signal.kind() {
        SignalType::Pdq => {
            let Some(hash) = signal.array::<32>() else { return Ok(found) };
            let print = Print { hash, others: other_forms };
            return Ok(look_up_prints(state, &[print], ask)?.pop().unwrap_or_default());
        }
        kind if kind.is_digest() || kind == SignalType::Url => {
            let equal = if kind == SignalType::Url {
                state.texts(signal).into_iter().map(|(no, _)| no).collect()
            } else {
                state.equal(signal)
            };
            for no in equal {
                found.extend(one(state, ask, no, kind, Distance::Exact, Dihedral::AsIs, false));
            }
        }
        kind => {
            for (no, distance) in state.texts(signal) {
                found.extend(one(state, ask, no, kind, Distance::Text(distance), Dihedral::AsIs, false));
            }
        }
    }
    nearest_first(&mut found);
    Ok(found)
}

/// A picture's PDQ to look up: as it is, and in the other symmetries where they are known.
#[derive(Clone, Copy, Debug)]
pub struct Print<'p> {
    /// As it is.
    pub hash: [u8; 32],
    /// The other symmetries.
    pub others: &'p [(Dihedral, [u8; 32])],
}

/// Everything that matches each of many PDQ hashes, in one search: what [`look_up`] finds for each.
///
/// # Errors
/// 503 when the index cannot be read.
pub fn look_up_prints(
    state: &LiveState,
    prints: &[Print<'_>],
    ask: &Ask,
) -> Result<Vec<Vec<Found>>, ApiError> {
    let (mut forms, mut all) = (Vec::new(), Vec::new());
    for (at, print) in prints.iter().enumerate() {
        let (own, codes) = codes(print.hash, print.others, ask.forms);
        forms.extend(own.into_iter().map(|(dihedral, negative)| (at, dihedral, negative)));
        all.extend(codes);
    }
    let mut found = vec![Vec::new(); prints.len()];
    for near in state.near(&all, ask.radius_bits)? {
        let Some((at, dihedral, negative)) = forms.get(near.query).copied() else { continue };
        let distance = Distance::Bits(near.distance_bits);
        if let Some(found) = found.get_mut(at) {
            found.extend(one(state, ask, near.entry_no, SignalType::Pdq, distance, dihedral, negative));
        }
    }
    found.iter_mut().for_each(nearest_first);
    Ok(found)
}

/// In order; an entry that matches in several forms is told once, in the nearest.
fn nearest_first(found: &mut Vec<Found>) {
    found.sort_by_key(|found| (found.distance.bits(), found.content_id, found.negative, found.dihedral));
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|found| seen.insert(found.entry_no));
}

/// The codes to look up, and which form each is.
fn codes(
    hash: [u8; 32],
    others: &[(Dihedral, [u8; 32])],
    wanted: Forms,
) -> (Vec<(Dihedral, bool)>, Vec<[u8; 32]>) {
    let mut forms = vec![(Dihedral::AsIs, false)];
    let mut codes = vec![hash];
    if wanted.dihedral {
        for (dihedral, hash) in others.iter().filter(|(dihedral, _)| *dihedral != Dihedral::AsIs) {
            forms.push((*dihedral, false));
            codes.push(*hash);
        }
    }
    if wanted.negative {
        for at in 0..codes.len() {
            let (dihedral, _) = forms[at];
            let inverted = codes[at].map(|byte| !byte);
            forms.push((dihedral, true));
            codes.push(inverted);
        }
    }
    (forms, codes)
}

/// The entry, if its bank takes part and it is not suspended.
fn one(
    state: &LiveState,
    ask: &Ask,
    entry_no: u64,
    signal_type: SignalType,
    distance: Distance,
    dihedral: Dihedral,
    negative: bool,
) -> Option<Found> {
    let bank = state.bank_of(entry_no)?;
    let takes_part = bank.bank.kind.makes_known()
        && ask.banks.as_ref().is_none_or(|names| names.contains(&bank.bank.name))
        && ask.coin.is_none_or(|coin| bank.enabled_ratio >= coin)
        && ask.now_s.is_none_or(|now_s| state.is_enabled(entry_no, now_s));
    if !takes_part {
        return None;
    }
    let content_id = state.content_id(entry_no)?;
    Some(Found { entry_no, content_id, bank: Arc::clone(bank), signal_type, distance, dihedral, negative })
}

/// The banks of false alarms and of known-good files that have exactly these bytes: what is similar is suppressed by
/// them, what is equal never.
pub fn suppressed_by(state: &LiveState, digests: &[Signal]) -> Vec<Arc<LiveBank>> {
    let mut banks: Vec<Arc<LiveBank>> = Vec::new();
    for no in digests.iter().flat_map(|digest| state.equal(digest)) {
        let Some(bank) = state.bank_of(no) else { continue };
        let quiet = matches!(bank.bank.kind, BankKind::Negative | BankKind::KnownGood);
        if quiet && !banks.iter().any(|known| known.number == bank.number) {
            banks.push(Arc::clone(bank));
        }
    }
    banks
}
