use std::collections::BTreeSet;

use lodestone_index::{Code64, Code128, Hit, Kernel, NarrowCode, NarrowIndex, SearchStats};
use proptest::prelude::*;

/// Every distinct pair looked at, bit by bit.
fn slow_search<const WORDS: usize>(
    entries: &[(NarrowCode<WORDS>, u64)],
    queries: &[NarrowCode<WORDS>],
    radius_bits: u32,
) -> Vec<Hit> {
    let pairs: BTreeSet<_> = entries.iter().copied().collect();
    let mut hits = Vec::new();
    for (query, code) in (0..).zip(queries) {
        for (entry, id) in &pairs {
            let differs = |bit: &usize| (code.0[bit / 64] ^ entry.0[bit / 64]) >> (bit % 64) & 1 == 1;
            let distance_bits = (0..64 * WORDS).filter(differs).count() as u32;
            if distance_bits <= radius_bits {
                hits.push(Hit { query, distance_bits, id: *id });
            }
        }
    }
    hits.sort();
    hits
}

/// Codes: random, near one another, of few bits, repeated; up to 200, with ids that repeat.
fn entries<const WORDS: usize>() -> impl Strategy<Value = Vec<(NarrowCode<WORDS>, u64)>> {
    let code = prop_oneof![
        prop::collection::vec(any::<u64>(), WORDS),
        prop::collection::vec(prop_oneof![Just(0), Just(u64::MAX), Just(0xff), 0u64..16], WORDS),
    ];
    let code = code.prop_map(|words| NarrowCode(words.try_into().expect("WORDS of them")));
    prop::collection::vec((code, prop_oneof![0u64..50, Just(u64::MAX)]), 0..200)
}

fn check<const WORDS: usize>(
    entries: &[(NarrowCode<WORDS>, u64)],
    mut queries: Vec<NarrowCode<WORDS>>,
    radius_bits: u32,
) -> Result<(), TestCaseError> {
    for (code, id) in entries.iter().step_by(11) {
        queries.push(NarrowCode(code.0.map(|word| word ^ (id & 0xff))));
    }
    let expected = slow_search(entries, &queries, radius_bits);
    for kernel in Kernel::available() {
        let index = NarrowIndex::from_entries(entries.to_vec()).with_kernel(kernel);
        prop_assert_eq!(&index.search(&queries, radius_bits), &expected, "kernel {}", kernel.name());
    }
    Ok(())
}

fn radius() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(10), Just(16), Just(17), Just(64), Just(128), Just(u32::MAX), 0u32..=130]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_kernel_finds_the_64_bit_codes_that_the_slow_search_finds(
        entries in entries::<1>(), queries in prop::collection::vec(any::<u64>(), 0..12), radius in radius()
    ) {
        check(&entries, queries.into_iter().map(|word| NarrowCode([word])).collect(), radius)?;
    }

    #[test]
    fn every_kernel_finds_the_128_bit_codes_that_the_slow_search_finds(
        entries in entries::<2>(), queries in prop::collection::vec(any::<[u64; 2]>(), 0..12), radius in radius()
    ) {
        check(&entries, queries.into_iter().map(NarrowCode).collect(), radius)?;
    }
}

#[test]
fn every_size_round_a_block_and_a_tile_answers_with_its_last_code_and_not_with_the_filling() {
    let zero: Code64 = NarrowCode([0]);
    for size in [0, 1, 2, 63, 64, 65, 127, 128, 129, 2047, 2048, 2049, 5000] {
        // Numbers with one low bit, so that the filling alone lies at distance 0.
        let entries = (0..size).map(|number| (NarrowCode([number << 8 | 1]), number)).collect();
        let index = NarrowIndex::<1>::from_entries(entries);
        assert_eq!(index.len() as u64, size);
        assert_eq!(index.search(&[zero], 0), [], "{size} codes");
        assert_eq!(index.search(&[zero], 64).len() as u64, size);
        if let Some(last) = size.checked_sub(1) {
            let hits = index.search(&[NarrowCode([last << 8])], 1);
            assert!(hits.contains(&Hit { query: 0, distance_bits: 1, id: last }), "{size} codes");
        }
    }
}

#[test]
fn all_bits_are_counted_and_the_statistics_say_what_was_compared() {
    let index = NarrowIndex::<2>::from_entries(vec![(NarrowCode([0; 2]), 8), (NarrowCode([0; 2]), 3)]);
    let far: Code128 = NarrowCode([u64::MAX; 2]);
    assert_eq!(index.search(&[far], 127), []);
    let (mut hits, mut stats) = (vec![Hit::default()], SearchStats::default());
    index.search_into(&[far, far], 128, &mut hits, &mut stats);
    let hit = |query, id| Hit { query, distance_bits: 128, id };
    assert_eq!(hits, [Hit::default(), hit(0, 3), hit(0, 8), hit(1, 3), hit(1, 8)]);
    assert_eq!(stats, SearchStats { queries: 2, scanned: 2, hits: 4, ..SearchStats::default() });
    assert_eq!((index.len(), index.distinct()), (2, 1));
}

#[test]
fn a_batch_longer_than_the_cache_holds_is_answered_in_order() {
    let entries =
        (0..300u64).map(|number| (NarrowCode([number.wrapping_mul(0x9e37_79b9_7f4a_7c15)]), number));
    let entries: Vec<(Code64, u64)> = entries.collect();
    let queries: Vec<Code64> = (0..2500).map(|number| entries[number % 300].0).collect();
    let hits = NarrowIndex::from_entries(entries).search(&queries, 0);
    let expected = (0..2500u32).map(|query| Hit { query, distance_bits: 0, id: u64::from(query % 300) });
    assert!(hits.into_iter().eq(expected));
}

#[test]
fn a_set_large_enough_for_tables_answers_as_it_does_without_them() {
    fn check<const WORDS: usize>(radii: &[u32]) {
        let mix = |number: u64, w: usize| (number << 8 | w as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let code = |number| NarrowCode(std::array::from_fn(|w| mix(number, w) ^ mix(number, w) >> 31));
        let index = NarrowIndex::<WORDS>::from_entries((0..140_000).map(|n| (code(n), n)).collect());
        let bare = index.clone().without_tables();
        let queries: Vec<_> =
            (0..20).map(|n| NarrowCode(code(n * 991).0.map(|word| word ^ 1 << n))).collect();
        for radius in radii {
            let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
            index.search_into(&queries, *radius, &mut hits, &mut stats);
            assert_eq!(hits, bare.search(&queries, *radius), "radius {radius}");
            assert!(hits.len() >= queries.len());
            assert_eq!(
                (stats.scanned, stats.entries > 0),
                (0, true),
                "radius {radius} was not looked up in tables"
            );
        }
    }
    check::<1>(&[1, 4, 6]);
    check::<2>(&[2, 8, 12]);
}
