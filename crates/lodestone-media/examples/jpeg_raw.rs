//! Decodes JPEG files with this crate's own decoder and prints, for each, a line of tab-separated fields: path, `ok` or
//! the reason it failed, width, height, bytes a pixel, CRC-32 of the pixels, what is incomplete.
//!
//! `jpeg_raw [--repeat N] [--scale 1|2|4|8] [--out FILE] FILE…`: decode N times (for timing), the luma plane alone, write
//! the last file's pixels. Used by `bench/decode/compare_jpeg_pixels.py`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use lodestone_media::{Error, FrameInfo, Limits, PixelSink, jpeg};

#[derive(Default)]
struct Keep {
    info: Option<FrameInfo>,
    pixels: Vec<u8>,
}

impl PixelSink for Keep {
    fn frame(&mut self, info: &FrameInfo) {
        self.info = Some(*info);
        self.pixels.clear();
    }
    fn rows(&mut self, rows: &[u8]) {
        self.pixels.extend_from_slice(rows);
    }
    fn end_frame(&mut self) {}
}

/// Takes rows and forgets them: what decoding alone costs.
struct Drop;

impl PixelSink for Drop {
    fn frame(&mut self, _: &FrameInfo) {}
    fn rows(&mut self, rows: &[u8]) {
        std::hint::black_box(rows);
    }
    fn end_frame(&mut self) {}
}

fn line(bytes: &[u8], scale: Option<u32>, keep: &mut Keep) -> Result<String, Error> {
    let limits = Limits::default();
    let (width, height, depth, partial) = if let Some(scale) = scale {
        let (width, height, plane) = jpeg::decode_luma_scaled(bytes, &limits, scale)?;
        keep.pixels = plane;
        (width, height, 1, None)
    } else {
        let decoded = jpeg::decode(bytes, &limits, keep)?;
        let depth = keep.info.map_or(0, |info| info.pixels.bytes());
        (decoded.width, decoded.height, depth, decoded.partial)
    };
    let crc = crc32fast::hash(&keep.pixels);
    Ok(format!("ok\t{width}\t{height}\t{depth}\t{crc:08x}\t{}", partial.unwrap_or_default()))
}

fn main() -> std::io::Result<()> {
    let (mut repeat, mut scale, mut out, mut files) = (0, None, None, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_default();
        match arg.as_str() {
            "--repeat" => repeat = value().parse().unwrap_or(0),
            "--scale" => scale = value().parse().ok(),
            "--out" => out = Some(value()),
            _ => files.push(arg),
        }
    }
    let mut keep = Keep::default();
    for file in &files {
        let bytes = std::fs::read(file)?;
        for _ in 0..repeat {
            match scale {
                Some(scale) => {
                    drop(std::hint::black_box(jpeg::decode_luma_scaled(&bytes, &Limits::default(), scale)))
                }
                None => drop(std::hint::black_box(jpeg::decode(&bytes, &Limits::default(), &mut Drop))),
            }
        }
        if repeat == 0 {
            keep.pixels.clear();
            let text = line(&bytes, scale, &mut keep)
                .unwrap_or_else(|error| format!("{}\t\t\t\t\t{error}", error.reason()));
            println!("{file}\t{text}");
        }
    }
    if let Some(out) = out {
        std::fs::write(out, &keep.pixels)?;
    }
    Ok(())
}
