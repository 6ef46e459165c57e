//! The small grey copy of a first frame, from rows as they are decoded, by integers only.

use lodestone_features::Luma;
use lodestone_media::PixelKind;

/// Longest side of the small grey copy. *Source:* `derivatives.md` measured regions and features at 640 pixels.
pub(crate) const DETAIL_SIDE: u32 = 640;

/// Weights of red, green and blue in 2^16ths: those of PDQ's luma, which sum up to one.
const WEIGHTS: [u64; 3] = [19_595, 38_470, 7_471];

/// Averages a picture down while its rows come. Every pixel counts by the part of it that falls into each small one.
///
/// Memory: the small picture and one row of sums. Cost: a multiplication and an addition a pixel.
#[derive(Clone, Debug)]
pub(crate) struct Shrinker {
    width: u64,
    height: u64,
    columns: u64,
    lines: u64,
    row: u64,
    /// Grey values of one row, averaged along it; each times `width`.
    across: Vec<u64>,
    /// The line under way, summed down; each times `width * height`.
    sums: Vec<u64>,
    luma: Vec<u8>,
}

impl Shrinker {
    /// Starts a picture; it is never made larger.
    pub(crate) fn new(width: u32, height: u32, max_side: u32) -> Self {
        let longest = u64::from(width.max(height).max(1));
        let side = u64::from(max_side.max(1));
        let fit = |length: u32| {
            let length = u64::from(length.max(1));
            if longest <= side { length } else { (length * side + longest / 2) / longest }.max(1)
        };
        let columns = fit(width);
        Self {
            width: u64::from(width.max(1)),
            height: u64::from(height.max(1)),
            columns,
            lines: fit(height),
            row: 0,
            across: Vec::new(),
            sums: vec![0; columns as usize],
            luma: Vec::new(),
        }
    }

    /// Takes whole rows; alpha is dropped, as in the hash that exchanges share.
    pub(crate) fn push_rows(&mut self, kind: PixelKind, rows: &[u8]) {
        let stride = self.width as usize * kind.bytes();
        for row in rows.chunks_exact(stride) {
            if self.row >= self.height {
                return;
            }
            self.across(kind, row);
            self.down();
            self.row += 1;
        }
    }

    /// Pixel `x` covers `x * columns .. (x + 1) * columns` of a row of `width * columns` units, small pixel `c` covers
    /// `c * width .. (c + 1) * width`.
    fn across(&mut self, kind: PixelKind, row: &[u8]) {
        self.across.clear();
        self.across.resize(self.columns as usize, 0);
        let grey = |pixel: &[u8]| match *pixel {
            [grey] => u64::from(grey) << 16,
            [r, g, b, ..] => {
                WEIGHTS[0] * u64::from(r) + WEIGHTS[1] * u64::from(g) + WEIGHTS[2] * u64::from(b)
            }
            _ => 0,
        };
        let (mut column, mut end) = (0usize, self.width);
        let mut at = 0;
        for pixel in row.chunks_exact(kind.bytes()) {
            let value = grey(pixel);
            let mut left = self.columns;
            while left > 0 {
                let part = left.min(end - at);
                if let Some(sum) = self.across.get_mut(column) {
                    *sum += value * part;
                }
                at += part;
                left -= part;
                if at == end {
                    column += 1;
                    end += self.width;
                }
            }
        }
    }

    fn down(&mut self) {
        let mut at = self.row * self.lines;
        let mut left = self.lines;
        while left > 0 {
            let end = (at / self.height + 1) * self.height;
            let part = left.min(end - at);
            for (sum, value) in self.sums.iter_mut().zip(&self.across) {
                // 2^8 * 2^16 * width * part fits 64 bits for any side below 2^20.
                *sum += (value / self.width) * part;
            }
            at += part;
            left -= part;
            if at == end {
                let whole = self.height << 16;
                let values = self.sums.iter().map(|sum| ((sum + whole / 2) / whole).min(255) as u8);
                self.luma.extend(values);
                self.sums.fill(0);
            }
        }
    }

    /// The small picture, if all rows came.
    pub(crate) fn finish(self) -> Option<Luma> {
        if self.row != self.height {
            return None;
        }
        Luma::new(u32::try_from(self.columns).ok()?, u32::try_from(self.lines).ok()?, self.luma).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shrunk(width: u32, height: u32, side: u32, rows: &[u8]) -> Option<Luma> {
        let mut shrinker = Shrinker::new(width, height, side);
        shrinker.push_rows(PixelKind::Luma8, rows);
        shrinker.finish()
    }

    #[test]
    fn a_small_picture_stays_as_it_is_and_a_large_one_is_averaged_by_area() {
        let rows: Vec<u8> = (0..6).map(|n| n * 40).collect();
        assert_eq!(shrunk(3, 2, 10, &rows).unwrap().pixels(), rows);
        // Three columns into two: the middle one counts by halves.
        let small = shrunk(3, 3, 2, &[0, 60, 120, 0, 60, 120, 0, 60, 120]).unwrap();
        assert_eq!((small.width(), small.height()), (2, 2));
        assert_eq!(small.pixels(), [20, 100, 20, 100]);
    }

    #[test]
    fn colours_weigh_as_in_the_hash_and_alpha_is_dropped() {
        let mut shrinker = Shrinker::new(2, 1, 640);
        shrinker.push_rows(PixelKind::Rgba8, &[255, 255, 255, 0, 255, 0, 0, 9]);
        assert_eq!(shrinker.finish().unwrap().pixels(), [255, 76]);
    }

    #[test]
    fn a_picture_that_breaks_off_gives_none_and_rows_beyond_its_height_are_left_out() {
        assert!(shrunk(2, 3, 640, &[1, 2, 3, 4]).is_none());
        assert_eq!(shrunk(2, 1, 640, &[1, 2, 3, 4]).unwrap().pixels(), [1, 2]);
    }
}
