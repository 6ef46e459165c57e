//! Pixels of every format against the pixels that went in.
#![allow(clippy::unwrap_used)]

use std::borrow::Cow;

use lodestone_media::{Error, Limits, PixelKind};
use png::{BitDepth, ColorType};

use super::{
    bmp_head, bmp24, chart, gif_of, indexed, png_of, read, rgb, tiff_fields, tiff_of, to_rgb, webp_of, zlib,
};

const W: u32 = 37;
const H: u32 = 29;

fn pack(indexes: &[u8], width: usize, bits: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for row in indexes.chunks_exact(width) {
        for few in row.chunks(8 / bits) {
            let mut byte = 0u8;
            for (i, v) in few.iter().enumerate() {
                byte |= v << (8 - bits * (i + 1));
            }
            out.push(byte);
        }
    }
    out
}

#[test]
fn one_picture_is_the_same_pixels_in_every_lossless_format() {
    let want = chart(W, H);
    let (palette, indexes) = indexed(&want);
    let flat = palette.concat();
    let plain = png_of(W, H, ColorType::Rgb, BitDepth::Eight, &want, |_| {});
    assert_eq!(rgb(&plain), want);
    let paletted =
        png_of(W, H, ColorType::Indexed, BitDepth::Eight, &indexes, |e| e.set_palette(flat.clone()));
    assert_eq!(rgb(&paletted), want);
    let wide: Vec<u8> = want.iter().flat_map(|&v| [v, 0x5a]).collect();
    assert_eq!(rgb(&png_of(W, H, ColorType::Rgb, BitDepth::Sixteen, &wide, |_| {})), want);
    let frame = gif::Frame {
        width: W as u16,
        height: H as u16,
        buffer: Cow::Borrowed(&indexes),
        ..gif::Frame::default()
    };
    assert_eq!(rgb(&gif_of(W as u16, H as u16, &flat, &[frame])), want);
    assert_eq!(rgb(&bmp24(W, H, &want)), want);
    assert_eq!(rgb(&webp_of(W, H, &want)), want);
    assert_eq!(
        rgb(&tiff_of(&tiff_fields(W, H, vec![8, 8, 8], 1, 2), std::slice::from_ref(&want), false)),
        want
    );
    let mut jxl = Vec::new();
    let options = zune_core::options::EncoderOptions::new(
        W as usize,
        H as usize,
        zune_core::colorspace::ColorSpace::RGB,
        zune_core::bit_depth::BitDepth::Eight,
    );
    zune_jpegxl::JxlSimpleEncoder::new(&want, options).encode(&mut jxl).unwrap();
    assert_eq!(rgb(&jxl), want);
}

#[test]
fn grey_of_every_depth_is_scaled_to_full_range() {
    for (bits, depth) in [(1, BitDepth::One), (2, BitDepth::Two), (4, BitDepth::Four)] {
        let max = (1u32 << bits) - 1;
        let values: Vec<u8> = (0..W * H).map(|i| ((i * 7 / 3) % (max + 1)) as u8).collect();
        let want: Vec<u8> = values.iter().flat_map(|&v| [(u32::from(v) * 255 / max) as u8; 3]).collect();
        let packed = pack(&values, W as usize, bits);
        let png = png_of(W, H, ColorType::Grayscale, depth, &packed, |_| {});
        let (result, keep) = read(&png, &Limits::default());
        assert_eq!(result.unwrap().notes.contains(&"1-bit".to_owned()), bits == 1);
        assert_eq!(keep.frames[0].0.pixels, PixelKind::Luma8);
        assert_eq!(rgb(&png), want);
        let mut fields = tiff_fields(W, H, vec![bits as u32], 1, 1);
        assert_eq!(rgb(&tiff_of(&fields, std::slice::from_ref(&packed), false)), want);
        fields[4].2 = vec![0];
        let negative: Vec<u8> = want.iter().map(|v| 255 - v).collect();
        assert_eq!(rgb(&tiff_of(&fields, &[packed], false)), negative, "white is zero");
    }
}

#[test]
fn transparency_is_kept_straight_and_grey_with_alpha_becomes_rgba() {
    let data: Vec<u8> = (0..W * H).flat_map(|i| [(i % 256) as u8, (i / 3 % 256) as u8]).collect();
    let png = png_of(W, H, ColorType::GrayscaleAlpha, BitDepth::Eight, &data, |_| {});
    let (_, keep) = read(&png, &Limits::default());
    let (info, pixels) = &keep.frames[0];
    assert_eq!(info.pixels, PixelKind::Rgba8);
    let want: Vec<u8> = data.chunks_exact(2).flat_map(|p| [p[0], p[0], p[0], p[1]]).collect();
    assert_eq!(*pixels, want);
    let (palette, indexes) = indexed(&chart(W, H));
    let png = png_of(W, H, ColorType::Indexed, BitDepth::Eight, &indexes, |e| {
        e.set_palette(palette.concat());
        e.set_trns(vec![0u8, 128]);
    });
    let (_, keep) = read(&png, &Limits::default());
    assert_eq!(keep.frames[0].0.pixels, PixelKind::Rgba8);
    assert_eq!(to_rgb(PixelKind::Rgba8, &keep.frames[0].1), chart(W, H), "hidden colours are kept");
}

