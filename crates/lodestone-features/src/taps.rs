//! Weights of a separable filter: which pixels of a line make up each output value.
//!
//! Shrinking a picture and sampling a window of it are the same operation with other weights, so both are made here.

use std::ops::Range;

/// The weights of one output value: of the pixel `first` and of those after it.
#[derive(Debug, Clone, Copy)]
struct Tap {
    first: usize,
    start: usize,
    len: usize,
}

/// The weights of all output values of one axis. Each value's weights sum to 1.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taps {
    taps: Vec<Tap>,
    weights: Vec<f32>,
}

impl Taps {
    /// `count` boxes that share the pixels from `from` to `to` evenly, of a line of `len` pixels.
    pub(crate) fn boxes(count: usize, from: f32, to: f32, len: usize) -> Self {
        let step = f64::from(to - from) / count as f64;
        let mut taps = Self::default();
        for i in 0..count {
            let low = f64::from(from) + step * i as f64;
            taps.push(low, low + step, 0..len, |t| t);
        }
        taps
    }

    /// `count` tents in the middles of as many even shares of the line from `from` to `to`, which may reach beyond the
    /// `known` pixels: there the first or last of them is repeated.
    ///
    /// A tent is half as wide as its share at half its height, as PDQ's two box filters are, but never narrower than
    /// `least` pixels there: a small window has no finer detail, and would alias.
    pub(crate) fn tents(count: usize, from: f32, to: f32, known: Range<usize>, least: f64) -> Self {
        let (from, to) = (f64::from(from), f64::from(to));
        let step = (to - from) / count as f64;
        let half = (step / 2.0).max(least);
        let mut taps = Self::default();
        for i in 0..count {
            let centre = from + step * (i as f64 + 0.5);
            // What of the tent lies left of `t`.
            let below = |t: f64| {
                let u = ((t - centre) / half).clamp(-1.0, 1.0);
                if u < 0.0 { (1.0 + u) * (1.0 + u) / 2.0 } else { 1.0 - (1.0 - u) * (1.0 - u) / 2.0 }
            };
            taps.push((centre - half).max(from), (centre + half).min(to), known.clone(), below);
        }
        taps
    }

    /// Adds the value whose filter reaches from `low` to `high`; `below` is the filter's integral.
    fn push(&mut self, low: f64, high: f64, known: Range<usize>, below: impl Fn(f64) -> f64) {
        let (least, most) = (known.start as i64, (known.end.max(known.start + 1) - 1) as i64);
        let (begin, end) = (low.floor() as i64, (high.ceil() as i64).max(low.floor() as i64 + 1));
        let first = begin.clamp(least, most);
        let last = (end - 1).clamp(least, most);
        let start = self.weights.len();
        self.weights.resize(start + (last - first) as usize + 1, 0.0);
        let mut sum = 0.0;
        for pixel in begin..end {
            let (a, b) = ((pixel as f64).max(low), ((pixel + 1) as f64).min(high));
            let weight = if b > a { below(b) - below(a) } else { 0.0 };
            sum += weight;
            self.weights[start + (pixel.clamp(first, last) - first) as usize] += weight as f32;
        }
        if sum > 0.0 {
            let scale = (1.0 / sum) as f32;
            self.weights[start..].iter_mut().for_each(|w| *w *= scale);
        } else {
            self.weights[start] = 1.0;
        }
        self.taps.push(Tap { first: first as usize, start, len: (last - first) as usize + 1 });
    }

    /// Output values.
    pub(crate) fn len(&self) -> usize {
        self.taps.len()
    }

    /// Of output value `i`: its first pixel, and the weights from there.
    #[inline]
    pub(crate) fn of(&self, i: usize) -> (usize, &[f32]) {
        let tap = self.taps[i];
        (tap.first, &self.weights[tap.start..tap.start + tap.len])
    }

    /// The pixels that any output value uses, as a range.
    pub(crate) fn reach(&self) -> Range<usize> {
        let first = self.taps.iter().map(|tap| tap.first).min().unwrap_or(0);
        let end = self.taps.iter().map(|tap| tap.first + tap.len).max().unwrap_or(0);
        first..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_every_value_sum_to_one_and_stay_within_the_line() {
        for (from, to, len) in
            [(0.0, 640.0, 640), (3.25, 40.5, 41), (0.0, 1.0, 1), (0.9, 1.0, 1), (7.0, 7.5, 9)]
        {
            for taps in [Taps::boxes(64, from, to, len), Taps::tents(64, from, to, 0..len, 1.0)] {
                assert_eq!(taps.len(), 64);
                for i in 0..64 {
                    let (first, weights) = taps.of(i);
                    assert!(first + weights.len() <= len, "{from} {to} {len} {i}");
                    let sum: f32 = weights.iter().sum();
                    assert!((sum - 1.0).abs() < 1e-5, "{from} {to} {len} {i}: {sum}");
                }
            }
        }
    }

    #[test]
    fn boxes_of_a_whole_factor_are_plain_means() {
        let taps = Taps::boxes(2, 0.0, 4.0, 4);
        assert_eq!((taps.of(0), taps.of(1)), ((0, &[0.5, 0.5][..]), (2, &[0.5, 0.5][..])));
    }

    #[test]
    fn a_tent_takes_nothing_from_beyond_its_share() {
        let taps = Taps::tents(2, 0.0, 8.0, 0..8, 0.5);
        let (first, weights) = taps.of(1);
        assert_eq!((first, weights.len()), (4, 4));
        assert!((weights[0] - weights[3]).abs() < 1e-6 && weights[1] > weights[0], "{weights:?}");
    }

    #[test]
    fn beyond_the_known_pixels_the_last_one_is_repeated() {
        let taps = Taps::tents(4, -4.0, 12.0, 2..6, 0.5);
        assert_eq!((taps.of(0), taps.of(3)), ((2, &[1.0][..]), (5, &[1.0][..])));
        assert_eq!(taps.reach(), 2..6);
    }
}
