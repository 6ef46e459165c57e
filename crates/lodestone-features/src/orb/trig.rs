//! Directions in 256 steps, in whole numbers: the same on every machine, and exactly symmetric under mirroring.

/// Steps of a full turn.
pub(crate) const STEPS: usize = 256;
/// Bits behind the point of [`cos`] and [`sin`].
pub(crate) const BITS: u32 = 14;

const QUARTER: usize = STEPS / 4;

/// Sine by its series, for 0 to a right angle, where twelve terms are exact to the last bit that is kept.
const fn sine(x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while n < 24.0 {
        term *= -x * x / ((n + 1.0) * (n + 2.0));
        sum += term;
        n += 2.0;
    }
    sum
}

/// Sines of whole and of half steps of the first quarter, in 2^-14.
const fn quarter(half: f64) -> [i32; QUARTER + 1] {
    let mut table = [0; QUARTER + 1];
    let mut k = 0;
    while k <= QUARTER {
        let angle = (k as f64 + half) * std::f64::consts::PI * 2.0 / STEPS as f64;
        table[k] = (sine(angle) * (1 << BITS) as f64 + 0.5) as i32;
        k += 1;
    }
    table
}

static WHOLE: [i32; QUARTER + 1] = quarter(0.0);
static HALF: [i32; QUARTER + 1] = quarter(0.5);

/// Sine of a step, in 2^-14.
pub(crate) fn sin(step: u8) -> i32 {
    let step = usize::from(step);
    let (within, sign) = if step < 2 * QUARTER { (step, 1) } else { (step - 2 * QUARTER, -1) };
    sign * WHOLE[if within <= QUARTER { within } else { 2 * QUARTER - within }]
}

/// Cosine of a step, in 2^-14.
pub(crate) fn cos(step: u8) -> i32 {
    sin(step.wrapping_add(QUARTER as u8))
}

/// Cosine and sine of a step.
pub(crate) fn unit(step: u8) -> (f32, f32) {
    let scale = 1.0 / (1 << BITS) as f32;
    (cos(step) as f32 * scale, sin(step) as f32 * scale)
}

/// The step nearest to the direction of `(x, y)`; 0 for no direction. Components of up to 2^40.
pub(crate) fn direction(x: i64, y: i64) -> u8 {
    let (across, up) = (x.unsigned_abs() as i64, y.unsigned_abs() as i64);
    // Step k + 1/2 lies before the direction: sin(k + 1/2) / cos(k + 1/2) < up / across.
    let (mut low, mut high) = (0, QUARTER);
    while low < high {
        let middle = (low + high) / 2;
        let (s, c) = (i64::from(HALF[middle]), i64::from(HALF[QUARTER - 1 - middle]));
        if up * c > across * s {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let step = low as u8;
    match (x < 0, y < 0) {
        (false, false) => step,
        (true, false) => 128 - step,
        (true, true) => 128 + step,
        (false, true) => step.wrapping_neg(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_found_again_and_mirrors_exactly() {
        for step in 0..=255u8 {
            let (x, y) = (i64::from(cos(step)), i64::from(sin(step)));
            assert_eq!(direction(x * 1000, y * 1000), step);
            assert_eq!(cos(128u8.wrapping_sub(step)), -cos(step));
            assert_eq!(sin(step.wrapping_neg()), -sin(step));
            assert!((x * x + y * y - (1 << 28)).abs() < 1 << 16, "step {step}");
        }
        assert_eq!(direction(0, 0), 0);
    }
}
