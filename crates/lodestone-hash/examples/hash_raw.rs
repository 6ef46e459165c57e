//! Hashes raw pixels from standard input, for comparison with other implementations.
//!
//! Input, any number of times: a line `width height grey|rgb|rgba`, then the bytes. Output, one line each: the eight dihedral
//! hashes, the plain hash, the quality. Arguments: rows to push at a time (all), and `512nn`.

use std::io::{BufRead, Read, Write};

use lodestone_hash::{PdqStream, PixelKind, Pre};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let pre = if arguments.iter().any(|a| a == "512nn") { Pre::Nearest512 } else { Pre::FullSize };
    let rows_at_a_time = arguments.iter().find_map(|a| a.parse().ok()).unwrap_or(usize::MAX);
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let mut stream = PdqStream::new(0, 0, PixelKind::Luma8);
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let words: Vec<_> = line.split_whitespace().collect();
        let [width, height, kind] = words[..] else { return Err("expected: width height kind".into()) };
        let (width, height): (u32, u32) = (width.parse()?, height.parse()?);
        let kind = match kind {
            "grey" => PixelKind::Luma8,
            "rgb" => PixelKind::Rgb8,
            "rgba" => PixelKind::Rgba8,
            _ => return Err("expected grey, rgb or rgba".into()),
        };
        let row_bytes = width as usize * kind.bytes();
        let mut bytes = vec![0; row_bytes * height as usize];
        input.read_exact(&mut bytes)?;
        stream.reset(width, height, kind, pre);
        for rows in bytes.chunks(row_bytes.saturating_mul(rows_at_a_time).max(1)) {
            stream.push_rows(rows)?;
        }
        let features = stream.finish()?;
        for hash in features.dihedral() {
            write!(output, "{hash} ")?;
        }
        writeln!(output, "{} {}", features.hash(), features.quality())?;
    }
}
