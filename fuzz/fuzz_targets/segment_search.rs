//! Segments of every layout against one comparison after the other.
#![no_main]

use std::ops::ControlFlow;

use lodestone_index::{BuildOptions, Code256, Hit, LayoutChoice, SearchStats, Segment};

/// Codes near each other and far, odd and even, equal and blank, by four bytes each.
fn code(seed: &[u8; 4]) -> Code256 {
    let [kind, stem, a, b] = *seed;
    let stem = u64::from(stem % 8).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut words = match kind % 4 {
        0 => [0; 4],
        1 => [stem, !stem, stem.rotate_left(21), stem.rotate_left(43)],
        2 => [stem, stem.rotate_left(9), u64::from(a) << 20, !u64::from(b)],
        _ => [stem ^ u64::from(kind), stem, stem, !stem],
    };
    words[usize::from(a) / 64] ^= 1 << (a % 64);
    words[usize::from(b) / 64] ^= u64::from(kind) << (b % 64);
    Code256(words)
}

/// Widths that sum to 256, from any bytes.
fn widths(bytes: [u8; 4]) -> Vec<u8> {
    let mut state = u32::from_le_bytes(bytes) | 1;
    let mut widths = vec![1u8; 20 + (state % 13) as usize];
    let mut left = 256 - widths.len();
    while left > 0 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let place = (state >> 16) as usize % widths.len();
        if widths[place] < 14 {
            widths[place] += 1;
            left -= 1;
        }
    }
    widths
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&[radius, layout, step, queries, a, b, c, d], rest)) = input.split_first_chunk::<8>() else {
        return;
    };
    let (seeds, _) = rest.as_chunks::<4>();
    let mut codes: Vec<Code256> = seeds.iter().take(2000).map(code).collect();
    let queries = codes.split_off(codes.len() - codes.len().min(usize::from(queries) % 64));
    let queries: Vec<Code256> = queries
        .iter()
        .enumerate()
        .flat_map(|(i, code)| [Some(*code), (i % 2 == 0).then_some(!*code)])
        .flatten()
        .collect();
    let ids = |i: usize| (i as u64 / (1 + u64::from(step) % 4)) << (step / 4 % 56);
    let mut entries: Vec<(Code256, u64)> =
        codes.iter().enumerate().map(|(i, code)| (*code, ids(i))).collect();
    let layout = match layout % 8 {
        0 => LayoutChoice::Auto,
        1 => LayoutChoice::Linear,
        2 | 3 => LayoutChoice::Widths(vec![8; 32]),
        _ => LayoutChoice::Widths(widths([a, b, c, d])),
    };
    let options = BuildOptions { layout, ..BuildOptions::default() };
    let segment = Segment::from_entries(entries.clone(), &options).unwrap();
    entries.sort_unstable();
    entries.dedup();
    let radius = if radius < 192 { u32::from(radius) % 66 } else { u32::from(radius) * 256 / 255 };
    let mut expected: Vec<Hit> = Vec::new();
    for (query, near) in (0..).zip(&queries) {
        for (code, id) in &entries {
            let distance_bits = code.distance_bits(*near);
            if distance_bits <= radius {
                expected.push(Hit { query, distance_bits, id: *id });
            }
        }
    }
    expected.sort_unstable();
    let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
    segment.search_into(&queries, radius, &mut hits, &mut stats).unwrap();
    assert_eq!(hits, expected);
    assert_eq!((stats.queries, stats.hits), (queries.len() as u64, hits.len() as u64));
    let mut pairs = Vec::new();
    let all = segment.for_each(&mut |code, id| {
        pairs.push((code, id));
        ControlFlow::Continue(())
    });
    all.unwrap();
    pairs.sort_unstable();
    assert_eq!(pairs, entries);
    segment.verify(&mut |_, _| ControlFlow::Continue(())).unwrap();
});
