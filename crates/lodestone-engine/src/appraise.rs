//! `appraise`: a snapshot and an observation in, matches, likelihood ratios and a state out. Pure: it never sees a pixel.

use std::collections::BTreeMap;

use lodestone_index::{Code256, SearchStats, Vector144};
use lodestone_provenance::weigh;
use lodestone_types::{
    BankKind, Dihedral, Edit, Fingerprint, HashMode, Match, Milli, Observation, Record, Relation, Signal,
    SignalType, Stage, Standing, State, Transform, Unreadable,
};

use crate::derive::{self, Layers};
use crate::look_up::{LookUpError, LookUps};
use crate::snapshot::Snapshot;

/// How matching is done, beyond what each bank says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppraiseOptions {
    /// Which layers look for known pictures; 1 by default.
    pub layers: Layers,
    /// PDQ hashes of lower quality are not searched by similarity. 50. *Source:* ThreatExchange `pdq/README.md`,
    /// "discard quality 49 and below".
    pub min_quality: u8,
}

impl Default for AppraiseOptions {
    fn default() -> Self {
        Self { layers: Layers::WHOLE, min_quality: 50 }
    }
}

/// A path, its bytes as hexadecimal where it is not UTF-8, and what was observed there.
pub type Seen = (String, Option<String>, Observation);

/// Matches observations against a snapshot, weighs their findings by its tables, and says how each ends. Whether a file is alike to another is not known yet:
/// triage says that.
///
/// A file whose look-up fails is never taken for one without a match: it keeps the digests that could be matched, is
/// `unreadable {stage: "match"}` where these do not make it known, and is counted in `look_ups`.
///
/// Cost: one batched search over all query forms (8 symmetries, each with its complement, of every frame and composite).
/// Larger batches are cheaper per file.
pub fn appraise(
    snapshot: &Snapshot,
    options: AppraiseOptions,
    seen: Vec<Seen>,
    look_ups: &mut LookUps,
) -> Vec<Record> {
    let observations: Vec<_> = seen.iter().map(|(_, _, observation)| observation).collect();
    let mut answers: Vec<Answer> = match matched(snapshot, options, &observations, &mut look_ups.stats) {
        Ok(matches) => matches.into_iter().map(|matches| (matches, None)).collect(),
        // One damaged block concerns few files: they are told apart.
        Err(_) => observations.iter().map(|one| alone(snapshot, options, one, look_ups)).collect(),
    };
    let generation = snapshot.generation();
    let mut records = Vec::with_capacity(seen.len());
    for ((path, path_bytes_hex, mut observation), (matches, failure)) in
        seen.into_iter().zip(answers.drain(..))
    {
        if let Some(failure) = failure {
            observation.unreadable.get_or_insert(failure);
        }
        if let Some(why) = derive::missing(snapshot, options, &observation) {
            let error = LookUpError::Descriptor(why);
            look_ups.fail(&error);
            let why = Unreadable::new(Stage::Match, "descriptor", error.to_string());
            observation.unreadable.get_or_insert(why);
        }
        if let Some(assessment) = &mut observation.assessment {
            weigh(snapshot.calibrations(), &mut observation.findings, assessment);
        }
        // They have done their work, and are large; what is like the picture itself goes no farther.
        if options.layers.beyond_whole() {
            observation.detail = None;
            observation.features = Vec::new();
            observation.descriptors = None;
        }
        let state = state(&matches, &observation);
        records.push(Record { path, path_bytes_hex, state, observation, matches, generation, group: None });
    }
    records
}

/// Matches, and why they are not all.
type Answer = (Vec<Match>, Option<Unreadable>);

fn alone(
    snapshot: &Snapshot,
    options: AppraiseOptions,
    observation: &Observation,
    look_ups: &mut LookUps,
) -> Answer {
    let error = match matched(snapshot, options, &[observation], &mut look_ups.stats) {
        Ok(mut matches) => return (matches.pop().unwrap_or_default(), None),
        Err(error) => error,
    };
    look_ups.fail(&error);
    let failure = Unreadable::new(Stage::Match, "look_up", error.to_string());
    let no_prints = AppraiseOptions { layers: Layers::WHOLE, min_quality: u8::MAX };
    let exact = matched(snapshot, no_prints, &[observation], &mut look_ups.stats);
    (exact.ok().and_then(|mut matches| matches.pop()).unwrap_or_default(), Some(failure))
}

