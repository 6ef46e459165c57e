//! A stretch of a list looked up by one thread, so much at a time as there is room for what is found.
//!
//! What a query finds is known only once it is searched, and hashes that repeat on both sides find every one of each
//! other. So a few entries of a stretch are tried first; a search that still found too much is done again with fewer
//! entries; and one entry that finds too much by itself is handed over without names, which are fetched while it is
//! written. None of this shows in the answers.

use std::collections::BTreeSet;
use std::io;

use lodestone_index::{Code256, Hit, SearchStats, Vector144};
use lodestone_types::{ListEntry, Match, SignalType};

use crate::appraise::{Found, name};
use crate::look_up::LookUpError;
use crate::snapshot::Snapshot;

/// Matches that are named at once when an entry has too many.
const PIECE: usize = 8192;

/// One entry in this many is tried before a stretch is searched.
const TRIED: usize = 64;

/// An entry that is near, without its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near {
    key: u64,
    /// In bits, or squared for PhotoDNA; 0 for a digest.
    distance: u32,
    kind: SignalType,
}

impl Near {
    fn found(self) -> Found {
        match self.kind {
            SignalType::Photodna => Found::photodna(self.key, self.distance),
            kind => Found::as_it_is(self.key, kind, self.distance),
        }
    }

    /// What matches are ordered by before their names: as [`sort`] has it.
    fn rank(&self) -> (bool, u32, Option<u32>) {
        match self.kind {
            SignalType::Photodna => (true, 0, Some(self.distance)),
            kind => (!kind.is_digest(), self.distance, None),
        }
    }
}

/// What an entry matches.
#[derive(Debug)]
pub(super) enum Matches {
    /// In the order in which they are told.
    Named(Vec<Match>),
    /// Too many to be named at once: see [`each_match`].
    Many(Vec<Near>),
}

pub(super) type Answer = Result<Matches, LookUpError>;

/// Entries that one thread looks up.
pub(super) struct Part<'a> {
    snapshot: &'a Snapshot,
    /// Entries not looked up yet.
    rest: &'a [ListEntry],
    /// Matches held at once, about.
    limit: usize,
    /// Entries searched together at most.
    width: usize,
    /// A look-up failed: only those entries are to fail that have to.
    one_by_one: bool,
}

