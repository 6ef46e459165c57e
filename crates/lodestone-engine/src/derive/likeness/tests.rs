//! Vectors made of numbers: what is near is found, what resembles everything is not, and what a score is worth is counted.

use lodestone_types::{Bank, BankKind, Blob, ListEntry, ListVersion, Picture};

use super::*;
use crate::appraise::{AppraiseOptions, appraise};
use crate::derive::Layers;
use crate::look_up::LookUps;
use crate::snapshot::SnapshotBuilder;
use lodestone_types::State;

pub(super) const MODEL: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const DIMENSION: usize = 64;

fn numbers(seed: u64, dimension: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    for _ in 0..8 {
        next();
    }
    // A sum of four is near enough to a bell.
    (0..dimension).map(|_| next() + next() + next() + next()).collect()
}

pub(super) fn random(seed: u64, dimension: usize) -> ByteVector {
    ByteVector::from_values(&numbers(seed, dimension)).unwrap()
}

/// A direction shared by all, and one of each: as pictures of one kind have.
fn picture(seed: u64) -> Vec<f32> {
    let common = numbers(999_999, DIMENSION);
    numbers(seed, DIMENSION).iter().zip(common).map(|(own, common)| own + 0.4 * common).collect()
}

fn mixed(a: &[f32], b: &[f32], part: f32) -> ByteVector {
    let values: Vec<f32> = a.iter().zip(b).map(|(a, b)| a * part + b * (1.0 - part)).collect();
    ByteVector::from_values(&values).unwrap()
}

pub(super) fn described(vectors: &[ByteVector]) -> Descriptors {
    let part =
        |vector: &ByteVector| DescribedPart { vector: Blob(vector.to_bytes()), ..DescribedPart::default() };
    Descriptors { model: MODEL.to_owned(), parts: vectors.iter().map(part).collect(), failed: None }
}

fn seen(vectors: &[ByteVector]) -> Observation {
    Observation {
        picture: Some(Picture { width: 100, height: 80, frames: 1, ..Picture::default() }),
        descriptors: Some(described(vectors)),
        ..Observation::default()
    }
}

fn background(pictures: u64) -> Background {
    let mut learner = BackgroundLearner::new(MODEL, DIMENSION).unwrap();
    for seed in 0..pictures {
        let vectors =
            [picture(10_000 + seed), picture(30_000 + seed)].map(|v| ByteVector::from_values(&v).unwrap());
        assert_eq!(learner.take(Some(&described(&vectors))), Ok(Learned::Taken));
    }
    learner.finish().unwrap()
}

fn snapshot(known: u64, background: Option<Background>) -> Snapshot {
    let mut builder = SnapshotBuilder::default().with_parts().with_descriptor(MODEL, DIMENSION, background);
    builder.bank(Bank {
        name: "known".to_owned(),
        kind: BankKind::KnownReal,
        radius_bits: 31,
        photodna_max_distance: None,
        source: String::new(),
        version: ListVersion::default(),
    });
    for seed in 0..known {
        let key = builder.keyed(&ListEntry { entry: format!("k{seed}"), ..ListEntry::default() }).unwrap();
        let vector = ByteVector::from_values(&picture(seed)).unwrap();
        builder.likeness_mut().unwrap().observed(key, &seen(&[vector])).unwrap();
    }
    builder.build(1).unwrap()
}

fn asked_of(snapshot: &Snapshot, observation: Observation) -> (lodestone_types::Record, LookUps) {
    let mut look_ups = LookUps::default();
    let layers = Layers::WHOLE.with_descriptor();
    let options = AppraiseOptions { layers, ..AppraiseOptions::default() };
    let mut records = appraise(snapshot, options, vec![("q".into(), None, observation)], &mut look_ups);
    (records.remove(0), look_ups)
}

