//! Limits, and bytes that were cut or changed.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::borrow::Cow;

use lodestone_media::{Error, Limits, identify};
use png::{BitDepth, ColorType};

use super::{bmp24, chart, gif_of, indexed, png_of, read, tiff_fields, tiff_of, webp_of, zlib};

/// One small file of each format.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let (w, h) = (19u32, 13u32);
    let picture = chart(w, h);
    let (palette, indexes) = indexed(&picture);
    let flat = palette.concat();
    let frame = gif::Frame {
        width: w as u16,
        height: h as u16,
        delay: 60,
        buffer: Cow::Borrowed(&indexes),
        ..gif::Frame::default()
    };
    let mut apng = Vec::new();
    let mut encoder = png::Encoder::new(&mut apng, w, h);
    encoder.set_color(ColorType::Rgb);
    encoder.set_animated(2, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&picture).unwrap();
    writer.write_image_data(&picture).unwrap();
    writer.finish().unwrap();
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, 80)
        .encode(&picture, w as u16, h as u16, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    let mut jxl = Vec::new();
    let options = zune_core::options::EncoderOptions::new(
        w as usize,
        h as usize,
        zune_core::colorspace::ColorSpace::RGB,
        zune_core::bit_depth::BitDepth::Eight,
    );
    zune_jpegxl::JxlSimpleEncoder::new(&picture, options).encode(&mut jxl).unwrap();
    let mut fields = tiff_fields(w, h, vec![8, 8, 8], 8, 2);
    fields.push((278, 4, vec![5]));
    let strips: Vec<Vec<u8>> = picture.chunks(w as usize * 15).map(zlib).collect();
    let raw = [b"IIRO\x08\0\0\0".to_vec(), jpeg.clone()].concat();
    let all = vec![
        ("png", png_of(w, h, ColorType::Rgb, BitDepth::Eight, &picture, |_| {})),
        ("apng", apng),
        ("gif", gif_of(w as u16, h as u16, &flat, &[frame.clone(), frame])),
        ("bmp", bmp24(w, h, &picture)),
        ("webp", webp_of(w, h, &picture)),
        ("tiff", tiff_of(&fields, &strips, false)),
        ("jxl", jxl),
        ("jpeg", jpeg),
        ("raw", raw),
    ];
    #[cfg(feature = "heif")]
    let all = {
        let options = heifer::EncodeOptions { quality: 60, max_threads: 1 };
        let heic = heifer::encode::encode_rgb8(w, h, &picture, &options).unwrap();
        [all, vec![("heif", heic)]].concat()
    };
    all
}

fn quietly(work: impl FnOnce()) {
    // A foreign decoder's panic is caught and becomes an error; its message need not fill the screen.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| {
        if !info.location().is_some_and(|l| l.file().contains(".cargo")) {
            eprintln!("{info}");
        }
    }));
    work();
    std::panic::set_hook(hook);
}

#[test]
fn every_sample_is_whole_to_begin_with() {
    for (name, bytes) in samples() {
        let (result, keep) = read(&bytes, &Limits::default());
        let decoded = result.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(decoded.partial, None, "{name}");
        assert_eq!((keep.frames[0].0.width, keep.frames[0].0.height), (19, 13), "{name}");
    }
}

#[test]
fn a_file_cut_anywhere_gives_whole_frames_or_an_error() {
    quietly(|| {
        for (_, bytes) in samples() {
            for end in 0..bytes.len() {
                let _ = read(&bytes[..end], &Limits::default());
            }
        }
    });
}

#[test]
fn a_thousand_changed_files_of_each_format_never_panic() {
    quietly(|| {
        for (_, bytes) in samples() {
            let mut seed = 0x9e37_79b9_7f4a_7c15u64;
            let mut random = || {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed
            };
            let limits = Limits { max_pixels: 1 << 20, max_memory: 64 << 20, ..Limits::default() };
            for _ in 0..1_000 {
                let mut changed = bytes.clone();
                for _ in 0..1 + random() % 4 {
                    let at = random() as usize % changed.len();
                    changed[at] = match random() % 3 {
                        0 => 0xff,
                        1 => changed[at] ^ (1 << (random() % 8)),
                        _ => random() as u8,
                    };
                }
                let _ = read(&changed, &limits);
            }
        }
    });
}

