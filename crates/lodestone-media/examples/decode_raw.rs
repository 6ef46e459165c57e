//! Decodes pictures and writes their frames as raw samples, for comparison with other programs.
//!
//! `decode_raw OUT_DIR FILE…` writes `OUT_DIR/<n>.<frame>` for the `n`th file and prints one line for each file.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::path::PathBuf;
use std::time::Instant;

use lodestone_media::{FrameInfo, Limits, PixelSink, decode};

struct Keep {
    stem: PathBuf,
    pixels: Vec<u8>,
    info: Option<FrameInfo>,
    lines: Vec<String>,
}

impl PixelSink for Keep {
    fn frame(&mut self, info: &FrameInfo) {
        self.info = Some(*info);
        self.pixels.clear();
    }

    fn rows(&mut self, rows: &[u8]) {
        self.pixels.extend_from_slice(rows);
    }

    fn end_frame(&mut self) {
        let Some(info) = self.info else { return };
        let path = self.stem.with_extension(info.index.to_string());
        let written = std::fs::write(path, &self.pixels).is_ok();
        self.lines.push(format!(
            "{} {} {}x{} {:?}{}",
            info.index,
            info.t_ms,
            info.width,
            info.height,
            info.pixels,
            if written { "" } else { " not written" }
        ));
    }
}

fn main() {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(out) = args.next() else { return println!("decode_raw OUT_DIR FILE…") };
    for (n, path) in args.enumerate() {
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) => {
                println!("{n}\t{}\tio\t{e}", path.display());
                continue;
            }
        };
        let stem = out.join(format!("{n}.x"));
        let mut sink = Keep { stem, pixels: Vec::new(), info: None, lines: Vec::new() };
        let start = Instant::now();
        let result = decode(&bytes, &Limits::default(), &mut sink);
        let ms = start.elapsed().as_secs_f64() * 1_000.0;
        match result {
            Ok(d) => println!(
                "{n}\t{}\t{}\t{}\t{ms:.1} ms\t{} frames\tpartial: {:?}\tnotes: {:?}",
                path.display(),
                d.format.as_str(),
                sink.lines.join("; "),
                d.frames,
                d.partial,
                d.notes
            ),
            Err(e) => println!("{n}\t{}\t{}\t{e}\t{ms:.1} ms", path.display(), e.reason()),
        }
    }
}