#[test]
fn what_is_alike_beyond_chance_is_for_review_and_never_a_match() {
    let snapshot = snapshot(60, Some(background(1200)));
    let query = mixed(&picture(7), &numbers(77_777, DIMENSION), 0.85);
    let (record, look_ups) = asked_of(&snapshot, seen(&[random(700_001, DIMENSION), query]));
    assert_eq!((look_ups.failed, record.state), (0, State::Derived));
    let [one] = record.matches.as_slice() else { panic!("{:?}", record.matches) };
    assert_eq!((one.entry.as_str(), one.layer, one.standing), ("k7", 4, Standing::Review));
    assert!(!one.makes_known() && one.hash_bits().is_none());
    assert_eq!(one.model.as_deref(), Some(MODEL));
    assert!(one.score > one.normalised_score && one.normalised_score > Some(Milli(0)));
    // Nothing so near among 1,200 pictures: once in as many is what can be vouched for, and no less.
    assert_eq!(one.expected_false_hits, Some(1.0 / 1200.0));
    assert!(record.observation.descriptors.is_none(), "they go no farther");
}

#[test]
fn unrelated_pictures_are_not_found() {
    let snapshot = snapshot(60, Some(background(1200)));
    let mut reviews = 0;
    let mut possible = 0;
    for seed in 0..300 {
        let vector = ByteVector::from_values(&picture(500_000 + seed)).unwrap();
        let (record, _) = asked_of(&snapshot, seen(&[vector]));
        reviews += record.matches.iter().filter(|one| !one.is_possible()).count();
        possible += record.matches.iter().filter(|one| one.is_possible()).count();
    }
    // One in 1,000 is allowed for review, one in 20 as possible.
    assert!(reviews <= 1 && possible <= 30, "{reviews} {possible}");
}

#[test]
fn a_picture_that_resembles_everything_has_little_left_of_its_scores() {
    let snapshot = snapshot(60, Some(background(300)));
    let near = |vector: ByteVector| snapshot.likeness().unwrap().nearest(&[vector])[0];
    let generic = near(ByteVector::from_values(&numbers(999_999, DIMENSION)).unwrap());
    let own = near(mixed(&picture(7), &numbers(88_888, DIMENSION), 0.6));
    assert!(generic.score > 0.3, "{generic:?}");
    assert!(generic.normalised.unwrap() < 0.1, "{generic:?}");
    assert!(own.normalised.unwrap() > generic.normalised.unwrap() + 0.2, "{own:?}");
    assert!(own.expected_false_hits < generic.expected_false_hits);
}

#[test]
fn without_a_background_two_hundred_known_pictures_stand_in_and_fewer_vouch_for_nothing() {
    let query = || seen(&[mixed(&picture(7), &numbers(77_777, DIMENSION), 0.98)]);
    let (record, _) = asked_of(&snapshot(250, None), query());
    let one = &record.matches[0];
    assert_eq!((one.entry.as_str(), one.standing), ("k7", Standing::PossibleDerivative));
    assert_eq!(one.expected_false_hits, Some(1.0 / 250.0));
    assert!(one.normalised_score.is_some());

    let few = snapshot(50, None);
    let (record, _) = asked_of(&few, query());
    let one = &record.matches[0];
    assert_eq!((one.entry.as_str(), one.standing), ("k7", Standing::PossibleDerivative));
    assert_eq!((one.expected_false_hits, one.normalised_score), (None, None));
    assert_eq!(record.state, State::Examined);
    assert!(few.described().unwrap().1.contains("bare cosines"));
    let (record, _) = asked_of(&few, seen(&[mixed(&picture(7), &numbers(77_777, DIMENSION), 0.6)]));
    assert!(record.matches.is_empty(), "{:?}", record.matches);
}

