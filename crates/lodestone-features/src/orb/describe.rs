//! Direction and descriptor of a corner, from the smoothed level.

use super::pattern::TESTS;
use super::pyramid::Plane;
use super::simd::Kernel;
use super::trig;
use crate::Descriptor;

/// Radius of what is looked at around a corner, and pixels that the level is continued by at each edge.
pub(crate) const RADIUS: usize = 16;

/// Half widths of the rows of a disc of radius 15, from the middle row.
const DISC: [usize; 16] = [15, 15, 15, 15, 14, 14, 14, 13, 13, 12, 11, 10, 9, 8, 6, 3];

/// The level, smoothed, with its edges continued by [`RADIUS`] pixels.
pub(crate) fn smoothed(kernel: Kernel, plane: &Plane) -> Plane {
    let (width, height) = (plane.width, plane.height);
    let (wide, high) = (width + 2 * RADIUS, height + 2 * RADIUS);
    let mut pixels = vec![0; wide * high];
    let mut padded = vec![0u16; width + 6];
    for y in 0..height {
        let views: [&[u8]; 7] = std::array::from_fn(|k| plane.row((y + k).saturating_sub(3).min(height - 1)));
        kernel.smooth_down(&views, &mut padded[3..width + 3]);
        let (first, last) = (padded[3], padded[width + 2]);
        padded[..3].fill(first);
        padded[width + 3..].fill(last);
        let out = &mut pixels[(y + RADIUS) * wide..][..wide];
        kernel.smooth_across(&padded, &mut out[RADIUS..RADIUS + width]);
        let (first, last) = (out[RADIUS], out[RADIUS + width - 1]);
        out[..RADIUS].fill(first);
        out[RADIUS + width..].fill(last);
    }
    for y in 0..RADIUS {
        pixels.copy_within(RADIUS * wide..(RADIUS + 1) * wide, y * wide);
        let last = RADIUS + height - 1;
        pixels.copy_within(last * wide..(last + 1) * wide, (last + 1 + y) * wide);
    }
    Plane { width: wide, height: high, pixels }
}

/// Direction of the centre of brightness of a disc around a corner of the level. *Source:* Rosin, "Measuring corner
/// properties", 1999; Rublee et al., "ORB: an efficient alternative to SIFT or SURF", ICCV 2011.
pub(crate) fn angle(smoothed: &Plane, x: usize, y: usize) -> u8 {
    let (mut right, mut down) = (0i32, 0i32);
    for (v, &half) in DISC.iter().enumerate() {
        for below in [false, true] {
            if below && v == 0 {
                continue;
            }
            let row = smoothed.row(if below { y + RADIUS + v } else { y + RADIUS - v });
            let span = &row[x + RADIUS - half..=x + RADIUS + half];
            let (mut sum, mut moment) = (0i32, 0i32);
            for (k, &value) in span.iter().enumerate() {
                sum += i32::from(value);
                moment += i32::from(value) * (k as i32 - half as i32);
            }
            right += moment;
            down += if below { sum * v as i32 } else { -sum * v as i32 };
        }
    }
    trig::direction(i64::from(right), i64::from(down))
}

/// The descriptor of a corner of the level in its direction. *Source:* Calonder et al., "BRIEF", ECCV 2010, steered as in
/// ORB; the tests are our own.
pub(crate) fn describe(smoothed: &Plane, x: usize, y: usize, angle: u8) -> Descriptor {
    let (c, s) = (trig::cos(angle), trig::sin(angle));
    let stride = smoothed.width as i32;
    let centre = ((y + RADIUS) * smoothed.width + x + RADIUS) as i32;
    // Rounded away from zero at halves: opposite points stay opposite.
    let round = |v: i32| (v + (1 << (trig::BITS - 1)) - i32::from(v < 0)) >> trig::BITS;
    let grey = |px: i8, py: i8| {
        let (px, py) = (i32::from(px), i32::from(py));
        let at = centre + round(px * c - py * s) + round(px * s + py * c) * stride;
        smoothed.pixels[at as usize]
    };
    let mut words = [0u64; 4];
    for (word, tests) in words.iter_mut().zip(TESTS.chunks_exact(16)) {
        for (k, &[px, py, qx, qy]) in tests.iter().enumerate() {
            // As is, mirrored at the direction, turned by 180°, both: see `Descriptor::in_form`.
            let bits = [(1, 1), (1, -1), (-1, -1), (-1, 1)];
            for (bit, (fx, fy)) in bits.into_iter().enumerate() {
                let less = grey(px * fx, py * fy) < grey(qx * fx, qy * fy);
                *word |= u64::from(less) << (4 * k + bit);
            }
        }
    }
    Descriptor(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Form;

    fn noise() -> Plane {
        let mut seed = 7u32;
        let pixels = (0..61 * 61)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        Plane { width: 61, height: 61, pixels }
    }

    #[test]
    fn the_descriptor_of_each_form_is_the_descriptor_with_bits_exchanged() {
        let plane = noise();
        let mut mirrored = plane.clone();
        for row in mirrored.pixels.chunks_exact_mut(61) {
            row.reverse();
        }
        let of = |plane: &Plane| {
            let angle = angle(plane, 30, 30);
            (angle, describe(plane, 30, 30, angle))
        };
        let padded = smoothed(Kernel::detect(), &plane);
        assert_eq!(padded.pixels, smoothed(Kernel::PORTABLE, &plane).pixels);
        let (angle_as_is, as_is) = of(&padded);
        let mut negative = padded.clone();
        negative.pixels.iter_mut().for_each(|p| *p = 255 - *p);
        let (angle_negative, in_negative) = of(&negative);
        assert_eq!(angle_negative, angle_as_is.wrapping_add(128));
        // Equal grey values may turn a bit.
        assert!(as_is.in_form(Form::ALL[2]).distance_bits(in_negative) <= 10);
        let (angle_mirrored, in_mirrored) = of(&smoothed(Kernel::detect(), &mirrored));
        assert_eq!(angle_mirrored, 128u8.wrapping_sub(angle_as_is));
        assert_eq!(as_is.in_form(Form::ALL[1]), in_mirrored);
        assert!(as_is.distance_bits(in_mirrored) > 60);
    }
}
