//! GIF comments and the XMP application extension. *Source:* GIF89a; XMP Specification Part 3, "GIF".

use std::borrow::Cow;

use super::{Collector, Segment, SegmentKind, png};

pub(super) fn walk<'a>(file: &'a [u8], out: &mut Collector<'a>) {
    let Some(&flags) = file.get(10) else {
        out.damage("gif: header cut");
        return;
    };
    let mut at = 13usize.saturating_add(table(flags));
    while !out.full() {
        match file.get(at) {
            Some(0x21) => at = extension(file, at, out),
            Some(0x2c) => {
                let flags = file.get(at.saturating_add(9)).copied().unwrap_or(0);
                // Image descriptor, local colours, LZW code size, data.
                let data = at.saturating_add(11).saturating_add(table(flags));
                at = blocks(file, data, |_| {});
            }
            Some(0x3b) => {
                if at + 1 < file.len() {
                    png::trailing(file, at + 1, out);
                }
                return;
            }
            Some(_) => {
                out.damage("gif: bytes that are no block");
                return;
            }
            None => {
                out.damage("gif: no trailer");
                return;
            }
        }
    }
}

fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn extension<'a>(file: &'a [u8], at: usize, out: &mut Collector<'a>) -> usize {
    let data = at.saturating_add(2);
    match file.get(at + 1) {
        Some(0xfe) => {
            let budget = out.budget();
            let mut text = Vec::new();
            let end = blocks(file, data, |block| {
                if text.len() + block.len() <= budget {
                    text.extend_from_slice(block);
                }
            });
            out.decoded = out.decoded.saturating_add(text.len());
            push(SegmentKind::Comment, "gif:comment", at, end, Cow::Owned(text), out);
            end
        }
        Some(0xff) if file.get(data..data.saturating_add(12)) == Some(b"\x0bXMP DataXMP") => {
            let start = data + 12;
            // The packet is written bare, not in sub-blocks; a 258-byte ramp after it leads readers to the end.
            let end = blocks(file, start, |_| {});
            let packet = file.get(start..end.min(file.len())).unwrap_or_default();
            let packet = match packet.iter().rposition(|&b| b == b'>') {
                Some(last) => packet.get(..=last).unwrap_or_default(),
                None => packet,
            };
            push(SegmentKind::Xmp, "gif:XMP", at, end, Cow::Borrowed(packet), out);
            end
        }
        Some(_) => blocks(file, data, |_| {}),
        None => file.len(),
    }
}

fn push<'a>(
    kind: SegmentKind,
    field: &'static str,
    at: usize,
    end: usize,
    data: Cow<'a, [u8]>,
    out: &mut Collector<'a>,
) {
    let payload = at + if kind == SegmentKind::Xmp { 14 } else { 2 };
    out.push(Segment {
        kind,
        offset: at as u64,
        length: end.saturating_sub(at) as u64,
        payload_offset: payload as u64,
        data,
        field,
        keyword: None,
    });
}

/// Walks sub-blocks and returns where they end.
fn blocks<'a>(file: &'a [u8], mut at: usize, mut each: impl FnMut(&'a [u8])) -> usize {
    while let Some(&length) = file.get(at) {
        if length == 0 {
            return at + 1;
        }
        let start = at + 1;
        at = start + usize::from(length);
        each(file.get(start..at.min(file.len())).unwrap_or_default());
    }
    file.len()
}
