//! One look-up: a signal against the banks of a moment. No database, no clock, no network.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lodestone_engine::LookUpError;
use lodestone_engine::derive::DerivedHit;
use lodestone_engine::live::{LiveBank, LiveState};
use lodestone_engine::text::TextDistance;
use lodestone_types::{BankKind, Dihedral, Signal, SignalType, Standing};

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
    /// How many matches are kept.
    pub most: Most,
}

/// How many matches of one signal are kept, the nearest; those beyond are counted. A bank may have one value a hundred
/// thousand times: that must neither fill the memory nor hide what is in another bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// Of one bank.
    pub of_a_bank: usize,
    /// Of all banks.
    pub in_all: usize,
}

impl Default for Most {
    /// For HMA's routes, which have no way to ask for less: some 20 MB at worst, as text and before.
    fn default() -> Self {
        Self { of_a_bank: 20_000, in_all: 50_000 }
    }
}

/// What matches a signal: nearest first, then by id.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    /// Those that are kept.
    pub found: Vec<Found>,
    /// How many more entries match, none of them nearer than those kept of the same bank.
    pub left_out: u64,
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
    /// Local features that agree: they have no distance.
    Features(u32),
}

impl Distance {
    /// As HMA writes it: `"4"`, `"-"`, `"97%"`. *Source:* `hma.md` section 1.4.
    pub fn to_hma(&self) -> String {
        match self {
            Self::Bits(bits) => bits.to_string(),
            Self::Exact => "-".to_owned(),
            Self::Text(distance) => distance.to_string(),
            // HMA has nothing like it. No number and no `-`, which would say that it is equal.
            Self::Features(agree) => format!("{agree} features"),
        }
    }

    /// Bits that differ, where that is what it counts; 0 for equal ones.
    pub fn bits(&self) -> Option<u32> {
        match self {
            Self::Bits(bits) => Some(*bits),
            Self::Exact => Some(0),
            Self::Text(_) | Self::Features(_) => None,
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
    /// Whether it stands, or is for a person to look at: fewer members hold or confirm it than its bank asks for.
    pub standing: Standing,
    /// How a part of the picture matched; `None` where the whole did, or the bytes.
    pub derived: Option<Arc<Derived>>,
}

/// How a part of a picture matches an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// What was found, and how sure it is.
    pub hit: DerivedHit,
    /// The bank's own setting asks for the layer that found it.
    pub asked_by_bank: bool,
}

impl Found {
    /// Whether it is for a person to look at, and for nothing else.
    pub fn is_for_review(&self) -> bool {
        let of_part = self.derived.as_ref().map_or(Standing::Match, |derived| derived.hit.standing);
        self.standing != Standing::Match || of_part != Standing::Match
    }
}

/// Whether looking up this type scans all there are: then a thread that may wait has to do it.
pub fn scans(kind: SignalType) -> bool {
    matches!(kind, SignalType::RawText | SignalType::TrendQuery | SignalType::TextTlsh)
}

/// What matches a signal; nearest first, then by id. `other_forms`: the picture's hashes in the other seven symmetries,
/// where they are known.
///
/// # Errors
/// 503 when the index cannot be read.
pub fn look_up(
    state: &LiveState,
    signal: &Signal,
    other_forms: &[(Dihedral, [u8; 32])],
    ask: &Ask,
) -> Result<Matches, ApiError> {
    let kind = signal.kind();
    let exact = |_: &Candidate| Distance::Exact;
    let equal = |no: u64| Candidate::of(state, ask, no, Some(0), 0);
    match kind {
        SignalType::Pdq => {
            let Some(hash) = signal.array::<32>() else { return Ok(Matches::default()) };
            let mut matches = Matches::default();
            each_print(state, &[Print { hash, others: other_forms }], ask, &mut |_, found| {
                matches = found?;
                Ok(())
            })?;
            Ok(matches)
        }
        SignalType::Url => {
            let candidates = state.texts(signal).into_iter().filter_map(|(no, _)| equal(no)).collect();
            Ok(nearest(state, ask, kind, candidates, exact))
        }
        kind if kind.is_digest() => {
            let candidates = state.equal(signal).into_iter().filter_map(equal).collect();
            Ok(nearest(state, ask, kind, candidates, exact))
        }
        kind => {
            let texts = state.texts(signal);
            let candidates =
                (0..).zip(&texts).filter_map(|(at, (no, _))| Candidate::of(state, ask, *no, None, at));
            let distance =
                |one: &Candidate| texts.get(one.at).map_or(Distance::Exact, |(_, d)| Distance::Text(*d));
            Ok(nearest(state, ask, kind, candidates.collect(), distance))
        }
    }
}

/// A picture's PDQ to look up: as it is, and in the other symmetries where they are known.
#[derive(Clone, Copy, Debug)]
pub struct Print<'p> {
    /// As it is.
    pub hash: [u8; 32],
    /// The other symmetries.
    pub others: &'p [(Dihedral, [u8; 32])],
}

/// PDQ hashes of one search: enough to share its cost.
const TOGETHER: usize = 64;
/// Values that one search of several hashes may find; where there are more, it is made for fewer hashes at a time.
const ROOM: usize = 1 << 16;

/// Takes what matches one of many, by its place among them.
pub type EachPrint<'e> = dyn FnMut(usize, Result<Matches, ApiError>) -> Result<(), ApiError> + 'e;

