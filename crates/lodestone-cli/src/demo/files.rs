//! Canvases as files: JPEG, PNG, GIF, and archives of them.

use std::io::Write;

use anyhow::{Context as _, Result};
use jpeg_encoder::{ColorType, Encoder, QuantizationTableType, SamplingFactor};

use super::canvas::Canvas;
use super::{exif, scenes};

/// How a JPEG is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jpeg {
    /// As a library writes it, at this quality.
    Library(u8),
    /// As a library writes it, progressive.
    Progressive(u8),
    /// Grey.
    Grey(u8),
    /// With tables of its own, 4:2:2 and no JFIF, as cameras do.
    Camera,
}

/// A JPEG file without metadata.
pub(super) fn jpeg(canvas: &Canvas, how: Jpeg) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let quality = match how {
        Jpeg::Library(quality) | Jpeg::Progressive(quality) | Jpeg::Grey(quality) => quality,
        Jpeg::Camera => 100,
    };
    let mut encoder = Encoder::new(&mut file, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.set_progressive(matches!(how, Jpeg::Progressive(_)));
    if how == Jpeg::Camera {
        encoder.set_sampling_factor(SamplingFactor::R_4_2_2);
        encoder.set_quantization_tables(table(3, 2), table(4, 3));
    }
    let (width, height) = (u16::try_from(canvas.width)?, u16::try_from(canvas.height)?);
    match how {
        Jpeg::Grey(_) => encoder.encode(&canvas.grey(), width, height, ColorType::Luma),
        _ => encoder.encode(&canvas.rgb, width, height, ColorType::Rgb),
    }
    .context("drawing a JPEG")?;
    Ok(file)
}

/// A table like those of cameras: a plain slope, that of no library.
fn table(first: u16, slope: u16) -> QuantizationTableType {
    let mut values = [0u16; 64];
    for (at, value) in values.iter_mut().enumerate() {
        let at = at as u16;
        *value = (first + (at / 8 + at % 8) * slope * 3 / 4 + (at % 8) / 3).min(255);
    }
    QuantizationTableType::Custom(Box::new(values))
}

/// Puts application segments behind the start of a JPEG; without its JFIF header where `bare`.
fn with_segments(file: &[u8], bare: bool, segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
    // Our encoder writes: start, then one JFIF segment of 18 bytes.
    let from = if bare { 20 } else { 2 };
    let mut out = file.get(..2).unwrap_or_default().to_vec();
    let jfif_first = if bare { 2..2 } else { 2..20 };
    out.extend(file.get(jfif_first).unwrap_or_default());
    for (number, payload) in segments {
        out.extend([0xff, 0xe0 + number]);
        out.extend((payload.len() as u16 + 2).to_be_bytes());
        out.extend(payload);
    }
    out.extend(file.get(from.max(20)..).unwrap_or_default());
    out
}

/// A picture as the demo's camera writes it.
pub(super) fn camera_jpeg(canvas: &Canvas, shot: u32) -> Result<Vec<u8>> {
    let small = jpeg(&canvas.smaller(160, 160 * canvas.height / canvas.width), Jpeg::Camera)?;
    let mut payload = b"Exif\0\0".to_vec();
    payload.extend(exif::camera(shot, canvas.width, canvas.height, &small));
    Ok(with_segments(&jpeg(canvas, Jpeg::Camera)?, true, &[(1, payload)]))
}

/// A picture as an editor saves it: its name in EXIF, or in XMP.
pub(super) fn edited_jpeg(
    canvas: &Canvas,
    software: Option<&str>,
    creator_tool: Option<&str>,
) -> Result<Vec<u8>> {
    let mut segments = Vec::new();
    if let Some(software) = software {
        segments.push((1, [b"Exif\0\0".to_vec(), exif::editor(software)].concat()));
    }
    if let Some(tool) = creator_tool {
        segments
            .push((1, [b"http://ns.adobe.com/xap/1.0/\0".to_vec(), exif::xmp(tool).into_bytes()].concat()));
    }
    Ok(with_segments(&jpeg(canvas, Jpeg::Library(90))?, false, &segments))
}

/// How a PNG is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Png {
    Rgb,
    /// At most 216 colours, from a palette.
    Palette,
    /// Grey, 16 bits a sample.
    Grey16,
    /// One bit a pixel.
    Bilevel,
    /// Transparent outside an oval.
    Alpha,
}

/// A PNG file with text chunks.
pub(super) fn png(canvas: &Canvas, how: Png, texts: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, canvas.width, canvas.height);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels = match how {
        Png::Rgb => {
            encoder.set_color(png::ColorType::Rgb);
            canvas.rgb.clone()
        }
        Png::Palette => {
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(cube());
            in_cube(canvas)
        }
        Png::Grey16 => {
            encoder.set_color(png::ColorType::Grayscale);
            encoder.set_depth(png::BitDepth::Sixteen);
            canvas.grey().iter().flat_map(|grey| (u16::from(*grey) * 257).to_be_bytes()).collect()
        }
        Png::Bilevel => {
            encoder.set_color(png::ColorType::Grayscale);
            encoder.set_depth(png::BitDepth::One);
            canvas
                .grey()
                .chunks(canvas.width as usize)
                .flat_map(|row| {
                    row.chunks(8).map(|eight| {
                        eight
                            .iter()
                            .enumerate()
                            .fold(0u8, |byte, (at, grey)| byte | u8::from(*grey > 127) << (7 - at))
                    })
                })
                .collect()
        }
        Png::Alpha => {
            encoder.set_color(png::ColorType::Rgba);
            with_alpha(canvas)
        }
    };
    for (keyword, text) in texts {
        encoder.add_text_chunk((*keyword).to_owned(), (*text).to_owned()).context("text of a PNG")?;
    }
    let mut writer = encoder.write_header().context("drawing a PNG")?;
    writer.write_image_data(&pixels).context("drawing a PNG")?;
    writer.finish().context("drawing a PNG")?;
    Ok(file)
}

