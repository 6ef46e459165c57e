//! Pictures to test with: patches of noise in several sizes, moved and changed.

use lodestone_features::Luma;

/// A picture that is nowhere like another of another seed.
pub(crate) fn scene(width: u32, height: u32, seed: u32) -> Luma {
    let value = |x: u32, y: u32, layer: u32| {
        let mut h = x.wrapping_mul(0x9e37_79b1)
            ^ y.wrapping_mul(0x85eb_ca77)
            ^ (seed * 7 + layer).wrapping_mul(0xc2b2_ae3d);
        h ^= h >> 15;
        h = h.wrapping_mul(0x2c1b_3c6d);
        h ^= h >> 12;
        h & 255
    };
    picture(width, height, |x, y| {
        ((value(x / 41, y / 37, 0) * 3 + value(x / 17, y / 19, 1) * 2 + value(x / 7, y / 6, 2)) / 6) as u8
    })
}

/// A picture of a rule.
pub(crate) fn picture(width: u32, height: u32, rule: impl Fn(u32, u32) -> u8) -> Luma {
    let pixels = (0..width * height).map(|k| rule(k % width, k / width)).collect();
    Luma::new(width, height, pixels).expect("sides and length agree")
}

/// The picture seen through `place`, which maps pixels of the result to places of the source; 128 beyond it.
pub(crate) fn seen(source: &Luma, width: u32, height: u32, place: impl Fn(f32, f32) -> (f32, f32)) -> Luma {
    let at = |x: i64, y: i64| {
        let (x, y) = (x.clamp(0, i64::from(source.width()) - 1), y.clamp(0, i64::from(source.height()) - 1));
        f32::from(source.row(y as u32)[x as usize])
    };
    picture(width, height, |x, y| {
        let (u, v) = place(x as f32, y as f32);
        if u < 0.0 || v < 0.0 || u > (source.width() - 1) as f32 || v > (source.height() - 1) as f32 {
            return 128;
        }
        let (left, top) = (u.floor(), v.floor());
        let (fx, fy) = (u - left, v - top);
        let row = |y: i64| at(left as i64, y) * (1.0 - fx) + at(left as i64 + 1, y) * fx;
        (row(top as i64) * (1.0 - fy) + row(top as i64 + 1) * fy + 0.5) as u8
    })
}
