//! Baseline and extended sequential files whose one scan holds everything: decoded and handed on strip by strip.

use super::entropy::{Cursor, Entropy, Window};
use super::header::{Frame, Reader, Scan};
use super::huffman::{Kind, LOOKUP_BITS, Pairs, SYMBOL, Spec, Table};
use super::kernel::{Block, Kernel, POSITION, Work, dispatch, flat};
use super::rows::Rows;
use crate::{Error, Limits, PixelSink};
use std::rc::Rc;

/// The Huffman tables of one component in a scan.
pub(super) struct Tables {
    pub(super) dc: Table,
    pub(super) ac: Table,
    /// The look-ups of `ac`, two coefficients at a time.
    pairs: Box<Pairs>,
}

/// Reads a table, the standard one where the file has none.
pub(super) fn table(specs: &[Option<Spec>; 4], index: usize, kind: Kind) -> Result<Table, Error> {
    let spec = specs[index].clone().or_else(|| Spec::standard(kind, index));
    spec.ok_or_else(|| Error::Malformed("a Huffman table is missing".to_owned()))?.table(kind)
}

/// The tables of a scan's components; those that components share are built once.
pub(super) fn tables(reader: &Reader<'_>, scan: &Scan) -> Result<Vec<Rc<Tables>>, Error> {
    let mut all: Vec<Rc<Tables>> = Vec::new();
    for (i, c) in scan.components.iter().enumerate() {
        let same = scan.components[..i].iter().position(|other| (other.dc, other.ac) == (c.dc, c.ac));
        all.push(if let Some(same) = same {
            Rc::clone(&all[same])
        } else {
            let (dc, ac) = (table(&reader.dc, c.dc, Kind::Dc)?, table(&reader.ac, c.ac, Kind::Ac)?);
            let pairs = ac.pairs();
            Rc::new(Tables { dc, ac, pairs })
        });
    }
    Ok(all)
}

/// Decodes one block into `block`, which is zero but for its DC; tells whether it has other coefficients than the DC.
/// Without `STORE` these are only skipped.
#[inline(always)]
pub(super) fn decode_block<const STORE: bool>(
    cursor: &mut Cursor,
    window: &Window,
    tables: &Tables,
    prediction: &mut i32,
    block: &mut Block,
    bad: &mut u32,
) -> bool {
    cursor.refill(window);
    *prediction = prediction.wrapping_add(decode_dc(cursor, &tables.dc, bad));
    block.0[0] = *prediction as i16;
    let pairs = &*tables.pairs;
    let mut k = 1;
    let mut any = 0;
    while k < 64 {
        if cursor.bits() < LOOKUP_BITS {
            cursor.refill(window);
        }
        let entry = pairs[cursor.peek(LOOKUP_BITS) as usize];
        let next = k + entry.advance();
        if next < 64 {
            cursor.skip(entry.length());
            if STORE {
                // An entry of one coefficient stores a zero behind it, where no coefficient is yet.
                block.0[usize::from(POSITION[(k + entry.second()) & 63] & 63)] = entry.second_value();
                block.0[usize::from(POSITION[(k + entry.first()) & 63] & 63)] = entry.first_value();
            }
            any |= entry.values();
            k = next;
            if entry.last() {
                break;
            }
            continue;
        }
        cursor.ready(window);
        let entry = tables.ac.fast[cursor.peek(LOOKUP_BITS) as usize];
        let value = if entry > 0xffff {
            cursor.skip(entry & 0xff);
            k += (entry >> 8 & 0xff) as usize;
            (entry >> 16) as i16
        } else {
            let symbol = if entry & SYMBOL == 0 && entry != 0 {
                cursor.skip(entry & 0xff);
                entry >> 4 & 0xf0
            } else {
                cursor.symbol(entry, &tables.ac, bad)
            };
            let (run, size) = (symbol as usize >> 4, symbol & 15);
            if size == 0 {
                if run < 15 {
                    break;
                }
                k += 16;
                continue;
            }
            k += run;
            cursor.value(size) as i16
        };
        if STORE {
            block.0[usize::from(POSITION[k & 127] & 63)] = value;
        }
        any = 1;
        k += 1;
    }
    any != 0
}

/// The difference of a DC coefficient from its prediction.
#[inline(always)]
pub(super) fn decode_dc(cursor: &mut Cursor, table: &Table, bad: &mut u32) -> i32 {
    let entry = table.fast[cursor.peek(LOOKUP_BITS) as usize];
    if entry & SYMBOL == 0 && entry != 0 {
        cursor.skip(entry & 0xff);
        entry as i32 >> 16
    } else {
        let size = cursor.symbol(entry, table, bad);
        cursor.value(size & 15)
    }
}

/// Where in a scan we are with respect to restart markers and missing data.
pub(super) struct Progress {
    interval: u32,
    to_go: u32,
    number: u8,
    /// Whether data ran out: MCUs stay empty until the next restart.
    pub(super) dry: bool,
    /// Whether anything was not as it should be.
    pub(super) damaged: bool,
    pub(super) bad_codes: u32,
    pub(super) complete_mcus: u64,
}

impl Progress {
    pub(super) fn new(interval: u32) -> Self {
        Self {
            interval,
            to_go: interval,
            number: 0,
            dry: false,
            damaged: false,
            bad_codes: 0,
            complete_mcus: 0,
        }
    }

