//! How good likelihood ratios and scores are. Pure; every figure is checked against values worked out by hand.
//!
//! [`Pairs`] holds values of cases of which the truth is known: log10 likelihood ratios, or scores that rise with the
//! first proposition. *Source:* Brümmer and du Preez 2006 (Cllr, minCllr by PAV); Ramos and Gonzalez-Rodriguez 2013.

mod interval;
mod pav;
mod tippett;

pub(crate) use interval::quantiles;
pub use interval::{Interval, Seeded, bootstrap, proportion};
pub use pav::isotonic;
pub use tippett::tippett_svg;

/// Values of cases of which the truth is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs {
    /// Of cases where the first proposition holds.
    pub h1: Vec<f64>,
    /// Of cases where the second does.
    pub h2: Vec<f64>,
}

/// One bin of a reliability table.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Bin {
    /// Cases in it.
    pub cases: usize,
    /// Mean of the stated probability of the first proposition, at even prior odds.
    pub stated: f64,
    /// Share of cases in which it held, classes weighted to even prior odds.
    pub held: f64,
}

impl Pairs {
    /// Whether both propositions have a case.
    pub fn is_two_sided(&self) -> bool {
        !self.h1.is_empty() && !self.h2.is_empty()
    }

    /// Cost of log10 likelihood ratios in bits: 0 perfect, 1 as good as saying nothing, above 1 misleading.
    /// `½ (mean over h1 of log2(1 + 1/LR) + mean over h2 of log2(1 + LR))`; NaN where a class is empty.
    pub fn cllr(&self) -> f64 {
        let cost = |lr: f64| softplus(lr * std::f64::consts::LN_10) / std::f64::consts::LN_2;
        let h1 = mean(self.h1.iter().map(|x| cost(-x)));
        let h2 = mean(self.h2.iter().map(|x| cost(*x)));
        f64::midpoint(h1, h2)
    }

    /// Cllr of the best monotone recalibration of the values: what their order is worth. NaN where a class is empty.
    pub fn min_cllr(&self) -> f64 {
        self.recalibrated().cllr()
    }

    /// log10 likelihood ratios by isotonic regression of these very values; infinite at ends that hold one class only.
    fn recalibrated(&self) -> Self {
        let mut cases = self.labelled();
        cases.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (n1, n2) = (self.h1.len() as f64, self.h2.len() as f64);
        // Even prior odds: each class weighs one half in all.
        let weights: Vec<f64> = cases.iter().map(|c| if c.1 { 0.5 / n1 } else { 0.5 / n2 }).collect();
        let truths: Vec<f64> = cases.iter().map(|c| f64::from(u8::from(c.1))).collect();
        let values: Vec<f64> = cases.iter().map(|c| c.0).collect();
        let fitted = isotonic(&values, &truths, &weights);
        let mut out = Self::default();
        for (case, p) in cases.iter().zip(fitted) {
            let lr = (p / (1.0 - p)).log10();
            if case.1 { out.h1.push(lr) } else { out.h2.push(lr) }
        }
        out
    }

    /// Area under the ROC curve: how often a case of the first proposition has the higher value; ties count half.
    /// NaN where a class is empty.
    pub fn auc(&self) -> f64 {
        let mut sorted = self.h2.clone();
        sorted.sort_by(f64::total_cmp);
        let below = self.h1.iter().map(|x| {
            let less = sorted.partition_point(|y| y < x);
            let not_above = sorted.partition_point(|y| y <= x);
            (less + not_above) as f64 / 2.0
        });
        mean(below) / self.h2.len() as f64
    }

    /// Share of the first proposition's cases above the value that at most `rate` of the second's cases exceed.
    /// NaN where a class is empty.
    pub fn detection_at(&self, rate: f64) -> f64 {
        let mut sorted = self.h2.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let allowed = (rate * sorted.len() as f64).floor() as usize;
        let Some(threshold) = sorted.get(allowed) else {
            return if sorted.is_empty() { f64::NAN } else { 1.0 };
        };
        mean(self.h1.iter().map(|x| f64::from(u8::from(x > threshold))))
    }

    /// Equal error rate: where misses and false alarms are the same share; between two steps of the ROC curve, their
    /// mean. NaN where a class is empty.
    pub fn eer(&self) -> f64 {
        let mut cuts: Vec<f64> = self.h1.iter().chain(&self.h2).copied().collect();
        cuts.sort_by(f64::total_cmp);
        cuts.dedup();
        cuts.push(f64::INFINITY);
        let rates = cuts.iter().map(|cut| {
            let missed = mean(self.h1.iter().map(|x| f64::from(u8::from(x < cut))));
            let alarmed = mean(self.h2.iter().map(|x| f64::from(u8::from(x >= cut))));
            ((missed - alarmed).abs(), f64::midpoint(missed, alarmed))
        });
        rates.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))).map_or(f64::NAN, |r| r.1)
    }

    /// Reliability of log10 likelihood ratios at even prior odds, in at most `bins` bins of equal mass; ties stay together.
    pub fn reliability(&self, bins: usize) -> Vec<Bin> {
        if !self.is_two_sided() {
            return Vec::new();
        }
        let mut cases = self.labelled();
        cases.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (n1, n2) = (self.h1.len() as f64, self.h2.len() as f64);
        let weight = |truth: bool| if truth { 0.5 / n1 } else { 0.5 / n2 };
        let mut out = Vec::new();
        let mut from = 0;
        let mut mass = 0.0;
        let full = 1.0 / bins.max(1) as f64;
        for at in 0..cases.len() {
            mass += weight(cases[at].1);
            let last = at + 1 == cases.len();
            let tied = !last && cases[at + 1].0 <= cases[at].0;
            if last || (!tied && mass >= full - 1e-9) {
                let bin = &cases[from..=at];
                let stated =
                    bin.iter().map(|c| weight(c.1) * sigmoid(c.0 * std::f64::consts::LN_10)).sum::<f64>();
                let held = bin.iter().filter(|c| c.1).map(|c| weight(c.1)).sum::<f64>();
                out.push(Bin { cases: bin.len(), stated: stated / mass, held: held / mass });
                from = at + 1;
                mass = 0.0;
            }
        }
        out
    }

    /// Expected calibration error at even prior odds: mean distance between stated and held, bins of equal mass.
    pub fn ece(&self, bins: usize) -> f64 {
        let table = self.reliability(bins);
        if table.is_empty() {
            return f64::NAN;
        }
        let cases: usize = table.iter().map(|b| b.cases).sum();
        table.iter().map(|b| b.cases as f64 / cases as f64 * (b.stated - b.held).abs()).sum()
    }

    fn labelled(&self) -> Vec<(f64, bool)> {
        self.h1.iter().map(|x| (*x, true)).chain(self.h2.iter().map(|x| (*x, false))).collect()
    }
}

