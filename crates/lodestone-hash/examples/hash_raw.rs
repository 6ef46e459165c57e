//! Hashes raw pixels from standard input: `width height kind` and a newline, then the bytes; repeated until the end.
//! Prints the eight dihedral hashes, the plain hash and the quality of each picture on a line.
use std::io::{BufRead, Read, Write};

use lodestone_hash::{Kernel, PdqStream, PixelKind, Pre};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut input = std::io::stdin().lock();
    let mut stream = PdqStream::new(0, 0, PixelKind::Luma8);
    let pre = if std::env::args().any(|a| a == "512nn") { Pre::Nearest512 } else { Pre::FullSize };
    let chunk: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(usize::MAX);
    let _ = Kernel::best();
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let words: Vec<_> = line.split_whitespace().collect();
        let [width, height, kind] = words[..] else { return Err("width height kind".into()) };
        let (width, height): (u32, u32) = (width.parse()?, height.parse()?);
        let kind = match kind {
            "grey" => PixelKind::Luma8,
            "rgb" => PixelKind::Rgb8,
            "rgba" => PixelKind::Rgba8,
            _ => return Err("grey, rgb or rgba".into()),
        };
        let row_bytes = width as usize * kind.bytes();
        let mut bytes = vec![0; row_bytes * height as usize];
        input.read_exact(&mut bytes)?;
        stream.reset(width, height, kind, pre);
        for rows in bytes.chunks(row_bytes.saturating_mul(chunk).max(1)) {
            stream.push_rows(rows)?;
        }
        let features = stream.finish()?;
        let mut out = std::io::stdout().lock();
        for hash in features.dihedral() {
            write!(out, "{hash} ")?;
        }
        writeln!(out, "{} {}", features.hash(), features.quality())?;
    }
}
