//! Isotonic regression by pooling adjacent violators.

/// The non-decreasing fit to `truths` over `values` (sorted, ties fitted together) with `weights`: one number a case.
/// Slices of the same length. Cost: linear.
pub fn isotonic(values: &[f64], truths: &[f64], weights: &[f64]) -> Vec<f64> {
    // (weighted sum, weight, cases) of each block; first one block for each value.
    let mut tied: Vec<(f64, f64, usize)> = Vec::new();
    let mut last = f64::NAN;
    for ((value, truth), weight) in values.iter().zip(truths).zip(weights) {
        let case = (truth * weight, *weight, 1);
        match tied.last_mut() {
            Some(block) if *value == last => *block = join(*block, case),
            _ => tied.push(case),
        }
        last = *value;
    }
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for mut block in tied {
        while let Some(below) = blocks.last() {
            if below.0 * block.1 < block.0 * below.1 {
                break;
            }
            block = join(*below, block);
            blocks.pop();
        }
        blocks.push(block);
    }
    blocks.iter().flat_map(|block| std::iter::repeat_n(block.0 / block.1, block.2)).collect()
}

fn join(a: (f64, f64, usize), b: (f64, f64, usize)) -> (f64, f64, usize) {
    (a.0 + b.0, a.1 + b.1, a.2 + b.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled_and_order_is_kept() {
        let fit = isotonic(&[1.0, 2.0, 3.0, 4.0], &[0.0, 1.0, 0.0, 1.0], &[1.0; 4]);
        assert_eq!(fit, [0.0, 0.5, 0.5, 1.0]);
        let heavy = isotonic(&[1.0, 2.0], &[1.0, 0.0], &[3.0, 1.0]);
        assert_eq!(heavy, [0.75, 0.75]);
    }

    #[test]
    fn ties_get_one_value_whatever_their_order() {
        let fit = isotonic(&[1.0, 1.0, 2.0], &[0.0, 1.0, 1.0], &[1.0; 3]);
        assert_eq!(fit, [0.5, 0.5, 1.0]);
        // The first of the ties alone would be pooled with what is below it.
        let fit = isotonic(&[1.0, 1.0, 2.0, 2.0, 2.0, 2.0], &[0.0, 1.0, 0.0, 1.0, 1.0, 1.0], &[1.0; 6]);
        assert_eq!(fit, [0.5, 0.5, 0.75, 0.75, 0.75, 0.75]);
    }
}