#[test]
fn bitmaps_of_few_bits_bit_fields_and_run_lengths() {
    let want = chart(W, H);
    let (palette, indexes) = indexed(&want);
    assert!(palette.len() <= 256);
    let mut table: Vec<u8> = palette.iter().flat_map(|p| [p[2], p[1], p[0], 0]).collect();
    table.resize(1024, 0);
    let rows: Vec<&[u8]> = indexes.chunks_exact(W as usize).collect();
    let mut eight = bmp_head(W, -(H as i32), 8, 0, &table, 40 * H);
    let mut runs = bmp_head(W, H as i32, 8, 1, &table, 0);
    for row in &rows {
        eight.extend(*row);
        eight.extend([0; 3]);
    }
    for row in rows.iter().rev() {
        for run in row.chunk_by(|a, b| a == b) {
            runs.extend([run.len() as u8, run[0]]);
        }
        runs.extend([0, 0]);
    }
    runs.extend([0, 1]);
    assert_eq!(rgb(&eight), want);
    assert_eq!(rgb(&runs), want);
    // 5-6-5, one row: full red, full green, full blue, white.
    let masks: Vec<u8> = [0xf800u32, 0x07e0, 0x001f].iter().flat_map(|m| m.to_le_bytes()).collect();
    let mut fields = bmp_head(4, 1, 16, 3, &masks, 8);
    for v in [0xf800u16, 0x07e0, 0x001f, 0xffff] {
        fields.extend(v.to_le_bytes());
    }
    assert_eq!(rgb(&fields), [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]);
    // A cut bitmap lacks its top.
    let whole = bmp24(W, H, &want);
    let (result, keep) = read(&whole[..whole.len() - 5 * 112], &Limits::default());
    assert_eq!(result.unwrap().partial.as_deref(), Some("5 of 29 rows missing"));
    assert_eq!(keep.frames[0].1[5 * W as usize * 3..], want[5 * W as usize * 3..]);
    assert!(keep.frames[0].1[..5 * W as usize * 3].iter().all(|&b| b == 0));
}

#[test]
fn tiff_in_strips_tiles_planes_and_packings() {
    let want = chart(W, H);
    let line = W as usize * 3;
    let strips: Vec<&[u8]> = want.chunks(line * 10).collect();
    let fields = |compression, photometric| {
        let mut f = tiff_fields(W, H, vec![8, 8, 8], compression, photometric);
        f.push((278, 4, vec![10]));
        f
    };
    let deflated: Vec<Vec<u8>> = strips.iter().map(|s| zlib(s)).collect();
    assert_eq!(rgb(&tiff_of(&fields(8, 2), &deflated, false)), want);
    let lzw: Vec<Vec<u8>> = strips
        .iter()
        .map(|s| weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(s).unwrap())
        .collect();
    assert_eq!(rgb(&tiff_of(&fields(5, 2), &lzw, false)), want);
    // Horizontal differencing.
    let differences: Vec<Vec<u8>> = strips
        .iter()
        .map(|s| {
            let rows = s.chunks_exact(line);
            zlib(
                &rows
                    .flat_map(|r| {
                        (0..line)
                            .map(|i| r[i].wrapping_sub(if i < 3 { 0 } else { r[i - 3] }))
                            .collect::<Vec<_>>()
                    })
                    .collect::<Vec<u8>>(),
            )
        })
        .collect();
    let mut with = fields(8, 2);
    with.push((317, 3, vec![2]));
    assert_eq!(rgb(&tiff_of(&with, &differences, false)), want);
    // Planes of their own.
    let planes: Vec<Vec<u8>> = (0..3).map(|c| want.chunks_exact(3).map(|p| p[c]).collect()).collect();
    let mut with = tiff_fields(W, H, vec![8, 8, 8], 1, 2);
    with.push((284, 3, vec![2]));
    assert_eq!(rgb(&tiff_of(&with, &planes, false)), want);
    // Tiles of 16 x 16.
    let mut tiles = Vec::new();
    for ty in (0..H).step_by(16) {
        for tx in (0..W).step_by(16) {
            let mut tile = Vec::new();
            for y in ty..ty + 16 {
                for x in tx..tx + 16 {
                    let at = ((y.min(H - 1)) * W + x.min(W - 1)) as usize * 3;
                    tile.extend(&want[at..at + 3]);
                }
            }
            tiles.push(tile);
        }
    }
    let mut with = tiff_fields(W, H, vec![8, 8, 8], 1, 2);
    with.extend([(322, 3, vec![16]), (323, 3, vec![16])]);
    assert_eq!(rgb(&tiff_of(&with, &tiles, true)), want);
    // Palette, and 16 bits, little end first.
    let (palette, indexes) = indexed(&want);
    let mut map = vec![0u32; 768];
    for (i, p) in palette.iter().enumerate() {
        for c in 0..3 {
            map[c * 256 + i] = u32::from(p[c]) * 257;
        }
    }
    let mut with = tiff_fields(W, H, vec![8], 1, 3);
    with.push((320, 3, map));
    assert_eq!(rgb(&tiff_of(&with, &[indexes], false)), want);
    let wide: Vec<u8> = want.iter().flat_map(|&v| [0x77, v]).collect();
    assert_eq!(rgb(&tiff_of(&tiff_fields(W, H, vec![16, 16, 16], 1, 2), &[wide], false)), want);
}

