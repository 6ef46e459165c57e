//! Which values of a bank count in full: those that as many members hold or confirm as the bank asks for.
//!
//! What is said of all entries of a bank that hold the same value counts together, each member once: an exchange may have an
//! entry for each member. Said of one kind of fingerprint (NCMEC's votes are) it counts for values of that kind only. An
//! opinion that is kept here is a member's, named `local WHO`.
//!
//! [`Support`] follows whole banks for a server, whose look-ups then ask a set in memory; [`is_met`] judges one value where
//! it is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};

use lodestone_exchange::opinion::{MemberOpinion, OpinionPolicy, Stance};
use lodestone_store::{Opinion, Store, StoreError, StoredBank};
use lodestone_types::{Signal, SignalType};
use serde_json::Value;

use crate::live::Said;

/// A bank's number stands above so many bits of its entries' numbers.
const ENTRY_BITS: u32 = 40;
/// Entries with one value whose voices are counted, the first by number: a list that has one value a million times must
/// not be read whole for it. Where these do not suffice, a person looks.
pub(crate) const HOLDERS: usize = 4_096;
/// Entries that changed, above which a bank is read anew.
const CHANGED: u64 = 50_000;

/// What a bank asks for; `None`: nothing, or nothing of it makes anything known.
pub(crate) fn policy(stored: &StoredBank) -> Option<OpinionPolicy> {
    let whole = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let policy = OpinionPolicy {
        members: whole(stored.members_needed),
        confirmations: whole(stored.confirmations_needed),
    };
    (policy.asks() && stored.bank.kind.makes_known()).then_some(policy)
}

/// Types that compare with each other are one.
pub(crate) fn plain(kind: SignalType) -> SignalType {
    if kind == SignalType::VideoMd5 { SignalType::Md5 } else { kind }
}

/// Place of a type among all.
fn place(kind: SignalType) -> u8 {
    let place = SignalType::ALL.iter().position(|known| *known == plain(kind));
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(0)
}

/// The bit of a type in what [`Support`] tells of an entry.
pub(crate) fn bit(kind: SignalType) -> u16 {
    1 << place(kind)
}

/// What somebody says of an entry.
#[derive(Clone, Copy, Debug)]
struct Voice {
    who: u32,
    stance: Stance,
    /// Of values of this type only.
    kind: Option<SignalType>,
}

/// Who speaks, by number.
#[derive(Default)]
struct Members(BTreeMap<String, u32>);

impl Members {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(name.to_owned(), number);
        number
    }
}

fn said_in(extra: &str) -> Result<Vec<MemberOpinion>, StoreError> {
    let broken = |_| StoreError::Corrupt { reason: "a field that is no JSON".to_owned() };
    let extra: Value = serde_json::from_str(extra).map_err(broken)?;
    Ok(MemberOpinion::kept(&extra))
}

/// Adds what is said of entries of these numbers, the last included.
fn read_voices(
    store: &Store,
    (first, last): (i64, i64),
    members: &mut Members,
    voices: &mut BTreeMap<u64, Vec<Voice>>,
) -> Result<(), StoreError> {
    for (no, who, opinion) in store.opinions_between(first, last)? {
        let stance = if opinion == Opinion::Confirm { Stance::Confirms } else { Stance::Disputes };
        let who = members.number(&format!("local {who}"));
        voices.entry(no.unsigned_abs()).or_default().push(Voice { who, stance, kind: None });
    }
    store.for_each_listed_extra((first, last), false, |no, extra| {
        let own = voices.entry(no.unsigned_abs()).or_default();
        let is_said_here = !own.is_empty();
        for opinion in said_in(extra)? {
            // What we sent, come back: our own word, which is counted once.
            if opinion.is_own && is_said_here && opinion.stance != Stance::Lists {
                continue;
            }
            let who = members.number(&opinion.member);
            own.push(Voice { who, stance: opinion.stance, kind: opinion.signal.map(plain) });
        }
        Ok(())
    })
}

fn suffices<'v>(policy: OpinionPolicy, kind: SignalType, voices: impl Iterator<Item = &'v Voice>) -> bool {
    let heard = voices.filter(|voice| voice.kind.is_none_or(|of| of == plain(kind)));
    policy.is_met_by(heard.map(|voice| (voice.who, voice.stance)))
}

/// Whether a bank's policy is met for a value of this type, by what is said of the entries that hold it. Some 20 µs an
/// entry.
///
/// # Errors
/// The store's.
pub(crate) fn is_met(
    store: &Store,
    policy: OpinionPolicy,
    kind: SignalType,
    holders: impl Iterator<Item = u64>,
) -> Result<bool, StoreError> {
    let (mut members, mut voices) = (Members::default(), BTreeMap::new());
    for no in holders.take(HOLDERS) {
        let no = i64::try_from(no).unwrap_or(i64::MAX);
        read_voices(store, (no, no), &mut members, &mut voices)?;
    }
    Ok(suffices(policy, kind, voices.values().flatten()))
}

