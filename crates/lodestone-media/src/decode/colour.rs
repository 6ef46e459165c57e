//! Colour arithmetic shared by decoders; the same integers as Pillow.

/// `a * b / 255`, rounded. *Source:* Pillow `src/libImaging/ImagingUtils.h`, `MULDIV255`.
pub(crate) fn muldiv255(a: u8, b: u8) -> u8 {
    let t = u32::from(a) * u32::from(b) + 128;
    (((t >> 8) + t) >> 8) as u8
}

/// CMYK (0: no ink) to RGB. *Source:* Pillow `src/libImaging/Convert.c`, `cmyk2rgb`.
pub(crate) fn cmyk_to_rgb([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let nk = 255 - k;
    [c, m, y].map(|ink| nk.saturating_sub(muldiv255(ink, nk)))
}

/// A sample of 1 to 8 bits to 8 bits, full scale to 255.
pub(crate) fn scale_to_8(value: u32, max: u32) -> u8 {
    if max == 0 { 0 } else { ((u64::from(value) * 255) / u64::from(max)).min(255) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn muldiv_is_rounded_division() {
        for a in 0..=255u8 {
            for b in 0..=255u8 {
                let exact = f64::from(a) * f64::from(b) / 255.0;
                assert_eq!(muldiv255(a, b), exact.round() as u8, "{a} {b}");
            }
        }
    }

    #[test]
    fn ink_darkens() {
        assert_eq!(cmyk_to_rgb([0, 0, 0, 0]), [255; 3]);
        assert_eq!(cmyk_to_rgb([9, 99, 200, 255]), [0; 3]);
        assert_eq!(cmyk_to_rgb([255, 0, 0, 0]), [0, 255, 255]);
    }
}