/// The matches of each observation.
fn matched(
    snapshot: &Snapshot,
    options: AppraiseOptions,
    observations: &[&Observation],
    stats: &mut SearchStats,
) -> Result<Vec<Vec<Match>>, LookUpError> {
    let mut queries = Queries::default();
    for (number, observation) in observations.iter().enumerate() {
        for print in observation.fingerprints.iter().filter(|print| print.quality >= options.min_quality) {
            queries.add(number, print);
        }
    }
    let mut found: Vec<Vec<Found>> = observations.iter().map(|one| exact(snapshot, one)).collect();
    for (number, similar) in queries.search(snapshot, stats)? {
        if let Some(found) = found.get_mut(number) {
            found.extend(similar);
        }
    }
    let values = snapshot.pdq_signals()?;
    for (found, observation) in found.iter_mut().zip(observations) {
        let prints = observation.fingerprints.len() as u32;
        for one in found.iter_mut().filter(|one| one.layer == 1) {
            let tail = snapshot.region_tail();
            one.expected_false_hits = Some(tail.expected_false_hits(one.distance_bits, prints, 16, values));
        }
    }
    if options.layers.beyond_whole() {
        for (found, observation) in found.iter_mut().zip(observations) {
            derive::find(snapshot, options, observation, found, stats)?;
        }
    }
    let mut matches = name(snapshot, &found)?;
    for matches in &mut matches {
        let exonerated = matches.iter().any(|m| !m.bank_kind.makes_known());
        if exonerated {
            matches.iter_mut().filter(|m| !m.signal_type.is_digest()).for_each(|m| m.suppressed = true);
        }
        sort(matches);
    }
    Ok(matches)
}

/// Matches of one signal given by its value: digests exactly, PDQ as it is and as its negative, PhotoDNA as it is (in a
/// snapshot that was built with such values). The other symmetries need the picture: they cannot be told exactly from a
/// hash.
///
/// # Errors
/// [`LookUpError`] when what it is matched against cannot be read; also counted in `look_ups`.
pub fn appraise_signal(
    snapshot: &Snapshot,
    signal: &Signal,
    look_ups: &mut LookUps,
) -> Result<Vec<Match>, LookUpError> {
    let mut found = Vec::new();
    if signal.kind() == SignalType::Pdq {
        if let Some(hash) = signal.array() {
            let mut queries = Queries::default();
            queries.push(0, hash, Transform::default(), false);
            queries.push(0, hash.map(|byte| !byte), Transform::new(Dihedral::AsIs, true, None, None), false);
            let similar = queries.search(snapshot, &mut look_ups.stats);
            let similar = similar.inspect_err(|error| look_ups.fail(error))?;
            found.extend(similar.into_values().flatten());
        }
    } else if signal.kind() == SignalType::Photodna {
        if let Some(value) = signal.array() {
            let near = snapshot.search_photodna(&[(0, Vector144(value))], &mut look_ups.stats);
            let near = near.inspect_err(|error| look_ups.fail(error))?;
            found.extend(near.into_iter().map(|((_, key), squared)| Found::photodna(key, squared)));
        }
    } else {
        digest(snapshot, signal.kind(), signal.bytes(), &mut found);
    }
    let named = name(snapshot, &[found]).inspect_err(|error| look_ups.fail(error));
    let mut matches = named?.pop().unwrap_or_default();
    sort(&mut matches);
    Ok(matches)
}

/// A match whose entry has no name yet.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) key: u64,
    pub(crate) signal_type: SignalType,
    pub(crate) distance_bits: u32,
    pub(crate) distance_squared: Option<u32>,
    pub(crate) transform: Transform,
    pub(crate) folded: bool,
    /// What found it; 0 the bytes.
    pub(crate) layer: u8,
    /// The radius in force, where it is not the bank's.
    pub(crate) radius_bits: Option<u32>,
    pub(crate) standing: Standing,
    pub(crate) relation: Option<Relation>,
    pub(crate) inliers: Option<u32>,
    pub(crate) evidence_bits: Option<u32>,
    pub(crate) windows: Option<u32>,
    pub(crate) expected_false_hits: Option<f64>,
    /// Cosine of descriptors, and what is left of it.
    pub(crate) score: Option<Milli>,
    pub(crate) normalised_score: Option<Milli>,
    pub(crate) edit: Option<Edit>,
}

