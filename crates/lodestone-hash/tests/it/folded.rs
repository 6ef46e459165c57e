//! Folded hashes stay near the exact ones on smooth pictures.

use lodestone_hash::{FoldedPdq, Mode, PixelKind, folded_scale, pdq};

use crate::formula::{Drawn, draw};

/// Means of blocks of `scale` × `scale` pixels, as a scaled JPEG decode gives.
fn scaled(drawn: &Drawn, scale: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for y in (0..drawn.height).step_by(scale as usize) {
        for x in (0..drawn.width).step_by(scale as usize) {
            let (mut sum, mut count) = (0, 0);
            for y in y..drawn.height.min(y + scale) {
                for x in x..drawn.width.min(x + scale) {
                    sum += u32::from(drawn.bytes[(y * drawn.width + x) as usize]);
                    count += 1;
                }
            }
            out.push(((sum + count / 2) / count) as u8);
        }
    }
    out
}

#[test]
fn folded_hashes_at_the_chosen_scale_are_within_ten_bits_and_say_what_they_are() {
    for (width, height) in [(300, 200), (641, 479), (1153, 865), (2048, 1537)] {
        let drawn = draw("chart", PixelKind::Luma8, width, height);
        let exact = pdq(width, height, PixelKind::Luma8, &drawn.bytes).unwrap();
        let scale = folded_scale(width, height);
        let mut folded = FoldedPdq::new(width, height, scale).unwrap();
        folded.push_rows(&scaled(&drawn, scale)).unwrap();
        let folded = folded.finish().unwrap();
        assert_eq!(folded.mode(), Mode::Folded);
        let distance_bits = folded.hash().distance_bits(&exact.hash());
        assert!(distance_bits <= 10, "{width}x{height} at 1/{scale}: {distance_bits}");
        assert!(folded.quality().abs_diff(exact.quality()) <= 3);
    }
}
