//! Segments in every layout against comparing everything with everything.

use lodestone_index::{Code256, Hit, LayoutChoice, Segment};

use crate::oracle::{Dice, Set, all_within, canaries, like_hashes, sets, weight};
use crate::segment::{options, pairs, search};

/// What is asked of each: all radii of use, and some of those beyond.
fn radii() -> impl Iterator<Item = u32> {
    (0..=31).chain([32, 33, 47, 64, 65, 128, 256])
}

/// Answers of whole batches at every radius, of single queries and of batches round the size from which they are
/// sorted.
fn check(set: &Set, layout: &LayoutChoice, radii: impl Iterator<Item = u32>) {
    let Set { name, entries, queries } = set;
    let segment = Segment::from_entries(entries.clone(), &options(layout.clone())).unwrap();
    let everything = all_within(entries, queries, 256);
    let expected = |from: usize, to: usize, radius: u32| -> Vec<Hit> {
        let range = from as u32..to as u32;
        let hits = everything.iter().filter(|hit| range.contains(&hit.query) && hit.distance_bits <= radius);
        hits.map(|hit| Hit { query: hit.query - from as u32, ..*hit }).collect()
    };
    for radius in radii {
        let all = queries.len();
        assert!(
            search(&segment, queries, radius) == expected(0, all, radius),
            "{name}, {layout:?}, radius {radius}"
        );
        if ![0, 15, 30, 31, 32].contains(&radius) {
            continue;
        }
        for size in [1, 23, 24, 25] {
            for from in [0, all - size] {
                let found = search(&segment, &queries[from..from + size], radius);
                assert!(
                    found == expected(from, from + size, radius),
                    "{name}, {layout:?}, radius {radius}, queries {from}, {size} of them"
                );
            }
        }
    }
}

#[test]
fn sets_of_every_shape_in_layouts_of_every_kind_answer_as_comparing_everything_does() {
    let mut dice = Dice(1);
    for set in sets() {
        check(&set, &LayoutChoice::Auto, radii());
        check(&set, &LayoutChoice::Linear, radii());
        check(&set, &LayoutChoice::Widths(vec![8; 32]), radii());
        check(&set, &LayoutChoice::Widths(dice.widths()), radii());
    }
}

#[test]
fn the_usual_layouts_answer_every_shape_as_comparing_everything_does() {
    let wide = [vec![18, 21, 19], vec![17; 11], vec![11]].concat();
    for set in sets().into_iter().filter(|set| set.entries.len() > 90) {
        check(&set, &LayoutChoice::Widths(vec![16; 16]), (0..=31).chain([48, 65]));
        check(&set, &LayoutChoice::Widths(wide.clone()), [0, 4, 15, 30, 31, 41].into_iter());
    }
}

/// With so many codes a word of ids has less room than the bits that could stand there.
#[test]
fn a_large_set_in_wide_chunks_answers_as_comparing_everything_does() {
    let mut dice = Dice(5);
    let mut codes: Vec<Code256> = (0..150_000).map(|_| dice.even()).collect();
    for i in 0..10_000 {
        let bits = 2 * dice.below(20);
        codes.push(dice.at_distance(codes[i % 40], bits));
    }
    let mut set = Set::new("large", codes.into_iter().zip(0..).collect(), &mut dice);
    for i in 0..20 {
        set.queries[i] = dice.at_distance(set.entries[i % 40].0, i);
    }
    let near = all_within(&set.entries, &set.queries, 66);
    for layout in [LayoutChoice::Auto, LayoutChoice::Widths([vec![20; 12], vec![16]].concat())] {
        let segment = Segment::from_entries(set.entries.clone(), &options(layout.clone())).unwrap();
        for radius in [0, 1, 2, 9, 16, 29, 30, 31, 32, 40, 66] {
            let expected: Vec<Hit> = near.iter().filter(|hit| hit.distance_bits <= radius).copied().collect();
            assert!(search(&segment, &set.queries, radius) == expected, "{layout:?}, radius {radius}");
        }
        // A batch that is walked through the tables in order, each query twice over.
        let many: Vec<Code256> = set.queries.iter().cycle().take(1000).copied().collect();
        let n = set.queries.len() as u32;
        for hit in search(&segment, &many, 31).chunk_by(|a, b| a.query == b.query) {
            let query = hit[0].query % n;
            let expected = near.iter().filter(|hit| hit.query == query && hit.distance_bits <= 31);
            assert!(hit.iter().map(|hit| Hit { query, ..*hit }).eq(expected.copied()), "{layout:?}, {query}");
        }
        let found = search(&segment, &many, 31).len();
        let expected =
            |query: &u32| near.iter().filter(|hit| hit.query == query % n && hit.distance_bits <= 31).count();
        assert_eq!(found, (0..1000).map(|query| expected(&query)).sum::<usize>());
    }
}

/// From 12,000 codes on, the 32 canaries among them, tables are made.
#[test]
fn where_tables_begin_to_pay_answers_stay_the_same() {
    let mut dice = Dice(9);
    let codes = like_hashes(16_000, &mut dice);
    let mut codes: Vec<Code256> = codes.into_iter().filter(|code| weight(*code) == 128).collect();
    codes.sort_unstable();
    codes.dedup();
    for (n, tables) in [(11_967, 0), (11_968, 16), (11_969, 16)] {
        let entries = codes[..n].iter().copied().zip(0..).collect();
        let set = Set::new("where tables begin", entries, &mut dice);
        let segment = Segment::from_entries(set.entries.clone(), &options(LayoutChoice::Auto)).unwrap();
        assert_eq!(segment.facts().parts[0].widths.len(), tables, "{n}");
        for radius in [0, 14, 30, 31, 48, 90] {
            assert!(
                search(&segment, &set.queries, radius) == all_within(&set.entries, &set.queries, radius),
                "{n} codes, radius {radius}"
            );
        }
    }
}

#[test]
fn codes_of_canaries_are_found_with_their_owners_only() {
    let (centres, codes) = canaries();
    let entries: Vec<(Code256, u64)> = codes.iter().copied().zip(1..).collect();
    for (n, layout) in
        [(64, LayoutChoice::Linear), (64, LayoutChoice::Widths(vec![8; 32])), (1, LayoutChoice::Auto)]
    {
        let mine = &entries[..n];
        let segment = Segment::from_entries(mine.to_vec(), &options(layout)).unwrap();
        assert_eq!((segment.len(), segment.distinct()), (n as u64, n as u64));
        assert!(search(&segment, &codes, 0) == all_within(mine, &codes, 0));
        let found = search(&segment, &centres, 31);
        assert!(found == all_within(mine, &centres, 31));
        // Each lies as far from its centre as the format says.
        assert!((0..n).all(|i| {
            let hit = Hit { query: i as u32 % 2, distance_bits: i as u32 / 2, id: i as u64 + 1 };
            found.contains(&hit)
        }));
        let mut back = pairs(&segment);
        back.sort_unstable_by_key(|pair| pair.1);
        assert!(back == mine);
    }
}