impl Found {
    pub(crate) fn as_it_is(key: u64, signal_type: SignalType, distance_bits: u32) -> Self {
        Self {
            key,
            signal_type,
            distance_bits,
            distance_squared: None,
            transform: Transform::default(),
            folded: false,
            layer: u8::from(!signal_type.is_digest()),
            radius_bits: None,
            standing: Standing::Match,
            relation: None,
            inliers: None,
            evidence_bits: None,
            windows: None,
            expected_false_hits: None,
            score: None,
            normalised_score: None,
            edit: None,
        }
    }

    pub(crate) fn photodna(key: u64, distance_squared: u32) -> Self {
        let found = Self::as_it_is(key, SignalType::Photodna, 0);
        Self { distance_squared: Some(distance_squared), ..found }
    }
}

fn exact(snapshot: &Snapshot, observation: &Observation) -> Vec<Found> {
    let mut found = Vec::new();
    if let Some(digests) = &observation.digests {
        digest(snapshot, SignalType::Md5, &digests.md5, &mut found);
        digest(snapshot, SignalType::Sha1, &digests.sha1, &mut found);
        digest(snapshot, SignalType::Sha256, &digests.sha256.0, &mut found);
    }
    found
}

fn digest(snapshot: &Snapshot, signal_type: SignalType, value: &[u8], found: &mut Vec<Found>) {
    let keys = snapshot.digest(signal_type, value);
    found.extend(keys.map(|key| Found::as_it_is(key, signal_type, 0)));
}

/// Fetches the names of all entries at once.
pub(crate) fn name(snapshot: &Snapshot, found: &[Vec<Found>]) -> Result<Vec<Vec<Match>>, LookUpError> {
    let names = snapshot.names(&found.iter().flatten().map(|found| found.key).collect())?;
    let a_match = |found: &Found| -> Result<Match, LookUpError> {
        let bank = snapshot.bank_of(found.key)?;
        let name = names.get(&found.key);
        let name = name.ok_or_else(|| LookUpError::Mismatch("an entry has no name".to_owned()))?;
        let radius_bits = if found.signal_type == SignalType::Pdq { bank.radius_bits } else { 0 };
        let standing = match found.standing {
            // Local features are of the entry as a whole.
            Standing::Match => {
                snapshot.standing_of(found.key, (found.layer < 3).then_some(found.signal_type))?
            }
            other => other,
        };
        Ok(Match {
            distance_bits: found.distance_bits,
            radius_bits: found.radius_bits.unwrap_or(radius_bits),
            distance_squared: found.distance_squared,
            max_distance_squared: found.distance_squared.map(|_| bank.photodna_max_distance.unwrap_or(0)),
            transform: found.transform,
            folded: found.folded,
            classification: name.classification.clone(),
            layer: found.layer,
            standing,
            relation: found.relation,
            inliers: found.inliers,
            evidence_bits: found.evidence_bits,
            windows: found.windows,
            expected_false_hits: found.expected_false_hits,
            score: found.score,
            normalised_score: found.normalised_score,
            model: found.score.and(snapshot.likeness()).map(|likeness| likeness.model().to_owned()),
            edit: found.edit.clone(),
            ..Match::plain(&bank.name, bank.kind, &name.entry, found.signal_type)
        })
    };
    found.iter().map(|found| found.iter().map(a_match).collect()).collect()
}

/// Query forms of a batch of files, in the order they are searched.
#[derive(Default)]
struct Queries {
    codes: Vec<Code256>,
    owners: Vec<(usize, Transform, bool)>,
}

impl Queries {
    fn add(&mut self, file: usize, print: &Fingerprint) {
        let form = print.form;
        let folded = print.mode == HashMode::Folded;
        for (dihedral, hash) in Dihedral::ALL.into_iter().zip(&print.pdq_dihedral) {
            for negative in [false, true] {
                let hash = if negative { hash.map(|byte| !byte) } else { *hash };
                let transform =
                    Transform::new(dihedral, negative, Some((form.frame, form.t_ms)), form.backdrop);
                self.push(file, hash, transform, folded);
            }
        }
    }

