//! The reference's algorithm, written down as plainly as it is defined, at full size.

/// Luma of the picture to 64 × 64 samples.
pub(crate) fn decimated(mut luma: Vec<f32>, width: usize, height: usize) -> [[f32; 64]; 64] {
    for _ in 0..2 {
        for row in luma.chunks_exact_mut(width) {
            row.copy_from_slice(&boxed(row));
        }
        for x in 0..width {
            let column: Vec<f32> = (0..height).map(|y| luma[y * width + x]).collect();
            for (y, value) in boxed(&column).into_iter().enumerate() {
                luma[y * width + x] = value;
            }
        }
    }
    let source = |i: usize, n: usize| ((i as f64 + 0.5) * n as f64 / 64.0) as usize;
    std::array::from_fn(|i| std::array::from_fn(|j| luma[source(i, height) * width + source(j, width)]))
}

/// One running mean along a line, in the reference's four phases.
fn boxed(line: &[f32]) -> Vec<f32> {
    let window = line.len().div_ceil(128);
    let half = (window + 2) / 2;
    let (mut sum, mut count, mut right, mut left) = (0.0_f32, 0.0_f32, 0, 0);
    let mut out = Vec::new();
    for _ in 0..half - 1 {
        sum += line[right];
        right += 1;
        count += 1.0;
    }
    for _ in 0..window - half + 1 {
        sum += line[right];
        right += 1;
        count += 1.0;
        out.push(sum / count);
    }
    for _ in 0..line.len() - window {
        sum += line[right];
        sum -= line[left];
        right += 1;
        left += 1;
        out.push(sum / count);
    }
    for _ in 0..half - 1 {
        sum -= line[left];
        left += 1;
        count -= 1.0;
        out.push(sum / count);
    }
    out
}
