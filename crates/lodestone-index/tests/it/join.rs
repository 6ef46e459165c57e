use std::ops::ControlFlow;

use lodestone_index::{Code256, JoinStep, Pair, self_join, self_join_forms};
use proptest::prelude::*;

use crate::sets::{codes, radius, slow_distance};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_self_join_finds_each_near_pair_once(codes in codes(), radius in radius()) {
        let mut expected = Vec::new();
        for b in 0..codes.len() {
            for a in 0..b {
                let distance_bits = slow_distance(codes[a], codes[b]);
                if distance_bits <= radius {
                    expected.push(Pair { a: a as u32, b: b as u32, form: 0, complement: false, distance_bits });
                }
            }
        }
        expected.sort();
        prop_assert_eq!(collect(|step| self_join(&codes, radius, step)), expected);
    }

    #[test]
    fn a_join_of_forms_names_the_form_and_its_complement(codes in codes(), radius in radius()) {
        let forms: Vec<[Code256; 3]> =
            codes.iter().map(|c| [*c, Code256(c.0.map(u64::swap_bytes)), Code256([c.0[3], c.0[2], c.0[1], c.0[0]])]).collect();
        let mut expected = Vec::new();
        for (b, forms) in forms.iter().enumerate() {
            for (a, earlier) in codes[..b].iter().enumerate() {
                for (form, code) in (0u8..).zip(*forms) {
                    for (complement, code) in [(false, code), (true, !code)] {
                        let distance_bits = slow_distance(*earlier, code);
                        if distance_bits <= radius {
                            expected.push(Pair { a: a as u32, b: b as u32, form, complement, distance_bits });
                        }
                    }
                }
            }
        }
        expected.sort();
        prop_assert_eq!(collect(|step| self_join_forms(&codes, &forms.iter().collect::<Vec<_>>(), radius, step)), expected);
    }
}

fn collect(
    join: impl FnOnce(&mut dyn FnMut(JoinStep<'_>) -> ControlFlow<()>) -> ControlFlow<()>,
) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let flow = join(&mut |step| {
        pairs.extend_from_slice(step.pairs);
        ControlFlow::Continue(())
    });
    assert_eq!(flow, ControlFlow::Continue(()));
    pairs.sort();
    pairs
}

#[test]
fn a_dense_join_streams_its_pairs_and_counts_up_to_its_total() {
    let codes = vec![Code256([3; 4]); 1500];
    let (mut pairs, mut most, mut last) = (0, 0, 0);
    let flow = self_join(&codes, 31, &mut |step| {
        assert!(step.done >= last && step.done <= step.total);
        last = step.done;
        pairs += step.pairs.len();
        most = most.max(step.pairs.len());
        ControlFlow::Continue(())
    });
    assert_eq!((flow, pairs, last), (ControlFlow::Continue(()), 1500 * 1499 / 2, 1500 * 1499 / 2));
    assert!(most < pairs / 4, "handed over {most} at once");
}

#[test]
fn a_join_stops_when_told_to() {
    let codes = vec![Code256::default(); 1000];
    let mut steps = 0;
    let flow = self_join(&codes, 0, &mut |_| {
        steps += 1;
        ControlFlow::Break(())
    });
    assert_eq!((flow, steps), (ControlFlow::Break(()), 1));
}
