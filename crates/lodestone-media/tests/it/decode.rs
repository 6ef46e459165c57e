//! The same picture in every format, animations, limits, and bytes that were cut or changed.
#![allow(clippy::unwrap_used)]

mod formats;
mod hostile;

use lodestone_media::{Decoded, Error, FrameInfo, Limits, PixelKind, PixelSink, decode};

/// Keeps frames, and checks that rows come as promised.
#[derive(Default)]
pub(crate) struct Keep {
    pub(crate) frames: Vec<(FrameInfo, Vec<u8>)>,
    open: bool,
}

impl PixelSink for Keep {
    fn frame(&mut self, info: &FrameInfo) {
        assert!(!self.open, "a frame starts before the last one ended");
        assert!(info.width > 0 && info.height > 0);
        self.open = true;
        self.frames.push((*info, Vec::new()));
    }

    fn rows(&mut self, rows: &[u8]) {
        assert!(self.open, "rows without a frame");
        let (info, data) = self.frames.last_mut().unwrap();
        assert_eq!(rows.len() % (info.width as usize * info.pixels.bytes()), 0, "whole rows only");
        data.extend_from_slice(rows);
    }

    fn end_frame(&mut self) {
        assert!(self.open, "an end without a frame");
        let (info, data) = self.frames.last().unwrap();
        assert_eq!(
            data.len(),
            info.width as usize * info.height as usize * info.pixels.bytes(),
            "all rows came"
        );
        self.open = false;
    }
}

/// Decodes with every promise of the sink checked.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> (Result<Decoded, Error>, Keep) {
    let mut keep = Keep::default();
    let result = decode(bytes, limits, &mut keep);
    assert!(!keep.open, "a frame was left open");
    assert_eq!(result.is_ok(), !keep.frames.is_empty(), "pixels and no error, or an error and no pixels");
    (result, keep)
}

/// The first frame as RGB, alpha dropped.
pub(crate) fn rgb(bytes: &[u8]) -> Vec<u8> {
    let (result, keep) = read(bytes, &Limits::default());
    let decoded = result.unwrap();
    assert_eq!(decoded.partial, None);
    let (info, data) = &keep.frames[0];
    to_rgb(info.pixels, data)
}

pub(crate) fn to_rgb(kind: PixelKind, data: &[u8]) -> Vec<u8> {
    match kind {
        PixelKind::Luma8 => data.iter().flat_map(|&v| [v; 3]).collect(),
        PixelKind::Rgb8 => data.to_vec(),
        PixelKind::Rgba8 => data.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect(),
    }
}

/// A chart of few colours, so that a palette can hold it: `w * h` RGB, reproducible.
pub(crate) fn chart(w: u32, h: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for y in 0..h {
        for x in 0..w {
            let (a, b) = ((x * 6 / w) as u8, (y * 6 / h) as u8);
            let ring = u8::from((x * x + y * y) % 97 < 30);
            out.extend([a * 50, b * 40 + ring * 9, (a ^ b) * 30]);
        }
    }
    out
}

/// The colours of a picture and each pixel's index.
pub(crate) fn indexed(rgb: &[u8]) -> (Vec<[u8; 3]>, Vec<u8>) {
    let mut palette: Vec<[u8; 3]> = rgb.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
    palette.sort_unstable();
    palette.dedup();
    assert!(palette.len() <= 256);
    let indexes =
        rgb.chunks_exact(3).map(|p| palette.binary_search(&[p[0], p[1], p[2]]).unwrap() as u8).collect();
    (palette, indexes)
}

/// A PNG by the `png` crate.
pub(crate) fn png_of(
    w: u32,
    h: u32,
    color: png::ColorType,
    depth: png::BitDepth,
    data: &[u8],
    set: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, w, h);
    encoder.set_color(color);
    encoder.set_depth(depth);
    set(&mut encoder);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    out
}

