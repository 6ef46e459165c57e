//! An earlier compression on the same grid: coefficients that were multiples of another step before.
//!
//! A coefficient that was first rounded to multiples of `q1` and then to multiples of `q2` cannot take some values, and
//! takes others too often: the histogram has gaps and peaks. What the histogram would be after one compression is
//! estimated from the picture itself, moved by half a block, where the grid's trace is lost.
//!
//! Where a drawing or a screenshot is compressed, few blocks carry anything, and those repeat each other: neither one nor
//! two compressions explain their histogram, and some step always explains it better than none. So the more of a picture
//! is even, the more of what one compression leaves unexplained has to be explained by two.
//!
//! *Source:* Lukáš and Fridrich, "Estimation of Primary Quantization Matrix in Double Compressed JPEG Images" (DFRWS
//! 2003); the mixture keeps edited regions from deciding.

use lodestone_media::jpeg::Coefficients;

use super::plane::Plane;
use super::quality::luma_steps;

/// Frequencies looked at, as places in the zigzag: the lowest, whose histograms are wide.
const FREQUENCIES: std::ops::Range<usize> = 1..10;
/// Values of a quantised coefficient told apart.
const VALUES: usize = 48;
/// Half a unit of an unquantised coefficient a bin, up to 1024.
const FINE: usize = 2_048;
/// Coefficients other than 0 below which a frequency says nothing.
const MIN_COUNT: u32 = 300;
/// Part of the coefficients that need not follow the earlier compression.
const FREE: f64 = 0.05;
/// A block all of whose coefficients but the first stay below this, half a block off the grid, is even: nothing but the
/// noise of decoding. Photographs have few (measured: up to 37 % at quality 60), drawings many (from 38 %).
const EVEN: f32 = 2.0;
/// How much of what one compression leaves unexplained two must explain, by the share of even blocks: from two thirds on
/// nothing is told. Measured, see eval/provenance/recompression.md.
const EXPLAINED_BY_EVEN: f64 = 1.5;
/// The largest earlier step tried. Quality 50 has 10 to 24 at these frequencies.
const MAX_STEP: usize = 50;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Aligned {
    /// How much better two compressions explain a coefficient than one, in nats, mean over the frequencies.
    pub(crate) score: f64,
    /// Quality of the earlier compression in libjpeg's scale, where one explains nearly all of it.
    pub(crate) quality: Option<u8>,
    /// How much of what one compression leaves unexplained two explain, 0 to 1.
    pub(crate) explained: f64,
    /// Share of blocks that are even, 0 to 1.
    pub(crate) even: f64,
}

impl Aligned {
    /// Whether the model fits this kind of picture, so that its score means anything.
    pub(crate) fn is_told(&self) -> bool {
        self.explained >= EXPLAINED_BY_EVEN * self.even
    }
}

/// One frequency: how often each value stands, and how likely each is after one compression.
struct Frequency {
    place: usize,
    step: usize,
    counts: [u32; VALUES],
    total: u32,
    fine: Vec<f64>,
}

/// Looks for an earlier compression; `None` where there are too few coefficients to tell.
pub(crate) fn examine(coefficients: &Coefficients, plane: &Plane) -> Option<Aligned> {
    let luma = coefficients.planes.first()?;
    let mut frequencies: Vec<Frequency> = FREQUENCIES
        .filter_map(|place| {
            let step = usize::from(luma.steps[place]);
            (1..=MAX_STEP).contains(&step).then(|| Frequency {
                place,
                step,
                counts: [0; VALUES],
                total: 0,
                fine: vec![0.0; FINE],
            })
        })
        .collect();
    let (left, top) = plane.blocks;
    let (mut blocks, mut even) = (0u32, 0u32);
    for y in 0..plane.height / 8 {
        for x in 0..plane.width / 8 {
            if let Some(block) = coefficients.block(luma, left + x, top + y) {
                frequencies.iter_mut().for_each(|f| f.count(block[f.place]));
            }
            if let Some(dct) = plane.dct(x * 8 + 4, y * 8 + 4) {
                blocks += 1;
                even += u32::from(dct.iter().skip(1).all(|c| c.abs() < EVEN));
                frequencies.iter_mut().for_each(|f| f.expect(dct[ZIGZAG[f.place]]));
            }
        }
    }
    frequencies.retain(|f| f.total >= MIN_COUNT);
    if frequencies.len() < 3 {
        return None;
    }
    let gains: Vec<Vec<f64>> = frequencies.iter_mut().map(Frequency::gains).collect();
    let best: Vec<f64> = gains.iter().map(|g| g.iter().copied().fold(0.0, f64::max)).collect();
    let count = f64::from(u32::try_from(best.len()).unwrap_or(1));
    let score = best.iter().sum::<f64>() / count;
    let unexplained = frequencies.iter().map(Frequency::unexplained).sum::<f64>() / count;
    let of_quality = |quality: u8| {
        let steps = luma_steps(quality);
        let all = frequencies.iter().zip(&gains).map(|(f, g)| {
            let step = usize::from(steps[f.place]);
            g.get(step).copied().unwrap_or(0.0)
        });
        all.sum::<f64>() / count
    };
    let quality =
        (20..=99u8).map(|q| (of_quality(q), q)).fold((f64::MIN, 0), |a, b| if b.0 > a.0 { b } else { a });
    let quality = (score > 0.0 && quality.0 > 0.8 * score).then_some(quality.1);
    let explained = if unexplained > 0.0 { (score / unexplained).clamp(0.0, 1.0) } else { 0.0 };
    Some(Aligned { score, quality, explained, even: f64::from(even) / f64::from(blocks.max(1)) })
}