#[test]
fn cmyk_tiff_is_not_inverted() {
    let ink = [0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 255];
    let bytes = tiff_of(&tiff_fields(4, 1, vec![8; 4], 1, 5), &[ink.to_vec()], false);
    assert_eq!(rgb(&bytes), [255, 255, 255, 0, 255, 255, 255, 0, 255, 0, 0, 0]);
    let (result, _) = read(&bytes, &Limits::default());
    assert_eq!(result.unwrap().notes, ["cmyk"]);
}

#[test]
fn gif_frames_are_composited_by_their_disposal() {
    let palette = [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255];
    let frame = |w: u16, x: u16, index: u8, delay: u16, dispose: gif::DisposalMethod| gif::Frame {
        width: w,
        height: 1,
        left: x,
        delay,
        dispose,
        transparent: Some(3),
        buffer: Cow::Owned(vec![index; usize::from(w)]),
        ..gif::Frame::default()
    };
    use gif::DisposalMethod::{Background, Keep, Previous};
    let frames = [
        frame(3, 0, 1, 0, Keep),
        frame(1, 1, 2, 70, Previous),
        frame(1, 2, 2, 150, Background),
        frame(1, 0, 3, 5, Keep),
    ];
    let bytes = gif_of(3, 1, &palette, &frames);
    let (result, keep) = read(&bytes, &Limits::default());
    assert_eq!(result.unwrap().frames, 4);
    let got: Vec<(u32, u64, Vec<u8>)> =
        keep.frames.iter().map(|(i, d)| (i.index, i.t_ms, d.clone())).collect();
    let (r, g) = ([255, 0, 0], [0, 255, 0]);
    // Zero delay counts as 100 ms. All four are chosen: first, the one at 1 s, middle, last.
    assert_eq!(got[0], (0, 0, [r, r, r].concat()));
    assert_eq!(got[1], (2, 800, [r, r, g].concat()));
    // The last frame draws nothing; what was cleared is transparent.
    assert_eq!(got[2], (3, 2_300, vec![255, 0, 0, 255, 255, 0, 0, 255, 0, 0, 0, 0]));
    assert_eq!(got.len(), 3);
}

#[test]
fn apng_frames_are_composited_and_chosen() {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 2, 1);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_animated(3, 0).unwrap();
    encoder.set_frame_delay(1, 2).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[10, 20, 30, 255, 40, 50, 60, 255]).unwrap();
    writer.set_frame_dimension(1, 1).unwrap();
    writer.set_frame_position(1, 0).unwrap();
    writer.set_blend_op(png::BlendOp::Over).unwrap();
    writer.set_dispose_op(png::DisposeOp::Previous).unwrap();
    writer.write_image_data(&[1, 2, 3, 255]).unwrap();
    writer.set_dispose_op(png::DisposeOp::None).unwrap();
    writer.set_frame_position(0, 0).unwrap();
    writer.write_image_data(&[0, 0, 0, 0]).unwrap();
    writer.finish().unwrap();
    let (result, keep) = read(&out, &Limits::default());
    assert_eq!(result.unwrap().frames, 3);
    let got: Vec<(u32, u64, Vec<u8>)> =
        keep.frames.iter().map(|(i, d)| (i.index, i.t_ms, d.clone())).collect();
    assert_eq!(
        got,
        [
            (0, 0, vec![10, 20, 30, 40, 50, 60]),
            (1, 500, vec![10, 20, 30, 1, 2, 3]),
            (2, 1_000, vec![10, 20, 30, 40, 50, 60]),
        ]
    );
    let few = Limits { max_frames: 1, ..Limits::default() };
    let (result, keep) = read(&out, &few);
    assert_eq!(keep.frames.len(), 1);
    assert!(result.unwrap().notes.contains(&"animation: 1 of 3 frames hashed".to_owned()));
}

