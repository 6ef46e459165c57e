//! Layers 2 and 3 of look-ups of files: known pictures inside others.
//!
//! ```text
//! bytes ─▶ worker: digests, PDQ ─▶ layer 1 ─▶ is more wanted? ─▶ worker: regions, features ─▶ layers 2, 3 ─▶ one event
//!                                              Plan, by bank                                   threads that may wait
//! ```
//!
//! A file is read a second time where a bank wants more of it, so that neither what ends a worker there nor what takes long
//! costs the first answer. What was asked for and did not run is told, never left out.

mod pictures;
pub(crate) mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use bytes::Bytes;
use lodestone_engine::Parts;
use lodestone_engine::derive::{DerivedHit, DerivedLookUp, Layers, LiveShelf};
use lodestone_engine::live::{LiveBank, LiveState};
use lodestone_engine::pool::Kind;
use lodestone_types::{Observation, Signal, SignalType, Standing};
use tokio::sync::OwnedSemaphorePermit;

use crate::App;
use crate::error::ApiError;
use crate::lookup::{Ask, Derived, Distance, Found, bank_takes_part, taking_part};
use crate::media::{self, Hashed};

pub(crate) use pictures::Keeping;
pub use pictures::Pictures;

/// Layers of parts of pictures.
pub(crate) const PARTS: [u8; 2] = [2, 3];
/// How long a file waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Which banks take part in which layers of a look-up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    by_bank: BTreeMap<u64, Layers>,
    /// Those of all banks.
    all: u8,
    /// The caller named the layers: all are looked at, of every file.
    pub(crate) is_named: bool,
}

impl Plan {
    /// Of a look-up: of the layers that the caller names for all banks that take part, else of each bank's own setting.
    pub(crate) fn of(state: &LiveState, ask: &Ask, named: Option<Layers>) -> Self {
        let layers = |bank: &LiveBank| named.unwrap_or(Layers::from_bits(bank.layers));
        let banks = state.banks().filter(|bank| bank_takes_part(ask, bank));
        let by_bank = banks.map(|bank| (bank.number, layers(bank))).collect();
        Self { by_bank, all: 0, is_named: named.is_some() }.summed()
    }

    /// What is left of it once the whole picture, or the bytes, matched these: a bank that knows a file is not asked for more
    /// of it, unless the caller named the layers. `quiet`: the bytes are a confirmed false alarm, or a known good file.
    pub(crate) fn after(&self, found: &[Found], quiet: bool) -> Self {
        if self.is_named {
            return self.clone();
        }
        let mut left = self.clone();
        for layers in left.by_bank.values_mut().filter(|_| quiet) {
            *layers = Layers::WHOLE;
        }
        // What nobody vouches for yet must not keep a bank from what is sure.
        for one in found.iter().filter(|one| !one.is_for_review()) {
            left.by_bank.insert(one.bank.number, Layers::WHOLE);
        }
        left.summed()
    }

    fn summed(mut self) -> Self {
        self.all = self.by_bank.values().fold(0, |all, layers| all | layers.bits());
        self
    }

    /// The layers of one bank.
    pub(crate) fn of_bank(&self, number: u64) -> Layers {
        self.by_bank.get(&number).copied().unwrap_or(Layers::WHOLE)
    }

    /// The layers of all banks together.
    pub(crate) fn layers(&self) -> Layers {
        Layers::from_bits(self.all)
    }

    /// Whether any bank is asked for more than the whole picture.
    pub(crate) fn beyond_whole(&self) -> bool {
        self.layers().beyond_whole()
    }

    /// What a worker has to make of a picture for it.
    fn parts(&self) -> Parts {
        let layers = self.layers();
        // Features are made of the whole and of its best regions.
        Parts {
            regions: self.beyond_whole(),
            features: layers.has(3),
            detail: layers.has(2),
            ..Parts::default()
        }
    }
}

/// Whether any bank's own setting asks for more than the whole picture: then bytes are kept until they were looked at.
pub(crate) fn any_bank_asks(state: &LiveState) -> bool {
    state.banks().any(|bank| asks(bank, Layers::beyond_whole))
}

/// Whether a bank has features made of the files that are added to it.
pub(crate) fn keeps_features(bank: &LiveBank) -> bool {
    bank.bank.kind.makes_known() && asks(bank, |layers| layers.has(3))
}

fn asks(bank: &LiveBank, what: impl Fn(Layers) -> bool) -> bool {
    what(Layers::from_bits(bank.layers))
}