impl Frequency {
    fn count(&mut self, value: i16) {
        let value = usize::from(value.unsigned_abs());
        if (1..VALUES).contains(&value) {
            self.counts[value] += 1;
            self.total += 1;
        }
    }

    fn expect(&mut self, coefficient: f32) {
        // Saturates; negative values cannot occur after `abs`.
        let bin = (coefficient.abs() * 2.0) as usize;
        if let Some(bin) = self.fine.get_mut(bin) {
            *bin += 1.0;
        }
    }

    /// For each earlier step, by how much it explains a coefficient better than none, in nats.
    fn gains(&mut self) -> Vec<f64> {
        smooth(&mut self.fine, self.step);
        let single = self.once();
        (0..=MAX_STEP)
            .map(|first| {
                // Steps that divide the later one leave no trace, as does the same step.
                if first < 2 || self.step.is_multiple_of(first) {
                    return 0.0;
                }
                let twice = self.twice(first);
                let mut gain = 0.0;
                for value in 1..VALUES {
                    let (one, two) = (single[value], (1.0 - FREE) * twice[value] + FREE * single[value]);
                    gain += f64::from(self.counts[value]) * (two / one).ln();
                }
                gain / f64::from(self.total)
            })
            .collect()
    }

    /// What one compression leaves unexplained of the histogram, in nats a coefficient: its divergence from what is
    /// expected, less what so few counts diverge by chance (half the values taken less one, over the count). After
    /// [`Self::gains`], which smooths.
    fn unexplained(&self) -> f64 {
        let (once, total) = (self.once(), f64::from(self.total));
        let taken = self.counts.iter().skip(1).filter(|&&count| count > 0).count();
        let divergence: f64 = self
            .counts
            .iter()
            .zip(once)
            .skip(1)
            .filter(|&(&count, _)| count > 0)
            .map(|(&count, one)| {
                let share = f64::from(count) / total;
                share * (share / one).ln()
            })
            .sum();
        divergence - f64::from(u32::try_from(taken.saturating_sub(1)).unwrap_or(0)) / (2.0 * total)
    }

    /// How likely each value from 1 on is after one compression.
    fn once(&self) -> [f64; VALUES] {
        let mut values = [1e-6; VALUES];
        for (bin, &mass) in self.fine.iter().enumerate() {
            // Values are below 1024 and not negative: the cast is exact.
            let value = ((bin as f64 + 0.5) / 2.0 / self.step as f64 + 0.5) as usize;
            if (1..VALUES).contains(&value) {
                values[value] += mass;
            }
        }
        normalise(&mut values);
        values
    }

    /// The same after an earlier compression with step `first`: what comes out of it, with the noise of rounding to
    /// pixels, falls into the later steps.
    fn twice(&self, first: usize) -> [f64; VALUES] {
        let mut multiples = vec![0.0; FINE / 2 / first + 2];
        for (bin, &mass) in self.fine.iter().enumerate() {
            let m = ((bin as f64 + 0.5) / 2.0 / first as f64 + 0.5) as usize;
            if let Some(to) = multiples.get_mut(m) {
                *to += mass;
            }
        }
        let mut values = [1e-6; VALUES];
        for (m, &mass) in multiples.iter().enumerate() {
            for (noise, weight) in [(-1.1, 0.05), (-0.55, 0.2), (0.0, 0.5), (0.55, 0.2), (1.1, 0.05)] {
                let u = ((m * first) as f64 + noise).abs();
                let value = (u / self.step as f64 + 0.5) as usize;
                if (1..VALUES).contains(&value) {
                    values[value] += mass * weight;
                }
            }
        }
        normalise(&mut values);
        values
    }
}

/// Evens a histogram out over about a step, twice, and gives every bin a little.
fn smooth(fine: &mut Vec<f64>, step: usize) {
    let reach = step.clamp(1, 12);
    for _ in 0..2 {
        let mut sums = vec![0.0];
        let mut sum = 0.0;
        for &mass in fine.iter() {
            sum += mass;
            sums.push(sum);
        }
        let length = fine.len();
        // The histogram is of absolute values: it goes on as a mirror below 0.
        let before = |end: isize| -> f64 {
            let at = end.unsigned_abs().min(length);
            if end < 0 { -sums[at] } else { sums[at] }
        };
        let reach = reach as isize;
        let evened: Vec<f64> = (0..length as isize)
            .map(|i| (before(i + reach + 1) - before(i - reach)) / (2 * reach + 1) as f64 + 1e-3)
            .collect();
        *fine = evened;
    }
}

fn normalise(values: &mut [f64; VALUES]) {
    let sum: f64 = values.iter().skip(1).sum();
    values.iter_mut().for_each(|v| *v /= sum);
}

/// Where the k-th coefficient of the zigzag stands, row by row.
const ZIGZAG: [usize; 10] = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24];