#[test]
fn interlaced_png_is_whole_and_a_cut_one_is_coarse() {
    // Interlacing cannot be written by the encoder at hand: Adam7 by hand, without filters.
    let (w, h) = (16usize, 16usize);
    let pixels: Vec<u8> = (0..w * h).map(|i| (i % 251) as u8).collect();
    let mut raw = Vec::new();
    for (x0, y0, dx, dy) in
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    {
        for y in (y0..h).step_by(dy) {
            raw.push(0);
            raw.extend((x0..w).step_by(dx).map(|x| pixels[y * w + x]));
        }
    }
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(data);
        [&(data.len() as u32).to_be_bytes()[..], kind, data, &crc.sum().to_be_bytes()].concat()
    };
    let ihdr = [&16u32.to_be_bytes()[..], &16u32.to_be_bytes(), &[8, 0, 0, 0, 1]].concat();
    let make = |raw: &[u8]| {
        [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(b"IHDR", &ihdr),
            chunk(b"IDAT", &zlib(raw)),
            chunk(b"IEND", &[]),
        ]
        .concat()
    };
    let want: Vec<u8> = pixels.iter().flat_map(|&v| [v; 3]).collect();
    assert_eq!(rgb(&make(&raw)), want);
    let (result, keep) = read(&make(&raw[..raw.len() / 2]), &Limits::default());
    assert!(result.unwrap().partial.is_some());
    assert_eq!(keep.frames[0].1[0], pixels[0]);
    assert!(keep.frames[0].1.iter().filter(|&&v| v == 0).count() < 16, "early passes fill their blocks");
}

#[test]
fn damaged_check_sums_and_odd_chunks_are_noted_not_fatal() {
    let want = chart(W, H);
    let mut png = png_of(W, H, ColorType::Rgb, BitDepth::Eight, &want, |_| {});
    let idat = png.windows(4).position(|w| w == b"IDAT").unwrap();
    let len = u32::from_be_bytes(png[idat - 4..idat].try_into().unwrap()) as usize;
    png[idat + 4 + len] ^= 1;
    // A chunk of an ancillary kind with nonsense in it, before the data.
    let junk = [&3u32.to_be_bytes()[..], b"iCCP", b"\xff\xff\xff", &[0; 4]].concat();
    png.splice(idat - 4..idat - 4, junk);
    let (result, keep) = read(&png, &Limits::default());
    assert_eq!(result.unwrap().notes, ["check sum of a chunk is wrong"]);
    assert_eq!(keep.frames[0].1, want);
}

#[cfg(feature = "heif")]
#[test]
fn heic_comes_back_close_to_what_went_in() {
    let (w, h) = (96, 64);
    let want: Vec<u8> = (0..w * h).flat_map(|i| [(i % w * 2) as u8, (i / w * 3) as u8, 90]).collect();
    let options = heifer::EncodeOptions { quality: 95, max_threads: 1 };
    let bytes = heifer::encode::encode_rgb8(w, h, &want, &options).unwrap();
    let (result, keep) = read(&bytes, &Limits::default());
    assert_eq!((result.unwrap().width, keep.frames[0].0.pixels), (w, PixelKind::Rgb8));
    let error: u64 = keep.frames[0].1.iter().zip(&want).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>()
        / want.len() as u64;
    assert!(error < 4, "mean difference {error}");
}

#[test]
fn raw_gives_its_largest_embedded_jpeg() {
    let jpeg = |w: u16, h: u16, v: u8| {
        let mut out = Vec::new();
        let data = vec![v; usize::from(w) * usize::from(h) * 3];
        jpeg_encoder::Encoder::new(&mut out, 90).encode(&data, w, h, jpeg_encoder::ColorType::Rgb).unwrap();
        out
    };
    let raw =
        [b"FUJIFILMCCD-RAW 0201".to_vec(), jpeg(16, 8, 10), vec![7; 99], jpeg(64, 48, 200), vec![9; 500]]
            .concat();
    let (result, keep) = read(&raw, &Limits::default());
    let decoded = result.unwrap();
    assert_eq!(decoded.format.as_str(), "raw");
    assert_eq!(decoded.notes[0], "embedded preview 64x48");
    assert!(keep.frames[0].1.iter().all(|&v| v.abs_diff(200) < 3));
    let (result, _) = read(b"FUJIFILMCCD-RAW 0201 and nothing else", &Limits::default());
    assert!(matches!(result, Err(Error::Unsupported(_))));
}
