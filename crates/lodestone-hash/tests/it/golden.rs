//! Published hashes, and those of the reference library on drawn pictures.

use lodestone_hash::{Kernel, Mode, PdqFeatures, PdqStream, PixelKind, Pre, pdq};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use crate::formula::draw;

#[test]
fn drawn_pictures_of_every_shape_have_the_reference_librarys_hashes_and_quality() {
    let mut vectors = 0;
    for line in include_str!("../fixtures/vectors.txt").lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<_> = line.split(' ').collect();
        let [formula, pixels, width, height, quality, plain, dihedral @ ..] = &words[..] else {
            panic!("{line}")
        };
        let pixels = if *pixels == "grey" { PixelKind::Luma8 } else { PixelKind::Rgb8 };
        let drawn = draw(formula, pixels, width.parse().unwrap(), height.parse().unwrap());
        let features = pdq(drawn.width, drawn.height, pixels, &drawn.bytes).unwrap();
        assert_eq!(features.hash().to_string(), *plain, "{formula} {width}x{height} {pixels:?}");
        assert_eq!(features.quality().to_string(), *quality, "{formula} {width}x{height} {pixels:?}");
        assert_eq!(
            features.dihedral().map(|hash| hash.to_string()),
            dihedral,
            "{formula} {width}x{height} {pixels:?}"
        );
        vectors += 1;
    }
    assert!(vectors >= 60, "{vectors}");
}

#[test]
fn the_bridge_has_its_published_hash_at_full_size() {
    let features = bridge(Pre::FullSize);
    assert_eq!(
        features.hash().to_string(),
        "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
    );
    assert_eq!((features.quality(), features.mode()), (100, Mode::Exact));
}

#[test]
fn the_bridge_reduced_to_512_has_the_eight_hashes_of_the_command_line_tool() {
    let features = bridge(Pre::Nearest512);
    assert_eq!((features.quality(), features.mode()), (100, Mode::Nearest512));
    assert_eq!(
        features.dihedral().map(|hash| hash.to_string()),
        [
            "d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22",
            "f0a10efd51c83d429053d48d0fffbc52e34e0e17ada956a9d29685211ea9e58f",
            "adad5a64b5a102e55b62a88052dacd5ae63b847fc337b4b766b399361bc93188",
            "a5f0b457248995e8c1065c275aaa56d8b61ba4bdf8fcfc0383c32f8b0bfc4f05",
            "d8f80f31e0f457b00637f5d5038f980fb36ed12a9662c1e233e64c634e9c64dd",
            "8dada49991a1bd1a5362577742da32a5e63b7b80c2364b4866b346c91bc9ce77",
            "f0a1e10271ccc0bd90530b720fff038de34ef1e8ada9a956d6967ade5ea91a50",
            "a5f44ba8a4996a17cd06a1d85aaaa927b61b5b42f8fc03fc83c3d0740bfcb0fa",
        ]
    );
}

fn bridge(pre: Pre) -> PdqFeatures {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let file = ZCursor::new(&include_bytes!("../fixtures/bridge-1.jpg")[..]);
    let mut decoder = JpegDecoder::new_with_options(file, options);
    let pixels = decoder.decode().unwrap();
    let (width, height) = decoder.dimensions().unwrap();
    let mut stream = PdqStream::with(Kernel::best(), width as u32, height as u32, PixelKind::Rgb8, pre);
    stream.push_rows(&pixels).unwrap();
    stream.finish().unwrap()
}