fn with_alpha(canvas: &Canvas) -> Vec<u8> {
    let (w, h) = (i64::from(canvas.width), i64::from(canvas.height));
    let mut rgba = Vec::new();
    for (at, pixel) in canvas.rgb.chunks_exact(3).enumerate() {
        let (x, y) = (at as i64 % w, at as i64 / w);
        let (dx, dy) = ((2 * x - w) * 100 / w, (2 * y - h) * 100 / h);
        rgba.extend(pixel);
        rgba.push(((9_800 - dx * dx - dy * dy) / 8).clamp(0, 255) as u8);
    }
    rgba
}

/// The 6 × 6 × 6 colours.
fn cube() -> Vec<u8> {
    (0..216u8).flat_map(|at| [at / 36 * 51, at / 6 % 6 * 51, at % 6 * 51]).collect()
}

fn in_cube(canvas: &Canvas) -> Vec<u8> {
    let step = |value: u8| (u16::from(value) + 25) / 51;
    canvas.rgb.chunks_exact(3).map(|p| (step(p[0]) * 36 + step(p[1]) * 6 + step(p[2])) as u8).collect()
}

/// An animation of canvases of one size, each shown for half a second.
pub(super) fn gif(frames: &[Canvas]) -> Result<Vec<u8>> {
    let first = frames.first().context("an animation needs a frame")?;
    let (width, height) = (u16::try_from(first.width)?, u16::try_from(first.height)?);
    let mut file = Vec::new();
    {
        let mut encoder = gif::Encoder::new(&mut file, width, height, &cube()).context("drawing a GIF")?;
        encoder.set_repeat(gif::Repeat::Infinite).context("drawing a GIF")?;
        for canvas in frames {
            let frame = gif::Frame {
                width,
                height,
                delay: 50,
                buffer: in_cube(canvas).into(),
                ..gif::Frame::default()
            };
            encoder.write_frame(&frame).context("drawing a GIF")?;
        }
    }
    Ok(file)
}

/// A zip of stored and deflated members. *Source:* PKWARE APPNOTE 6.3.10.
pub(super) fn zip(members: &[(&str, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut central = Vec::new();
    for (at, (name, bytes)) in members.iter().enumerate() {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let deflated = at % 2 == 1;
        let packed = if deflated {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes)?;
            encoder.finish()?
        } else {
            bytes.to_vec()
        };
        let mut head = Vec::new();
        head.extend(20u16.to_le_bytes());
        head.extend(0u16.to_le_bytes());
        head.extend((if deflated { 8u16 } else { 0 }).to_le_bytes());
        head.extend([0x00, 0x60, 0x76, 0x5c]); // 2026-03-22 12:00
        head.extend(crc.sum().to_le_bytes());
        head.extend(u32::try_from(packed.len())?.to_le_bytes());
        head.extend(u32::try_from(bytes.len())?.to_le_bytes());
        head.extend(u16::try_from(name.len())?.to_le_bytes());
        head.extend(0u16.to_le_bytes());
        let offset = u32::try_from(file.len())?;
        file.extend(b"PK\x03\x04");
        file.extend(&head);
        file.extend(name.as_bytes());
        file.extend(packed);
        central.extend(b"PK\x01\x02\x14\0");
        central.extend(&head);
        central.extend([0; 10]); // comment length, disk, attributes
        central.extend(offset.to_le_bytes());
        central.extend(name.as_bytes());
    }
    let (count, size, start) =
        (u16::try_from(members.len())?, u32::try_from(central.len())?, u32::try_from(file.len())?);
    file.extend(central);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend(count.to_le_bytes());
    file.extend(count.to_le_bytes());
    file.extend(size.to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend(0u16.to_le_bytes());
    Ok(file)
}

/// A gzipped tar (ustar). *Source:* POSIX.1-2017, pax.
pub(super) fn tar_gz(members: &[(&str, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut tar = Vec::new();
    for (name, bytes) in members {
        let mut head = [0u8; 512];
        let mut put = |at: usize, text: &[u8]| {
            if let Some(place) = head.get_mut(at..at + text.len()) {
                place.copy_from_slice(text);
            }
        };
        put(0, name.as_bytes());
        put(100, b"0000644\0");
        put(108, b"0000000\0");
        put(116, b"0000000\0");
        put(124, format!("{:011o}\0", bytes.len()).as_bytes());
        put(136, b"15100000000\0");
        put(148, b"        ");
        put(156, b"0");
        put(257, b"ustar\x0000");
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend(head);
        tar.extend(bytes);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let mut encoder = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::default());
    encoder.write_all(&tar)?;
    Ok(encoder.finish()?)
}

/// The header of a PNG that claims 30,000 × 30,000 pixels and holds none.
pub(super) fn png_that_claims_too_much() -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(kind);
        file.extend(data);
        file.extend(crc.sum().to_be_bytes());
    };
    let side = 30_000u32.to_be_bytes();
    chunk(b"IHDR", &[&side[..], &side[..], &[8, 2, 0, 0, 0]].concat());
    chunk(b"IDAT", &[0x78, 0x9c, 0x63, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01]);
    chunk(b"IEND", &[]);
    file
}

/// Bytes of no meaning, for the tail of a foreign file.
pub(super) fn filler(seed: u64, length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| (scenes::mix(seed, at) >> 56) as u8).collect()
}
