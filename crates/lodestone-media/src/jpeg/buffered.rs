//! Files that come in more than one scan: all coefficients first, then the samples.

use super::entropy::Entropy;
use super::header::{Colour, Event, Frame, Reader, Scan};
use super::kernel::{Block, Kernel, Work, dispatch, flat};
use super::progressive::decode_scan;
use super::rows::Rows;
use super::sequential::Progress;
use super::zeroed;
use crate::{Error, Limits, PixelSink};

/// Scans of one file. Encoders write 10, at most some dozens; libjpeg's own fuzzers stop at 500.
const MAX_SCANS: u32 = 500;
/// Visits to one block, over all scans. A scan for each bit of each coefficient alone would need more; encoders write
/// about 10.
const MAX_VISITS: u64 = 200;

/// All coefficients of one component, its blocks row by row, padded to whole MCUs.
pub(super) struct Coefficients {
    pub(super) blocks: Vec<Block>,
    quant: Block,
    /// The lowest bit that is known of each coefficient; 255: nothing is.
    known: [u8; 64],
}

/// What the scans of a file add up to.
pub(super) struct Picture {
    pub(super) frame: Frame,
    pub(super) components: Vec<Coefficients>,
}

/// Reads all scans, `scan` being the first. The second value says why the picture is incomplete, if it is.
pub(super) fn read(
    reader: &mut Reader<'_>,
    mut scan: Scan,
    limits: &Limits,
) -> Result<(Picture, Option<String>), Error> {
    let frame = reader.frame()?.clone();
    let total: u64 = frame.components.iter().map(|c| (c.padded.0 * c.padded.1) as u64).sum();
    if total.saturating_mul(size_of::<Block>() as u64) > limits.max_memory {
        return Err(Error::Memory { what: "coefficients".to_owned(), limit: limits.max_memory });
    }
    let mut components = Vec::new();
    for component in &frame.components {
        let blocks = zeroed((component.padded.0 * component.padded.1) as u64, limits, "coefficients")?;
        components.push(Coefficients { blocks, quant: Block::ZERO, known: [255; 64] });
    }
    let mut visits = 0u64;
    let mut partial = None;
    for number in 1.. {
        let mut entropy = Entropy::new(reader.bytes, reader.pos);
        let mut progress = Progress::new(reader.restart_interval);
        let decoded = decode_scan(reader, &scan, &mut components, &mut progress, &mut entropy);
        match decoded {
            Err(error) if number == 1 => return Err(error),
            Err(error) => partial = Some(format!("scan {number}: {error}")),
            Ok(()) if number == 1 && progress.complete_mcus == 0 => {
                return Err(Error::Truncated("the data end within the first rows".to_owned()));
            }
            Ok(()) if progress.dry && entropy.at_end_of_file() => {
                partial = Some(format!("file ends in scan {number}"));
            }
            Ok(()) if progress.damaged || progress.bad_codes > 0 => {
                partial.get_or_insert_with(|| "damaged entropy-coded data".to_owned());
            }
            Ok(()) => {}
        }
        learn(&mut components, &scan, frame.progressive);
        visits += scan.components.iter().map(|c| components[c.index].blocks.len() as u64).sum::<u64>();
        reader.pos = entropy.next;
        match reader.next_event() {
            Ok(Event::Scan(next)) if number < MAX_SCANS && visits <= total * MAX_VISITS => scan = next,
            Ok(Event::Scan(_)) => {
                partial = Some(format!("more than {number} scans"));
                break;
            }
            Ok(Event::End) => break,
            Ok(Event::EndOfFile) => {
                let missing = components.iter().any(|c| c.known.iter().any(|&bit| bit != 0));
                if missing {
                    partial.get_or_insert_with(|| format!("file ends after scan {number}"));
                }
                break;
            }
            Err(error) => {
                partial.get_or_insert_with(|| format!("after scan {number}: {error}"));
                break;
            }
        }
    }
    if components.iter().any(|c| c.known.iter().any(|&bit| bit != 0)) {
        partial.get_or_insert_with(|| "scans are missing".to_owned());
    }
    // Tables are latched by the first scan of each component, so they are only complete now.
    for (to, component) in components.iter_mut().zip(&reader.frame()?.components) {
        to.quant = component.quant.unwrap_or(Block::ZERO);
    }
    Ok((Picture { frame, components }, partial))
}

fn learn(components: &mut [Coefficients], scan: &Scan, progressive: bool) {
    let ((first, last), low) = if progressive { (scan.band, scan.bits.1 as u8) } else { ((0, 63), 0) };
    for chosen in &scan.components {
        if let Some(known) = components[chosen.index].known.get_mut(first..=last) {
            known.fill(low);
        }
    }
}

struct Emit<'a> {
    picture: &'a Picture,
    rows: &'a mut Rows,
    sink: &'a mut dyn PixelSink,
}

impl Work for Emit<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) {
        let Self { picture, rows, sink } = self;
        for mcu_row in 0..picture.frame.mcus.1 {
            for (c, component) in picture.frame.components.iter().enumerate() {
                let plane = &mut rows.planes[c];
                let stride = plane.stride;
                let strip = plane.strip_mut(mcu_row);
                for y in 0..component.v {
                    let row = picture.components[c].row(mcu_row * component.v + y, component.padded.0);
                    for (x, block) in row.iter().enumerate() {
                        let out = &mut strip[y * 8 * stride + x * 8..];
                        samples(kernel, block, &picture.components[c].quant, out, stride);
                    }
                }
            }
            rows.emit(kernel, mcu_row + 1, sink);
        }
    }
}

impl Coefficients {
    /// A row of blocks.
    pub(super) fn row(&self, y: usize, across: usize) -> &[Block] {
        &self.blocks[y * across..][..across]
    }

    pub(super) fn quant(&self) -> &Block {
        &self.quant
    }
}

/// A block to samples, the short way if it has no coefficient but the DC.
#[inline(always)]
pub(super) fn samples<K: Kernel>(kernel: K, block: &Block, quant: &Block, out: &mut [u8], stride: usize) {
    let [dc, others @ ..] = &block.0;
    if others.iter().fold(0, |all, &c| all | c) == 0 {
        flat(*dc, quant, out, stride);
    } else {
        kernel.idct(block, quant, out, stride);
    }
}

/// Sends the picture to the sink.
pub(super) fn emit(
    picture: &Picture,
    colour: Colour,
    limits: &Limits,
    sink: &mut dyn PixelSink,
) -> Result<(), Error> {
    let mut rows = Rows::new(&picture.frame, colour, limits)?;
    sink.frame(&rows.info());
    dispatch(Emit { picture, rows: &mut rows, sink });
    sink.end_frame();
    Ok(())
}
