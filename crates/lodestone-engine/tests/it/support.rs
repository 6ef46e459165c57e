//! What counts in full: by a server that follows, by one that reads all anew, and by a command, the same.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use lodestone_engine::live::{LiveBanks, LiveState};
use lodestone_engine::{LookUps, OpenBanks, SnapshotBuilder, appraise_signal};
use lodestone_store::{BankChange, ListedChange, ListedWhat, Opinion, Store};
use lodestone_types::{BankKind, ListEntry, Signal, SignalType, Standing};
use serde_json::{Value, json};

fn md5(byte: u8) -> Signal {
    Signal::from_bytes(SignalType::Md5, &[byte; 16]).unwrap()
}

/// Values that are far from each other.
fn pdq(byte: u8) -> Signal {
    let value: Vec<u8> = (0..32).map(|at| byte.wrapping_mul(37).rotate_left(at % 8) ^ (byte << 3)).collect();
    Signal::from_bytes(SignalType::Pdq, &value).unwrap()
}

fn says(member: &str, stance: &str) -> Value {
    json!({ "member": member, "stance": stance })
}

fn put(id: &str, at_s: i64, signals: Vec<Signal>, opinions: &[Value]) -> ListedChange {
    let extra = Some(json!({ "at_s": at_s, "opinions": opinions }));
    let entry = ListEntry { signals, extra, ..ListEntry::default() };
    ListedChange { id: id.to_owned(), at_s: Some(at_s), what: ListedWhat::Put(Box::new(entry)) }
}

fn open(folder: &Path) -> Store {
    let mut store = Store::open(folder).unwrap();
    store
        .batch(1, |batch| {
            batch.create_bank("NC", BankKind::KnownReal, 31, "")?;
            batch.create_exchange("NC", "ncmec", &json!({}), true)
        })
        .unwrap();
    store
}

fn take(store: &mut Store, changes: Vec<ListedChange>) {
    store.batch(2, |batch| batch.take_listed("NC", "exchange ncmec", 1, changes)).unwrap();
}

fn ask(store: &mut Store, members: u32, confirmations: u32) {
    let change = BankChange {
        members_needed: Some(members),
        confirmations_needed: Some(confirmations),
        ..BankChange::default()
    };
    store.batch(3, |batch| batch.change_bank("NC", &change).map(drop)).unwrap();
}

