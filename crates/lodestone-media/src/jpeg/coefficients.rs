//! Quantised DCT coefficients as the file holds them: what traces of an earlier compression are read from.

use super::buffered;
use super::check_pixels;
use super::header::Reader;
use super::kernel::POSITION;
use crate::{Error, Limits};

/// Quantised coefficients of one colour component.
pub struct Plane {
    /// Blocks across that hold picture.
    pub across: usize,
    /// Blocks down that hold picture.
    pub down: usize,
    /// Quantisation steps in zigzag order; 0 where the file states none.
    pub steps: [u16; 64],
    picture: usize,
    padded: usize,
}

/// All quantised coefficients of a JPEG.
pub struct Coefficients {
    /// Colour components in the frame's order; the first is luma in files that are YCbCr or grey.
    pub planes: Vec<Plane>,
    /// Why the picture is incomplete, if it is; missing coefficients are 0.
    pub partial: Option<String>,
    picture: buffered::Picture,
}

impl Coefficients {
    /// The block at that place of a component, in zigzag order; `None` outside.
    pub fn block(&self, plane: &Plane, x: usize, y: usize) -> Option<[i16; 64]> {
        if x >= plane.across || y >= plane.down {
            return None;
        }
        let at = y.checked_mul(plane.padded)?.checked_add(x)?;
        let stored = self.picture.components.get(plane.picture)?.blocks.get(at)?;
        let mut block = [0; 64];
        for (to, &from) in block.iter_mut().zip(&POSITION) {
            *to = stored.0[usize::from(from) & 63];
        }
        Some(block)
    }
}

/// Reads the coefficients of a baseline, extended or progressive JPEG.
///
/// # Errors
/// As [`super::decode`].
///
/// # Cost
/// Entropy decoding only, about 5 ms a megapixel; 2 bytes a coefficient of memory, refused above the limit.
pub fn coefficients(bytes: &[u8], limits: &Limits) -> Result<Coefficients, Error> {
    let mut reader = Reader::new(bytes)?;
    let scan = reader.first_scan()?;
    check_pixels(reader.frame()?, limits)?;
    let (picture, partial) = buffered::read(&mut reader, scan, limits)?;
    let planes = picture
        .frame
        .components
        .iter()
        .enumerate()
        .map(|(index, component)| {
            let mut steps = [0; 64];
            if let Some(quant) = picture.components.get(index).map(buffered::Coefficients::quant) {
                for (to, &from) in steps.iter_mut().zip(&POSITION) {
                    *to = quant.0[usize::from(from) & 63].cast_unsigned();
                }
            }
            let (across, down) = component.blocks;
            Plane { across, down, steps, picture: index, padded: component.padded.0 }
        })
        .collect();
    Ok(Coefficients { planes, partial, picture })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(progressive: bool) -> Vec<u8> {
        let rgb: Vec<u8> =
            (0..40 * 24 * 3u32).map(|i| u8::try_from(i * i / 7 % 251).expect("small")).collect();
        let mut out = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut out, 80);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
        encoder.set_progressive(progressive);
        encoder.encode(&rgb, 40, 24, jpeg_encoder::ColorType::Rgb).expect("encodes");
        out
    }

    #[test]
    fn baseline_and_progressive_files_of_one_picture_hold_the_same_coefficients() {
        let (one, other) = (encoded(false), encoded(true));
        let read = |file: &[u8]| coefficients(file, &Limits::default()).expect("a JPEG");
        let (one, other) = (read(&one), read(&other));
        let sizes: Vec<_> = one.planes.iter().map(|p| (p.across, p.down)).collect();
        assert_eq!(sizes, [(5, 3), (3, 2), (3, 2)]);
        let mut others = 0;
        for (p, q) in one.planes.iter().zip(&other.planes) {
            assert_eq!(p.steps, q.steps);
            assert!(p.steps.iter().all(|&s| s > 0));
            for (x, y) in (0..p.down).flat_map(|y| (0..p.across).map(move |x| (x, y))) {
                let block = one.block(p, x, y).expect("inside");
                assert_eq!(Some(block), other.block(q, x, y));
                others += block.iter().filter(|&&c| c != 0).count();
            }
            assert_eq!(one.block(p, p.across, 0), None);
            assert_eq!(one.block(p, 0, usize::MAX), None);
        }
        assert!(others > 200, "{others}");
    }

    #[test]
    fn limits_and_cut_files_are_errors_or_partial() {
        let file = encoded(false);
        let tight = Limits { max_pixels: 100, ..Limits::default() };
        assert!(matches!(coefficients(&file, &tight), Err(Error::TooManyPixels { .. })));
        let tight = Limits { max_memory: 100, ..Limits::default() };
        assert!(matches!(coefficients(&file, &tight), Err(Error::Memory { .. })));
        assert!(coefficients(b"no JPEG", &Limits::default()).is_err());
        if let Ok(cut) = coefficients(&file[..file.len() * 3 / 4], &Limits::default()) {
            assert!(cut.partial.is_some());
        }
    }
}
