//! Answers of a segment against those of the linear index.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use lodestone_index::{
    BuildOptions, Code256, HammingIndex, Hit, LayoutChoice, RadiusSearch, SearchStats, Segment, SegmentError,
};
use proptest::prelude::*;

use crate::sets::{codes, radius, slow_search};

/// Layouts small enough for small sets, and the linear one.
pub(crate) fn layouts() -> Vec<LayoutChoice> {
    vec![
        LayoutChoice::Linear,
        LayoutChoice::Auto,
        LayoutChoice::Widths(vec![8; 32]),
        LayoutChoice::Widths([vec![9; 4], vec![13; 16], vec![12]].concat()),
    ]
}

pub(crate) fn options(layout: LayoutChoice) -> BuildOptions {
    BuildOptions { layout, ..BuildOptions::default() }
}

pub(crate) fn search(segment: &Segment, queries: &[Code256], radius: u32) -> Vec<Hit> {
    let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
    segment.search_into(queries, radius, &mut hits, &mut stats).unwrap();
    assert_eq!((stats.queries, stats.hits), (queries.len() as u64, hits.len() as u64));
    hits
}

pub(crate) fn pairs(segment: &Segment) -> Vec<(Code256, u64)> {
    let mut pairs = Vec::new();
    let each = &mut |code, id| {
        pairs.push((code, id));
        ControlFlow::Continue(())
    };
    segment.for_each(each).unwrap();
    pairs
}

/// Codes of even weight near 128, as hashes have it, from a fixed sequence.
pub(crate) fn usual(n: usize, seed: u64) -> Vec<Code256> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let code = |words: [u64; 4]| {
        let odd = words.iter().map(|word| word.count_ones()).sum::<u32>() % 2;
        Code256([words[0] ^ u64::from(odd), words[1], words[2], words[3]])
    };
    (0..n).map(|_| code(std::array::from_fn(|_| next()))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_layout_answers_as_the_linear_index_does(
        codes in codes(),
        random in codes(),
        radius in prop_oneof![0u32..=64, radius()],
        id_step in prop_oneof![Just(1u64), Just(1 << 40), Just(u64::MAX / 400)],
    ) {
        let small: Vec<(Code256, u32)> = codes.iter().copied().zip(0..).collect();
        let entries: Vec<(Code256, u64)> = small.iter().map(|(code, n)| (*code, u64::from(*n) * id_step)).collect();
        let mut queries: Vec<Code256> = random.into_iter().take(20).collect();
        queries.extend(codes.iter().step_by(13).flat_map(|code| [*code, !*code, Code256([code.0[0] ^ 5, code.0[1], !code.0[2], code.0[3]])]));
        let mut expected = slow_search(&small, &queries, radius);
        expected.iter_mut().for_each(|hit| hit.id *= id_step);
        let mut sorted = entries.clone();
        sorted.sort();
        let distinct = codes.iter().collect::<BTreeSet<_>>().len() as u64;
        for layout in layouts() {
            let segment = Segment::from_entries(entries.clone(), &options(layout)).unwrap();
            prop_assert_eq!(&search(&segment, &queries, radius), &expected);
            prop_assert_eq!((segment.len(), segment.distinct()), (entries.len() as u64, distinct));
            let mut back = pairs(&segment);
            back.sort();
            prop_assert_eq!(&back, &sorted);
            segment.verify(&mut |_, _| ControlFlow::Continue(())).unwrap();
        }
    }
}

#[test]
fn many_usual_codes_answer_as_the_linear_index_does_at_every_radius() {
    let codes = usual(20_000, 1);
    let mut queries = usual(40, 2);
    for (number, code) in codes.iter().step_by(250).enumerate() {
        let mut words = code.0;
        (0..number % 40).for_each(|bit| words[bit % 4] ^= 1 << (bit * 5 % 64));
        queries.push(Code256(words));
    }
    let linear = HammingIndex::from_codes(&codes);
    let entries: Vec<(Code256, u64)> = codes.iter().copied().zip(0..).collect();
    for layout in [LayoutChoice::Auto, LayoutChoice::Widths(vec![16; 16]), LayoutChoice::Linear] {
        let segment = Segment::from_entries(entries.clone(), &options(layout)).unwrap();
        assert_eq!(segment.facts().parts.len(), 1);
        assert!(segment.facts().parts[0].even);
        for radius in (0..=31).chain([32, 47, 64, 65, 90]) {
            assert_eq!(
                search(&segment, &queries, radius),
                linear.search(&queries, radius),
                "radius {radius}"
            );
        }
    }
}