/// A GIF: frames of palette indexes with delay (centiseconds), disposal, transparent index and place.
pub(crate) fn gif_of(w: u16, h: u16, palette: &[u8], frames: &[gif::Frame<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = gif::Encoder::new(&mut out, w, h, palette).unwrap();
    for frame in frames {
        encoder.write_frame(frame).unwrap();
    }
    drop(encoder);
    out
}

/// A bitmap of 24 bits, bottom up.
pub(crate) fn bmp24(w: u32, h: u32, rgb: &[u8]) -> Vec<u8> {
    let stride = (w * 3).div_ceil(4) * 4;
    let mut out = bmp_head(w, h as i32, 24, 0, &[], stride * h);
    for row in rgb.chunks_exact(w as usize * 3).rev() {
        out.extend(row.chunks_exact(3).flat_map(|p| [p[2], p[1], p[0]]));
        out.resize(out.len() + (stride - w * 3) as usize, 0);
    }
    out
}

pub(crate) fn bmp_head(w: u32, h: i32, bits: u16, compression: u32, tables: &[u8], size: u32) -> Vec<u8> {
    let data = 54 + tables.len() as u32;
    let mut out = b"BM".to_vec();
    out.extend((data + size).to_le_bytes());
    out.extend([0; 4]);
    out.extend(data.to_le_bytes());
    out.extend(40u32.to_le_bytes());
    out.extend(w.to_le_bytes());
    out.extend(h.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend(bits.to_le_bytes());
    out.extend(compression.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend([0; 16]);
    out.extend(tables);
    out
}

/// A TIFF of one page: fields (tag, kind 3 or 4, values), then strips or tiles.
pub(crate) fn tiff_of(fields: &[(u16, u16, Vec<u32>)], chunks: &[Vec<u8>], tiled: bool) -> Vec<u8> {
    let mut out = b"II*\0\0\0\0\0".to_vec();
    let mut offsets = Vec::new();
    for chunk in chunks {
        offsets.push(out.len() as u32);
        out.extend(chunk);
    }
    let (at, counts) = if tiled { (324, 325) } else { (273, 279) };
    let mut fields = fields.to_vec();
    fields.push((at, 4, offsets));
    fields.push((counts, 4, chunks.iter().map(|c| c.len() as u32).collect()));
    fields.sort_by_key(|f| f.0);
    let mut placed = Vec::new();
    for (tag, kind, values) in &fields {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|v| if *kind == 3 { v.to_le_bytes()[..2].to_vec() } else { v.to_le_bytes().to_vec() })
            .collect();
        let value = if bytes.len() <= 4 {
            let mut b = bytes;
            b.resize(4, 0);
            b
        } else {
            let at = out.len() as u32;
            out.extend(bytes);
            at.to_le_bytes().to_vec()
        };
        placed.push((*tag, *kind, values.len() as u32, value));
    }
    let ifd = out.len() as u32;
    out[4..8].copy_from_slice(&ifd.to_le_bytes());
    out.extend((placed.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in placed {
        out.extend(tag.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(count.to_le_bytes());
        out.extend(value);
    }
    out.extend([0; 4]);
    out
}

pub(crate) fn tiff_fields(
    w: u32,
    h: u32,
    bits: Vec<u32>,
    compression: u32,
    photometric: u32,
) -> Vec<(u16, u16, Vec<u32>)> {
    let samples = bits.len() as u32;
    vec![
        (256, 4, vec![w]),
        (257, 4, vec![h]),
        (258, 3, bits),
        (259, 3, vec![compression]),
        (262, 3, vec![photometric]),
        (277, 3, vec![samples]),
    ]
}

pub(crate) fn zlib(data: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut z = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    z.write_all(data).unwrap();
    z.finish().unwrap()
}

/// Lossless WebP by the `image-webp` crate.
pub(crate) fn webp_of(w: u32, h: u32, rgb: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    image_webp::WebPEncoder::new(&mut out).encode(rgb, w, h, image_webp::ColorType::Rgb8).unwrap();
    out
}
