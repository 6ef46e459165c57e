//! Only the brightness, at a fraction of the size: for hashes that fold the reduction into their own filter.

use super::buffered::{self, samples};
use super::entropy::Entropy;
use super::header::{Colour, Frame, Reader, Scan};
use super::kernel::{Block, Kernel, Work, dispatch, flat};
use super::sequential::{Progress, Tables, decode_block, tables};
use super::{check_pixels, streams, zeroed};
use crate::{Error, Limits};
use std::rc::Rc;

/// Decodes the Y plane alone, each sample the mean of `scale` × `scale` samples of the full plane (`scale`: 1, 2, 4
/// or 8; at 8 only DC coefficients are used). Gives width, height (both the picture's divided by `scale`, rounded up) and
/// the samples, row by row. The last row and column average in what the encoder padded the picture with.
///
/// # Errors
/// As [`super::decode`]; `Unsupported` for colour spaces without a Y at full resolution, and other scales.
///
/// # Cost
/// Entropy decoding of everything, so at best about two thirds of a grey decode.
pub fn decode_luma_scaled(bytes: &[u8], limits: &Limits, scale: u32) -> Result<(u32, u32, Vec<u8>), Error> {
    let scale = match scale {
        1 | 2 | 4 | 8 => scale as usize,
        _ => return Err(Error::Unsupported(format!("scale 1/{scale}"))),
    };
    let mut reader = Reader::new(bytes)?;
    let scan = reader.first_scan()?;
    let frame = reader.frame()?.clone();
    check_pixels(&frame, limits)?;
    let luma = &frame.components[0];
    if !matches!(reader.colour()?, Colour::Grey | Colour::Ycc)
        || (luma.h, luma.v) != (frame.max_h, frame.max_v)
    {
        return Err(Error::Unsupported("JPEG without a luma plane".to_owned()));
    }
    let tile = 8 / scale;
    let stride = luma.padded.0 * tile;
    let samples = zeroed((stride * luma.padded.1 * tile) as u64, limits, "luma samples")?;
    let mut plane = Plane { samples, stride, tile };
    if streams(&frame, &scan) {
        stream(&reader, &frame, &scan, &mut plane)?;
    } else {
        let (picture, _) = buffered::read(&mut reader, scan, limits)?;
        dispatch(Buffered { picture: &picture, plane: &mut plane });
    }
    let (width, height) = ((frame.width as usize).div_ceil(scale), (frame.height as usize).div_ceil(scale));
    for y in 0..height {
        plane.samples.copy_within(y * stride..y * stride + width, y * width);
    }
    plane.samples.truncate(width * height);
    Ok((width as u32, height as u32, plane.samples))
}

struct Plane {
    samples: Vec<u8>,
    stride: usize,
    /// Samples of a block along one side.
    tile: usize,
}

impl Plane {
    /// Adds the block in column `x` and row `y` of blocks.
    #[inline(always)]
    fn put<K: Kernel>(&mut self, kernel: K, (x, y): (usize, usize), block: &Block, quant: &Block) {
        let out = &mut self.samples[y * self.tile * self.stride + x * self.tile..];
        if self.tile == 8 {
            samples(kernel, block, quant, out, self.stride);
            return;
        }
        let mut full = [0u8; 64];
        if self.tile == 1 {
            flat(block.0[0], quant, &mut full, 8);
            out[0] = full[0];
            return;
        }
        samples(kernel, block, quant, &mut full, 8);
        if self.tile == 4 {
            means::<2, 4>(&full, out, self.stride);
        } else {
            means::<4, 2>(&full, out, self.stride);
        }
    }
}

/// Means of squares of `SCALE` by `SCALE` of a block, `TILE` by `TILE` of them, rounded.
#[inline(always)]
fn means<const SCALE: usize, const TILE: usize>(full: &[u8; 64], out: &mut [u8], stride: usize) {
    for (rows, to) in full.chunks_exact(8 * SCALE).zip(out.chunks_mut(stride)) {
        let mut columns = [0u16; 8];
        for row in rows.as_chunks::<8>().0 {
            for (sum, &sample) in columns.iter_mut().zip(row) {
                *sum += u16::from(sample);
            }
        }
        let mut tile = [0; TILE];
        for (mean, columns) in tile.iter_mut().zip(columns.as_chunks::<SCALE>().0) {
            let count = (SCALE * SCALE) as u16;
            *mean = ((columns.iter().sum::<u16>() + count / 2) / count) as u8;
        }
        if let Some(to) = to.first_chunk_mut() {
            *to = tile;
        }
    }
}

struct Buffered<'a> {
    picture: &'a buffered::Picture,
    plane: &'a mut Plane,
}

impl Work for Buffered<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) {
        let luma = &self.picture.components[0];
        let (across, down) = self.picture.frame.components[0].padded;
        for y in 0..down {
            for (x, block) in luma.row(y, across).iter().enumerate() {
                self.plane.put(kernel, (x, y), block, luma.quant());
            }
        }
    }
}

struct Stream<'a, 'b> {
    frame: &'a Frame,
    scan: &'a Scan,
    tables: Vec<Rc<Tables>>,
    progress: &'a mut Progress,
    entropy: &'a mut Entropy<'b>,
    plane: &'a mut Plane,
}

fn stream(reader: &Reader<'_>, frame: &Frame, scan: &Scan, plane: &mut Plane) -> Result<(), Error> {
    let mut entropy = Entropy::new(reader.bytes, reader.pos);
    let mut progress = Progress::new(reader.restart_interval);
    let tables = tables(reader, scan)?;
    dispatch(Stream { frame, scan, tables, progress: &mut progress, entropy: &mut entropy, plane });
    if progress.complete_mcus == 0 {
        return Err(Error::Truncated("the data end within the first rows".to_owned()));
    }
    Ok(())
}

impl Work for Stream<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) {
        let Self { frame, scan, tables, progress, entropy, plane } = self;
        let luma = &frame.components[0];
        let quant = luma.quant.unwrap_or(Block::ZERO);
        let keep_ac = plane.tile > 1;
        let mut predictions = [0i32; 4];
        let mut block = Block::ZERO;
        for (row, mcu) in (0..frame.mcus.1).flat_map(|row| (0..frame.mcus.0).map(move |mcu| (row, mcu))) {
            if progress.restart_due(entropy) {
                predictions = [0; 4];
            }
            entropy.ensure();
            let mut cursor = entropy.cursor;
            for (i, chosen) in scan.components.iter().enumerate() {
                let component = &frame.components[chosen.index];
                for (y, x) in (0..component.v).flat_map(|y| (0..component.h).map(move |x| (y, x))) {
                    let at = (mcu * component.h + x, row * component.v + y);
                    let (window, bad) = (&entropy.window, &mut progress.bad_codes);
                    if progress.dry {
                        block = Block::ZERO;
                    } else if chosen.index == 0 && keep_ac {
                        decode_block::<true>(
                            &mut cursor,
                            window,
                            &tables[i],
                            &mut predictions[i],
                            &mut block,
                            bad,
                        );
                    } else {
                        decode_block::<false>(
                            &mut cursor,
                            window,
                            &tables[i],
                            &mut predictions[i],
                            &mut block,
                            bad,
                        );
                    }
                    if chosen.index == 0 {
                        plane.put(kernel, at, &block, &quant);
                        if keep_ac {
                            block = Block::ZERO;
                        }
                    }
                }
            }
            entropy.cursor = cursor;
            if !progress.dry {
                progress.account(entropy);
            }
        }
    }
}
