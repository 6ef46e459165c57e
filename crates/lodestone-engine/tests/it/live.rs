//! Banks followed in memory answer like a plain list of what is in them.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use lodestone_engine::live::{LiveBanks, LiveState};
use lodestone_store::{BankChange, ContentChange, ImportOptions, ListSource, NewContent, Store, StoreError};
use lodestone_types::{BankKind, ListEntry, Signal, SignalType};

/// What should be found: contents by id, with their bank and signals.
#[derive(Default)]
struct Model {
    contents: BTreeMap<u64, (String, Vec<Signal>)>,
    used: BTreeSet<Signal>,
}

/// A small generator, so that every run is the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// One of few values, so that contents share them.
    fn signal(&mut self) -> Signal {
        let byte = u8::try_from(self.below(12)).unwrap() + 1;
        let kinds =
            [SignalType::Pdq, SignalType::Md5, SignalType::VideoMd5, SignalType::Sha1, SignalType::Sha256];
        match self.below(7) {
            5 => {
                Signal::parse(SignalType::RawText, &format!("a text with a number in words: {byte}")).unwrap()
            }
            6 => Signal::parse(SignalType::Url, &format!("https://host-{byte}.example/")).unwrap(),
            at => {
                let kind = kinds[usize::try_from(at).unwrap()];
                // Far from each other: digests of a byte, spread over the value.
                let value: Vec<u8> = (0..kind.size_bytes().unwrap())
                    .map(|i| byte.wrapping_mul(37).rotate_left(u32::try_from(i % 8).unwrap()) ^ byte)
                    .collect();
                Signal::from_bytes(kind, &value).unwrap()
            }
        }
    }
}

fn found(state: &LiveState, signal: &Signal) -> BTreeSet<u64> {
    let numbers: Vec<u64> = match signal.kind() {
        SignalType::Pdq => {
            let near = state.near(&[signal.array().unwrap()], Some(0)).unwrap();
            near.into_iter().map(|near| near.entry_no).collect()
        }
        kind if kind.is_text() => {
            let exact = |(no, distance): (u64, lodestone_engine::text::TextDistance)| {
                ["-", "100%"].contains(&distance.to_string().as_str()).then_some(no)
            };
            state.texts(signal).into_iter().filter_map(exact).collect()
        }
        _ => state.equal(signal),
    };
    numbers.into_iter().map(|no| state.content_id(no).unwrap()).collect()
}

fn check(model: &Model, state: &LiveState, step: &str) {
    for signal in &model.used {
        let one = |kind| if kind == SignalType::VideoMd5 { SignalType::Md5 } else { kind };
        let has = |own: &Signal| one(own.kind()) == one(signal.kind()) && own.bytes() == signal.bytes();
        let expected: BTreeSet<u64> = model
            .contents
            .iter()
            .filter(|(_, (_, signals))| signals.iter().any(has))
            .map(|(id, _)| *id)
            .collect();
        assert_eq!(found(state, signal), expected, "{step}: {signal:?}");
    }
}

