//! The small grey copy of a first frame, from rows as they are decoded, by integers only.

use lodestone_features::Luma;
use lodestone_media::PixelKind;

/// Longest side of the small grey copy. *Source:* `derivatives.md` measured regions and features at 640 pixels.
pub(crate) const DETAIL_SIDE: u32 = 640;

/// Weights of red, green and blue in 2^16ths: those of PDQ's luma, which sum up to one.
const WEIGHTS: [u32; 3] = [19_595, 38_470, 7_471];

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
    /// Where each small pixel lies in a row.
    spans: Vec<Span>,
    /// `2^64 / width`, rounded up: a product's upper half is then the quotient.
    inverse: u64,
    /// Grey values of one row, times 2^16.
    grey: Vec<u32>,
    /// Grey values of one row, averaged along it; each times `width`.
    across: Vec<u64>,
    /// The line under way, summed down; each times `width * height`.
    sums: Vec<u64>,
    luma: Vec<u8>,
}

/// What a small pixel takes of a row: of the first pixel, of whole ones after it, and of the one after those.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: usize,
    head: u64,
    whole: usize,
    tail: u64,
}

/// Pixel `x` covers `x * columns .. (x + 1) * columns` of a row of `width * columns` units, small pixel `c` covers
/// `c * width .. (c + 1) * width`.
fn spans(width: u64, columns: u64) -> Vec<Span> {
    let one = |column: u64| {
        let (start, end) = (column * width, (column + 1) * width);
        let first = start / columns;
        let head = end.min((first + 1) * columns) - start;
        let whole = (end / columns).saturating_sub(first + 1);
        let tail = end.saturating_sub((first + 1 + whole) * columns);
        Span { first: first as usize, head, whole: whole as usize, tail }
    };
    (0..columns).map(one).collect()
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
        let wide = u64::from(width.max(1));
        Self {
            spans: spans(wide, columns),
            inverse: if wide > 1 { u64::MAX / wide + 1 } else { 0 },
            grey: Vec::new(),
            width: wide,
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
            self.take_grey(kind, row);
            if (self.columns, self.lines) == (self.width, self.height) {
                // Nothing is averaged.
                self.luma.extend(self.grey.iter().map(|grey| ((grey + (1 << 15)) >> 16) as u8));
            } else {
                self.across();
                self.down();
            }
            self.row += 1;
        }
    }

    fn take_grey(&mut self, kind: PixelKind, row: &[u8]) {
        let of = |r: u8, g: u8, b: u8| {
            WEIGHTS[0] * u32::from(r) + WEIGHTS[1] * u32::from(g) + WEIGHTS[2] * u32::from(b)
        };
        self.grey.clear();
        match kind.bytes() {
            1 => self.grey.extend(row.iter().map(|grey| u32::from(*grey) << 16)),
            3 => self.grey.extend(row.as_chunks::<3>().0.iter().map(|[r, g, b]| of(*r, *g, *b))),
            4 => self.grey.extend(row.as_chunks::<4>().0.iter().map(|[r, g, b, _]| of(*r, *g, *b))),
            bytes => self.grey.resize(row.len() / bytes.max(1), 0),
        }
    }

    fn across(&mut self) {
        self.across.clear();
        let (grey, columns) = (&self.grey, self.columns);
        let at = |x: usize| u64::from(grey.get(x).copied().unwrap_or(0));
        self.across.extend(self.spans.iter().map(|span| {
            let next = span.first + 1;
            let whole = grey.get(next..next + span.whole).unwrap_or_default();
            let whole: u64 = whole.iter().map(|grey| u64::from(*grey)).sum();
            let tail = if span.tail > 0 { at(next + span.whole) * span.tail } else { 0 };
            at(span.first) * span.head + whole * columns + tail
        }));
    }

    /// A value of `across` by `width`, rounded down.
    ///
    /// Exact: the inverse is too large by less than one, and `across` below 2^44 times a width below 2^20 is below 2^64.
    fn by_width(&self, value: u64) -> u64 {
        if self.inverse == 0 {
            return value;
        }
        ((u128::from(value) * u128::from(self.inverse)) >> 64) as u64
    }

    fn down(&mut self) {
        let mut at = self.row * self.lines;
        let mut left = self.lines;
        while left > 0 {
            let end = (at / self.height + 1) * self.height;
            let part = left.min(end - at);
            let mut sums = std::mem::take(&mut self.sums);
            for (sum, value) in sums.iter_mut().zip(&self.across) {
                // 2^8 * 2^16 * height fits 64 bits for any side below 2^20.
                *sum += self.by_width(*value) * part;
            }
            self.sums = sums;
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
    fn every_size_gives_what_the_definition_gives() {
        let mut seed = 9u32;
        for (width, height, side) in
            [(7, 5, 3), (641, 9, 640), (1000, 13, 640), (13, 700, 64), (1, 9, 4), (9, 1, 4)]
        {
            let rows: Vec<u8> = (0..width * height)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 24) as u8
                })
                .collect();
            let small = shrunk(width, height, side, &rows).unwrap();
            let (columns, lines) = (u64::from(small.width()), u64::from(small.height()));
            let (wide, high) = (u64::from(width), u64::from(height));
            // Units of pixel x that small pixel c covers.
            let cover = |x: u64, c: u64, count: u64, length: u64| {
                let (from, to) = ((x * count).max(c * length), ((x + 1) * count).min((c + 1) * length));
                to.saturating_sub(from)
            };
            for (at, pixel) in small.pixels().iter().enumerate() {
                let (c, l) = (at as u64 % columns, at as u64 / columns);
                let row = |y: u64| -> u64 {
                    let of = |x: u64| {
                        (u64::from(rows[(y * wide + x) as usize]) << 16) * cover(x, c, columns, wide)
                    };
                    (0..wide).map(of).sum::<u64>() / wide
                };
                let sum: u64 = (0..high)
                    .map(|y| (cover(y, l, lines, high), y))
                    .filter(|p| p.0 > 0)
                    .map(|(n, y)| row(y) * n)
                    .sum();
                let whole = high << 16;
                assert_eq!(u64::from(*pixel), ((sum + whole / 2) / whole).min(255), "{width} {height} {at}");
            }
        }
    }

    #[test]
    fn a_picture_that_breaks_off_gives_none_and_rows_beyond_its_height_are_left_out() {
        assert!(shrunk(2, 3, 640, &[1, 2, 3, 4]).is_none());
        assert_eq!(shrunk(2, 1, 640, &[1, 2, 3, 4]).unwrap().pixels(), [1, 2]);
    }
}