fn live(store: &mut Store, folder: &Path) -> LiveBanks {
    LiveBanks::open(store, folder, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn standing(state: &LiveState, store: &Store, id: &str, kind: SignalType) -> Standing {
    let entry = store.entry("NC", id).unwrap().unwrap();
    state.standing_of(entry.entry_no.unsigned_abs(), kind)
}

#[test]
fn members_are_counted_over_all_entries_that_hold_a_value_and_for_each_kind() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let vote = |member: &str, stance: &str, kind: &str| json!({ "member": member, "stance": stance, "signal": kind });
    take(
        &mut store,
        vec![
            put("1", 1, vec![md5(1), pdq(1)], &[says("40", "lists")]),
            put("2", 1, vec![md5(1), pdq(2)], &[says("41", "lists")]),
            put("3", 1, vec![md5(3), pdq(3)], &[says("40", "lists"), vote("43", "confirms", "pdq")]),
            put("4", 1, vec![md5(4)], &[says("40", "lists")]),
            put("5", 1, vec![md5(4)], &[says("40", "lists"), says("44", "suspects")]),
        ],
    );
    let mut live = live(&mut store, folder.path());
    let of = |live: &LiveBanks, store: &Store, id: &str, kind| standing(&live.view().now(), store, id, kind);
    for (id, kind) in [("1", SignalType::Pdq), ("4", SignalType::Md5)] {
        assert_eq!(of(&live, &store, id, kind), Standing::Match, "nothing is asked");
    }
    ask(&mut store, 2, 1);
    live.follow(&mut store).unwrap();
    for (id, kind, wanted) in [
        ("1", SignalType::Md5, Standing::Match),
        ("1", SignalType::VideoMd5, Standing::Match),
        ("1", SignalType::Pdq, Standing::Review),
        ("2", SignalType::Md5, Standing::Match),
        ("2", SignalType::Pdq, Standing::Review),
        ("3", SignalType::Pdq, Standing::Match),
        ("3", SignalType::Md5, Standing::Review),
        ("4", SignalType::Md5, Standing::Review),
        ("5", SignalType::Md5, Standing::Review),
    ] {
        assert_eq!(of(&live, &store, id, kind), wanted, "{id} {kind}");
    }
    // A person's word is a member's, for all that hold the value.
    let four = store.entry("NC", "4").unwrap().unwrap().entry_no;
    store.batch(4, |batch| batch.set_opinion(four, "anna", Opinion::Confirm, None)).unwrap();
    live.follow(&mut store).unwrap();
    assert_eq!(of(&live, &store, "4", SignalType::Md5), Standing::Match);
    assert_eq!(of(&live, &store, "5", SignalType::Md5), Standing::Match);
    store.batch(5, |batch| batch.withdraw_opinion(four, "anna")).unwrap();
    live.follow(&mut store).unwrap();
    assert_eq!(of(&live, &store, "5", SignalType::Md5), Standing::Review);
    // A member who says something else, with the same values.
    take(&mut store, vec![put("2", 2, vec![md5(1), pdq(2)], &[says("41", "lists"), says("40", "disputes")])]);
    live.follow(&mut store).unwrap();
    assert_eq!(
        of(&live, &store, "1", SignalType::Md5),
        Standing::Review,
        "whoever disputes counts for neither"
    );
    let two = store.entry("NC", "2").unwrap().unwrap().entry_no.unsigned_abs();
    assert_eq!(live.view().now().said_of(two).disputes, 1);
    // Its entry goes.
    take(&mut store, vec![ListedChange { id: "2".into(), at_s: Some(3), what: ListedWhat::Remove }]);
    take(&mut store, vec![put("6", 3, vec![md5(1)], &[says("45", "lists")])]);
    live.follow(&mut store).unwrap();
    assert_eq!(of(&live, &store, "1", SignalType::Md5), Standing::Match);
    ask(&mut store, 0, 0);
    live.follow(&mut store).unwrap();
    assert_eq!(of(&live, &store, "4", SignalType::Md5), Standing::Match, "nothing is asked any more");
}

#[test]
fn what_members_judge_is_counted_in_look_ups() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let own = json!({ "member": "9", "stance": "confirms", "own": true });
    take(&mut store, vec![put("1", 1, vec![md5(1)], &[says("1", "lists"), says("2", "confirms"), own])]);
    let mut live = live(&mut store, folder.path());
    let no = store.entry("NC", "1").unwrap().unwrap().entry_no;
    let said = |live: &LiveBanks| {
        let said = live.view().now().said_of(no.unsigned_abs());
        (said.confirms, said.disputes)
    };
    assert_eq!(said(&live), (2, 0));
    store.batch(2, |batch| batch.set_opinion(no, "anna", Opinion::Confirm, None)).unwrap();
    live.follow(&mut store).unwrap();
    assert_eq!(said(&live), (2, 0), "our own vote, come back, is not counted twice");
    take(&mut store, vec![put("1", 2, vec![md5(1)], &[says("1", "lists"), says("3", "disputes")])]);
    live.follow(&mut store).unwrap();
    assert_eq!(said(&live), (1, 1));
    take(&mut store, vec![put("1", 3, vec![md5(1)], &[says("1", "lists")])]);
    live.follow(&mut store).unwrap();
    assert_eq!(said(&live), (1, 0));
}

/// A small generator, so that every run is the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from((self.0 >> 33) % limit).unwrap()
    }
}