#[test]
fn what_is_not_described_is_told_and_counted_and_never_no_match() {
    let snapshot = snapshot(30, Some(background(30)));
    let whole = seen(&[ByteVector::from_values(&picture(3)).unwrap()]);
    let with = |change: &dyn Fn(&mut Descriptors)| {
        let mut observation = whole.clone();
        change(observation.descriptors.as_mut().unwrap());
        observation
    };
    for (observation, why) in [
        (Observation { descriptors: None, ..whole.clone() }, "not described"),
        (with(&|d| d.parts.clear()), "not described"),
        (with(&|d| d.failed = Some("it takes too long".to_owned())), "too long"),
        (with(&|d| d.model = "ab".repeat(32)), "another model"),
        (with(&|d| d.parts[0].vector.0.truncate(20)), "its bytes are not"),
        (with(&|d| d.parts[0].vector = Blob(random(1, 12).to_bytes())), "another dimension"),
    ] {
        let (record, look_ups) = asked_of(&snapshot, observation);
        assert_eq!((record.state, look_ups.failed), (State::Unreadable, 1), "{why}");
        let told = record.observation.unreadable.unwrap();
        assert!(told.reason == "descriptor" && told.detail.contains(why), "{why}: {told:?}");
        assert!(look_ups.first_failure.unwrap().contains(why));
    }
    // What is no picture has no descriptor to miss.
    let (record, look_ups) = asked_of(&snapshot, Observation::default());
    assert_eq!((record.state, look_ups.failed), (State::Examined, 0));
    // What could be described is looked up all the same.
    let (record, _) = asked_of(&snapshot, with(&|d| d.failed = Some("the rest".to_owned())));
    assert!(!record.matches.is_empty());
}

/// A candidate whose score is expected by chance so often.
fn candidate(expected_false_hits: f64) -> Near {
    Near {
        key: 1,
        score: 0.7,
        normalised: Some(0.5),
        expected_false_hits: Some(expected_false_hits),
        vector: 0,
    }
}

fn held(layer: u8, standing: Standing) -> Found {
    Found { layer, standing, ..Found::as_it_is(1, SignalType::Pdq, 0) }
}

#[test]
fn what_features_and_scores_say_together_is_never_more_than_one_of_them_may_say() {
    let proof = |evidence_bits, sound| Proof { inliers: 9, evidence_bits, sound };
    let after = |one: Option<Found>, near: Near, proof: Option<Proof>, new: bool| {
        let mut found: Vec<Found> = one.into_iter().collect();
        settle(&near, None, proof.as_ref(), new, &mut found);
        found.pop().map(|one| (one.layer, one.standing, one.inliers, one.score))
    };
    let (possible, review, sure) = (Standing::PossibleDerivative, Standing::Review, Standing::Match);
    let score = Some(Milli(700));
    // Weak agreement that nothing speaks against, among ten candidates: for a person to see.
    let weak = after(Some(held(3, possible)), candidate(1.0), Some(proof(150, true)), true);
    assert_eq!(weak, Some((4, review, Some(9), score)));
    // A line, a spot, a frame: it stays what it was.
    let doubtful = after(Some(held(3, possible)), candidate(1.0), Some(proof(150, false)), true);
    assert_eq!(doubtful, Some((4, possible, None, score)));
    // The score says enough by itself.
    let by_score = after(Some(held(3, possible)), candidate(1e-4), Some(proof(150, false)), true);
    assert_eq!(by_score, Some((4, review, None, score)));
    let by_score = after(Some(held(1, possible)), candidate(1e-4), None, false);
    assert_eq!(by_score, Some((4, review, None, score)));
    // What was sure is sure, whatever the score; its layer stays.
    assert_eq!(after(Some(held(2, sure)), candidate(1.0), None, false), Some((2, sure, None, score)));
    assert_eq!(after(Some(held(2, review)), candidate(1e-4), None, false), Some((2, review, None, score)));
    assert_eq!(
        after(Some(held(3, sure)), candidate(1.0), Some(proof(300, true)), true),
        Some((4, sure, None, score))
    );
    // Nothing but a score: never a match.
    assert_eq!(after(None, candidate(1e-9), None, false), Some((4, review, None, score)));
    assert_eq!(after(None, candidate(0.04), None, false), Some((4, possible, None, score)));
    assert_eq!(after(None, candidate(0.2), None, false), None);
}
