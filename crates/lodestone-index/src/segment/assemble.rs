//! From sorted pairs to the bytes of a segment.

use std::ops::ControlFlow;

use super::build::{BuildStage, BuildStep, LayoutChoice, step};
use super::canary::{Canaries, Canary, canaries};
use super::format::{BLOCK, CANARY, PartShape, Plan, Shape, checksum};
use super::owners::Scheme;
use super::sort::{Pair, Sorted};
use super::target::{TableWork, Target};
use super::{SegmentError, header};
use crate::Code256;
use crate::ring::{Bits, Layout};

/// Weights of ordinary codes. A hash of a picture with detail has 128 bits set, give or take ties; those far off come
/// from blank pictures and would crowd a few buckets. Six standard deviations of random codes: they need no second part.
const ORDINARY: std::ops::RangeInclusive<u32> = 80..=176;
/// Special codes get a part of their own where they are fewer than one in so many.
const FEW: u64 = 8;
/// Codes between two steps of progress.
const STEP: u64 = 1 << 18;

/// What the sorted pairs come to.
pub(super) struct Survey {
    pub(super) shape: Shape,
    pub(super) plan: Plan,
    scheme: Scheme,
    canaries: Vec<Pair>,
}

fn is_special(code: Code256) -> bool {
    let bits = Bits(code.0);
    !bits.is_even() || !ORDINARY.contains(&bits.weight())
}

/// Counts, and settles where everything lies. `ids` are the least and the greatest.
pub(super) fn survey(
    sorted: &Sorted,
    ids: Option<(u64, u64)>,
    choice: &LayoutChoice,
) -> Result<Survey, SegmentError> {
    let pair = |canary: &Canary| (Code256(canary.code.0), CANARY);
    let Canaries { even, odd, .. } = canaries();
    let mut all: Vec<Pair> = even.iter().chain(&odd).map(pair).collect();
    all.sort_unstable();

    let (base, greatest) = ids.unwrap_or((0, 0));
    let bytes = if greatest - base < 1 << 31 { 4 } else { 8 };
    let mut scheme = Scheme { base, bytes };
    // Ordinary and special: distinct codes with canaries, and without.
    let (mut codes, mut distinct) = ([0u64; 2], [0u64; 2]);
    let (mut pairs, mut words) = (0, 0);
    sorted.each_code(&all, &mut |code, owners| {
        let class = usize::from(is_special(code));
        let canary = owners.last() == Some(&CANARY);
        let own = owners.len() as u64 - u64::from(canary);
        codes[class] += 1;
        distinct[class] += u64::from(own > 0);
        pairs += own;
        words += list_words(scheme, owners);
        Ok(())
    })?;

    let special = distinct[1];
    let mixed = special > 0 && special.saturating_mul(FEW) >= distinct[0].saturating_add(special);
    let mut parts = Vec::new();
    let mut canaries = all;
    if special == 0 {
        // No code is odd, so every odd canary stands alone.
        canaries.retain(|(code, _)| !is_special(*code));
        words -= odd.iter().map(|_| list_words(scheme, &[CANARY])).sum::<u64>();
        parts.push((codes[0], true));
    } else if mixed {
        parts.push((codes[0] + codes[1], false));
    } else {
        parts.extend([(codes[0], true), (codes[1], false)]);
    }
    if !scheme.holds(words) {
        scheme.bytes = 8;
    }
    let parts = parts.into_iter().map(|(codes, even)| {
        if codes > u64::from(u32::MAX) {
            return Err(SegmentError::TooLarge { what: "distinct codes" });
        }
        let layout = match choice {
            LayoutChoice::Linear => None,
            LayoutChoice::Auto => Layout::choose(codes, even),
            LayoutChoice::Widths(widths) => {
                let layout = Layout::from_widths(widths);
                Some(layout.ok_or_else(|| SegmentError::Layout { widths: widths.clone() })?)
            }
        };
        Ok(PartShape { codes, even, layout })
    });
    let shape = Shape {
        pairs,
        distinct: distinct[0] + distinct[1],
        canaries: canaries.len() as u64,
        base,
        owner_bytes: scheme.bytes,
        list_words: words,
        parts: parts.collect::<Result<_, _>>()?,
    };
    let plan = Plan::new(&shape).ok_or(SegmentError::TooLarge { what: "bytes" })?;
    Ok(Survey { shape, plan, scheme, canaries })
}

/// Words that the owners of one code take in the lists.
fn list_words(scheme: Scheme, owners: &[u64]) -> u64 {
    match owners {
        [id] if scheme.alone(*id).is_some() => 0,
        _ => 1 + owners.len() as u64,
    }
}

