//! Pictures made by rule: smooth noise with detail, and pages that hold them.

use lodestone_features::Luma;

/// A grey value at each place.
pub(crate) fn luma(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> Luma {
    let pixels =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| value(x, y)).collect();
    Luma::new(width, height, pixels).unwrap()
}

/// Pseudo-random and the same everywhere.
fn random(seed: u32, x: u32, y: u32) -> u32 {
    let mut v = seed.wrapping_mul(0x9e37_79b9) ^ x.wrapping_mul(0x85eb_ca6b) ^ y.wrapping_mul(0xc2b2_ae35);
    for _ in 0..3 {
        v = (v ^ (v >> 15)).wrapping_mul(0x2c1b_3c6d);
    }
    v ^ (v >> 13)
}

/// A scene of `width` × `height`: blobs of several sizes, as a photograph has them.
pub(crate) fn scene(seed: u32, width: u32, height: u32) -> Luma {
    let octave = |x: u32, y: u32, cell: u32, seed: u32| {
        let (i, j) = (x / cell, y / cell);
        let (u, v) = ((x % cell) as f32 / cell as f32, (y % cell) as f32 / cell as f32);
        let at = |i, j| (random(seed, i, j) % 256) as f32;
        let top = at(i, j) * (1.0 - u) + at(i + 1, j) * u;
        let bottom = at(i, j + 1) * (1.0 - u) + at(i + 1, j + 1) * u;
        top * (1.0 - v) + bottom * v
    };
    luma(width, height, |x, y| {
        let sum = octave(x, y, 97, seed) * 0.6
            + octave(x, y, 31, seed + 1) * 0.3
            + octave(x, y, 11, seed + 2) * 0.1;
        sum as u8
    })
}

/// `front` laid on `page` at `left`, `top`.
pub(crate) fn laid(page: &Luma, front: &Luma, left: u32, top: u32) -> Luma {
    luma(page.width(), page.height(), |x, y| {
        let within = (left..left + front.width()).contains(&x) && (top..top + front.height()).contains(&y);
        if within { front.row(y - top)[(x - left) as usize] } else { page.row(y)[x as usize] }
    })
}

/// A page of one tone.
pub(crate) fn flat(width: u32, height: u32, tone: u8) -> Luma {
    luma(width, height, |_, _| tone)
}