/// What members of an exchange judge of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    /// Members who confirm and dispute it, each once; whoever does both disputes.
    others: Said,
    /// The same of ourselves, come back: it counts where no opinion is kept here.
    own: Said,
}

impl Judged {
    /// From the further fields of an entry.
    pub(crate) fn of(extra: &str) -> Result<Self, StoreError> {
        let opinions = said_in(extra)?;
        let of = |is_own: bool| {
            let says = |stance| {
                let named = opinions.iter().filter(|one| one.is_own == is_own && one.stance == stance);
                named.map(|one| one.member.as_str()).collect::<BTreeSet<_>>()
            };
            let (confirm, dispute) = (says(Stance::Confirms), says(Stance::Disputes));
            let whole = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            Said { confirms: whole(confirm.difference(&dispute).count()), disputes: whole(dispute.len()) }
        };
        Ok(Self { others: of(false), own: of(true) })
    }

    /// Together with the opinions that are kept here.
    pub(crate) fn with(&self, here: Said) -> Said {
        let own = if here == Said::default() { self.own } else { here };
        Said {
            confirms: self.others.confirms.saturating_add(own.confirms),
            disputes: self.others.disputes.saturating_add(own.disputes),
        }
    }
}

/// Entries that changed since: to be looked at again.
#[derive(Default)]
pub(crate) struct Touched {
    /// By first number, with the last one.
    ranges: Vec<(i64, i64)>,
}

impl Touched {
    pub(crate) fn push(&mut self, first: i64, last: i64) {
        self.ranges.push((first, last));
    }
}

/// Types of an entry's values that do not count in full, as bits; 0: all do.
pub(crate) type Thin = BTreeMap<u64, u16>;

/// What became of a bank's entries.
pub(crate) enum Change {
    /// The bank asks for something since, or for something else: these are all that are thin.
    Whole(Thin),
    /// These changed; those with 0 are thin no more.
    Some(Thin),
}

/// The banks that ask for support, with all their values. Memory: some 50 bytes a value.
#[derive(Default)]
pub(crate) struct Support {
    hasher: RandomState,
    banks: BTreeMap<u64, Watched>,
}

struct Watched {
    policy: OpinionPolicy,
    /// Value and entry.
    holders: BTreeSet<(u64, u64)>,
    /// Entry and value.
    values: BTreeSet<(u64, u64)>,
    /// Values that do not count in full.
    unmet: BTreeSet<u64>,
}

impl Support {
    /// Brings what is known up to the store's state, in which these are the banks. Gives what changed of each bank that
    /// asks for support; all others have none.
    ///
    /// # Errors
    /// The store's. Then nothing here may be used again.
    pub(crate) fn follow(
        &mut self,
        store: &Store,
        banks: &[StoredBank],
        touched: &Touched,
    ) -> Result<BTreeMap<u64, Change>, StoreError> {
        let asking: BTreeMap<u64, OpinionPolicy> =
            banks.iter().filter_map(|stored| Some((stored.number.unsigned_abs(), policy(stored)?))).collect();
        self.banks.retain(|number, watched| asking.get(number) == Some(&watched.policy));
        let mut changes = BTreeMap::new();
        for (number, policy) in asking {
            let ranges: Vec<(i64, i64)> = touched
                .ranges
                .iter()
                .copied()
                .filter(|(first, _)| first.unsigned_abs() >> ENTRY_BITS == number)
                .collect();
            let size: u64 = ranges.iter().map(|(first, last)| first.abs_diff(*last).saturating_add(1)).sum();
            let change = match self.banks.get_mut(&number) {
                Some(watched) if size <= CHANGED => {
                    Change::Some(watched.update(store, &self.hasher, &ranges)?)
                }
                _ => {
                    let watched = Watched::read(store, &self.hasher, number, policy)?;
                    let all = watched.thin();
                    self.banks.insert(number, watched);
                    Change::Whole(all)
                }
            };
            changes.insert(number, change);
        }
        Ok(changes)
    }
}

/// A value in a few bits, with its type in the lowest: two values are told apart but for one chance in some 10^16.
fn key(hasher: &RandomState, signal: &Signal) -> u64 {
    let kind = place(signal.kind());
    (hasher.hash_one((kind, signal.bytes())) & !0xf) | u64::from(kind)
}

fn kind_of(key: u64) -> SignalType {
    let place = usize::try_from(key & 0xf).unwrap_or(0);
    SignalType::ALL.get(place).copied().unwrap_or(SignalType::Pdq)
}

