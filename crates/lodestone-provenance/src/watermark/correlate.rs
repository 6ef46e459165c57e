//! Soft bits folded at a message's length, and how well they fit it.

/// Sums of soft bits at each position of a message.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    pub(super) sums: Vec<i64>,
    pub(super) counts: Vec<u32>,
}

impl Fold {
    pub(super) fn new(length: usize) -> Self {
        Self { sums: vec![0; length], counts: vec![0; length] }
    }

    /// Adds a run of soft bits, the first of which has number `number` in the picture.
    pub(super) fn add_run(&mut self, number: usize, soft: impl Iterator<Item = i16>) {
        let length = self.sums.len();
        if length == 0 {
            return;
        }
        let mut at = number % length;
        for value in soft {
            self.sums[at] += i64::from(value);
            self.counts[at] += 1;
            at += 1;
            if at == length {
                at = 0;
            }
        }
    }

    /// Adds another fold of the same length.
    pub(super) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.sums.iter_mut().zip(&other.sums) {
            *mine += theirs;
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }

    /// Pearson correlation of the means with the message; 0 where a position has no block or nothing varies.
    pub(super) fn correlation(&self, signs: &[i32]) -> f64 {
        if self.counts.contains(&0) || signs.len() != self.sums.len() {
            return 0.0;
        }
        let length = signs.len() as f64;
        let means: Vec<f64> =
            self.sums.iter().zip(&self.counts).map(|(s, n)| *s as f64 / f64::from(*n)).collect();
        let mean = means.iter().sum::<f64>() / length;
        let middle = signs.iter().map(|s| f64::from(*s)).sum::<f64>() / length;
        let (mut both, mut heard, mut known) = (0.0, 0.0, 0.0);
        for (value, sign) in means.iter().zip(signs) {
            let (a, b) = (value - mean, f64::from(*sign) - middle);
            both += a * b;
            heard += a * a;
            known += b * b;
        }
        // Soft bits are of 1024: less than this is rounding, not a signal.
        if heard < 1e-3 || known <= 0.0 { 0.0 } else { both / (heard * known).sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNS: [i32; 5] = [1, -1, -1, 1, -1];

    #[test]
    fn a_message_fits_itself_and_not_its_negative() {
        let mut fold = Fold::new(5);
        fold.add_run(0, SIGNS.iter().cycle().take(50).map(|s| (*s * 700 + 100) as i16));
        assert!((fold.correlation(&SIGNS) - 1.0).abs() < 1e-9);
        let negative = SIGNS.map(|s| -s);
        assert!((fold.correlation(&negative) + 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_run_goes_on_where_the_last_one_ended() {
        let (mut one, mut two) = (Fold::new(5), Fold::new(5));
        one.add_run(3, (0..23).map(|i| i * 7));
        two.add_run(3, (0..9).map(|i| i * 7));
        two.add_run(12, (9..23).map(|i| i * 7));
        assert_eq!((one.sums, one.counts), (two.sums, two.counts));
    }

    #[test]
    fn nothing_that_varies_and_nothing_heard_fit_nothing() {
        let mut fold = Fold::new(5);
        assert_eq!(fold.correlation(&SIGNS), 0.0);
        fold.add_run(0, std::iter::repeat_n(512, 50));
        assert_eq!(fold.correlation(&SIGNS), 0.0);
    }
}
