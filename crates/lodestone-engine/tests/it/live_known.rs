//! Known pictures in memory: what is looked for follows the banks, within its bound, whatever cannot be opened.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::ops::ControlFlow;

use lodestone_engine::derive::{DerivedLookUp, FeatureSeal, SealFailed};
use lodestone_engine::live::{KnownBank, LiveBanks, LiveKnown};
use lodestone_features::{Descriptor, Features, Keypoint};
use lodestone_store::{BankChange, Batch, NewContent, Store, StoreError};
use lodestone_types::{BankKind, Blob, Observation, Signal, SignalType, Standing};

/// Turns every byte round; what begins with 0xff is damaged.
struct Turned;

impl FeatureSeal for Turned {
    fn seal(&self, _: &mut Batch<'_>, _: i64, record: &[u8]) -> Result<Vec<u8>, SealFailed> {
        Ok(record.iter().map(|byte| !byte).collect())
    }

    fn open(&self, entry_no: i64, sealed: &[u8]) -> Result<Vec<u8>, SealFailed> {
        if sealed.first() == Some(&0xff) {
            return Err(format!("damaged: {entry_no}").into());
        }
        Ok(sealed.iter().map(|byte| !byte).collect())
    }
}

/// Features of a picture that is like no other.
fn features(seed: u64) -> Features {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut keypoints: Vec<Keypoint> = (0..120)
        .map(|_| {
            let (x, y) = (u16::try_from(random() % 9600).unwrap(), u16::try_from(random() % 7600).unwrap());
            Keypoint { x, y, scale: 64, angle: 0 }
        })
        .collect();
    keypoints.sort_unstable();
    let descriptors = (0..120).map(|_| Descriptor([random(), random(), random(), random()])).collect();
    Features { width: 600, height: 480, keypoints, descriptors }
}

struct House {
    folder: tempfile::TempDir,
    store: Store,
    live: LiveBanks,
    known: LiveKnown,
    refused: Vec<String>,
    max_bytes: u64,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        for name in ["A", "B"] {
            store.create_bank(name, BankKind::Own, 31, "", 1).unwrap();
        }
        let live = LiveBanks::open(&mut store, folder.path(), &mut |_| ControlFlow::Continue(())).unwrap();
        let known = LiveKnown::default();
        Self { folder, store, live, known, refused: Vec::new(), max_bytes: u64::MAX }
    }

    /// Adds a picture; returns its content id and number.
    fn add(&mut self, bank: &str, seed: u64) -> (i64, u64) {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&(seed + 1).to_le_bytes());
        let signal = Signal::from_bytes(SignalType::Sha256, &digest).unwrap();
        let added = self.store.batch(1, |batch| {
            let content = NewContent { signals: std::slice::from_ref(&signal), ..NewContent::default() };
            let added = batch.add_content(bank, &content)?;
            let sealed = Turned.seal(batch, added.entry_no, &features(seed).to_bytes()).unwrap();
            batch.put_features(added.entry_no, &sealed)?;
            Ok::<_, StoreError>(added)
        });
        let added = added.unwrap();
        (added.content_id, added.entry_no.unsigned_abs())
    }

    /// Look-ups see what was committed.
    fn follow(&mut self) {
        self.live.follow(&mut self.store).unwrap();
    }

    /// The known pictures do too; whether anything was done.
    fn step(&mut self) -> bool {
        self.follow();
        let state = self.live.view().now();
        let mut tell = |no: u64, why: &str| self.refused.push(format!("{no}: {why}"));
        let next = self.known.next(&self.store, &state, &Turned, self.max_bytes, &mut tell).unwrap();
        next.map(|next| self.known = next).is_some()
    }

    /// Numbers of the entries that a picture is found as.
    fn found(&self, seed: u64) -> Vec<u64> {
        let record = features(seed).to_bytes();
        let seen = Observation { features: vec![Blob(record)], ..Observation::default() };
        let mut looking = DerivedLookUp::new(&seen, []);
        looking.features(&self.live.view().now(), &self.known, &|_| true);
        let hits = looking.hits();
        assert!(hits.iter().all(|hit| hit.layer == 3 && hit.standing == Standing::Match), "{hits:?}");
        hits.iter().map(|hit| hit.entry_no).collect()
    }

    fn bank(&self, name: &str) -> KnownBank {
        let number = self.live.view().now().bank(name).unwrap().number;
        self.known.banks().get(&number).copied().unwrap_or_default()
    }
}

