//! A live index in pieces (several segments, a memtable, tombstones) against comparing everything with everything.

use std::collections::BTreeSet;

use lodestone_index::{Change, Code256, Hit, LayoutChoice, LiveIndex, LiveOptions, SearchStats};

use crate::live::folder;
use crate::oracle::{Dice, all_within, sets};

fn assert_answers(index: &LiveIndex, living: &BTreeSet<(Code256, u64)>, queries: &[Code256], name: &str) {
    let entries: Vec<(Code256, u64)> = living.iter().copied().collect();
    let everything = all_within(&entries, queries, 256);
    let snapshot = index.snapshot();
    for radius in (0..=31).step_by(3).chain([31, 32, 64, 65, 256]) {
        let expected: Vec<Hit> =
            everything.iter().filter(|hit| hit.distance_bits <= radius).copied().collect();
        let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
        snapshot.search_into(queries, radius, &mut hits, &mut stats).unwrap();
        assert!(hits == expected, "{name}, radius {radius}: {} for {}", hits.len(), expected.len());
        assert_eq!((stats.queries, stats.hits), (queries.len() as u64, hits.len() as u64));
    }
    assert_eq!(snapshot.len().unwrap(), entries.len() as u64);
}

#[test]
fn an_index_in_pieces_answers_every_shape_as_comparing_everything_does() {
    let mut dice = Dice(77);
    for (number, set) in sets().into_iter().enumerate() {
        let dir = folder();
        let mut options = LiveOptions::default();
        options.memtable_pairs = 120;
        options.max_segments = 3;
        options.background = false;
        options.build.layout = match number % 2 {
            0 => LayoutChoice::Widths(vec![8; 32]),
            _ => LayoutChoice::Auto,
        };
        let index = LiveIndex::open(dir.path(), options.clone()).unwrap();
        let mut living = BTreeSet::new();
        for (stamp, some) in (1..).zip(set.entries.chunks(170)) {
            let mut changes: Vec<Change> = some.iter().map(|(code, id)| Change::Add(*code, *id)).collect();
            living.extend(some.iter().copied());
            // Some of all there were go again, one in three of them comes back.
            let gone: Vec<(Code256, u64)> = living.iter().filter(|_| dice.below(5) == 0).copied().collect();
            for (place, (code, id)) in gone.into_iter().enumerate() {
                changes.push(Change::Remove(code, id));
                if place % 3 == 0 {
                    changes.push(Change::Add(code, id));
                } else {
                    living.remove(&(code, id));
                }
            }
            index.apply(&changes, stamp).unwrap();
        }
        assert_answers(&index, &living, &set.queries, set.name);
        let first = dice.below(300) as u64;
        index.apply(&[Change::RemoveIds(first..=first + 90)], 1000).unwrap();
        living.retain(|(_, id)| !(first..=first + 90).contains(id));
        assert_answers(&index, &living, &set.queries, set.name);
        drop(index);
        let index = LiveIndex::open(dir.path(), options).unwrap();
        assert_answers(&index, &living, &set.queries, set.name);
    }
}
