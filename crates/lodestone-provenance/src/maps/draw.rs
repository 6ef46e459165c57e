//! One grey value a block, as a PNG of bounded size.

use crate::item::Map;
use crate::recompression::Plane;

/// Pixels of a map's long side at most.
const MAX_SIDE: usize = 1_024;

/// Grey values of a picture's blocks.
pub(super) struct Blocks {
    across: usize,
    down: usize,
    values: Vec<f32>,
}

impl Blocks {
    /// A value for each whole block, from its DCT.
    pub(super) fn of(plane: &Plane, value: impl Fn(&[f32; 64]) -> f32) -> Self {
        Self::at(plane, |left, top| plane.dct(left, top).map_or(0.0, |dct| value(&dct)))
    }

    /// A value for each whole block, from its place.
    pub(super) fn at(plane: &Plane, value: impl Fn(usize, usize) -> f32) -> Self {
        let (across, down) = (plane.width / 8, plane.height / 8);
        let places = (0..down).flat_map(|y| (0..across).map(move |x| (x * 8, y * 8)));
        Self { across, down, values: places.map(|(x, y)| value(x, y)).collect() }
    }

    /// The map: blocks averaged where there are too many, enlarged where there is room.
    pub(super) fn map(&self, name: &str, caption: &str) -> Option<Map> {
        let long = self.across.max(self.down);
        let shrink = long.div_ceil(MAX_SIDE).max(1);
        let (across, down) = (self.across / shrink, self.down / shrink);
        let grow = (MAX_SIDE / across.max(down).max(1)).clamp(1, 8);
        let mut grey = Vec::with_capacity(MAX_SIDE * MAX_SIDE / 2);
        for y in 0..down {
            let mut row = Vec::new();
            for x in 0..across {
                let value = self.mean(x * shrink, y * shrink, shrink).round().clamp(0.0, 255.0);
                // Between 0 and 255: the cast is exact.
                row.extend(std::iter::repeat_n(value as u8, grow));
            }
            (0..grow).for_each(|_| grey.extend_from_slice(&row));
        }
        let (width, height) = (u32::try_from(across * grow).ok()?, u32::try_from(down * grow).ok()?);
        Some(Map {
            name: name.to_owned(),
            caption: caption.to_owned(),
            width,
            height,
            png: encode(width, height, &grey)?,
        })
    }

    fn mean(&self, x: usize, y: usize, side: usize) -> f32 {
        let (mut sum, mut count) = (0.0, 0.0f32);
        for row in y..y + side {
            for value in self.values.iter().skip(row * self.across + x).take(side) {
                sum += value;
                count += 1.0;
            }
        }
        sum / count.max(1.0)
    }
}

fn encode(width: u32, height: u32, grey: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(grey).ok()?;
    writer.finish().ok()?;
    Some(out)
}