/// By entry and kind, what a command finds.
fn by_command(folder: &Path) -> BTreeMap<(String, SignalType), Standing> {
    let store = Store::open_read_only(folder).unwrap();
    let mut builder = SnapshotBuilder::default();
    builder.stored(OpenBanks::in_memory(store, false).unwrap()).unwrap();
    let snapshot = builder.build(1).unwrap();
    let mut found = BTreeMap::new();
    for byte in 0..6 {
        for signal in [md5(byte), pdq(byte)] {
            for one in appraise_signal(&snapshot, &signal, &mut LookUps::default()).unwrap() {
                if one.distance_bits == 0 {
                    found.insert((one.entry, one.signal_type), one.standing);
                }
            }
        }
    }
    found
}

#[test]
fn who_follows_who_reads_all_anew_and_a_command_agree_after_any_steps() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let mut random = Random(11);
    let mut live = live(&mut store, folder.path());
    ask(&mut store, 2, 1);
    let mut reviews = 0;
    for step in 1..160i64 {
        let id = random.below(12).to_string();
        match random.below(8) {
            0 => take(&mut store, vec![ListedChange { id, at_s: Some(step), what: ListedWhat::Remove }]),
            1 => {
                if let Some(entry) = store.entry("NC", &id).unwrap() {
                    let opinion = if random.below(2) == 0 { Opinion::Confirm } else { Opinion::Dispute };
                    store
                        .batch(step, |batch| batch.set_opinion(entry.entry_no, "anna", opinion, None))
                        .unwrap();
                }
            }
            2 => ask(&mut store, u32::from(random.below(4)), u32::from(random.below(3))),
            _ => {
                let opinions: Vec<Value> = (0..1 + random.below(3))
                    .map(|_| {
                        let stance = ["lists", "lists", "confirms", "disputes", "suspects"]
                            [usize::from(random.below(5))];
                        let mut said = says(&random.below(4).to_string(), stance);
                        if random.below(3) == 0 {
                            said["signal"] = json!(if random.below(2) == 0 { "md5" } else { "pdq" });
                        }
                        said
                    })
                    .collect();
                let mut signals = vec![md5(random.below(6))];
                if random.below(2) == 0 {
                    signals.push(pdq(random.below(6)));
                }
                take(&mut store, vec![put(&id, step, signals, &opinions)]);
            }
        }
        if random.below(3) == 0 {
            continue;
        }
        live.follow(&mut store).unwrap();
        if step % 4 == 0 {
            // The index on the disk is one writer's: a second one is opened in a folder of its own.
            let copy = tempfile::tempdir().unwrap();
            store.backup_to(&copy.path().join("lodestone.db")).unwrap();
            let mut again = Store::open(copy.path()).unwrap();
            let anew = LiveBanks::open(&mut again, copy.path(), &mut |_| ControlFlow::Continue(())).unwrap();
            let (state, fresh) = (live.view().now(), anew.view().now());
            let found = by_command(copy.path());
            let mut seen = 0;
            store
                .for_each_entry("NC", |entry| {
                    let no = entry.entry_no.unsigned_abs();
                    for kind in entry.row.signals.iter().map(Signal::kind) {
                        let followed = state.standing_of(no, kind);
                        assert_eq!(
                            followed,
                            fresh.standing_of(no, kind),
                            "step {step}: {} {kind}",
                            entry.row.entry
                        );
                        let of = (entry.row.entry.clone(), kind);
                        assert_eq!(Some(&followed), found.get(&of), "step {step}: {of:?}");
                        reviews += usize::from(followed == Standing::Review);
                        seen += 1;
                    }
                    assert_eq!(state.said_of(no), fresh.said_of(no), "step {step}");
                    Ok::<(), lodestone_store::StoreError>(())
                })
                .unwrap();
            assert_eq!(seen, found.len(), "step {step}");
        }
    }
    assert!(reviews > 20, "{reviews}");
}