/// Has a worker look at the parts of a picture that was hashed before; waits where all workers are busy.
///
/// # Errors
/// What ended it; then none of these layers ran: 400 or 422 for the file, 429, 503.
pub(crate) async fn deepen(app: &App, bytes: &Bytes, plan: &Plan) -> Result<Observation, ApiError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match media::observe_again(app, bytes.clone(), Kind::Parts(plan.parts())).await {
            Err(error) if error.status() == StatusCode::TOO_MANY_REQUESTS && Instant::now() < until => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
            Ok(parts) => {
                return match &parts.unreadable {
                    Some(why) => Err(media::unreadable(Some(why))),
                    None => Ok(parts),
                };
            }
        }
    }
}

/// Features of a picture as they are kept of a known one; `None` where it has none. Of a file that was hashed before.
///
/// # Errors
/// 400 or 422 where the file cannot be read again; 429, 503.
pub(crate) async fn known_features(app: &App, bytes: Bytes) -> Result<Option<Vec<u8>>, ApiError> {
    let parts = Parts { features: true, known: true, ..Parts::default() };
    let seen = media::observe_again(app, bytes, Kind::Parts(parts)).await?;
    if let Some(why) = &seen.unreadable {
        return Err(media::unreadable(Some(why)));
    }
    let record = seen.features.into_iter().next().map(|record| record.0);
    Ok(record.filter(|record| lodestone_engine::derive::check_features(record).is_ok_and(|n| n > 0)))
}

/// Features that are to be kept of a file that is added to a bank; `None` where the bank keeps none. Inside, `None`: the
/// picture has none, or it is no picture.
///
/// # Errors
/// As [`known_features`].
pub(crate) async fn of_added(
    app: &App,
    bank: &LiveBank,
    hashed: &Hashed,
) -> Result<Option<Option<Vec<u8>>>, ApiError> {
    if !keeps_features(bank) {
        return Ok(None);
    }
    match hashed.original.bytes().filter(|_| hashed.signals.contains_key(&SignalType::Pdq)) {
        Some(bytes) => known_features(app, bytes.clone()).await.map(Some),
        None => Ok(Some(None)),
    }
}

/// A place among the look-ups of parts that run at one time: to be kept until it is done.
///
/// # Errors
/// 429 where none comes free in time.
pub(crate) async fn place(app: &App) -> Result<OwnedSemaphorePermit, ApiError> {
    let waiting = Arc::clone(app.pictures.places()).acquire_owned();
    let place = tokio::time::timeout(PATIENCE, waiting).await.map_err(|_| ApiError::busy(1))?;
    place.map_err(|_| ApiError::unavailable("the server is stopping"))
}

/// What parts of a file match that was hashed before, and which layers ran over it. See [`deepen`] and [`look_up`].
///
/// # Errors
/// As there, and those of [`place`].
pub(crate) async fn of_file(
    app: &App,
    state: &Arc<LiveState>,
    (plan, ask): (&Plan, &Ask),
    bytes: &Bytes,
    held: &[Found],
) -> Result<(Vec<Found>, Vec<u8>), ApiError> {
    let place = place(app).await?;
    let seen = deepen(app, bytes, plan).await?;
    let ran = told::ran(&seen, plan);
    let (inside, state) = (app.clone(), Arc::clone(state));
    let (plan, ask, held) = (plan.clone(), ask.clone(), held.to_vec());
    let looked = tokio::task::spawn_blocking(move || {
        let _place = place;
        look_up(&inside, &state, (&plan, &ask), &seen, &held)
    });
    let found = looked.await.map_err(|_| ApiError::unavailable("the look-up failed"))??;
    Ok((found, ran))
}

/// What parts of a picture match, surest first; `held` is what its whole or its bytes match. Tens of milliseconds of CPU:
/// for threads that may wait, with a [`place`].
///
/// # Errors
/// 503 when the index cannot be read.
pub(crate) fn look_up(
    app: &App,
    state: &LiveState,
    (plan, ask): (&Plan, &Ask),
    seen: &Observation,
    held: &[Found],
) -> Result<Vec<Found>, ApiError> {
    let takes_part = |no: u64, layer: u8| {
        let bank = taking_part(state, ask, no).map(|(_, bank)| bank.number);
        bank.is_some_and(|number| plan.of_bank(number).has(layer))
    };
    let mut looking = DerivedLookUp::new(seen, held.iter().map(|one| one.entry_no));
    if plan.layers().has(2) && seen.regions.is_some() {
        let begun = Instant::now();
        let of_layer = state.banks().filter(|bank| plan.of_bank(bank.number).has(2));
        looking.regions(&LiveShelf {
            state,
            values: of_layer.map(|bank| bank.pdq_values).sum(),
            takes_part: &|no| takes_part(no, 2),
            values_of: &|no| pdq_of(app, no),
        })?;
        app.metrics.layer_took(2, begun.elapsed());
    }
    let known = app.pictures.now();
    if plan.layers().has(3) && !seen.features.is_empty() && known.is_of(state) {
        let begun = Instant::now();
        looking.features(state, &known, &|no| takes_part(no, 3));
        app.metrics.layer_took(3, begun.elapsed());
    }
    let mut found = Vec::new();
    for hit in looking.hits() {
        let Some((content_id, bank)) = taking_part(state, ask, hit.entry_no) else { continue };
        if found.len() >= ask.most.of_a_bank {
            break;
        }
        app.metrics.layer_found(hit.layer, hit.standing);
        found.push(of_hit(state, hit, content_id, bank));
    }
    Ok(found)
}

