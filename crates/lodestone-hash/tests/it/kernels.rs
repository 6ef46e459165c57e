//! Every kernel gives the same bits, and those of a plain transcription of the reference.

use lodestone_hash::{Kernel, PdqFeatures, PdqStream, PixelKind, Pre};
use proptest::prelude::*;

use crate::{
    formula::{Drawn, draw},
    naive,
};

/// The features by `kernel`, from pushes of `rows` rows.
fn features(kernel: Kernel, drawn: &Drawn, rows: usize, pre: Pre) -> PdqFeatures {
    let mut stream = PdqStream::with(kernel, drawn.width, drawn.height, drawn.pixels, pre);
    for rows in drawn.bytes.chunks(drawn.rows(rows)) {
        stream.push_rows(rows).unwrap();
    }
    stream.finish().unwrap()
}

/// What must agree to the bit.
fn bits(features: &PdqFeatures) -> (Vec<u32>, Vec<String>, u8) {
    let frequencies =
        features.frequencies().into_iter().flatten().flatten().map(|value| value.to_bits()).collect();
    let hashes = features.dihedral().iter().chain([&features.hash()]).map(ToString::to_string).collect();
    (frequencies, hashes, features.quality())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn all_kernels_and_all_ways_to_push_rows_agree_to_the_bit(
        width in 5_u32..700,
        height in 5_u32..500,
        rows in 1_usize..80,
        formula in prop::sample::select(vec!["noise", "chart", "waves", "dot"]),
        pixels in prop::sample::select(vec![PixelKind::Luma8, PixelKind::Rgb8, PixelKind::Rgba8]),
        pre in prop::sample::select(vec![Pre::FullSize, Pre::Nearest512]),
    ) {
        let drawn = draw(formula, pixels, width, height);
        let expected = bits(&features(Kernel::PORTABLE, &drawn, height as usize, pre));
        for kernel in Kernel::available() {
            prop_assert_eq!(&bits(&features(kernel, &drawn, rows, pre)), &expected, "{:?}", kernel);
        }
    }

    #[test]
    fn the_filter_equals_the_plain_transcription_to_the_bit(
        width in 5_u32..400,
        height in 5_u32..400,
        formula in prop::sample::select(vec!["noise", "chart", "waves"]),
    ) {
        let drawn = draw(formula, PixelKind::Rgb8, width, height);
        prop_assume!((width, height) != (64, 64));
        let luma = drawn.bytes.chunks_exact(3).map(|p| {
            (f64::from(p[0]) * 0.299 + f64::from(p[1]) * 0.587 + f64::from(p[2]) * 0.114) as f32
        });
        let samples = naive::decimated(luma.collect(), width as usize, height as usize);
        let expected = PdqFeatures::from_decimated(Kernel::PORTABLE, &samples);
        prop_assert_eq!(
            bits(&features(Kernel::best(), &drawn, 16, Pre::FullSize)),
            bits(&expected)
        );
    }
}

#[test]
fn the_portable_kernel_is_always_available_and_last() {
    assert_eq!(Kernel::available().last(), Some(&Kernel::PORTABLE));
    assert_eq!(Kernel::available().first(), Some(&Kernel::best()));
}