/// Hands over what matches each of many PDQ hashes, in their order: what [`look_up`] finds for each. Many share a search;
/// what is held at a time is bounded whatever the banks hold. An index that is damaged in part fails those that need it.
///
/// # Errors
/// Those of `each`, at once.
pub fn each_print(
    state: &LiveState,
    prints: &[Print<'_>],
    ask: &Ask,
    each: &mut EachPrint<'_>,
) -> Result<(), ApiError> {
    for (number, some) in prints.chunks(TOGETHER).enumerate() {
        each_of_group(state, some, number * TOGETHER, ask, each)?;
    }
    Ok(())
}

fn each_of_group(
    state: &LiveState,
    prints: &[Print<'_>],
    first: usize,
    ask: &Ask,
    each: &mut EachPrint<'_>,
) -> Result<(), ApiError> {
    let is_one = prints.len() <= 1;
    match together(state, prints, ask, if is_one { usize::MAX } else { ROOM }) {
        Ok(Some(all)) => (first..).zip(all).try_for_each(|(at, candidates)| {
            let bits = |one: &Candidate| Distance::Bits(one.distance_bits.unwrap_or(0));
            each(at, Ok(nearest(state, ask, SignalType::Pdq, candidates, bits)))
        }),
        Err(error) if is_one => each(first, Err(error.into())),
        Ok(None) if is_one => each(first, Err(ApiError::unavailable("index not yet ready"))),
        // Too much for all of them at once; or one damaged block, which concerns few: they are told apart.
        _ => {
            let (left, right) = prints.split_at(prints.len() / 2);
            each_of_group(state, left, first, ask, each)?;
            each_of_group(state, right, first + left.len(), ask, each)
        }
    }
}

/// What is near each hash; `None` where that is more than there is room for.
fn together(
    state: &LiveState,
    prints: &[Print<'_>],
    ask: &Ask,
    room: usize,
) -> Result<Option<Vec<Vec<Candidate>>>, LookUpError> {
    let (mut forms, mut all) = (Vec::new(), Vec::new());
    for (at, print) in prints.iter().enumerate() {
        let (own, codes) = codes(print.hash, print.others, ask.forms);
        forms.extend(own.into_iter().map(|(dihedral, negative)| (at, dihedral, negative)));
        all.extend(codes);
    }
    let Some(near) = state.near_at_most(&all, ask.radius_bits, room)? else { return Ok(None) };
    let mut found = vec![Vec::new(); prints.len()];
    for near in near {
        let Some((at, dihedral, negative)) = forms.get(near.query).copied() else { continue };
        let candidate = Candidate::of(state, ask, near.entry_no, Some(near.distance_bits), 0);
        if let (Some(found), Some(candidate)) = (found.get_mut(at), candidate) {
            found.push(Candidate { negative, dihedral, ..candidate });
        }
    }
    Ok(Some(found))
}

/// An entry that matches, before it is known whether it is kept. Its order is that of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    distance_bits: Option<u32>,
    content_id: u64,
    negative: bool,
    dihedral: Dihedral,
    entry_no: u64,
    /// Where its distance stands, if not here.
    at: usize,
}

impl Candidate {
    /// The entry, if its bank takes part and it is not suspended.
    fn of(
        state: &LiveState,
        ask: &Ask,
        entry_no: u64,
        distance_bits: Option<u32>,
        at: usize,
    ) -> Option<Self> {
        let bank = state.bank_of(entry_no)?;
        let takes_part =
            bank_takes_part(ask, bank) && ask.now_s.is_none_or(|now_s| state.is_enabled(entry_no, now_s));
        let content_id = takes_part.then(|| state.content_id(entry_no))??;
        let dihedral = Dihedral::AsIs;
        Some(Self { distance_bits, content_id, negative: false, dihedral, entry_no, at })
    }
}

/// Whether a bank takes part in look-ups made this way.
pub fn bank_takes_part(ask: &Ask, bank: &LiveBank) -> bool {
    bank.bank.kind.makes_known()
        && ask.banks.as_ref().is_none_or(|names| names.contains(&bank.bank.name))
        && ask.coin.is_none_or(|coin| bank.enabled_ratio >= coin)
}

/// The number of an entry's content and its bank, if it takes part in look-ups made this way.
pub fn taking_part(state: &LiveState, ask: &Ask, entry_no: u64) -> Option<(u64, Arc<LiveBank>)> {
    let candidate = Candidate::of(state, ask, entry_no, None, 0)?;
    Some((candidate.content_id, Arc::clone(state.bank_of(entry_no)?)))
}

/// The nearest of them, in order; an entry that matches in several forms is told once, in the nearest.
fn nearest(
    state: &LiveState,
    ask: &Ask,
    signal_type: SignalType,
    mut candidates: Vec<Candidate>,
    distance: impl Fn(&Candidate) -> Distance,
) -> Matches {
    candidates.sort_unstable();
    let mut seen = BTreeSet::new();
    let mut of_bank: BTreeMap<u64, usize> = BTreeMap::new();
    let mut matches = Matches::default();
    for one in candidates {
        let Some(bank) = state.bank_of(one.entry_no).filter(|_| seen.insert(one.entry_no)) else { continue };
        let count = of_bank.entry(bank.number).or_default();
        *count += 1;
        if *count > ask.most.of_a_bank || matches.found.len() >= ask.most.in_all {
            matches.left_out += 1;
            continue;
        }
        matches.found.push(Found {
            entry_no: one.entry_no,
            content_id: one.content_id,
            bank: Arc::clone(bank),
            signal_type,
            distance: distance(&one),
            dihedral: one.dihedral,
            negative: one.negative,
            derived: None,
            standing: state.standing_of(one.entry_no, signal_type),
        });
    }
    matches
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