#[test]
fn few_odd_codes_and_blank_ones_get_a_part_of_their_own() {
    let mut entries: Vec<(Code256, u64)> = usual(1000, 3).into_iter().zip(0..).collect();
    entries.push((Code256([1, 0, 0, 0]), 5000));
    entries.push((Code256([0; 4]), 5001));
    entries.push((Code256([u64::MAX; 4]), 5002));
    entries.push((Code256([u64::MAX, 1, u64::MAX, 0]), 5003));
    let segment =
        Segment::from_entries(entries.clone(), &options(LayoutChoice::Widths(vec![8; 32]))).unwrap();
    let facts = segment.facts();
    let parts: Vec<(u64, bool)> = facts.parts.iter().map(|part| (part.codes, part.even)).collect();
    assert_eq!(parts, [(1000 + 32, true), (4 + 32, false)]);
    assert_eq!((facts.entries, facts.distinct, facts.canaries), (1004, 1004, 64));
    for (code, id) in entries {
        assert_eq!(search(&segment, &[code], 0), [Hit { query: 0, distance_bits: 0, id }]);
    }
    let near_blank = Code256([3, 0, 0, 0]);
    let found: Vec<(u32, u64)> =
        search(&segment, &[near_blank], 31).iter().map(|hit| (hit.distance_bits, hit.id)).collect();
    assert_eq!(found, [(1, 5000), (2, 5001)]);
}

#[test]
fn many_odd_codes_stay_with_the_others() {
    let mut codes = usual(100, 4);
    codes.iter_mut().take(20).for_each(|code| code.0[3] ^= 1);
    let segment =
        Segment::from_entries(codes.into_iter().zip(0..).collect(), &BuildOptions::default()).unwrap();
    let parts: Vec<(u64, bool)> = segment.facts().parts.iter().map(|part| (part.codes, part.even)).collect();
    assert_eq!(parts, [(164, false)]);
}

#[test]
fn equal_pairs_count_once_and_all_owners_are_named_ascending() {
    let code = Code256([7; 4]);
    let entries = vec![(code, 9), (Code256([0; 4]), 4), (code, u64::MAX - 1), (code, 9), (code, 2)];
    let segment = Segment::from_entries(entries, &BuildOptions::default()).unwrap();
    assert_eq!((segment.len(), segment.distinct()), (4, 2));
    let ids: Vec<u64> = search(&segment, &[code], 0).iter().map(|hit| hit.id).collect();
    assert_eq!(ids, [2, 9, u64::MAX - 1]);
}

#[test]
fn owners_take_four_bytes_where_all_ids_lie_close_and_eight_elsewhere() {
    let codes = usual(3, 5);
    let far = 7u64 << 40;
    for (ids, bytes) in [
        ([far, far + 1, far + (1 << 31) - 1], 4),
        ([far, far + 1, far + (1 << 31)], 8),
        ([0, 1 << 63, u64::MAX - 1], 8),
    ] {
        let entries: Vec<(Code256, u64)> = codes.iter().copied().zip(ids).collect();
        let segment = Segment::from_entries(entries.clone(), &BuildOptions::default()).unwrap();
        assert_eq!(segment.facts().owner_bytes, bytes);
        for (code, id) in entries {
            assert_eq!(search(&segment, &[code], 3), [Hit { query: 0, distance_bits: 0, id }]);
        }
    }
}

#[test]
fn the_id_of_canaries_is_refused() {
    let entries = vec![(Code256::default(), u64::MAX)];
    let error = Segment::from_entries(entries, &BuildOptions::default()).unwrap_err();
    assert!(matches!(error, SegmentError::ReservedId));
}

#[test]
fn widths_that_are_no_layout_are_refused() {
    let error = Segment::from_entries(Vec::new(), &options(LayoutChoice::Widths(vec![16; 15]))).unwrap_err();
    assert!(matches!(error, SegmentError::Layout { .. }));
}

#[test]
fn canaries_are_never_reported_counted_or_given_out() {
    for codes in [Vec::new(), usual(50, 6)] {
        let entries: Vec<(Code256, u64)> = codes.iter().copied().zip(0..).collect();
        for layout in layouts() {
            let segment = Segment::from_entries(entries.clone(), &options(layout)).unwrap();
            let everything = search(&segment, &[Code256::default()], 256);
            assert_eq!(everything.len(), entries.len());
            assert_eq!(segment.len(), entries.len() as u64);
            assert_eq!(pairs(&segment).len(), entries.len());
            assert_eq!(segment.facts().canaries, 32);
        }
    }
}

#[test]
fn a_round_over_all_pairs_can_be_stopped() {
    let entries: Vec<(Code256, u64)> = usual(10, 7).into_iter().zip(0..).collect();
    let segment = Segment::from_entries(entries, &BuildOptions::default()).unwrap();
    let mut seen = 0;
    let result = segment.for_each(&mut |_, _| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(result, Err(SegmentError::Stopped)));
    assert_eq!(seen, 3);
}
