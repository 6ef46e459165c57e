//! One scan into buffered coefficients: progressive scans, and sequential ones of some of the components.
//!
//! *Source:* T.81 annex G; tolerance of damage as `jdphuff.c`.

use super::buffered::Coefficients;
use super::entropy::{Cursor, Entropy, Window};
use super::header::{Frame, Reader, Scan};
use super::huffman::{Kind, LOOKUP_BITS, SYMBOL, Table};
use super::kernel::{Block, Kernel, POSITION, Work, dispatch};
use super::sequential::{Progress, Tables, decode_block, decode_dc, table, tables};
use crate::Error;
use std::rc::Rc;

/// What a scan does to a block.
enum Pass {
    Sequential(Vec<Rc<Tables>>),
    DcFirst(Vec<Table>),
    DcRefine,
    AcFirst(Table),
    AcRefine(Table),
}

struct Decode<'a, 'b> {
    frame: &'a Frame,
    scan: &'a Scan,
    pass: Pass,
    coefficients: &'a mut [Coefficients],
    progress: &'a mut Progress,
    entropy: &'a mut Entropy<'b>,
}

/// What is carried from block to block.
#[derive(Default)]
struct State {
    predictions: [i32; 4],
    /// Blocks, this one included, that have nothing more in the band.
    eob_run: u32,
}

/// Decodes the scan at the reader's position.
pub(super) fn decode_scan(
    reader: &Reader<'_>,
    scan: &Scan,
    coefficients: &mut [Coefficients],
    progress: &mut Progress,
    entropy: &mut Entropy<'_>,
) -> Result<(), Error> {
    let frame = reader.frame()?;
    let pass = match (frame.progressive, scan.band.0, scan.bits.0) {
        (false, ..) => Pass::Sequential(tables(reader, scan)?),
        (true, 0, 0) => Pass::DcFirst(
            scan.components.iter().map(|c| table(&reader.dc, c.dc, Kind::Dc)).collect::<Result<_, _>>()?,
        ),
        (true, 0, _) => Pass::DcRefine,
        (true, _, 0) => Pass::AcFirst(table(&reader.ac, scan.components[0].ac, Kind::Ac)?),
        (true, ..) => Pass::AcRefine(table(&reader.ac, scan.components[0].ac, Kind::AcRefine)?),
    };
    dispatch(Decode { frame, scan, pass, coefficients, progress, entropy });
    Ok(())
}

impl Work for Decode<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernel>(self, _: K) {
        let Self { frame, scan, pass, coefficients, progress, entropy } = self;
        let mut state = State::default();
        let alone = match scan.components.as_slice() {
            [only] => Some(only.index),
            _ => None,
        };
        let mcus = alone.map_or(frame.mcus, |index| frame.components[index].blocks);
        for mcu_row in 0..mcus.1 {
            for mcu in 0..mcus.0 {
                if progress.restart_due(entropy) {
                    state = State::default();
                }
                if progress.dry {
                    if progress.over() {
                        return;
                    }
                    continue;
                }
                entropy.ensure();
                for (i, chosen) in scan.components.iter().enumerate() {
                    let component = &frame.components[chosen.index];
                    let (across, down) = if alone.is_some() { (1, 1) } else { (component.h, component.v) };
                    for y in 0..down {
                        let at = (mcu_row * down + y) * component.padded.0 + mcu * across;
                        for block in &mut coefficients[chosen.index].blocks[at..at + across] {
                            let mut cursor = entropy.cursor;
                            let bad = &mut progress.bad_codes;
                            decode(&mut cursor, &entropy.window, &pass, scan, i, &mut state, block, bad);
                            entropy.cursor = cursor;
                        }
                    }
                }
                progress.account(entropy);
            }
        }
    }
}

