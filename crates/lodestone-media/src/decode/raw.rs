//! Camera RAW: the largest embedded JPEG. No demosaicing.
//!
//! Makers keep previews in directories, sub-directories, maker notes and boxes of their own; all of them are JPEG
//! files inside the file, so they are looked for as such.

use super::emit::Emitter;
use crate::{Decoded, Error, Format, Limits};

/// JPEG starts looked at.
const MAX_CANDIDATES: usize = 1 << 12;
/// Previews tried, biggest first.
const MAX_TRIED: usize = 4;

/// Decodes the largest embedded JPEG.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    let mut found = previews(bytes);
    found.sort_by_key(|p| (std::cmp::Reverse(u64::from(p.width) * u64::from(p.height)), p.offset));
    let mut first_error = None;
    for preview in found.iter().take(MAX_TRIED) {
        match super::jpeg(bytes.get(preview.offset..).unwrap_or_default(), limits, out) {
            Ok(mut decoded) => {
                decoded.format = Format::Raw;
                let text = format!("embedded preview {}x{}", preview.width, preview.height);
                decoded.notes.insert(0, text);
                return Ok(decoded);
            }
            Err(e) if out.started() => return Err(e),
            Err(e) => {
                first_error.get_or_insert(e);
            }
        }
    }
    Err(first_error.unwrap_or_else(|| Error::Unsupported("RAW without an embedded JPEG".into())))
}

struct Preview {
    offset: usize,
    width: u16,
    height: u16,
}

fn previews(bytes: &[u8]) -> Vec<Preview> {
    let mut found = Vec::new();
    let mut looked = 0;
    let mut at = 0;
    while let Some(step) =
        bytes.get(at..).and_then(|rest| rest.windows(3).position(|w| w == [0xff, 0xd8, 0xff]))
    {
        let offset = at + step;
        looked += 1;
        if looked > MAX_CANDIDATES {
            break;
        }
        if let Some((width, height)) = jpeg_size(bytes.get(offset..).unwrap_or_default()) {
            found.push(Preview { offset, width, height });
        }
        at = offset + 3;
    }
    found
}

/// Width and height of a DCT JPEG of 8 bits whose markers lead up to a scan; `None` for anything else (RAW data is often
/// *lossless* JPEG, which is no picture).
fn jpeg_size(b: &[u8]) -> Option<(u16, u16)> {
    let mut at = 2;
    let mut size = None;
    for _ in 0..256 {
        if *b.get(at)? != 0xff {
            return None;
        }
        let marker = *b.get(at + 1)?;
        let word = |i: usize| Some(u16::from_be_bytes([*b.get(i)?, *b.get(i + 1)?]));
        match marker {
            0xff => {
                at += 1;
                continue;
            }
            0xda => return size,
            0xc0..=0xc2 => {
                let (height, width) = (word(at + 5)?, word(at + 7)?);
                if *b.get(at + 4)? != 8 || width == 0 || height == 0 {
                    return None;
                }
                size = Some((width, height));
            }
            0xc4 | 0xcc | 0xdb | 0xdd | 0xe0..=0xef | 0xfe => {}
            _ => return None,
        }
        let len = word(at + 2)?;
        if len < 2 {
            return None;
        }
        at += 2 + usize::from(len);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dct_jpegs_count_as_previews() {
        let jpeg = |sof: u8| {
            let mut b = vec![0xff, 0xd8, 0xff, sof, 0, 11, 8, 0, 100, 0, 200, 1, 1, 0x11, 0];
            b.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
            b
        };
        assert_eq!(jpeg_size(&jpeg(0xc0)), Some((200, 100)));
        assert_eq!(jpeg_size(&jpeg(0xc2)), Some((200, 100)));
        assert_eq!(jpeg_size(&jpeg(0xc3)), None);
        assert_eq!(jpeg_size(&[0xff, 0xd8, 0xff]), None);
        let file = [vec![1; 100], jpeg(0xc0), vec![0; 50], jpeg(0xc3)].concat();
        assert_eq!(previews(&file).len(), 1);
    }
}
