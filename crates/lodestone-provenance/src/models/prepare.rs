//! A picture made into what a model was trained on, exactly as its sidecar says.

use super::resize::resize;
use super::sidecar::{Input, Step, Tiles};
use crate::item::Pixels;

/// Tiles of one picture at most; more are not assessed, so that time stays bounded.
const MAX_TILES: usize = 256;

/// 8-bit RGB, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rgb {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) rgb: Vec<u8>,
}

impl Rgb {
    /// Left and right changed.
    pub(super) fn mirrored(mut self) -> Self {
        for row in self.rgb.chunks_exact_mut(self.width.max(1) * 3) {
            let (mut left, mut right) = (0, self.width.saturating_sub(1));
            while left < right {
                for channel in 0..3 {
                    row.swap(left * 3 + channel, right * 3 + channel);
                }
                (left, right) = (left + 1, right - 1);
            }
        }
        self
    }
}

/// The windows that a model is run on, each of [`Input::size`].
///
/// # Errors
/// Why the picture is not assessed, in words.
pub(super) fn prepare(input: &Input, pixels: &Pixels<'_>, orientation: u8) -> Result<Vec<Rgb>, String> {
    let mut picture =
        flat(pixels, input.alpha().unwrap_or([255; 3])).ok_or("the pixels are not all there")?;
    if input.exif_orientation {
        picture = turned(picture, orientation);
    }
    let shortest = picture.width.min(picture.height);
    if shortest < input.min_side as usize || shortest == 0 {
        return Err(format!("a side of {shortest} pixels where the model needs {}", input.min_side));
    }
    for step in &input.steps {
        let size = match step {
            Step::Shortest(step) => {
                let (side, short) = (step.resize_shortest as usize, picture.width.min(picture.height));
                Some(
                    [picture.height, picture.width].map(|n| if n == short { side } else { n * side / short }),
                )
            }
            Step::Exact(step) => Some(step.resize_exact.map(|n| n as usize)),
            _ => None,
        };
        if let Some([height, width]) = size {
            if input.never_upscale && (height > picture.height || width > picture.width) {
                return Err("the picture would have to be enlarged".to_owned());
            }
            if height.saturating_mul(width) > 64 << 20 {
                return Err("the picture is too long and narrow".to_owned());
            }
        }
        picture = match (step, size) {
            (Step::Shortest(step), Some([h, w])) => resize(&picture, h, w, step.filter, step.antialias),
            (Step::Exact(step), Some([h, w])) => resize(&picture, h, w, step.filter, step.antialias),
            (Step::Crop(step), _) => {
                let [h, w] = step.center_crop.map(|n| n as usize);
                let top = picture.height.checked_sub(h).map(half).ok_or("smaller than the crop")?;
                let left = picture.width.checked_sub(w).map(half).ok_or("smaller than the crop")?;
                cut(&picture, top, left, h, w)
            }
            (Step::Tiles(step), _) => return tiled(&picture, &step.tiles),
            _ => picture,
        };
    }
    Ok(vec![picture])
}

/// Half, to even where it ends in .5: as torchvision's `center_crop`.
fn half(n: usize) -> usize {
    let down = n / 2;
    if n % 2 == 1 && down % 2 == 1 { down + 1 } else { down }
}

fn tiled(picture: &Rgb, tiles: &Tiles) -> Result<Vec<Rgb>, String> {
    let [h, w] = tiles.size.map(|n| n as usize);
    let starts = |side: usize, size: usize, stride: u32| -> Option<Vec<usize>> {
        let last = side.checked_sub(size)?;
        let mut starts: Vec<usize> = (0..=last).step_by(stride.max(1) as usize).take(MAX_TILES + 1).collect();
        if starts.last() != Some(&last) {
            starts.push(last);
        }
        Some(starts)
    };
    let tops = starts(picture.height, h, tiles.stride[0]).ok_or("smaller than a tile")?;
    let lefts = starts(picture.width, w, tiles.stride[1]).ok_or("smaller than a tile")?;
    if tops.len() * lefts.len() > MAX_TILES {
        return Err(format!("more than {MAX_TILES} tiles"));
    }
    Ok(tops.iter().flat_map(|&top| lefts.iter().map(move |&left| cut(picture, top, left, h, w))).collect())
}

/// A window that lies inside.
fn cut(picture: &Rgb, top: usize, left: usize, height: usize, width: usize) -> Rgb {
    let mut rgb = Vec::new();
    for y in top..top + height {
        let at = (y * picture.width + left) * 3;
        rgb.extend_from_slice(picture.rgb.get(at..at + width * 3).unwrap_or_default());
    }
    Rgb { width, height, rgb }
}

/// Alpha laid over a colour.
fn flat(pixels: &Pixels<'_>, under: [u8; 3]) -> Option<Rgb> {
    let (width, height) = (pixels.width as usize, pixels.height as usize);
    let count = width.checked_mul(height)?;
    let rgb = pixels.rgb.get(..count.checked_mul(3)?)?;
    let rgb = match pixels.alpha {
        None => rgb.to_vec(),
        Some(alpha) => {
            let alpha = alpha.get(..count)?;
            let over = |(p, a): (&[u8], &u8)| {
                let a = u32::from(*a);
                [0, 1, 2].map(|c| ((u32::from(p[c]) * a + u32::from(under[c]) * (255 - a) + 127) / 255) as u8)
            };
            rgb.chunks_exact(3).zip(alpha).flat_map(over).collect()
        }
    };
    Some(Rgb { width, height, rgb })
}

/// As EXIF orientation 1 to 8 asks for it to be shown.
fn turned(picture: Rgb, orientation: u8) -> Rgb {
    if !(2..=8).contains(&orientation) {
        return picture;
    }
    let (w, h) = (picture.width, picture.height);
    let (width, height) = if orientation >= 5 { (h, w) } else { (w, h) };
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (sx, sy) = match orientation {
                2 => (w - 1 - x, y),
                3 => (w - 1 - x, h - 1 - y),
                4 => (x, h - 1 - y),
                5 => (y, x),
                6 => (y, h - 1 - x),
                7 => (w - 1 - y, h - 1 - x),
                _ => (w - 1 - y, x),
            };
            let at = (sy * w + sx) * 3;
            rgb.extend_from_slice(picture.rgb.get(at..at + 3).unwrap_or(&[0; 3]));
        }
    }
    Rgb { width, height, rgb }
}
