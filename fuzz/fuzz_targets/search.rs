//! The radius search against one comparison after the other, in every kernel.
#![no_main]

use lodestone_index::{Code256, HammingIndex, Hit, Kernel, RadiusSearch};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&[radius, queries], codes)) = input.split_first_chunk::<2>() else { return };
    // Codes of few distinct bytes lie near each other.
    let mut codes: Vec<Code256> = codes
        .chunks_exact(4)
        .map(|seed| Code256::from_bytes(&std::array::from_fn(|i| seed[i % 4] & if i < 16 { 255 } else { 1 })))
        .collect();
    let queries = codes.split_off(codes.len() - codes.len().min(usize::from(queries) % 16));
    let queries: Vec<_> = queries.into_iter().flat_map(|code| [code, !code]).collect();
    let radius = u32::from(radius) % 257;
    let mut expected: Vec<Hit> = Vec::new();
    for (query, code) in (0..).zip(&queries) {
        for (id, known) in (0..).zip(&codes) {
            let distance_bits = code.distance_bits(*known);
            if distance_bits <= radius {
                expected.push(Hit { query, distance_bits, id });
            }
        }
    }
    expected.sort_unstable();
    for kernel in Kernel::available() {
        let index = HammingIndex::from_codes(&codes).with_kernel(kernel);
        assert_eq!(index.search(&queries, radius), expected, "{}", kernel.name());
    }
});