#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the state of the innermost loop, kept in registers")]
fn decode(
    cursor: &mut Cursor,
    window: &Window,
    pass: &Pass,
    scan: &Scan,
    i: usize,
    state: &mut State,
    block: &mut Block,
    bad: &mut u32,
) {
    let low = scan.bits.1;
    match pass {
        Pass::Sequential(tables) => {
            // An earlier scan may have left coefficients, which only those of this one replace.
            let mut fresh = Block::ZERO;
            decode_block::<true>(cursor, window, &tables[i], &mut state.predictions[i], &mut fresh, bad);
            for (to, from) in block.0.iter_mut().zip(fresh.0) {
                *to = if from == 0 { *to } else { from };
            }
            block.0[0] = fresh.0[0];
        }
        Pass::DcFirst(tables) => {
            cursor.refill(window);
            let prediction = &mut state.predictions[i];
            *prediction = prediction.wrapping_add(decode_dc(cursor, &tables[i], bad));
            block.0[0] = (*prediction << low) as i16;
        }
        Pass::DcRefine => {
            cursor.refill(window);
            if cursor.take(1) == 1 {
                block.0[0] |= 1 << low;
            }
        }
        Pass::AcFirst(table) => ac_first(cursor, window, table, scan, state, block, bad),
        Pass::AcRefine(table) => ac_refine(cursor, window, table, scan, state, block, bad),
    }
}

#[inline(always)]
fn at(block: &mut Block, k: usize) -> &mut i16 {
    &mut block.0[usize::from(POSITION[k & 127] & 63)]
}

#[inline(always)]
fn ac_first(
    cursor: &mut Cursor,
    window: &Window,
    table: &Table,
    scan: &Scan,
    state: &mut State,
    block: &mut Block,
    bad: &mut u32,
) {
    if state.eob_run > 0 {
        state.eob_run -= 1;
        return;
    }
    let low = scan.bits.1;
    let (mut k, last) = scan.band;
    while k <= last {
        cursor.ready(window);
        let entry = table.fast[cursor.peek(LOOKUP_BITS) as usize];
        let value = if entry > 0xffff {
            cursor.skip(entry & 0xff);
            k += (entry >> 8 & 0xff) as usize;
            entry as i32 >> 16
        } else {
            let symbol = symbol(cursor, entry, table, bad);
            let (run, size) = (symbol >> 4, symbol & 15);
            if size == 0 {
                if run < 15 {
                    state.eob_run = (1 << run) + cursor.take(run) - 1;
                    return;
                }
                k += 16;
                continue;
            }
            k += run as usize;
            cursor.value(size)
        };
        *at(block, k) = (value << low) as i16;
        k += 1;
    }
}

/// A symbol with its value bits still to be read, unless it has none.
#[inline(always)]
fn symbol(cursor: &mut Cursor, entry: u32, table: &Table, bad: &mut u32) -> u32 {
    if entry & SYMBOL == 0 && entry != 0 {
        cursor.skip(entry & 0xff);
        entry >> 4 & 0xf0
    } else {
        cursor.symbol(entry, table, bad)
    }
}

#[inline(always)]
fn ac_refine(
    cursor: &mut Cursor,
    window: &Window,
    table: &Table,
    scan: &Scan,
    state: &mut State,
    block: &mut Block,
    bad: &mut u32,
) {
    let step = 1i16 << scan.bits.1;
    let (mut k, last) = scan.band;
    if state.eob_run == 0 {
        while k <= last {
            cursor.ready(window);
            let entry = table.fast[cursor.peek(LOOKUP_BITS) as usize];
            let symbol = symbol(cursor, entry, table, bad);
            let (mut run, size) = (symbol >> 4, symbol & 15);
            let value = if size > 0 {
                *bad += u32::from(size != 1);
                if cursor.take(1) == 1 { step } else { -step }
            } else if run < 15 {
                state.eob_run = (1 << run) + cursor.take(run);
                break;
            } else {
                0
            };
            while k <= last {
                let coefficient = at(block, k);
                if *coefficient != 0 {
                    refine(cursor, window, coefficient, step);
                } else if run == 0 {
                    break;
                } else {
                    run -= 1;
                }
                k += 1;
            }
            if value != 0 {
                *at(block, k) = value;
            }
            k += 1;
        }
    }
    if state.eob_run > 0 {
        while k <= last {
            let coefficient = at(block, k);
            if *coefficient != 0 {
                refine(cursor, window, coefficient, step);
            }
            k += 1;
        }
        state.eob_run -= 1;
    }
}

/// One more bit of a coefficient that is known to be other than zero.
#[inline(always)]
fn refine(cursor: &mut Cursor, window: &Window, coefficient: &mut i16, step: i16) {
    cursor.ready(window);
    if cursor.take(1) == 1 && *coefficient & step == 0 {
        *coefficient = coefficient.wrapping_add(if *coefficient >= 0 { step } else { -step });
    }
}
