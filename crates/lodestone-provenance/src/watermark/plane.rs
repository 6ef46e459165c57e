//! The plane that the encoder writes to: U of OpenCV's 8-bit `BGR2YUV`, summed over 2 x 2 pixels.

use crate::item::Pixels;

/// U of one pixel. *Source:* OpenCV `modules/imgproc/src/color_yuv.simd.hpp`, `RGB2YCrCb_i<uchar>`, 14-bit fixed point.
pub(super) fn u(r: u8, g: u8, b: u8) -> u8 {
    let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
    let y = (4899 * r + 9617 * g + 1868 * b + (1 << 13)) >> 14;
    let u = ((b - y) * 8061 + (128 << 14) + (1 << 13)) >> 14;
    u.clamp(0, 255) as u8
}

/// U of `width` pixels of row `y` from column `x`; nothing where the picture has no such pixels.
pub(super) fn u_row(pixels: &Pixels<'_>, x: usize, y: usize, width: usize, out: &mut Vec<u8>) -> Option<()> {
    let start = y.checked_mul(pixels.width as usize)?.checked_add(x)?.checked_mul(3)?;
    let row = pixels.rgb.get(start..start.checked_add(width.checked_mul(3)?)?)?;
    out.clear();
    out.extend(row.chunks_exact(3).map(|p| u(p[0], p[1], p[2])));
    Some(())
}

/// Sums of U over 2 x 2 pixels at every origin of a window: twice the LL band of a one-level Haar transform, which is
/// `(a + b + c + d) / 2`, for each of its four phases at once.
pub(super) struct Sums {
    pub(super) width: usize,
    pub(super) height: usize,
    /// height × width, row-major, 0-1020.
    pub(super) at: Vec<u16>,
}

impl Sums {
    /// Of the window of `size` (at least 2 x 2) at `origin`.
    pub(super) fn of(pixels: &Pixels<'_>, origin: [usize; 2], size: [usize; 2]) -> Option<Self> {
        let [columns, rows] = size;
        let (width, height) = (columns.checked_sub(1)?, rows.checked_sub(1)?);
        let (mut above, mut below) = (Vec::new(), Vec::new());
        let mut at = Vec::new();
        u_row(pixels, origin[0], origin[1], columns, &mut above)?;
        for row in 1..rows {
            u_row(pixels, origin[0], origin[1] + row, columns, &mut below)?;
            let pairs = above.windows(2).zip(below.windows(2));
            at.extend(
                pairs.map(|(a, b)| u16::from(a[0]) + u16::from(a[1]) + u16::from(b[0]) + u16::from(b[1])),
            );
            std::mem::swap(&mut above, &mut below);
        }
        Some(Self { width, height, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u_is_that_of_opencv() {
        // cv2.cvtColor(…, COLOR_BGR2YUV), opencv-python 4.13; R, G, B, U.
        let golden = include_str!("../../tests/data/opencv_u.txt");
        let mut count = 0;
        for line in golden.lines().filter(|l| !l.starts_with('#')) {
            let n: Vec<u8> = line.split(' ').map(|n| n.parse().expect("a number")).collect();
            assert_eq!(u(n[0], n[1], n[2]), n[3], "{line}");
            count += 1;
        }
        assert!(count >= 1000);
    }

    #[test]
    fn sums_are_of_two_by_two_pixels() {
        let rgb: Vec<u8> = (0..5 * 4 * 3).map(|i| (i * 37 % 251) as u8).collect();
        let pixels = Pixels { width: 5, height: 4, rgb: &rgb, alpha: None };
        let sums = Sums::of(&pixels, [1, 1], [4, 3]).expect("fits");
        assert_eq!((sums.width, sums.height, sums.at.len()), (3, 2, 6));
        let at = |x: usize, y: usize| {
            let p = &rgb[(y * 5 + x) * 3..];
            u16::from(u(p[0], p[1], p[2]))
        };
        assert_eq!(sums.at[4], at(2, 2) + at(3, 2) + at(2, 3) + at(3, 3));
        assert!(Sums::of(&pixels, [2, 1], [4, 3]).is_none(), "a window past the edge");
    }
}