/// Writes a whole segment; gives its root checksum.
pub(super) fn assemble<T: Target>(
    target: &mut T,
    sorted: Sorted,
    survey: &Survey,
    threads: usize,
    progress: &mut dyn FnMut(BuildStep) -> ControlFlow<()>,
) -> Result<u64, SegmentError> {
    let Survey { shape, plan, .. } = survey;
    let mut output = Output::new(target, plan);
    let header = header::encode(shape, plan);
    output.put(0, &header)?;
    write_codes(&mut output, &sorted, survey, progress)?;
    drop(sorted);

    let total: usize = shape.parts.iter().map(PartShape::tables).sum();
    let mut done = 0;
    step(progress, BuildStage::Tables, done, total as u64)?;
    for (part, lies) in shape.parts.iter().zip(&plan.parts) {
        for (table, at) in lies.tables.iter().enumerate() {
            let Some(layout) = &part.layout else { continue };
            let work = TableWork { layout, table, codes: lies.codes, at, threads };
            output.target.table(&work, &mut output.sums)?;
            done += 1;
            step(progress, BuildStage::Tables, done, total as u64)?;
        }
    }
    output.finish(plan, &header)
}

/// Codes, owners and lists, in one round.
fn write_codes<T: Target>(
    output: &mut Output<'_, T>,
    sorted: &Sorted,
    survey: &Survey,
    progress: &mut dyn FnMut(BuildStep) -> ControlFlow<()>,
) -> Result<(), SegmentError> {
    let Survey { shape, plan, scheme, canaries } = survey;
    let mut codes: Vec<Cursor> = plan.parts.iter().map(|part| Cursor::new(part.codes.at)).collect();
    let mut values: Vec<Cursor> = plan.parts.iter().map(|part| Cursor::new(part.owners.at)).collect();
    let mut lists = Cursor::new(plan.lists.at);
    let split = shape.parts.len() == 2;
    let total = shape.parts.iter().map(|part| part.codes).sum();
    let (mut done, mut words) = (0u64, 0);
    sorted.each_code(canaries, &mut |code, owners| {
        let part = usize::from(split && is_special(code));
        let value = match owners {
            [id] if let Some(value) = scheme.alone(*id) => value,
            _ => {
                lists.push(&(owners.len() as u64).to_le_bytes(), output)?;
                owners.iter().try_for_each(|id| lists.push(&id.to_le_bytes(), output))?;
                let value = scheme.list(words);
                words += 1 + owners.len() as u64;
                value
            }
        };
        codes[part].push(bytemuck::bytes_of(&Bits(code.0).to_le()), output)?;
        values[part].push(&value.to_le_bytes()[..scheme.bytes as usize], output)?;
        if done.is_multiple_of(STEP) {
            step(progress, BuildStage::Codes, done, total)?;
        }
        done += 1;
        Ok(())
    })?;
    for cursor in codes.iter_mut().chain(&mut values).chain([&mut lists]) {
        cursor.flush(output)?;
    }
    step(progress, BuildStage::Codes, total, total)
}

/// Where one section has been written to; what is still to come waits in a buffer.
struct Cursor {
    at: u64,
    buffer: Vec<u8>,
}

impl Cursor {
    /// A multiple of the block and of every size that is pushed.
    const FULL: usize = 1 << 16;

    fn new(at: u64) -> Self {
        Self { at, buffer: Vec::new() }
    }

    fn push<T: Target>(&mut self, bytes: &[u8], output: &mut Output<'_, T>) -> Result<(), SegmentError> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= Self::FULL { self.flush(output) } else { Ok(()) }
    }

    fn flush<T: Target>(&mut self, output: &mut Output<'_, T>) -> Result<(), SegmentError> {
        output.put(self.at, &self.buffer)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// The checksum of every block, of zeroes where nothing was written.
pub(super) struct Sums(Vec<u64>);

impl Sums {
    /// Notes bytes that begin at a block; the rest of the last block is zeroes.
    pub(super) fn note(&mut self, at: u64, bytes: &[u8]) {
        let first = (at / BLOCK) as usize;
        for (sum, block) in self.0[first..].iter_mut().zip(bytes.chunks(BLOCK as usize)) {
            *sum = if block.len() == BLOCK as usize {
                checksum(block)
            } else {
                let mut whole = [0; BLOCK as usize];
                whole[..block.len()].copy_from_slice(block);
                checksum(&whole)
            };
        }
    }
}

struct Output<'t, T> {
    target: &'t mut T,
    sums: Sums,
}

impl<'t, T: Target> Output<'t, T> {
    fn new(target: &'t mut T, plan: &Plan) -> Self {
        let zeroes = checksum(&[0; BLOCK as usize]);
        Self { target, sums: Sums(vec![zeroes; plan.blocks() as usize]) }
    }

    fn put(&mut self, at: u64, bytes: &[u8]) -> Result<(), SegmentError> {
        self.sums.note(at, bytes);
        self.target.write(at, bytes)
    }

    /// Checksums and footer.
    fn finish(self, plan: &Plan, header: &[u8]) -> Result<u64, SegmentError> {
        let mut sums: Vec<u8> = self.sums.0.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        sums.resize((plan.top.at - plan.sums.at) as usize, 0);
        let mut top = Vec::new();
        for block in sums.chunks(BLOCK as usize) {
            top.extend(checksum(block).to_le_bytes());
        }
        let root = checksum(&top);
        self.target.write(plan.sums.at, &sums)?;
        self.target.write(plan.top.at, &top)?;
        self.target.write(plan.footer, &header::encode_footer(root, plan.total, header))?;
        Ok(root)
    }
}