    fn push(&mut self, file: usize, hash: [u8; 32], transform: Transform, folded: bool) {
        self.codes.push(Code256::from_bytes(&hash));
        self.owners.push((file, transform, folded));
    }

    /// By file, the best form for each entry: least distance, then the form added first.
    fn search(
        &self,
        snapshot: &Snapshot,
        stats: &mut SearchStats,
    ) -> Result<BTreeMap<usize, Vec<Found>>, LookUpError> {
        let mut best: BTreeMap<usize, BTreeMap<u64, (u32, u32)>> = BTreeMap::new();
        for hit in snapshot.search(&self.codes, stats)? {
            let (file, ..) = self.owners[hit.query as usize];
            let candidate = (hit.distance_bits, hit.query);
            let held = best.entry(file).or_default().entry(hit.id).or_insert(candidate);
            *held = candidate.min(*held);
        }
        let found = |(key, (distance_bits, query)): (u64, (u32, u32))| {
            let (_, transform, folded) = self.owners[query as usize];
            Found { transform, folded, ..Found::as_it_is(key, SignalType::Pdq, distance_bits) }
        };
        Ok(best.into_iter().map(|(file, keys)| (file, keys.into_iter().map(found).collect())).collect())
    }
}

/// Best first: what counts before what is suppressed, what stands before what a person has to look at, digests before similarity, then what is known,
/// distance, bank, entry.
fn sort(matches: &mut [Match]) {
    matches.sort_by(|a, b| {
        let known = |m: &Match| m.bank_kind.makes_known();
        let distance = |m: &Match| (m.distance_bits, m.distance_squared);
        let key = |m: &Match| {
            (m.suppressed, m.standing, !m.signal_type.is_digest(), !known(m), m.layer, distance(m))
        };
        key(a)
            .cmp(&key(b))
            .then_with(|| (&a.bank, &a.entry, a.signal_type).cmp(&(&b.bank, &b.entry, b.signal_type)))
    });
}

fn state(matches: &[Match], observation: &Observation) -> State {
    if matches.iter().any(Match::makes_known) {
        State::Known
    } else if matches.iter().any(Match::makes_derived) {
        State::Derived
    } else if matches.iter().any(|m| m.bank_kind == BankKind::KnownGood) {
        State::KnownGood
    } else if observation.unreadable.is_some() {
        State::Unreadable
    } else {
        State::Examined
    }
}

#[cfg(test)]
mod tests {
    use lodestone_types::{Bank, ContentId, Digests, Form, ListEntry, ListVersion, TransformKind};

    use super::*;
    use crate::snapshot::SnapshotBuilder;

    fn bank(name: &str, kind: BankKind, radius_bits: u32) -> Bank {
        Bank {
            name: name.into(),
            kind,
            radius_bits,
            photodna_max_distance: None,
            source: name.into(),
            version: ListVersion::default(),
        }
    }

    fn entry(name: &str, signals: &[&str]) -> ListEntry {
        let signals = signals.iter().map(|text| text.parse().unwrap()).collect();
        ListEntry { entry: name.into(), signals, ..ListEntry::default() }
    }

    fn hash(seed: u8) -> [u8; 32] {
        std::array::from_fn(|i| (i as u8).wrapping_mul(37).wrapping_add(seed.wrapping_mul(91)) ^ (seed << 3))
    }

    fn observed(hashes: [[u8; 32]; 8], quality: u8) -> Observation {
        let digests = Digests { md5: [1; 16], sha1: [2; 20], sha256: ContentId([3; 32]) };
        let print = Fingerprint {
            form: Form::default(),
            pdq_dihedral: hashes.into(),
            quality,
            mode: HashMode::Exact,
        };
        Observation { digests: Some(digests), fingerprints: vec![print], ..Observation::default() }
    }

    fn one(snapshot: &Snapshot, observation: Observation) -> Record {
        let seen = vec![("x".into(), None, observation)];
        appraise(snapshot, AppraiseOptions::default(), seen, &mut LookUps::default()).remove(0)
    }

    fn pdq(hash: [u8; 32]) -> String {
        format!("pdq:{}", lodestone_types::hex::encode(&hash))
    }