    /// Before each MCU: reads a restart marker when one is due. True if there was one: predictions start anew.
    #[inline(always)]
    pub(super) fn restart_due(&mut self, entropy: &mut Entropy<'_>) -> bool {
        if self.interval == 0 {
            return false;
        }
        let due = self.to_go == 0;
        if due {
            self.restart(entropy);
        }
        self.to_go -= 1;
        due
    }

    #[inline(never)]
    fn restart(&mut self, entropy: &mut Entropy<'_>) {
        let found = entropy.restart(self.number);
        self.number = (self.number + 1) & 7;
        self.to_go = self.interval;
        self.damaged |= !found.expected;
        if found.data {
            self.dry = false;
        }
    }

    /// After each MCU that was decoded.
    #[inline(always)]
    pub(super) fn account(&mut self, entropy: &Entropy<'_>) {
        if entropy.overrun() {
            self.dry = true;
            self.damaged = true;
        } else {
            self.complete_mcus += 1;
        }
    }

    /// Whether nothing more can come of this scan.
    #[inline(always)]
    pub(super) fn over(&self) -> bool {
        self.dry && self.interval == 0
    }
}

/// One block of an MCU.
struct Place {
    component: usize,
    /// In blocks, from the MCU's corner.
    x: usize,
    y: usize,
    /// Blocks of the component across an MCU.
    across: usize,
    plane: usize,
    quant: Block,
}

struct Decode<'a, 'b> {
    frame: &'a Frame,
    tables: Vec<Rc<Tables>>,
    places: Vec<Place>,
    progress: &'a mut Progress,
    entropy: &'a mut Entropy<'b>,
    rows: &'a mut Rows,
    sink: &'a mut dyn PixelSink,
}

impl Work for Decode<'_, '_> {
    /// The first row that lacks data, or what to say when there is none at all.
    type Output = Result<Option<usize>, Error>;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> Self::Output {
        let Self { frame, tables, places, progress, entropy, rows, sink } = self;
        let mut predictions = [0i32; 4];
        let mut block = Block::ZERO;
        let mut first_missing = None;
        for mcu_row in 0..frame.mcus.1 {
            for mcu in 0..frame.mcus.0 {
                if progress.restart_due(entropy) {
                    predictions = [0; 4];
                }
                entropy.ensure();
                let mut cursor = entropy.cursor;
                for place in &places {
                    let plane = &mut rows.planes[place.plane];
                    let stride = plane.stride;
                    let at = place.y * 8 * stride + (mcu * place.across + place.x) * 8;
                    let out = &mut plane.strip_mut(mcu_row)[at..];
                    let (i, window) = (place.component, &entropy.window);
                    if progress.dry {
                        flat(0, &place.quant, out, stride);
                        continue;
                    }
                    let bad = &mut progress.bad_codes;
                    if decode_block::<true>(
                        &mut cursor,
                        window,
                        &tables[i],
                        &mut predictions[i],
                        &mut block,
                        bad,
                    ) {
                        kernel.idct(&block, &place.quant, out, stride);
                        block = Block::ZERO;
                    } else {
                        flat(block.0[0], &place.quant, out, stride);
                    }
                }
                entropy.cursor = cursor;
                if !progress.dry {
                    progress.account(entropy);
                }
                if progress.dry && first_missing.is_none() {
                    first_missing = Some(mcu_row * frame.max_v * 8);
                }
            }
            if mcu_row == 0 {
                if progress.complete_mcus == 0 || progress.dry && frame.mcus.1 > 1 {
                    return Err(Error::Truncated("the data end within the first rows".to_owned()));
                }
                sink.frame(&rows.info());
            }
            rows.emit(kernel, mcu_row + 1, sink);
        }
        sink.end_frame();
        Ok(first_missing)
    }
}

/// Decodes a file whose first scan holds all components.
pub(super) fn decode(
    reader: &Reader<'_>,
    scan: &Scan,
    limits: &Limits,
    sink: &mut dyn PixelSink,
) -> Result<(Frame, Option<String>), Error> {
    let frame = reader.frame()?.clone();
    let mut rows = Rows::new(&frame, reader.colour()?, limits)?;
    let tables = tables(reader, scan)?;
    let mut places = Vec::new();
    for (i, chosen) in scan.components.iter().enumerate() {
        let component = &frame.components[chosen.index];
        let quant = component.quant.unwrap_or(Block::ZERO);
        for (y, x) in (0..component.v).flat_map(|y| (0..component.h).map(move |x| (y, x))) {
            places.push(Place { component: i, x, y, across: component.h, plane: chosen.index, quant });
        }
    }
    let mut entropy = Entropy::new(reader.bytes, reader.pos);
    let mut progress = Progress::new(reader.restart_interval);
    let first_missing = dispatch(Decode {
        frame: &frame,
        tables,
        places,
        progress: &mut progress,
        entropy: &mut entropy,
        rows: &mut rows,
        sink,
    })?;
    let partial = match first_missing {
        Some(row) if entropy.at_end_of_file() => {
            Some(format!("file ends after {row} of {} rows", frame.height))
        }
        Some(row) => {
            Some(format!("damaged entropy-coded data: rows from {row} of {} incomplete", frame.height))
        }
        None if progress.damaged || progress.bad_codes > 0 => Some("damaged entropy-coded data".to_owned()),
        None => None,
    };
    Ok((frame, partial))
}
