use std::collections::BTreeSet;

use lodestone_index::{Kernel, SearchStats, Vector144, VectorHit, VectorIndex, VectorQuery};
use proptest::prelude::*;

/// Every distinct pair looked at, byte by byte.
fn slow_search(entries: &[(Vector144, u64)], queries: &[VectorQuery]) -> Vec<VectorHit> {
    let pairs: BTreeSet<_> = entries.iter().copied().collect();
    let mut hits = Vec::new();
    for (query, asked) in (0..).zip(queries) {
        for (entry, id) in &pairs {
            let squares = (0..144).map(|i| (i64::from(entry.0[i]) - i64::from(asked.vector.0[i])).pow(2));
            let distance_squared = squares.sum::<i64>() as u32;
            if distance_squared <= asked.max_distance_squared {
                hits.push(VectorHit { query, distance_squared, id: *id });
            }
        }
    }
    hits.sort();
    hits
}

/// Synthetic vectors: noise, noise of little contrast, few bytes that are not 0, extremes.
fn vector() -> impl Strategy<Value = Vector144> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 144),
        prop::collection::vec(100u8..110, 144),
        prop::collection::vec(prop_oneof![20 => Just(0), 1 => any::<u8>()], 144),
        prop::collection::vec(prop_oneof![Just(0), Just(255), Just(128)], 144),
        any::<u8>().prop_map(|byte| vec![byte; 144]),
    ];
    bytes.prop_map(|bytes| Vector144(bytes.try_into().expect("144 of them")))
}

/// Some vectors, most of them several times with a few bytes changed.
fn entries() -> impl Strategy<Value = Vec<(Vector144, u64)>> {
    let change = (any::<prop::sample::Index>(), 0usize..144, 0u8..20, 0u64..40);
    (prop::collection::vec(vector(), 1..12), prop::collection::vec(change, 0..150)).prop_map(
        |(vectors, changes)| {
            let changed = changes.into_iter().map(|(which, place, by, id)| {
                let mut vector = *which.get(&vectors);
                vector.0[place] = vector.0[place].wrapping_add(by);
                (vector, id)
            });
            changed.collect()
        },
    )
}

fn limit() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0),
        Just(1),
        0u32..500,
        Just(5_000),
        Just(40_000),
        0..=Vector144::MAX_DISTANCE_SQUARED,
        Just(Vector144::MAX_DISTANCE_SQUARED),
        Just(u32::MAX),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_kernel_finds_what_the_slow_search_finds_each_query_at_its_own_distance(
        entries in entries(), others in prop::collection::vec(vector(), 0..6), limits in prop::collection::vec(limit(), 24)
    ) {
        let known = entries.iter().step_by(9).map(|(vector, _)| *vector);
        let queries: Vec<VectorQuery> = known
            .chain(others)
            .zip(limits)
            .map(|(vector, max_distance_squared)| VectorQuery { vector, max_distance_squared })
            .collect();
        let expected = slow_search(&entries, &queries);
        for kernel in Kernel::available() {
            let index = VectorIndex::from_entries(entries.clone()).with_kernel(kernel);
            prop_assert_eq!(&index.search(&queries), &expected, "kernel {}", kernel.name());
        }
    }

    #[test]
    fn a_distance_is_found_exactly_at_its_limit_and_not_below_it(a in vector(), b in vector()) {
        let distance_squared = a.distance_squared(&b);
        prop_assert_eq!(distance_squared, b.distance_squared(&a));
        for kernel in Kernel::available() {
            let index = VectorIndex::from_entries(vec![(a, 7)]).with_kernel(kernel);
            let at = VectorQuery { vector: b, max_distance_squared: distance_squared };
            prop_assert_eq!(index.search(&[at]), [VectorHit { query: 0, distance_squared, id: 7 }]);
            if let Some(max_distance_squared) = distance_squared.checked_sub(1) {
                prop_assert_eq!(index.search(&[VectorQuery { max_distance_squared, ..at }]), []);
            }
        }
    }
}

