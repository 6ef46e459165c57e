//! Every kernel of this machine gives the answers of every other.

use super::{BuildOptions, LayoutChoice, Segment};
use crate::ring::split_mix;
use crate::{Code256, Hit, Kernel, SearchStats};

#[test]
fn every_kernel_answers_as_comparing_everything_does_singly_and_in_batches() {
    let mut state = 3;
    let mut entries: Vec<(Code256, u64)> = Vec::new();
    for id in 0..600 {
        let mut code = Code256(std::array::from_fn(|_| split_mix(&mut state)));
        if id > 40 {
            // Some bits from one of the first.
            code = entries[id as usize % 40].0;
            for _ in 0..split_mix(&mut state) % 40 {
                let bit = split_mix(&mut state) % 256;
                code.0[bit as usize / 64] ^= 1 << (bit % 64);
            }
        }
        entries.push((code, id));
    }
    let mut queries: Vec<Code256> = entries.iter().step_by(14).map(|(code, _)| *code).collect();
    queries.push(!entries[3].0);
    queries.push(entries[3].0);
    for layout in
        [LayoutChoice::Linear, LayoutChoice::Widths(vec![8; 32]), LayoutChoice::Widths(vec![16; 16])]
    {
        for even in [false, true] {
            let mut entries = entries.clone();
            entries.retain(|(code, _)| !even || crate::ring::Bits(code.0).is_even());
            let options = BuildOptions { layout: layout.clone(), ..BuildOptions::default() };
            let mut segment = Segment::from_entries(entries.clone(), &options).unwrap();
            for radius in [0, 1, 16, 30, 31, 32, 50, 65, 256] {
                let mut expected = Vec::new();
                for (query, near) in (0..).zip(&queries) {
                    let hit = |(code, id): &(Code256, u64)| Hit {
                        query,
                        distance_bits: code.distance_bits(*near),
                        id: *id,
                    };
                    expected.extend(entries.iter().map(hit).filter(|hit| hit.distance_bits <= radius));
                }
                expected.sort_unstable();
                for kernel in Kernel::available() {
                    segment.kernel = kernel;
                    let search = |queries: &[Code256]| {
                        let (mut hits, mut stats) = (Vec::new(), SearchStats::default());
                        segment.search_into(queries, radius, &mut hits, &mut stats).unwrap();
                        hits
                    };
                    assert!(search(&queries) == expected, "{}, {layout:?}, {radius}", kernel.name());
                    let singly = (0..).zip(&queries).flat_map(|(query, code)| {
                        search(&[*code]).into_iter().map(move |hit| Hit { query, ..hit })
                    });
                    assert!(singly.eq(expected.iter().copied()), "{}, {layout:?}, {radius}", kernel.name());
                }
            }
        }
    }
}
