//! A small picture in memory and what one may do to it. Integers only: each computer draws the same bytes.

/// An RGB picture, 8 bits a sample, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Canvas {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rgb: Vec<u8>,
}

impl Canvas {
    /// A picture whose pixels come from `colour(x, y)`.
    pub(super) fn draw(width: u32, height: u32, colour: impl Fn(i64, i64) -> [u8; 3]) -> Self {
        let mut rgb = Vec::new();
        for y in 0..height {
            for x in 0..width {
                rgb.extend(colour(x.into(), y.into()));
            }
        }
        Self { width, height, rgb }
    }

    /// The pixel at a place; places outside repeat the edge.
    pub(super) fn at(&self, x: i64, y: i64) -> [u8; 3] {
        let x = x.clamp(0, i64::from(self.width) - 1) as usize;
        let y = y.clamp(0, i64::from(self.height) - 1) as usize;
        let at = (y * self.width as usize + x) * 3;
        match self.rgb.get(at..at + 3) {
            Some(&[r, g, b]) => [r, g, b],
            _ => [0; 3],
        }
    }

    /// Made smaller by averaging boxes.
    pub(super) fn smaller(&self, width: u32, height: u32) -> Self {
        let (from_w, from_h) = (i64::from(self.width), i64::from(self.height));
        let (to_w, to_h) = (i64::from(width), i64::from(height));
        Self::draw(width, height, |x, y| {
            let (x0, x1) = (x * from_w / to_w, ((x + 1) * from_w / to_w).max(x * from_w / to_w + 1));
            let (y0, y1) = (y * from_h / to_h, ((y + 1) * from_h / to_h).max(y * from_h / to_h + 1));
            let mut sum = [0u32; 3];
            for (sy, sx) in (y0..y1).flat_map(|sy| (x0..x1).map(move |sx| (sy, sx))) {
                for (sum, value) in sum.iter_mut().zip(self.at(sx, sy)) {
                    *sum += u32::from(value);
                }
            }
            let pixels = ((x1 - x0) * (y1 - y0)) as u32;
            sum.map(|sum| (sum / pixels) as u8)
        })
    }

    /// Mirrored, left for right.
    pub(super) fn mirrored(&self) -> Self {
        Self::draw(self.width, self.height, |x, y| self.at(i64::from(self.width) - 1 - x, y))
    }

    /// Turned clockwise by 90 degrees.
    pub(super) fn turned(&self) -> Self {
        Self::draw(self.height, self.width, |x, y| self.at(y, i64::from(self.height) - 1 - x))
    }

    /// Colours inverted.
    pub(super) fn negative(&self) -> Self {
        Self::draw(self.width, self.height, |x, y| self.at(x, y).map(|value| 255 - value))
    }

    /// Brighter, clipped at white.
    pub(super) fn brighter(&self, by: u8) -> Self {
        Self::draw(self.width, self.height, |x, y| self.at(x, y).map(|value| value.saturating_add(by)))
    }

    /// `per_mille` of each side cut away all round.
    pub(super) fn cropped(&self, per_mille: u32) -> Self {
        let (dx, dy) = (self.width * per_mille / 1000, self.height * per_mille / 1000);
        Self::draw(self.width - 2 * dx, self.height - 2 * dy, |x, y| {
            self.at(x + i64::from(dx), y + i64::from(dy))
        })
    }

    /// A pale bar along the bottom, as a caption leaves it.
    pub(super) fn captioned(&self) -> Self {
        let (w, h) = (i64::from(self.width), i64::from(self.height));
        Self::draw(self.width, self.height, |x, y| {
            if y < h - h / 14 {
                self.at(x, y)
            } else if (x / 6) % 3 != 2
                && (h - h / 20..h - h / 34).contains(&y)
                && (w / 20..w / 2).contains(&x)
            {
                [60; 3]
            } else {
                [238; 3]
            }
        })
    }

    /// Grey after ITU-R BT.601, one byte a pixel.
    pub(super) fn grey(&self) -> Vec<u8> {
        self.rgb
            .chunks_exact(3)
            .map(|p| ((77 * u32::from(p[0]) + 150 * u32::from(p[1]) + 29 * u32::from(p[2]) + 128) >> 8) as u8)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Canvas {
        Canvas::draw(6, 4, |x, y| [(x * 40) as u8, (y * 60) as u8, 7])
    }

    #[test]
    fn four_turns_and_two_mirrors_give_the_picture_back() {
        assert_eq!(ramp().turned().turned().turned().turned(), ramp());
        assert_eq!(ramp().mirrored().mirrored(), ramp());
        assert_ne!(ramp().mirrored(), ramp());
        assert_eq!(ramp().negative().negative(), ramp());
    }

    #[test]
    fn a_turn_is_clockwise() {
        let turned = ramp().turned();
        assert_eq!((turned.width, turned.height), (4, 6));
        assert_eq!(turned.at(3, 0), ramp().at(0, 0));
        assert_eq!(turned.at(0, 0), ramp().at(0, 3));
    }

    #[test]
    fn smaller_means_the_mean() {
        let checks = Canvas::draw(4, 4, |x, _| [if x % 2 == 0 { 10 } else { 20 }; 3]);
        assert_eq!(checks.smaller(2, 2).rgb, [15; 12]);
    }
}
