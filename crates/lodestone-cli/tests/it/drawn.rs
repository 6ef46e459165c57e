//! Scenes drawn in code, with enough in them for local features, and what can be done to a picture.

/// A grey picture: rows of `width` values.
#[derive(Clone)]
pub(crate) struct Drawn {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) grey: Vec<u8>,
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

impl Drawn {
    pub(crate) fn plain(width: usize, height: usize, grey: u8) -> Self {
        Self { width, height, grey: vec![grey; width * height] }
    }

    /// Boxes, discs and bars of all sizes over a slope; another seed is another scene.
    pub(crate) fn scene(seed: u64, width: usize, height: usize) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            random.below(2);
        }
        let mut one = Self::plain(width, height, 0);
        let (across, down) = (random.below(90) as usize, random.below(90) as usize);
        for y in 0..height {
            for x in 0..width {
                one.grey[y * width + x] = (60 + x * across / width + y * down / height) as u8;
            }
        }
        for number in 0..150u64 {
            let size = if number < 12 { 110 } else { 26 };
            let (w, h) = (6 + random.below(size) as usize, 6 + random.below(size) as usize);
            let (left, top) = (random.below(width as u64) as usize, random.below(height as u64) as usize);
            let (shade, round) = (random.below(256) as u8, random.below(2) == 0);
            for y in top..(top + h).min(height) {
                for x in left..(left + w).min(width) {
                    let (u, v) =
                        ((2 * (x - left)) as f64 / w as f64 - 1.0, (2 * (y - top)) as f64 / h as f64 - 1.0);
                    if !round || u * u + v * v <= 1.0 {
                        one.grey[y * width + x] = shade;
                    }
                }
            }
        }
        one
    }

    pub(crate) fn crop(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let mut out = Self::plain(width, height, 0);
        out.put(self, 0, 0, (left, top));
        out
    }

    /// Lays a picture over this one; `from`: where in the other the first pixel is.
    pub(crate) fn put(&mut self, other: &Self, left: usize, top: usize, from: (usize, usize)) {
        for y in 0..other.height.saturating_sub(from.1).min(self.height - top) {
            for x in 0..other.width.saturating_sub(from.0).min(self.width - left) {
                self.grey[(top + y) * self.width + left + x] =
                    other.grey[(from.1 + y) * other.width + from.0 + x];
            }
        }
    }

    pub(crate) fn over(mut self, other: &Self, left: usize, top: usize) -> Self {
        self.put(other, left, top, (0, 0));
        self
    }

    pub(crate) fn mirrored(&self) -> Self {
        let rows = self.grey.chunks(self.width).flat_map(|row| row.iter().rev().copied()).collect();
        Self { grey: rows, ..self.clone() }
    }

    pub(crate) fn inverted(&self) -> Self {
        Self { grey: self.grey.iter().map(|grey| 255 - grey).collect(), ..self.clone() }
    }

    pub(crate) fn png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&self.grey).unwrap();
        writer.finish().unwrap();
        bytes
    }

    pub(crate) fn jpeg(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut bytes, 85);
        encoder
            .encode(&self.grey, self.width as u16, self.height as u16, jpeg_encoder::ColorType::Luma)
            .unwrap();
        bytes
    }
}