    #[test]
    fn every_symmetry_and_its_negative_is_searched_within_the_banks_own_radius() {
        let forms: [[u8; 32]; 8] = std::array::from_fn(|i| hash(i as u8 + 1));
        let mut near = forms[4].map(|byte| !byte);
        near[0] ^= 0b111;
        let mut builder = SnapshotBuilder::default();
        builder.bank(bank("wide", BankKind::KnownReal, 31));
        builder.entry(&entry("7", &[&pdq(near)])).unwrap();
        builder.bank(bank("tight", BankKind::KnownReal, 2));
        builder.entry(&entry("7", &[&pdq(near)])).unwrap();
        let snapshot = builder.build(5).unwrap();
        let record = one(&snapshot, observed(forms, 90));
        assert_eq!(record.state, State::Known);
        assert_eq!(record.generation, 5);
        let [only] = record.matches.as_slice() else { panic!("{:?}", record.matches) };
        assert_eq!((only.bank.as_str(), only.distance_bits), ("wide", 3));
        assert_eq!(only.transform.kind, TransformKind::Negative);
        assert_eq!(only.transform.dihedral, Dihedral::FlipX);
    }

    #[test]
    fn low_quality_is_matched_by_digest_only() {
        let mut builder = SnapshotBuilder::default();
        builder.bank(bank("b", BankKind::KnownReal, 31));
        builder.entry(&entry("1", &[&pdq(hash(1))])).unwrap();
        builder
            .entry(&entry("2", &["sha256:0303030303030303030303030303030303030303030303030303030303030303"]))
            .unwrap();
        let record = one(&builder.build(1).unwrap(), observed([hash(1); 8], 49));
        let entries: Vec<_> = record.matches.iter().map(|m| m.entry.as_str()).collect();
        assert_eq!(entries, ["2"]);
    }

    #[test]
    fn negative_and_known_good_suppress_similarity_and_never_a_digest() {
        let build = |with_digest: bool| {
            let mut builder = SnapshotBuilder::default();
            builder.bank(bank("known", BankKind::KnownReal, 31));
            let md5 = "md5:01010101010101010101010101010101";
            let similar = pdq(hash(1));
            let signals = [similar.as_str(), md5];
            builder.entry(&entry("1", &signals[..if with_digest { 2 } else { 1 }])).unwrap();
            builder.bank(bank("good", BankKind::KnownGood, 31));
            builder.entry(&entry("9", &["sha1:0202020202020202020202020202020202020202"])).unwrap();
            builder.build(1).unwrap()
        };
        let similar = one(&build(false), observed([hash(1); 8], 90));
        assert_eq!(similar.state, State::KnownGood);
        assert!(similar.matches.iter().any(|m| m.bank == "known" && m.suppressed));
        let exact = one(&build(true), observed([hash(1); 8], 90));
        assert_eq!(exact.state, State::Known);
        assert_eq!(exact.matches[0].signal_type, SignalType::Md5);
        assert!(!exact.matches[0].suppressed);
    }

    #[test]
    fn an_unreadable_file_is_still_matched_by_digest() {
        let broken = Observation {
            fingerprints: Vec::new(),
            unreadable: Some(Unreadable::new(Stage::Decode, "malformed", "")),
            ..observed([hash(1); 8], 90)
        };
        let mut builder = SnapshotBuilder::default();
        builder.bank(bank("b", BankKind::Own, 31));
        builder.entry(&entry("1", &["md5:01010101010101010101010101010101"])).unwrap();
        assert_eq!(one(&builder.build(1).unwrap(), broken.clone()).state, State::Known);
        assert_eq!(one(&Snapshot::default(), broken).state, State::Unreadable);
    }

    #[test]
    fn a_signal_given_by_value_is_matched_as_it_is_and_as_negative() {
        let mut builder = SnapshotBuilder::default();
        builder.bank(bank("b", BankKind::KnownGenerated, 31));
        builder.entry(&entry("1", &[&pdq(hash(1))])).unwrap();
        let snapshot = builder.build(1).unwrap();
        let negative = pdq(hash(1).map(|byte| !byte)).parse().unwrap();
        let matches = appraise_signal(&snapshot, &negative, &mut LookUps::default()).unwrap();
        assert_eq!(matches[0].transform.kind, TransformKind::Negative);
        assert_eq!(matches[0].bank_kind, BankKind::KnownGenerated);
    }
}