/// ln(1 + e^x) without overflow.
fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// 1 / (1 + e^-x) without overflow.
pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

/// NaN of nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0_usize), |(sum, n), x| (sum + x, n + 1));
    sum / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn saying_nothing_costs_one_bit() {
        let nothing = Pairs { h1: vec![0.0, 0.0], h2: vec![0.0] };
        assert!(close(nothing.cllr(), 1.0) && close(nothing.min_cllr(), 1.0));
        assert!(close(nothing.auc(), 0.5) && close(nothing.eer(), 0.5) && close(nothing.ece(10), 0.0));
    }

    #[test]
    fn cllr_is_what_a_hand_gets() {
        // LR 3 under h1: log2(1 + 1/3) = 0.4150375; LR 1/7 under h2: log2(1 + 1/7) = 0.1926451.
        let pairs = Pairs { h1: vec![3f64.log10()], h2: vec![-(7f64.log10())] };
        assert!((pairs.cllr() - (0.415_037_5 + 0.192_645_1) / 2.0).abs() < 1e-6);
        // Misleading: LR 1/3 under h1 costs log2(4) = 2 bits, LR 7 under h2 costs log2(8) = 3.
        let wrong = Pairs { h1: vec![-(3f64.log10())], h2: vec![7f64.log10()] };
        assert!(close(wrong.cllr(), 2.5));
    }

    #[test]
    fn cllr_of_huge_ratios_is_finite() {
        let pairs = Pairs { h1: vec![400.0], h2: vec![-400.0] };
        assert!(close(pairs.cllr(), 0.0));
        let wrong = Pairs { h1: vec![-400.0], h2: vec![400.0] };
        assert!(wrong.cllr().is_finite() && wrong.cllr() > 1000.0);
    }

    #[test]
    fn min_cllr_of_separated_values_is_nought_and_never_above_cllr() {
        let apart = Pairs { h1: vec![5.0, 6.0], h2: vec![1.0, 2.0] };
        assert!(close(apart.min_cllr(), 0.0));
        // One inversion: values 1(h2) 2(h1) 3(h2) 4(h1). PAV pools 2 and 3 at p = 1/2: LR 1 for one case of each class.
        let mixed = Pairs { h1: vec![2.0, 4.0], h2: vec![1.0, 3.0] };
        assert!(close(mixed.min_cllr(), 0.5));
        assert!(mixed.min_cllr() <= mixed.cllr());
    }

    #[test]
    fn auc_eer_and_detection_are_what_a_hand_gets() {
        let pairs = Pairs { h1: vec![0.9, 0.8, 0.4, 0.3], h2: vec![0.7, 0.4, 0.2, 0.1] };
        // Wins: 4 + 4 + 2.5 + 2 of 16.
        assert!(close(pairs.auc(), 12.5 / 16.0));
        assert!(close(pairs.detection_at(0.0), 0.5) && close(pairs.detection_at(0.25), 0.5));
        assert!(close(pairs.detection_at(0.5), 1.0));
        assert!(close(Pairs { h1: vec![1.0, 3.0], h2: vec![0.0, 2.0] }.eer(), 0.5));
        assert!(close(Pairs { h1: vec![2.0, 3.0], h2: vec![0.0, 1.0] }.eer(), 0.0));
    }

    #[test]
    fn reliability_holds_classes_at_even_weight() {
        // Stated 0.5 everywhere, twice as many of one class: held is one half all the same.
        let flat = Pairs { h1: vec![0.0; 4], h2: vec![0.0; 2] };
        let table = flat.reliability(5);
        assert_eq!(table.len(), 1);
        assert!(close(table[0].held, 0.5) && close(table[0].stated, 0.5) && table[0].cases == 6);
        // LR 9 is stated as 0.9; all of h1 there, none of h2: 0.1 away at both ends.
        let good = Pairs { h1: vec![9f64.log10(); 3], h2: vec![-(9f64.log10()); 3] };
        assert!(close(good.ece(2), 0.1));
    }

    #[test]
    fn an_empty_class_gives_no_number() {
        let one = Pairs { h1: vec![1.0], h2: vec![] };
        assert!(one.cllr().is_nan() && one.auc().is_nan() && one.ece(5).is_nan());
        assert!(one.detection_at(0.01).is_nan());
    }
}