#[test]
fn what_is_followed_is_what_is_there_after_any_steps_and_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(7);
    let mut model = Model::default();
    let mut store = Store::open(folder.path()).unwrap();
    let mut live = LiveBanks::open(&mut store, folder.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    let mut banks = 0;
    for step in 0..400 {
        let name = format!("B{}", random.below(4));
        let what = random.below(20);
        if store.bank(&name).is_err() {
            banks += 1;
            store.batch(step, |b| b.create_bank(&name, BankKind::KnownReal, 31, "test").map(|_| ())).unwrap();
        }
        match what {
            0 => {
                store.batch(step, |b| b.delete_bank(&name)).unwrap();
                model.contents.retain(|_, (bank, _)| *bank != name);
            }
            1 | 2 => import(&mut store, &mut model, &mut random, &name, step),
            3..=8 => {
                let of: Vec<u64> =
                    model.contents.iter().filter(|(_, (bank, _))| *bank == name).map(|(id, _)| *id).collect();
                if !of.is_empty() {
                    let id = of[usize::try_from(random.below(of.len() as u64)).unwrap()];
                    let removed =
                        store.batch(step, |b| b.remove_content(&name, i64::try_from(id).unwrap())).unwrap();
                    assert!(removed.is_some());
                    model.contents.remove(&id);
                }
            }
            9 => {
                let change = BankChange { radius_bits: Some(20), ..BankChange::default() };
                store.batch(step, |b| b.change_bank(&name, &change).map(|_| ())).unwrap();
            }
            _ => {
                // Several in one commit, one of them undone.
                let several: Vec<Vec<Signal>> = (0..1 + random.below(3))
                    .map(|_| (0..1 + random.below(3)).map(|_| random.signal()).collect())
                    .collect();
                let ids = store
                    .batch(step, |b| -> Result<Vec<u64>, StoreError> {
                        let mut ids = Vec::new();
                        for signals in &several {
                            let content = NewContent { signals, ..NewContent::default() };
                            ids.push(b.add_content(&name, &content)?.content_id.unsigned_abs());
                            let undone: Result<(), StoreError> = b.apart(|b| {
                                b.add_content(&name, &content)?;
                                Err(StoreError::Refused { reason: "undone".to_owned() })
                            });
                            assert!(undone.is_err());
                        }
                        Ok(ids)
                    })
                    .unwrap();
                for (id, signals) in ids.into_iter().zip(several) {
                    model.used.extend(signals.iter().cloned());
                    model.contents.insert(id, (name.clone(), signals));
                }
            }
        }
        // Sometimes several steps are followed at once.
        if random.below(3) > 0 {
            live.follow(&mut store).unwrap();
            check(&model, &live.view().now(), &format!("step {step}"));
        }
        if step % 100 == 99 {
            drop(live);
            live = LiveBanks::open(&mut store, folder.path(), &mut |_| ControlFlow::Continue(())).unwrap();
            check(&model, &live.view().now(), &format!("opened after step {step}"));
        }
    }
    assert!(banks > 4 && model.used.len() > 30 && !model.contents.is_empty());
}

/// A list whose entries replace those of the same id: signals change.
fn import(store: &mut Store, model: &mut Model, random: &mut Random, bank: &str, step: i64) {
    let mut entries = BTreeMap::new();
    for _ in 0..random.below(8) {
        let row = random.below(6);
        let signals: Vec<Signal> = (0..1 + random.below(2)).map(|_| random.signal()).collect();
        entries.insert(row, signals);
    }
    let rows = entries.iter().map(|(row, signals)| {
        Ok(ListEntry {
            entry: format!("row-{row}"),
            signals: signals.clone(),
            line: row + 1,
            ..ListEntry::default()
        })
    });
    let source = ListSource { name: "list", sha256: "" };
    store.import(bank, source, rows, ImportOptions { now_us: step, ..ImportOptions::default() }).unwrap();
    for (row, signals) in entries {
        model.used.extend(signals.iter().cloned());
        let entry = store.entry(bank, &format!("row-{row}")).unwrap().unwrap();
        let id = store.id_of(entry.entry_no).unwrap().unwrap().unsigned_abs();
        model.contents.insert(id, (bank.to_owned(), signals));
    }
}

#[test]
fn what_is_suspended_and_said_is_seen_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let mut live = LiveBanks::open(&mut store, folder.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    let signal: Signal = format!("md5:{}", "ab".repeat(16)).parse().unwrap();
    let added = store
        .batch(1, |b| {
            b.create_bank("A", BankKind::KnownReal, 31, "test")?;
            b.add_content(
                "A",
                &NewContent { signals: std::slice::from_ref(&signal), ..NewContent::default() },
            )
        })
        .unwrap();
    live.follow(&mut store).unwrap();
    let no = added.entry_no.unsigned_abs();
    assert_eq!(live.view().now().equal(&signal), [no]);
    assert!(live.view().now().is_enabled(no, 0));
    store
        .batch(2, |b| {
            let change = ContentChange { disable_until_ts: Some(50), ..ContentChange::default() };
            b.change_content("A", added.content_id, change)?;
            b.set_opinion(added.entry_no, "a person", lodestone_store::Opinion::Dispute, None)
        })
        .unwrap();
    live.follow(&mut store).unwrap();
    let state = live.view().now();
    assert!(!state.is_enabled(no, 49) && state.is_enabled(no, 50));
    assert_eq!(state.said_of(no).disputes, 1);
}
