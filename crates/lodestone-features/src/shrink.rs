//! A picture made smaller, and turned over its diagonal.

use std::borrow::Cow;

use crate::{Luma, taps::Taps};

impl Luma {
    /// The picture with a longest side of at most `longest` pixels (at least 1), each pixel the mean of the area it stands for; the
    /// picture itself when it is no larger.
    ///
    /// Cost: about 1 ns a pixel of the larger picture.
    pub fn shrunk(&self, longest: u32) -> Cow<'_, Self> {
        let longest = longest.max(1);
        let side = self.width().max(self.height());
        if side <= longest {
            return Cow::Borrowed(self);
        }
        let scaled = |n: u32| {
            let rounded = (u64::from(n) * u64::from(longest) * 2 + u64::from(side)) / (2 * u64::from(side));
            (rounded as u32).max(1)
        };
        let (width, height) = (scaled(self.width()) as usize, scaled(self.height()) as usize);
        let columns = Taps::boxes(width, 0.0, self.width() as f32, self.width() as usize);
        let rows = Taps::boxes(height, 0.0, self.height() as f32, self.height() as usize);
        let mut line = vec![0.0; self.width() as usize];
        let mut pixels = Vec::new();
        for i in 0..rows.len() {
            self.weigh_rows(rows.of(i), 0, &mut line);
            for j in 0..columns.len() {
                let (first, weights) = columns.of(j);
                let sum: f32 = weights.iter().zip(&line[first..]).map(|(w, value)| w * value).sum();
                pixels.push((sum + 0.5).clamp(0.0, 255.0) as u8);
            }
        }
        Cow::Owned(Self::from_parts(width as u32, height as u32, pixels))
    }

    /// Rows become columns.
    pub(crate) fn transposed(&self) -> Self {
        const BLOCK: usize = 16;
        let (width, height) = (self.width() as usize, self.height() as usize);
        let mut out = vec![0; width * height];
        for top in (0..height).step_by(BLOCK) {
            for left in (0..width).step_by(BLOCK) {
                for y in top..(top + BLOCK).min(height) {
                    for x in left..(left + BLOCK).min(width) {
                        out[x * height + y] = self.pixels()[y * width + x];
                    }
                }
            }
        }
        Self::from_parts(self.height(), self.width(), out)
    }

    /// The weighted sum of rows, from column `left`, as many columns as `out` has.
    pub(crate) fn weigh_rows(&self, (first, weights): (usize, &[f32]), left: usize, out: &mut [f32]) {
        out.fill(0.0);
        for (y, &weight) in (first..).zip(weights) {
            let row = &self.row(y as u32)[left..];
            for (out, &value) in out.iter_mut().zip(row) {
                *out += weight * f32::from(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_its_means_and_its_shape_when_it_shrinks() {
        let pixels = (0..100 * 40).map(|i| if i % 100 < 50 { 10 } else { 200 }).collect();
        let luma = Luma::new(100, 40, pixels).expect("a picture");
        let small = luma.shrunk(10);
        assert_eq!((small.width(), small.height()), (10, 4));
        assert_eq!(small.row(3), [10, 10, 10, 10, 10, 200, 200, 200, 200, 200]);
        assert!(matches!(luma.shrunk(100), Cow::Borrowed(_)));
    }

    #[test]
    fn a_line_one_pixel_high_stays_one_pixel_high() {
        let small = Luma::new(300, 1, vec![7; 300]).expect("a picture").shrunk(2).into_owned();
        assert_eq!((small.width(), small.height(), small.pixels()), (2, 1, &[7, 7][..]));
    }

    #[test]
    fn turning_over_the_diagonal_twice_changes_nothing() {
        let luma = Luma::new(37, 21, (0..37 * 21).map(|i| (i % 251) as u8).collect()).expect("a picture");
        let turned = luma.transposed();
        assert_eq!((turned.width(), turned.height(), turned.row(5)[3]), (21, 37, luma.row(3)[5]));
        assert_eq!(turned.transposed(), luma);
    }
}
