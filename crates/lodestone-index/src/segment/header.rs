//! Header and footer: bytes to what they mean, and back.

use super::format::{BLOCK, CANARY, END_MAGIC, FOOTER, MAGIC, PartShape, Plan, Shape, VERSION, checksum};
use crate::ring::Layout;

const PARTS_AT: usize = 80;
const PART_BYTES: usize = 48;
const SECTIONS_AT: usize = 176;
const CHECKSUM_AT: usize = BLOCK as usize - 8;

/// Why a header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Foreign,
    Version(u32),
    /// The length that the file should have, at least.
    Length(u64),
    Damaged,
    Unsound(&'static str),
}

/// Writes the header, 4,096 bytes.
pub(super) fn encode(shape: &Shape, plan: &Plan) -> Vec<u8> {
    let mut bytes = vec![0; BLOCK as usize];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &MAGIC);
    put(8, &VERSION.to_le_bytes());
    put(12, &256u32.to_le_bytes());
    put(16, &plan.total.to_le_bytes());
    put(24, &shape.pairs.to_le_bytes());
    put(32, &shape.distinct.to_le_bytes());
    put(40, &shape.canaries.to_le_bytes());
    put(48, &shape.base.to_le_bytes());
    put(56, &shape.owner_bytes.to_le_bytes());
    put(60, &(shape.parts.len() as u32).to_le_bytes());
    put(64, &shape.list_words.to_le_bytes());
    let sections = plan.sections();
    put(72, &(sections.len() as u32).to_le_bytes());
    for (number, part) in shape.parts.iter().enumerate() {
        let at = PARTS_AT + PART_BYTES * number;
        put(at, &part.codes.to_le_bytes());
        put(at + 8, &u32::from(part.even).to_le_bytes());
        put(at + 12, &(part.tables() as u32).to_le_bytes());
        put(at + 16, part.layout.as_ref().map_or(&[], |layout| layout.widths()));
    }
    for (number, (.., span)) in sections.iter().enumerate() {
        put(SECTIONS_AT + 16 * number, &span.at.to_le_bytes());
        put(SECTIONS_AT + 16 * number + 8, &span.len.to_le_bytes());
    }
    let sum = checksum(&bytes[..CHECKSUM_AT]);
    bytes[CHECKSUM_AT..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Reads the header of an image and makes sure that all it speaks of lies within the image, as the format has it.
pub(super) fn decode(image: &[u8]) -> Result<(Shape, Plan), Fault> {
    if image.is_empty() || !MAGIC.starts_with(&image[..image.len().min(MAGIC.len())]) {
        return Err(Fault::Foreign);
    }
    if image.len() < 12 {
        return Err(Fault::Length(BLOCK));
    }
    let version = u32_at(image, 8);
    if version != VERSION {
        return Err(Fault::Version(version));
    }
    let Some(header) = image.get(..BLOCK as usize) else { return Err(Fault::Length(BLOCK)) };
    if u64_at(header, CHECKSUM_AT) != checksum(&header[..CHECKSUM_AT]) {
        return Err(Fault::Damaged);
    }
    let total = u64_at(header, 16);
    if total != image.len() as u64 {
        return Err(Fault::Length(total));
    }
    let parts = u32_at(header, 60);
    if !(1..=2).contains(&parts) {
        return Err(Fault::Unsound("it has no part, or too many"));
    }
    let shape = Shape {
        pairs: u64_at(header, 24),
        distinct: u64_at(header, 32),
        canaries: u64_at(header, 40),
        base: u64_at(header, 48),
        owner_bytes: u32_at(header, 56),
        list_words: u64_at(header, 64),
        parts: (0..parts as usize)
            .map(|number| part(&header[PARTS_AT + PART_BYTES * number..][..PART_BYTES]))
            .collect::<Result<_, _>>()?,
    };
    let codes: u64 = shape.parts.iter().map(|part| part.codes).sum();
    if ![4, 8].contains(&shape.owner_bytes)
        || ![32, 64].contains(&shape.canaries)
        || shape.base == CANARY
        || shape.distinct > shape.pairs
        || shape.distinct > codes
        || codes > shape.distinct + shape.canaries
    {
        return Err(Fault::Unsound("its counts contradict each other"));
    }
    let plan = Plan::new(&shape).ok_or(Fault::Unsound("its counts are too large"))?;
    // All else in the header follows from what was read.
    if plan.total != total || encode(&shape, &plan) != header {
        return Err(Fault::Unsound("its sections are not where they should be"));
    }
    Ok((shape, plan))
}

fn part(bytes: &[u8]) -> Result<PartShape, Fault> {
    let (codes, flags, tables) = (u64_at(bytes, 0), u32_at(bytes, 8), u32_at(bytes, 12));
    if codes > u64::from(u32::MAX) || flags > 1 || tables > 32 {
        return Err(Fault::Unsound("a part has impossible counts"));
    }
    let layout = match tables as usize {
        0 => None,
        tables => {
            let widths = &bytes[16..16 + tables];
            Some(Layout::from_widths(widths).ok_or(Fault::Unsound("a part has impossible widths"))?)
        }
    };
    Ok(PartShape { codes, even: flags == 1, layout })
}

/// Writes the footer, whose first word is the checksum of the checksums of checksums.
pub(super) fn encode_footer(root: u64, total: u64, header: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(root.to_le_bytes());
    bytes.extend(total.to_le_bytes());
    bytes.extend(&header[CHECKSUM_AT..]);
    bytes.extend(END_MAGIC);
    bytes
}

/// Checks the footer and the checksums of checksums; gives the root, or the offset of what is damaged.
pub(super) fn check_footer(image: &[u8], plan: &Plan) -> Result<u64, u64> {
    let root = checksum(plan.top.of(image));
    let footer = super::format::Span { at: plan.footer, len: FOOTER }.of(image);
    let expected = encode_footer(root, plan.total, &image[..BLOCK as usize]);
    if footer != expected { Err(plan.top.at) } else { Ok(root) }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