#[test]
fn cut_pictures_keep_the_rows_they_hold() {
    let (w, h) = (64, 64);
    let noise: Vec<u8> = (0..w * h * 3u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let png = png_of(w, h, ColorType::Rgb, BitDepth::Eight, &noise, |_| {});
    let (result, keep) = read(&png[..png.len() / 2], &Limits::default());
    assert!(result.unwrap().partial.is_some_and(|p| p.contains("rows")));
    let had = keep.frames[0].1.iter().zip(&noise).take_while(|(a, b)| a == b).count();
    assert!(had > noise.len() / 4, "{had} of {}", noise.len());
    assert_eq!(keep.frames[0].1.last(), Some(&0));
}

#[test]
fn limits_are_checked_from_the_header() {
    let limits = Limits::default();
    let mut png = png_of(4, 4, ColorType::Rgb, BitDepth::Eight, &[9; 48], |_| {});
    png[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    let (result, _) = read(&png, &limits);
    let too_many = Error::TooManyPixels { width: 30_000, height: 30_000, limit: 200_000_000 };
    assert_eq!(result, Err(too_many.clone()));
    let mut bmp = bmp24(4, 4, &[9; 48]);
    bmp[18..26].copy_from_slice(&[0x30, 0x75, 0, 0, 0x30, 0x75, 0, 0]);
    assert_eq!(read(&bmp, &limits).0, Err(too_many.clone()));
    let tiff = tiff_of(&tiff_fields(30_000, 30_000, vec![8; 3], 1, 2), &[vec![0; 9]], false);
    assert_eq!(read(&tiff, &limits).0, Err(too_many));
    let gif = gif_of(
        30_000,
        30_000,
        &[0; 6],
        &[gif::Frame { width: 1, height: 1, buffer: Cow::Borrowed(&[0]), ..gif::Frame::default() }],
    );
    assert!(matches!(read(&gif, &limits).0, Err(Error::TooManyPixels { .. })));
    for (name, bytes) in samples() {
        let small = Limits { max_pixels: 100, ..limits };
        assert!(read(&bytes, &small).0.is_err(), "{name}: pixels");
        let small = Limits { max_bytes: 50, ..limits };
        assert!(matches!(read(&bytes, &small).0, Err(Error::TooManyBytes { .. })), "{name}: bytes");
    }
    let small = Limits { max_memory: 300, ..limits };
    assert!(matches!(read(&webp_of(19, 13, &chart(19, 13)), &small).0, Err(Error::Memory { .. })));
}

#[test]
fn an_animation_of_too_many_pixels_stops_and_says_so() {
    let frame =
        gif::Frame { width: 10, height: 10, buffer: Cow::Owned(vec![0; 100]), ..gif::Frame::default() };
    let gif = gif_of(10, 10, &[5; 6], &vec![frame; 50]);
    let limits = Limits { max_pixels: 100, ..Limits::default() };
    let (result, keep) = read(&gif, &limits);
    let decoded = result.unwrap();
    assert!(decoded.partial.is_some_and(|p| p.starts_with("animation stopped")));
    assert_eq!((decoded.frames, keep.frames.len()), (50, 1));
}

#[test]
fn samples_are_told_by_content() {
    let told: Vec<&str> =
        samples().iter().map(|(_, b)| identify(&b[..b.len().min(512)]).unwrap().as_str()).collect();
    let want = ["png", "png", "gif", "bmp", "webp", "tiff", "jxl", "jpeg", "raw", "heif"];
    assert_eq!(told, want[..told.len()]);
}
