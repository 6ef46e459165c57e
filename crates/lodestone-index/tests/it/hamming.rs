use lodestone_index::{Code256, HammingIndex, Hit, Kernel, RadiusSearch};
use proptest::prelude::*;

use crate::sets::{codes, radius, slow_search};

fn queries_for(codes: &[Code256], random: Vec<Code256>) -> Vec<Code256> {
    let mut queries = random;
    for code in codes.iter().step_by(17) {
        queries.extend([*code, !*code, Code256([code.0[0] ^ 5, code.0[1], code.0[2] ^ 1, !code.0[3]])]);
    }
    queries
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_kernel_finds_what_the_slow_search_finds(codes in codes(), random in codes(), radius in radius()) {
        let entries: Vec<(Code256, u32)> = codes.iter().copied().zip((0..).step_by(3)).collect();
        let queries = queries_for(&codes, random.into_iter().take(20).collect());
        let expected = slow_search(&entries, &queries, radius);
        for kernel in Kernel::available() {
            let index = HammingIndex::from_entries(entries.clone()).with_kernel(kernel);
            prop_assert_eq!(&index.search(&queries, radius), &expected, "kernel {}", kernel.name());
        }
    }

    #[test]
    fn a_batch_answers_as_its_queries_do_one_by_one(codes in codes(), random in codes(), radius in radius()) {
        let index = HammingIndex::from_codes(&codes);
        let queries = queries_for(&codes, random.into_iter().take(10).collect());
        let mut one_by_one = Vec::new();
        for (number, query) in (0..).zip(&queries) {
            one_by_one.extend(index.search(&[*query], radius).into_iter().map(|hit| Hit { query: number, ..hit }));
        }
        prop_assert_eq!(index.search(&queries, radius), one_by_one);
    }
}

#[test]
fn an_empty_index_answers_nothing_at_any_radius() {
    let index = HammingIndex::default();
    assert!(index.is_empty());
    assert_eq!(index.search(&[Code256::default(), !Code256::default()], 256), []);
}

#[test]
fn equal_codes_are_stored_once_and_all_owners_are_named() {
    let code = Code256([7; 4]);
    let index = HammingIndex::from_entries(vec![(code, 9), (Code256([0; 4]), 4), (code, 2), (code, 9)]);
    assert_eq!((index.len(), index.distinct()), (4, 2));
    let ids: Vec<u64> = index.search(&[code], 0).iter().map(|hit| hit.id).collect();
    assert_eq!(ids, [2, 9, 9]);
}

#[test]
fn answers_are_appended_to_those_already_there() {
    let index = HammingIndex::from_codes(&[Code256::default()]);
    let first = Hit { query: 9, distance_bits: 9, id: 9 };
    let mut hits = vec![first];
    index.search_into(&[Code256::default()], 0, &mut hits);
    assert_eq!(hits, [first, Hit::default()]);
}

#[test]
fn a_code_beyond_the_first_tile_is_found_and_the_filling_is_not() {
    let mut codes = vec![!Code256::default(); 5000];
    codes[4999] = Code256([0, 0, 0, 1]);
    let index = HammingIndex::from_entries(codes.into_iter().zip(0..).collect());
    let hits = index.search(&[Code256::default()], 31);
    assert_eq!(hits, [Hit { query: 0, distance_bits: 1, id: 4999 }]);
}

#[test]
fn the_portable_kernel_is_always_there_and_detection_takes_the_first() {
    let kernels = Kernel::available();
    assert_eq!(kernels.last().map(|kernel| kernel.name()), Some("portable"));
    assert_eq!(kernels[0], Kernel::detect());
}