#[test]
fn what_is_looked_for_follows_the_banks_step_by_step() {
    let mut house = House::new();
    let first: Vec<(i64, u64)> = (0..90).map(|seed| house.add("A", seed)).collect();
    assert!(house.step());
    assert!(!house.step(), "nothing changed since");
    assert_eq!(house.bank("A"), KnownBank { kept: 90, looked_for: 90, ..KnownBank::default() });
    assert!(house.known.memory_bytes() > 90 * 120 * 40);
    for seed in [0, 40, 89] {
        assert_eq!(house.found(seed), [first[usize::try_from(seed).unwrap()].1]);
    }
    assert_eq!(house.found(1000), [0u64; 0]);
    // Some more, in a part of their own.
    let (_, later) = house.add("B", 200);
    assert_eq!(house.found(200), [0u64; 0], "not yet");
    assert!(house.step());
    assert_eq!((house.found(200), house.found(40)), (vec![later], vec![first[40].1]));
    // What goes is gone with the commit, though it is in memory still.
    house.store.batch(1, |batch| batch.remove_content("A", first[40].0).map(drop)).unwrap();
    house.follow();
    assert_eq!(house.found(40), [0u64; 0]);
    assert!(house.step());
    assert_eq!(house.bank("A"), KnownBank { kept: 89, looked_for: 89, ..KnownBank::default() });
    // So many that everything is built anew.
    for seed in 300..340 {
        house.add("B", seed);
    }
    assert!(house.step());
    assert_eq!(house.bank("B").looked_for, 41);
    assert_eq!(
        (house.found(200), house.found(40), house.found(41)),
        (vec![later], vec![], vec![first[41].1])
    );
    house.store.delete_bank("A").unwrap();
    house.follow();
    assert_eq!((house.found(41), house.found(200)), (vec![], vec![later]));
    assert!(house.step());
    assert_eq!(house.known.total(), KnownBank { kept: 41, looked_for: 41, ..KnownBank::default() });
}

#[test]
fn features_put_in_place_of_others_of_a_file_that_changed_are_the_ones_looked_for() {
    let mut house = House::new();
    let (_, no) = house.add("A", 1);
    house.add("A", 2);
    house.step();
    let number = i64::try_from(no).unwrap();
    // An import that gives the entry another file takes its features away, and others come.
    let name = house.store.entry_name(number).unwrap().unwrap().entry;
    let digest = Signal::from_bytes(SignalType::Sha256, &[9; 32]).unwrap();
    let row = lodestone_types::ListEntry { entry: name, signals: vec![digest], ..Default::default() };
    let source = lodestone_store::ListSource { name: "added by hand", sha256: "" };
    let options = lodestone_store::ImportOptions { now_us: 2, ..Default::default() };
    let report = house.store.import("A", source, [Ok(row)], options).unwrap();
    assert_eq!(report.updated, 1);
    house.follow();
    assert_eq!(house.found(1), [0u64; 0], "the file is another one");
    house.step();
    assert_eq!(house.bank("A").kept, 1);
    let sealed: Vec<u8> = features(3).to_bytes().iter().map(|byte| !byte).collect();
    house.store.batch(3, |batch| batch.put_features(number, &sealed)).unwrap();
    house.step();
    assert_eq!((house.found(1), house.found(3)), (vec![], vec![no]));
}

#[test]
fn what_cannot_be_opened_is_told_once_and_does_not_stop_the_rest() {
    let mut house = House::new();
    let (_, damaged) = house.add("A", 1);
    let (_, other) = house.add("A", 2);
    let (_, outdated) = house.add("A", 3);
    let put = |house: &mut House, no: u64, sealed: Vec<u8>| {
        house.store.batch(1, |batch| batch.put_features(i64::try_from(no).unwrap(), &sealed)).unwrap();
    };
    put(&mut house, damaged, vec![0xff; 100]);
    let mut old = features(3).to_bytes();
    old[4] = 99;
    put(&mut house, outdated, old.iter().map(|byte| !byte).collect());
    house.step();
    let expected = KnownBank { kept: 3, looked_for: 1, unreadable: 1, outdated: 1, ..KnownBank::default() };
    assert_eq!((house.bank("A"), house.found(2)), (expected, vec![other]));
    assert_eq!(house.known.unreadable().collect::<Vec<_>>(), [damaged]);
    assert_eq!(house.refused.len(), 1);
    house.add("B", 4);
    house.step();
    assert_eq!((house.refused.len(), house.bank("A")), (1, expected), "told once");
}

#[test]
fn memory_is_bounded_and_banks_that_ask_for_it_come_first() {
    let mut house = House::new();
    for seed in 0..10 {
        house.add("A", seed);
    }
    for seed in 20..25 {
        house.add("B", seed);
    }
    house.step();
    let each = house.known.memory_bytes() / 15;
    house.max_bytes = each * 8;
    let change = BankChange { layers: Some(0b101), ..BankChange::default() };
    house.store.batch(1, |batch| batch.change_bank("B", &change).map(drop)).unwrap();
    assert!(house.step());
    let (a, b) = (house.bank("A"), house.bank("B"));
    assert_eq!((b.kept, b.looked_for, b.no_room), (5, 5, 0));
    assert_eq!((a.kept, a.looked_for + a.no_room), (10, 10));
    assert!(a.looked_for < 8 && a.no_room > 2, "{a:?}");
    // So few have more air between them.
    assert!(house.known.memory_bytes() <= house.max_bytes * 6 / 5, "{}", house.known.memory_bytes());
    assert_eq!(house.found(9), [0u64; 0]);
    house.max_bytes = 0;
    house.add("B", 30);
    house.step();
    assert_eq!((house.known.total().looked_for, house.known.total().no_room), (0, 16));
    assert!(house.found(20).is_empty());
}

#[test]
fn pictures_of_another_reading_of_the_banks_are_not_looked_for() {
    let mut house = House::new();
    house.add("A", 1);
    house.step();
    assert!(house.known.is_of(&house.live.view().now()));
    let House { folder, mut store, live, known, .. } = house;
    drop(live);
    let live = LiveBanks::open(&mut store, folder.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(!known.is_of(&live.view().now()));
}
