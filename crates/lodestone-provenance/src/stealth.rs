//! Text hidden in the lowest bits of the pixels ("stealth pnginfo"): what a PNG's text chunks say, kept where most
//! programs do not look. It survives lossless copies only.
//!
//! A signature of 15 letters, a 32-bit big-endian length in bits, then UTF-8 or gzip. Bits run most significant first,
//! pixels column by column, one bit of alpha or one each of red, green and blue a pixel. A few writers go row by row.
//!
//! *Source:* receyuki/stable-diffusion-prompt-reader format/novelai.py; neggles/sd-webui-stealth-pnginfo.

use crate::fields::{Source, TextField};
use crate::item::Pixels;
use crate::json;

/// Bytes of a payload, and of what it unpacks to. 4 MiB: prompts have kilobytes, ComfyUI graphs some hundred.
const MAX_PAYLOAD: usize = 4 << 20;
const SIGNATURE: usize = 15;

/// The lowest bits of a picture in one order.
struct Bits<'a> {
    pixels: &'a Pixels<'a>,
    alpha: Option<&'a [u8]>,
    by_rows: bool,
}

impl Bits<'_> {
    fn bit(&self, index: usize) -> Option<u8> {
        let (width, height) = (self.pixels.width as usize, self.pixels.height as usize);
        let channels = if self.alpha.is_some() { 1 } else { 3 };
        let (pixel, channel) = (index / channels, index % channels);
        let at = if self.by_rows {
            pixel
        } else {
            let (x, y) = (pixel.checked_div(height)?, pixel.checked_rem(height)?);
            if x >= width {
                return None;
            }
            y.checked_mul(width)?.checked_add(x)?
        };
        let value = match self.alpha {
            Some(alpha) => alpha.get(at)?,
            None => self.pixels.rgb.get(at.checked_mul(3)?.checked_add(channel)?)?,
        };
        Some(value & 1)
    }

    fn byte(&self, index: usize) -> Option<u8> {
        let first = index.checked_mul(8)?;
        (0..8).try_fold(0u8, |byte, i| Some(byte << 1 | self.bit(first.checked_add(i)?)?))
    }

    fn bytes(&self, from: usize, count: usize) -> Option<Vec<u8>> {
        (from..from.checked_add(count)?).map(|i| self.byte(i)).collect()
    }
}

/// The hidden text and which channels hold it: `alpha` or `rgb`. Cost where there is none: some hundred pixels.
pub(crate) fn read(pixels: &Pixels<'_>) -> Option<(&'static str, String)> {
    for by_rows in [false, true] {
        for (alpha, channels, plain, packed) in [
            (pixels.alpha, "alpha", b"stealth_pnginfo", b"stealth_pngcomp"),
            (None, "rgb", b"stealth_rgbinfo", b"stealth_rgbcomp"),
        ] {
            if channels == "alpha" && alpha.is_none() {
                continue;
            }
            let bits = Bits { pixels, alpha, by_rows };
            let starts_with = |signature: &[u8]| {
                signature.iter().enumerate().all(|(i, &letter)| bits.byte(i) == Some(letter))
            };
            let is_packed = starts_with(packed);
            if is_packed || starts_with(plain) {
                return Some((channels, payload(&bits, is_packed)?));
            }
        }
    }
    None
}

fn payload(bits: &Bits<'_>, packed: bool) -> Option<String> {
    let length = bits.bytes(SIGNATURE, 4)?;
    let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]);
    let count = usize::try_from(length / 8).ok().filter(|n| *n <= MAX_PAYLOAD)?;
    let data = bits.bytes(SIGNATURE + 4, count)?;
    let data = if packed { gunzip(&data)? } else { data };
    Some(String::from_utf8_lossy(&data).into_owned())
}

/// Unpacks one gzip member within the limit. *Source:* RFC 1952.
fn gunzip(data: &[u8]) -> Option<Vec<u8>> {
    if data.get(..3)? != [0x1f, 0x8b, 8] {
        return None;
    }
    let flags = *data.get(3)?;
    let mut at = 10usize;
    if flags & 4 != 0 {
        let extra = usize::from(u16::from_le_bytes([*data.get(at)?, *data.get(at + 1)?]));
        at = at.checked_add(2)?.checked_add(extra)?;
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            at += data.get(at..)?.iter().position(|&b| b == 0)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    let body = data.get(at..)?;
    match miniz_oxide::inflate::decompress_to_vec_with_limit(body, MAX_PAYLOAD) {
        Ok(text) => Some(text),
        // What came before the damage.
        Err(fault) if !fault.output.is_empty() => Some(fault.output),
        Err(_) => None,
    }
}

/// The text as the PNG fields that it stands for: an object gives one field a member, other text is `parameters`.
pub(crate) fn fields(channels: &str, text: &str) -> Vec<TextField> {
    let field = |key: &str, value: &str| {
        let shown = format!("stealth:{channels}:{key}");
        TextField::new(&format!("png:{key}"), &shown, value, None).from(Source::Stealth)
    };
    match json::parse(text) {
        Some(serde_json::Value::Object(members))
            if members.values().any(|v| v.is_string() || v.is_object()) =>
        {
            let mut found: Vec<TextField> = Vec::new();
            for (key, value) in members.iter().take(32) {
                let key: String = key.chars().take(80).collect();
                match value {
                    serde_json::Value::String(value) => found.push(field(&key, value)),
                    serde_json::Value::Object(_) => found.push(field(&key, &value.to_string())),
                    _ => {}
                }
            }
            found.push(field("parameters", text));
            found
        }
        _ => vec![field("parameters", text)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hide(text: &[u8], signature: &[u8], size: usize) -> Vec<u8> {
        let length = u32::try_from(text.len() * 8).expect("small");
        let data = [signature, &length.to_be_bytes(), text].concat();
        let mut alpha = vec![254u8; size * size];
        for (i, bit) in data.iter().flat_map(|b| (0..8).rev().map(move |s| b >> s & 1)).enumerate() {
            alpha[(i % size) * size + i / size] |= bit;
        }
        alpha
    }

    #[test]
    fn text_in_the_lowest_bits_of_alpha_is_read_column_by_column() {
        let size = 64usize;
        let rgb = vec![7; size * size * 3];
        let text = br#"{"Software": "NovelAI", "Comment": "{}"}"#;
        let alpha = hide(text, b"stealth_pnginfo", size);
        let side = u32::try_from(size).expect("small");
        let pixels = Pixels { width: side, height: side, rgb: &rgb, alpha: Some(&alpha) };
        let (channels, read) = read(&pixels).expect("found");
        assert_eq!((channels, read.as_bytes()), ("alpha", text.as_slice()));
        let keys: Vec<_> = fields(channels, &read).into_iter().map(|f| f.key).collect();
        assert!(keys.contains(&"png:Software".to_owned()));
    }

    #[test]
    fn a_length_beyond_the_picture_gives_nothing() {
        let size = 16usize;
        let rgb = vec![7; size * size * 3];
        let mut alpha = hide(b"", b"stealth_pngcomp", size);
        for bit in 120..152 {
            alpha[(bit % size) * size + bit / size] |= 1;
        }
        let pixels = Pixels { width: 16, height: 16, rgb: &rgb, alpha: Some(&alpha) };
        assert!(read(&pixels).is_none());
        let empty = Pixels { width: 0, height: 0, rgb: &[], alpha: Some(&[]) };
        assert!(read(&empty).is_none());
        assert!(gunzip(&[0x1f, 0x8b, 8, 255]).is_none());
    }
}
