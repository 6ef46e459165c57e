//! Intervals: of a share, and by drawing whole sources again.

use super::Pairs;

/// Lower and upper end, 95 %.
pub type Interval = [f64; 2];

/// SplitMix64, written out so that the same seed gives the same draws everywhere. *Source:* Steele et al. 2014.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// Draws that depend on the seed only.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Above 0 and below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// Below `n`, which is not 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (((u128::from(self.next())) * n as u128) >> 64) as usize
    }

    /// Normal, by the polar method.
    fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }

    /// ln of a Gamma(shape, 1) draw; a logarithm so that small shapes do not underflow.
    /// *Source:* Marsaglia and Tsang 2000.
    pub(crate) fn ln_gamma_draw(&mut self, shape: f64) -> f64 {
        let (boosted, lift) =
            if shape < 1.0 { (shape + 1.0, self.unit().ln() / shape) } else { (shape, 0.0) };
        let d = boosted - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            if self.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d.ln() + v.ln() + lift;
            }
        }
    }
}

/// Wilson's 95 % interval of a share; `[0, 1]` of nothing.
pub fn proportion(hits: usize, of: usize) -> Interval {
    if of == 0 {
        return [0.0, 1.0];
    }
    let (n, z) = (of as f64, 1.959_964);
    let p = hits as f64 / n;
    let centre = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    [((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)]
}

/// 95 % interval of `figure`, drawing whole sources again and then files within each: files of one source are alike, so
/// drawing files alone would promise too much. `h1` and `h2`: per source, its values. `None` where a class has no case.
pub fn bootstrap(
    h1: &[Vec<f64>],
    h2: &[Vec<f64>],
    rounds: usize,
    figure: impl Fn(&Pairs) -> f64,
) -> Option<Interval> {
    let mut seeded = Seeded::new(0x10de_5701);
    let mut figures = Vec::new();
    for _ in 0..rounds {
        let drawn = Pairs { h1: draw(h1, &mut seeded)?, h2: draw(h2, &mut seeded)? };
        let value = figure(&drawn);
        if value.is_finite() {
            figures.push(value);
        }
    }
    quantiles(figures)
}

/// 2.5 % and 97.5 %.
pub(crate) fn quantiles(mut values: Vec<f64>) -> Option<Interval> {
    values.sort_by(f64::total_cmp);
    let at = |q: f64| values.get(((values.len().checked_sub(1)?) as f64 * q).round() as usize).copied();
    Some([at(0.025)?, at(0.975)?])
}

fn draw(sources: &[Vec<f64>], seeded: &mut Seeded) -> Option<Vec<f64>> {
    let filled: Vec<&Vec<f64>> = sources.iter().filter(|s| !s.is_empty()).collect();
    if filled.is_empty() {
        return None;
    }
    let mut out = Vec::new();
    for _ in 0..filled.len() {
        let source = filled[seeded.below(filled.len())];
        out.extend((0..source.len()).map(|_| source[seeded.below(source.len())]));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_interval_is_what_a_hand_gets() {
        // 0 of 10: upper end z²/(n + z²) = 3.8415/13.8415.
        let [low, high] = proportion(0, 10);
        assert!(low.abs() < 1e-12 && (high - 0.277_53).abs() < 1e-4);
        let [low, high] = proportion(5, 10);
        assert!((low - 0.2366).abs() < 1e-3 && (high - 0.7634).abs() < 1e-3);
    }

    #[test]
    fn sources_that_differ_give_a_wider_interval_than_files_alone() {
        let alike: Vec<Vec<f64>> = (0..20).map(|_| vec![1.0, -1.0]).collect();
        let apart: Vec<Vec<f64>> = vec![vec![1.0; 20], vec![-1.0; 20]];
        let h2 = vec![vec![-1.0; 40]];
        let width = |h1: &[Vec<f64>]| {
            let [low, high] = bootstrap(h1, &h2, 500, Pairs::cllr).expect("both classes");
            high - low
        };
        assert!(width(&apart) > 1.5 * width(&alike));
        assert!(bootstrap(&[], &h2, 10, Pairs::cllr).is_none());
    }

    #[test]
    fn gamma_draws_have_their_mean() {
        let mut seeded = Seeded::new(1);
        for shape in [0.4, 1.0, 7.5] {
            let mean = (0..20_000).map(|_| seeded.ln_gamma_draw(shape).exp()).sum::<f64>() / 20_000.0;
            assert!((mean - shape).abs() < 0.05 * shape.max(1.0), "{shape}: {mean}");
        }
    }
}