#[test]
fn the_farthest_vectors_are_144_times_255_squared_apart_on_every_kernel() {
    let (zero, full) = (Vector144([0; 144]), Vector144([255; 144]));
    assert_eq!(zero.distance_squared(&full), Vector144::MAX_DISTANCE_SQUARED);
    for kernel in Kernel::available() {
        let index = VectorIndex::from_entries(vec![(zero, 0), (full, 1)]).with_kernel(kernel);
        let queries = [zero, full].map(|vector| VectorQuery { vector, max_distance_squared: u32::MAX });
        let hit = |query, distance_squared, id| VectorHit { query, distance_squared, id };
        let far = 9_363_600;
        let expected = [hit(0, 0, 0), hit(0, far, 1), hit(1, 0, 1), hit(1, far, 0)];
        assert_eq!(index.search(&queries), expected, "kernel {}", kernel.name());
    }
}

#[test]
fn every_size_round_a_block_and_a_tile_answers_with_all_and_not_with_the_filling() {
    for size in [0u32, 1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1000] {
        let numbered = |number: u32| {
            let mut vector = Vector144([1; 144]);
            vector.0[140..].copy_from_slice(&number.to_be_bytes());
            vector
        };
        let index = VectorIndex::from_entries((0..size).map(|n| (numbered(n), u64::from(n))).collect());
        assert_eq!((index.len(), index.distinct()), (size as usize, size as usize));
        let ask = |vector, max_distance_squared| VectorQuery { vector, max_distance_squared };
        let all = index.search(&[ask(Vector144([0; 144]), u32::MAX)]);
        assert_eq!(all.len(), size as usize);
        assert_eq!(index.search(&[ask(Vector144([0; 144]), 139)]), [], "{size} vectors");
        for n in 0..size {
            let expected = VectorHit { query: 0, distance_squared: 0, id: u64::from(n) };
            assert_eq!(index.search(&[ask(numbered(n), 0)]), [expected], "{size} vectors");
        }
    }
}

#[test]
fn equal_vectors_are_stored_once_with_all_their_owners_and_answers_are_appended() {
    let (a, b) = (Vector144([9; 144]), Vector144([10; 144]));
    let index = VectorIndex::from_entries(vec![(a, 5), (b, 1), (a, 2), (a, 5), (a, u64::MAX)]);
    assert_eq!((index.len(), index.distinct()), (4, 2));
    let first = VectorHit { query: 9, distance_squared: 9, id: 9 };
    let (mut hits, mut stats) = (vec![first], SearchStats::default());
    index.search_into(&[VectorQuery { vector: a, max_distance_squared: 0 }], &mut hits, &mut stats);
    let found: Vec<u64> = hits.iter().map(|hit| hit.id).collect();
    assert_eq!(found, [9, 2, 5, u64::MAX]);
    assert_eq!((stats.queries, stats.hits), (1, 3));
}

#[test]
fn vectors_whose_length_is_too_far_from_the_query_are_not_looked_at() {
    let entries = (0..256).flat_map(|byte| {
        [0, 1].map(|last| {
            let mut vector = Vector144([byte as u8; 144]);
            vector.0[143] = vector.0[143].wrapping_add(last);
            (vector, byte)
        })
    });
    let index = VectorIndex::from_entries(entries.collect());
    let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
    let query = VectorQuery { vector: Vector144([200; 144]), max_distance_squared: 144 };
    index.search_into(&[query], &mut hits, &mut stats);
    let mut ids: Vec<u64> = hits.iter().map(|hit| hit.id).collect();
    ids.dedup();
    assert_eq!(ids, [200, 199, 201].into_iter().collect::<Vec<u64>>());
    assert!(stats.scanned <= 64, "{} of {} vectors were looked at", stats.scanned, index.distinct());
}