impl<'a> Part<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, entries: &'a [ListEntry], limit: usize) -> Self {
        Self { snapshot, rest: entries, limit, width: entries.len().max(1), one_by_one: false }
    }

    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Looks up the next entries: all that are left, or as many as there is room for. Says which with what came of it.
    pub(super) fn next(&mut self) -> (Vec<(&'a ListEntry, Answer)>, SearchStats) {
        let (mut answers, mut stats, mut held) = (Vec::new(), SearchStats::default(), 0);
        while held < self.limit && !self.rest.is_empty() {
            held += self.step(&mut answers, &mut stats);
        }
        (answers, stats)
    }

    /// Searches once; returns how many matches that adds.
    fn step(&mut self, answers: &mut Vec<(&'a ListEntry, Answer)>, stats: &mut SearchStats) -> usize {
        let width = if self.one_by_one { 1 } else { self.fitting() };
        let (now, after) = self.rest.split_at(width.clamp(1, self.rest.len()));
        let mut own = SearchStats::default();
        let found = match near(self.snapshot, now, self.limit, &mut own) {
            Ok(Ok(found)) => found,
            Ok(Err(fitting)) => {
                self.width = fitting;
                return 0;
            }
            Err(error) => return self.fail(error, own, answers, stats),
        };
        let held = found.iter().map(Vec::len).sum();
        let matches = match found {
            found if held <= self.limit => match named(self.snapshot, &found) {
                Ok(named) => named.into_iter().map(Matches::Named).collect(),
                Err(error) => return self.fail(error, own, answers, stats),
            },
            found => found.into_iter().map(Matches::Many).collect::<Vec<_>>(),
        };
        answers.extend(now.iter().zip(matches.into_iter().map(Ok)));
        *stats += own;
        self.rest = after;
        if held <= self.limit / 4 {
            self.width = self.width.saturating_mul(2);
        }
        held
    }

    fn fail(
        &mut self,
        error: LookUpError,
        own: SearchStats,
        answers: &mut Vec<(&'a ListEntry, Answer)>,
        stats: &mut SearchStats,
    ) -> usize {
        if let (true, Some((first, after))) = (self.one_by_one, self.rest.split_first()) {
            answers.push((first, Err(error)));
            *stats += own;
            self.rest = after;
        }
        self.one_by_one = true;
        0
    }

    /// How many of the next entries will find no more than there is room for, judged by a few spread among them: two,
    /// then four times as many, so that not even those find too much.
    fn fitting(&self) -> usize {
        let width = self.width.min(self.rest.len());
        let (mut tried, mut hits, mut more) = (0, 0, 2);
        while tried < width / TRIED {
            let sample = self.rest[..width].iter().skip(TRIED * tried).step_by(TRIED).take(more).enumerate();
            // A failure is told by the search proper.
            let Ok(found) = Hits::search(self.snapshot, sample, &mut SearchStats::default()) else { break };
            hits += found.pdq.len() + found.photodna.len();
            tried = (tried + more).min(width / TRIED);
            more *= 4;
            let fitting = self.limit.saturating_mul(tried) / hits.max(1);
            if fitting < width && hits > self.limit / TRIED {
                return fitting.max(1);
            }
        }
        width
    }
}

/// What searches find, by the entry's number; each pair once, by the nearest of the entry's values.
struct Hits {
    pdq: Vec<Hit>,
    photodna: Vec<((usize, u64), u32)>,
}

impl Hits {
    fn search<'a>(
        snapshot: &Snapshot,
        entries: impl Iterator<Item = (usize, &'a ListEntry)>,
        stats: &mut SearchStats,
    ) -> Result<Self, LookUpError> {
        let (mut codes, mut owners, mut vectors) = (Vec::new(), Vec::new(), Vec::new());
        for (number, entry) in entries {
            for signal in &entry.signals {
                if let (SignalType::Pdq, Some(value)) = (signal.kind(), signal.array()) {
                    codes.push(Code256::from_bytes(&value));
                    owners.push(number as u32);
                } else if let (SignalType::Photodna, Some(value)) = (signal.kind(), signal.array()) {
                    vectors.push((number, Vector144(value)));
                }
            }
        }
        let mut pdq = snapshot.search(&codes, stats)?;
        for hit in &mut pdq {
            hit.query = owners.get(hit.query as usize).copied().unwrap_or(0);
        }
        pdq.sort_unstable_by_key(|hit| (hit.query, hit.id, hit.distance_bits));
        pdq.dedup_by_key(|hit| (hit.query, hit.id));
        let photodna = snapshot.search_photodna(&vectors, stats)?;
        Ok(Self { pdq, photodna: photodna.into_iter().collect() })
    }
}

/// What each entry is near. `Ok(Err(n))`: more than `limit`, which only the first `n` entries keep within, or the first
/// alone.
fn near(
    snapshot: &Snapshot,
    entries: &[ListEntry],
    limit: usize,
    stats: &mut SearchStats,
) -> Result<Result<Vec<Vec<Near>>, usize>, LookUpError> {
    let hits = Hits::search(snapshot, entries.iter().enumerate(), stats)?;
    let (mut pdq, mut photodna) = (hits.pdq.iter().peekable(), hits.photodna.iter().peekable());
    let (mut found, mut total) = (Vec::new(), 0usize);
    for (number, entry) in entries.iter().enumerate() {
        let mut own = Vec::new();
        for signal in entry.signals.iter().filter(|signal| signal.kind().is_digest()) {
            let (kind, keys) = (signal.kind(), snapshot.digest(signal.kind(), signal.bytes()));
            own.extend(keys.map(|key| Near { key, distance: 0, kind }));
        }
        while let Some(hit) = pdq.next_if(|hit| hit.query as usize == number) {
            own.push(Near { key: hit.id, distance: hit.distance_bits, kind: SignalType::Pdq });
        }
        while let Some(((_, key), squared)) = photodna.next_if(|((owner, _), _)| *owner == number) {
            own.push(Near { key: *key, distance: *squared, kind: SignalType::Photodna });
        }
        total = total.saturating_add(own.len());
        if total > limit && number > 0 {
            return Ok(Err(number));
        }
        found.push(own);
    }
    Ok(Ok(found))
}

fn named(snapshot: &Snapshot, found: &[Vec<Near>]) -> Result<Vec<Vec<Match>>, LookUpError> {
    let found: Vec<Vec<Found>> =
        found.iter().map(|near| near.iter().map(|near| near.found()).collect()).collect();
    let mut matches = name(snapshot, &found)?;
    matches.iter_mut().for_each(|matches| sort(matches));
    Ok(matches)
}

fn sort(matches: &mut [Match]) {
    matches.sort_by(|a, b| {
        let key = |m: &Match| (!m.signal_type.is_digest(), m.distance_bits, m.distance_squared);
        key(a)
            .cmp(&key(b))
            .then_with(|| (&a.bank, &a.entry, a.signal_type).cmp(&(&b.bank, &b.entry, b.signal_type)))
    });
}

/// Names the matches of one entry piece by piece, in the order in which [`Part::next`] gives few.
///
/// Memory: some 50 bytes and the name for each that is as near as others.
pub(super) fn each_match(
    snapshot: &Snapshot,
    mut near: Vec<Near>,
    each: &mut dyn FnMut(&Match) -> io::Result<()>,
) -> io::Result<Result<(), LookUpError>> {
    near.sort_by_key(Near::rank);
    for alike in near.chunk_by_mut(|a, b| a.rank() == b.rank()) {
        if alike.len() > PIECE
            && let Err(error) = order(snapshot, alike)
        {
            return Ok(Err(error));
        }
        for piece in alike.chunks(PIECE) {
            match named(snapshot, &[piece.to_vec()]) {
                Ok(matches) => matches.iter().flatten().try_for_each(&mut *each)?,
                Err(error) => return Ok(Err(error)),
            }
        }
    }
    Ok(Ok(()))
}

/// Orders what is equally near by its names, of which a copy is made end to end.
fn order(snapshot: &Snapshot, alike: &mut [Near]) -> Result<(), LookUpError> {
    let (mut texts, mut places) = (String::new(), Vec::new());
    for piece in alike.chunks(PIECE) {
        let keys: BTreeSet<u64> = piece.iter().map(|near| near.key).collect();
        let names = snapshot.names(&keys)?;
        for near in piece {
            let start = texts.len();
            texts.push_str(names.get(&near.key).map_or("", |name| &name.entry));
            places.push((snapshot.bank_of(near.key)?.name.as_str(), start..texts.len(), *near));
        }
    }
    let text = |place: &std::ops::Range<usize>| texts.get(place.clone()).unwrap_or_default();
    places.sort_by(|a, b| (a.0, text(&a.1), a.2.kind).cmp(&(b.0, text(&b.1), b.2.kind)));
    for (near, (.., ordered)) in alike.iter_mut().zip(places) {
        *near = ordered;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use lodestone_types::{Bank, BankKind, ListVersion};

    use super::*;
    use crate::SnapshotBuilder;

    fn bank(name: &str) -> Bank {
        Bank {
            name: name.into(),
            kind: BankKind::KnownReal,
            radius_bits: 31,
            photodna_max_distance: Some(3000),
            source: name.into(),
            version: ListVersion::default(),
        }
    }

    fn entry(name: String, signals: &[String]) -> ListEntry {
        let signals = signals.iter().map(|text| text.parse().unwrap()).collect();
        ListEntry { entry: name, signals, ..ListEntry::default() }
    }

    /// A PDQ value with so many bits turned.
    fn pdq(turned: usize) -> String {
        let mut value = [0xa6; 32];
        (0..turned).for_each(|bit| value[bit % 32] ^= 1 << (bit / 32));
        format!("pdq:{}", lodestone_types::hex::encode(&value))
    }

    fn md5(n: usize) -> String {
        format!("md5:{}", format!("{n:02x}").repeat(16))
    }

    fn photodna(n: usize) -> String {
        format!("photodna:{}{n:02x}", "5b".repeat(143))
    }

    /// One value many times, values near it, digests and vectors that repeat, and rows of one name.
    fn crowded(rows: usize) -> Snapshot {
        let mut builder = SnapshotBuilder::default().with_photodna();
        for name in ["z", "a"] {
            builder.bank(bank(name));
            for n in 0..rows {
                let mut signals = vec![pdq(if n % 3 == 0 { n % 40 } else { 0 })];
                if n % 5 == 0 {
                    signals.extend([md5(n % 2), photodna(n % 70), pdq(n % 7)]);
                }
                builder.entry(&entry(format!("{}", (n * 7) % (rows - 3)), &signals)).unwrap();
            }
        }
        builder.build(1).unwrap()
    }

    /// Every match as it is told, with the entry it is of; and the most that were held at once.
    fn told(snapshot: &Snapshot, entries: &[ListEntry], limit: usize) -> (Vec<String>, SearchStats, usize) {
        let mut part = Part::new(snapshot, entries, limit);
        let (mut told, mut stats, mut most) = (Vec::new(), SearchStats::default(), 0);
        while !part.is_done() {
            let (answers, own) = part.next();
            stats += own;
            let named = |answer: &Answer| match answer {
                Ok(Matches::Named(matches)) => matches.len(),
                _ => 0,
            };
            most = most.max(answers.iter().map(|(_, answer)| named(answer)).sum());
            for (entry, answer) in answers {
                let mut each = |one: &Match| {
                    told.push(format!("{} {one:?}", entry.entry));
                    Ok(())
                };
                match answer.unwrap() {
                    Matches::Named(matches) => matches.iter().try_for_each(each).unwrap(),
                    Matches::Many(near) => each_match(snapshot, near, &mut each).unwrap().unwrap(),
                }
            }
        }
        (told, stats, most)
    }

    #[test]
    fn answers_are_the_same_however_few_are_held_at_once() {
        let snapshot = crowded(60);
        let mut entries = Vec::new();
        for n in 0..400 {
            let signals = match n % 8 {
                0 => vec![pdq(n % 50), pdq(3), md5(1)],
                1 => vec![photodna(n % 60), md5(0)],
                2 => vec![md5(9)],
                _ => vec![pdq(if n < 200 { 200 + n % 30 } else { n % 35 })],
            };
            entries.push(entry(n.to_string(), &signals));
        }
        let (expected, stats, most) = told(&snapshot, &entries, usize::MAX);
        assert!(expected.len() > 10_000 && most == expected.len(), "{most}");
        for limit in [1, 50, 130, 1000, 9000] {
            let (some, looked, most) = told(&snapshot, &entries, limit);
            assert_eq!((some == expected, looked), (true, stats), "limit {limit}");
            assert!(most <= 2 * limit, "limit {limit}: {most}");
        }
    }

    #[test]
    fn one_entry_that_matches_more_than_a_piece_is_told_in_the_order_of_names() {
        let snapshot = crowded(2 * PIECE);
        let entries = [entry("q".into(), &[pdq(0), md5(1)])];
        let (expected, ..) = told(&snapshot, &entries, usize::MAX);
        assert!(expected.len() > 3 * PIECE);
        let (pieces, _, named) = told(&snapshot, &entries, 100);
        assert_eq!((pieces == expected, named), (true, 0));
    }

    #[test]
    fn a_hash_that_repeats_on_both_sides_is_never_held_as_pairs() {
        let (mut builder, mut entries) = (SnapshotBuilder::default(), Vec::new());
        builder.bank(bank("b"));
        for n in 0..2000 {
            builder.entry(&entry(n.to_string(), &[pdq(0)])).unwrap();
            entries.push(entry(n.to_string(), &[pdq(n % 2)]));
        }
        let snapshot = builder.build(1).unwrap();
        let mut part = Part::new(&snapshot, &entries, 1 << 14);
        // So few are searched together from the first time on.
        assert_eq!(part.fitting(), 8);
        let (mut pairs, mut most) = (0, 0);
        while !part.is_done() {
            let (answers, _) = part.next();
            let matches = answers.into_iter().map(|(_, answer)| match answer.unwrap() {
                Matches::Named(matches) => matches.len(),
                Matches::Many(near) => near.len(),
            });
            let held: usize = matches.sum();
            (pairs, most) = (pairs + held, most.max(held));
        }
        assert_eq!(pairs, 2000 * 2000);
        assert!(most <= 2 << 14, "{most}");
    }
}