impl Watched {
    /// Reads a whole bank: some 5 µs an entry.
    fn read(
        store: &Store,
        hasher: &RandomState,
        number: u64,
        policy: OpinionPolicy,
    ) -> Result<Self, StoreError> {
        let first = i64::try_from(number << ENTRY_BITS).unwrap_or(i64::MAX);
        let range = (first, first | ((1 << ENTRY_BITS) - 1));
        let mut values: Vec<(u64, u64)> = Vec::new();
        store.signals_between::<StoreError>(range, |no, signal| {
            values.push((no.unsigned_abs(), key(hasher, signal)));
            Ok(())
        })?;
        let (mut members, mut voices) = (Members::default(), BTreeMap::new());
        read_voices(store, range, &mut members, &mut voices)?;
        let mut watched = Self {
            policy,
            holders: values.iter().map(|(no, key)| (*key, *no)).collect(),
            values: values.into_iter().collect(),
            unmet: BTreeSet::new(),
        };
        let mut unmet = Vec::new();
        let mut from = watched.holders.first().map(|(key, _)| *key);
        while let Some(key) = from {
            let heard = watched.of(key).take(HOLDERS).filter_map(|no| voices.get(&no)).flatten();
            if !suffices(policy, kind_of(key), heard) {
                unmet.push(key);
            }
            from = watched
                .holders
                .range((key, u64::MAX)..)
                .find(|(next, _)| *next != key)
                .map(|(next, _)| *next);
        }
        watched.unmet = unmet.into_iter().collect();
        Ok(watched)
    }

    /// Entries that hold a value.
    fn of(&self, key: u64) -> impl Iterator<Item = u64> + '_ {
        self.holders.range((key, 0)..=(key, u64::MAX)).map(|(_, no)| *no)
    }

    fn mask(&self, no: u64) -> u16 {
        let own = self.values.range((no, 0)..=(no, u64::MAX)).map(|(_, key)| *key);
        own.filter(|key| self.unmet.contains(key)).fold(0, |mask, key| mask | bit(kind_of(key)))
    }

    fn thin(&self) -> Thin {
        let mut thin = Thin::new();
        for (no, key) in &self.values {
            if self.unmet.contains(key) {
                *thin.entry(*no).or_default() |= bit(kind_of(*key));
            }
        }
        thin
    }

    /// Takes in what became of these entries.
    fn update(
        &mut self,
        store: &Store,
        hasher: &RandomState,
        ranges: &[(i64, i64)],
    ) -> Result<Thin, StoreError> {
        let (mut touched, mut affected) = (BTreeSet::new(), BTreeSet::new());
        for (first, last) in ranges {
            let (from, to) = (first.unsigned_abs(), last.unsigned_abs());
            let before: Vec<(u64, u64)> = self.values.range((from, 0)..=(to, u64::MAX)).copied().collect();
            for (no, key) in before {
                self.values.remove(&(no, key));
                self.holders.remove(&(key, no));
                touched.insert(no);
                affected.insert(key);
            }
            store.signals_between::<StoreError>((*first, *last), |no, signal| {
                let (no, key) = (no.unsigned_abs(), key(hasher, signal));
                self.values.insert((no, key));
                self.holders.insert((key, no));
                touched.insert(no);
                affected.insert(key);
                Ok(())
            })?;
        }
        for key in affected {
            let is_met =
                self.of(key).next().is_none() || is_met(store, self.policy, kind_of(key), self.of(key))?;
            let changed = if is_met { self.unmet.remove(&key) } else { self.unmet.insert(key) };
            if changed {
                let holders: Vec<u64> = self.of(key).collect();
                touched.extend(holders);
            }
        }
        Ok(touched.into_iter().map(|no| (no, self.mask(no))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_members_judge_is_counted_once_each_and_our_own_only_where_nothing_is_kept_here() {
        let extra = serde_json::json!({ "opinions": [
            { "member": "1", "stance": "lists" }, { "member": "2", "stance": "confirms", "signal": "md5" },
            { "member": "2", "stance": "confirms", "signal": "pdq" }, { "member": "3", "stance": "confirms" },
            { "member": "3", "stance": "disputes" }, { "member": "9", "stance": "confirms", "own": true },
        ]});
        let judged = Judged::of(&extra.to_string()).unwrap();
        let said = |confirms, disputes| Said { confirms, disputes };
        assert_eq!(judged.with(Said::default()), said(2, 1));
        assert_eq!(judged.with(said(0, 1)), said(1, 2));
        assert!(Judged::of("no JSON").is_err());
    }

    #[test]
    fn every_type_has_a_bit_of_its_own_but_for_those_that_are_one() {
        let bits: BTreeSet<u16> = SignalType::ALL.into_iter().map(bit).collect();
        assert_eq!(bits.len(), SignalType::ALL.len() - 1);
        assert_eq!(bit(SignalType::VideoMd5), bit(SignalType::Md5));
        for kind in SignalType::ALL {
            assert_eq!(kind_of(u64::from(place(kind))), plain(kind));
        }
    }
}
