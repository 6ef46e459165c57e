//! Bytes to text, and bounded inflation.

use std::borrow::Cow;

/// UTF-8 if valid, else Latin-1; trailing NULs dropped, cut to `limit` bytes.
pub(super) fn decode(data: &[u8], limit: usize) -> Cow<'_, str> {
    let data = data.get(..limit).unwrap_or(data);
    let end = data.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
    let data = data.get(..end).unwrap_or_default();
    match std::str::from_utf8(data) {
        Ok(text) => Cow::Borrowed(text),
        // A character cut at the end: by the limit or with the file.
        Err(e) if e.error_len().is_none() => {
            let whole = data.get(..e.valid_up_to()).unwrap_or_default();
            Cow::Borrowed(std::str::from_utf8(whole).unwrap_or_default())
        }
        Err(_) => Cow::Owned(data.iter().map(|&b| char::from(b)).collect()),
    }
}

/// Inflates a zlib stream to at most `limit` bytes. On a fault, what came before it and a word for the fault.
pub(super) fn inflate(packed: &[u8], limit: usize) -> (Vec<u8>, Option<&'static str>) {
    match miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(packed, limit) {
        Ok(data) => (data, None),
        Err(error) => {
            use miniz_oxide::inflate::TINFLStatus;
            let fault = match error.status {
                TINFLStatus::HasMoreOutput => "unpacks to more than the limit, cut",
                TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => {
                    "compressed data ends early"
                }
                _ => "compressed data is broken",
            };
            (error.output, Some(fault))
        }
    }
}

/// The bytes of an ImageMagick `Raw profile type …` text: a name, a decimal length, then hexadecimal.
pub(super) fn raw_profile(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut words = text.split_ascii_whitespace();
    let _name = words.next()?;
    let length: usize = words.next()?.parse().ok()?;
    let mut out = Vec::new();
    let mut high = None;
    for digit in words.flat_map(str::bytes) {
        let value = char::from(digit).to_digit(16)?;
        let value = u8::try_from(value).ok()?;
        match high.take() {
            None => high = Some(value << 4),
            Some(h) => out.push(h | value),
        }
    }
    out.truncate(length);
    Some(out)
}
