//! What callers may rely on, whatever they hand over.

use lodestone_hash::{Error, Kernel, PdqHash, PdqStream, PixelKind, Pre, pdq};

use crate::formula::draw;

#[test]
fn rows_that_do_not_fit_are_refused_and_leave_the_picture_as_it_was() {
    let drawn = draw("chart", PixelKind::Rgb8, 100, 80);
    let mut stream = PdqStream::new(100, 80, PixelKind::Rgb8);
    stream.push_rows(&drawn.bytes[..300 * 50]).unwrap();
    assert_eq!(stream.push_rows(&[0; 301]), Err(Error::PartialRow { bytes: 301, row_bytes: 300 }));
    assert_eq!(stream.push_rows(&drawn.bytes), Err(Error::TooManyRows { height: 80 }));
    assert_eq!(stream.finish().err(), Some(Error::MissingRows { rows: 50, height: 80 }));
    stream.push_rows(&drawn.bytes[300 * 50..]).unwrap();
    let expected = pdq(100, 80, PixelKind::Rgb8, &drawn.bytes).unwrap();
    assert_eq!(stream.finish().unwrap(), expected);
    assert!(stream.push_rows(&[0; 300]).is_err());
}

#[test]
fn a_stream_starts_anew_after_reset_whatever_came_before() {
    let mut stream = PdqStream::new(700, 300, PixelKind::Luma8);
    stream.push_rows(&draw("noise", PixelKind::Luma8, 700, 123).bytes).unwrap();
    for (width, height, pixels) in
        [(64, 64, PixelKind::Rgb8), (33, 900, PixelKind::Luma8), (500, 40, PixelKind::Rgba8)]
    {
        let drawn = draw("waves", pixels, width, height);
        stream.reset(width, height, pixels, Pre::FullSize);
        stream.push_rows(&drawn.bytes).unwrap();
        assert_eq!(stream.finish().unwrap(), pdq(width, height, pixels, &drawn.bytes).unwrap());
    }
}

#[test]
fn grey_equals_rgb_of_equal_channels_and_alpha_does_not_matter() {
    let grey = draw("waves", PixelKind::Luma8, 333, 222);
    let rgb: Vec<u8> = grey.bytes.iter().flat_map(|&v| [v; 3]).collect();
    let rgba: Vec<u8> = grey.bytes.iter().flat_map(|&v| [v, v, v, v.wrapping_mul(7)]).collect();
    let expected = pdq(333, 222, PixelKind::Luma8, &grey.bytes).unwrap();
    assert_eq!(pdq(333, 222, PixelKind::Rgb8, &rgb).unwrap(), expected);
    assert_eq!(pdq(333, 222, PixelKind::Rgba8, &rgba).unwrap(), expected);
}

#[test]
fn pictures_below_five_pixels_have_hash_and_quality_zero() {
    for (width, height) in [(0, 0), (0, 9), (9, 0), (1, 1), (4, 1000), (1000, 4)] {
        let bytes = vec![200; (width * height) as usize];
        let features = pdq(width, height, PixelKind::Luma8, &bytes).unwrap();
        assert_eq!((features.hash(), features.quality()), (PdqHash::default(), 0), "{width}x{height}");
        assert_eq!(features.dihedral(), [PdqHash::default(); 8]);
    }
}

#[test]
fn a_thin_picture_is_stretched_to_512_before_its_sides_are_judged() {
    let bytes = vec![9; 2000 * 3];
    let mut stream = PdqStream::with(Kernel::best(), 2000, 3, PixelKind::Luma8, Pre::Nearest512);
    stream.push_rows(&bytes).unwrap();
    assert!(stream.finish().unwrap().frequencies().is_some());
}

#[test]
fn sizes_beyond_memory_are_an_error_and_no_panic() {
    let mut stream = PdqStream::new(u32::MAX, u32::MAX, PixelKind::Rgba8);
    assert!(stream.push_rows(&[0; 4]).is_err());
    assert!(stream.finish().is_err());
}