fn of_hit(state: &LiveState, mut hit: DerivedHit, content_id: u64, bank: Arc<LiveBank>) -> Found {
    // An entry that too few members vouch for proves nothing by its parts either.
    if state.standing_of(hit.entry_no, SignalType::Pdq) != Standing::Match {
        hit.standing = Standing::Review;
    }
    let distance = match hit.distance_bits {
        Some(bits) => Distance::Bits(bits),
        None => Distance::Features(hit.inliers.unwrap_or(0)),
    };
    Found {
        entry_no: hit.entry_no,
        content_id,
        signal_type: SignalType::Pdq,
        distance,
        dihedral: hit.transform.dihedral,
        negative: hit.transform.negative,
        standing: hit.standing,
        derived: Some(Arc::new(Derived { asked_by_bank: asks(&bank, |layers| layers.has(hit.layer)), hit })),
        bank,
    }
}

/// The PDQ values of an entry. Where they cannot be read, a region is not made exact, and a person looks at it.
fn pdq_of(app: &App, no: u64) -> Vec<[u8; 32]> {
    let number = i64::try_from(no).unwrap_or(i64::MAX);
    let read = app.readers.read_now(|store| Ok(store.entry_by_no(number)?));
    let signals = read.ok().flatten().map(|entry| entry.row.signals).unwrap_or_default();
    let pdq = |signal: &Signal| signal.array::<32>().filter(|_| signal.kind() == SignalType::Pdq);
    signals.iter().filter_map(pdq).collect()
}

#[cfg(test)]
mod tests {
    use lodestone_types::{Bank, BankKind, ListVersion};

    use super::*;

    fn bank(number: u64) -> Arc<LiveBank> {
        let bank = Bank {
            name: format!("B{number}"),
            kind: BankKind::Own,
            radius_bits: 31,
            photodna_max_distance: None,
            source: String::new(),
            version: ListVersion::default(),
        };
        Arc::new(LiveBank { number, bank, enabled_ratio: 1.0, layers: 1, pdq_values: 0 })
    }

    fn found(number: u64) -> Found {
        Found {
            entry_no: number << 40,
            content_id: 1,
            bank: bank(number),
            signal_type: SignalType::Pdq,
            distance: Distance::Bits(3),
            dihedral: lodestone_types::Dihedral::AsIs,
            negative: false,
            standing: Standing::Match,
            derived: None,
        }
    }

    fn plan(banks: &[(u64, u8)], is_named: bool) -> Plan {
        let by_bank = banks.iter().map(|(number, bits)| (*number, Layers::from_bits(*bits))).collect();
        Plan { by_bank, all: 0, is_named }.summed()
    }

    #[test]
    fn a_bank_that_knows_a_file_is_not_asked_for_more_unless_layers_were_named() {
        let own = plan(&[(1, 0b111), (2, 0b011), (3, 0b001)], false);
        assert_eq!(own.layers().to_string(), "1,2,3");
        assert_eq!(own.after(&[found(1)], false).layers().to_string(), "1,2");
        assert_eq!(own.after(&[found(3)], false), own);
        assert!(!own.after(&[found(1), found(2)], false).beyond_whole());
        assert!(!own.after(&[], true).beyond_whole());
        // What nobody vouches for yet silences nothing.
        let thin = Found { standing: Standing::Review, ..found(1) };
        assert_eq!(own.after(&[thin], false), own);
        let named = plan(&[(1, 0b111)], true);
        assert_eq!(named.after(&[found(1)], true), named);
    }

    #[test]
    fn a_worker_makes_what_the_layers_need() {
        let parts = |bits| plan(&[(1, bits)], false).parts();
        assert_eq!(parts(0b001), Parts::default());
        assert_eq!(parts(0b011), Parts { regions: true, detail: true, ..Parts::default() });
        assert_eq!(parts(0b101), Parts { regions: true, features: true, ..Parts::default() });
    }
}
