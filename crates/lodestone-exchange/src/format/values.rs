//! Values as lists spell them, beyond hexadecimal digits.
//!
//! | type | spelling | who writes it |
//! |---|---|---|
//! | SHA-1 | 32 characters of base32 | Arachnid, X-Ways |
//! | PhotoDNA | 288 hexadecimal digits, 192 characters of base64, 144 numbers from 0 to 255 | vendors |
//!
//! Neither is a guess: the type is named, and no other value of that type is spelled so. Thirty-two characters that are
//! hexadecimal digits as well could be an MD5 in the wrong column, and are refused.

use lodestone_types::{Reject, Signal, SignalType};

use super::{reject, signal};

/// Bytes of a PhotoDNA value.
const PHOTODNA_BYTES: usize = 144;

/// A value of a named type in any of its spellings; the reason never repeats it.
pub(super) fn value(kind: SignalType, text: &str, line: u64) -> Result<Signal, Reject> {
    let bytes = match kind {
        SignalType::Sha1 => base32_sha1(text).map(|bytes| bytes.to_vec()),
        SignalType::Photodna => photodna_numbers(text),
        _ => None,
    };
    match bytes.and_then(|bytes| Signal::from_bytes(kind, &bytes)) {
        Some(signal) => Ok(signal),
        None if is_spreadsheet_number(text) => {
            Err(reject(line, format!("not a {kind} value: a spreadsheet has made a number of it")))
        }
        None => signal(kind, text, line),
    }
}

/// A SHA-1 in base32 (RFC 4648, any case).
pub(super) fn base32_sha1(text: &str) -> Option<[u8; 20]> {
    let text = text.trim();
    if text.len() != 32 || text.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let mut out = [0; 20];
    for (digits, bytes) in text.as_bytes().chunks(8).zip(out.chunks_mut(5)) {
        let mut bits = 0u64;
        for c in digits {
            let digit = match c {
                b'A'..=b'Z' => c - b'A',
                b'a'..=b'z' => c - b'a',
                b'2'..=b'7' => c - b'2' + 26,
                _ => return None,
            };
            bits = bits << 5 | u64::from(digit);
        }
        bytes.copy_from_slice(bits.to_be_bytes().get(3..)?);
    }
    Some(out)
}

/// 144 numbers from 0 to 255 with `,`, `;` or blanks between, in brackets or not.
pub(super) fn photodna_numbers(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    // The longest has 144 × 3 digits, with a separator and a blank between.
    if text.len() > PHOTODNA_BYTES * 6 {
        return None;
    }
    let mut out = Vec::new();
    for part in text.split([',', ';']) {
        for word in part.split_ascii_whitespace() {
            if !word.bytes().all(|c| c.is_ascii_digit()) {
                return None;
            }
            out.push(word.parse().ok()?);
        }
    }
    (out.len() == PHOTODNA_BYTES).then_some(out)
}

/// What a spreadsheet makes of a digest of digits only: `1.23457E+31`, with a comma in some countries.
fn is_spreadsheet_number(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.trim().split_once(['E', 'e']) else { return false };
    let Some(exponent) = exponent.strip_prefix('+') else { return false };
    mantissa.len() < 20
        && mantissa.bytes().all(|c| c.is_ascii_digit() || c == b'.' || c == b',')
        && (1..=3).contains(&exponent.len())
        && exponent.bytes().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sha1_in_base32_is_that_in_hexadecimal() {
        // The bytes 0 to 19.
        let read = value(SignalType::Sha1, "aaaqeayeaudaocajbifqydiob4ibceqt", 1).unwrap();
        assert_eq!(read.to_hex(), "000102030405060708090a0b0c0d0e0f10111213");
        assert_eq!(value(SignalType::Sha1, "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT", 1).unwrap(), read);
        for wrong in ["aaaqeayeaudaocajbifqydiob4ibceq", "aaaqeayeaudaocajbifqydiob4ibceq1", &"ab".repeat(16)]
        {
            assert!(value(SignalType::Sha1, wrong, 1).is_err(), "{wrong}");
        }
        assert!(value(SignalType::Md5, "aaaqeayeaudaocajbifqydiob4ibceqt", 1).is_err(), "of no other type");
    }

    #[test]
    fn a_photodna_value_is_the_same_in_every_spelling() {
        use base64::Engine;
        let bytes: Vec<u8> = (0..144).map(|n| n * 91 % 251).map(|n: u32| n as u8).collect();
        let wanted = Signal::from_bytes(SignalType::Photodna, &bytes).unwrap();
        let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
        let base64 = base64::engine::general_purpose::STANDARD.encode(&bytes);
        for text in [
            numbers.join(","),
            format!("[{}]", numbers.join(", ")),
            numbers.join(" "),
            numbers.join(";"),
            base64,
            wanted.to_hex().to_uppercase(),
        ] {
            assert_eq!(value(SignalType::Photodna, &text, 1).unwrap(), wanted, "{text}");
        }
        for wrong in [numbers[1..].join(","), numbers.join(",").replacen("91", "256", 1), "-1,".repeat(144)] {
            assert!(value(SignalType::Photodna, &wrong, 1).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_spreadsheet_has_made_of_a_digest_is_said() {
        for text in ["1.23457E+31", "1,23457E+31"] {
            assert!(value(SignalType::Md5, text, 3).unwrap_err().reason.contains("spreadsheet"), "{text}");
        }
        assert!(!value(SignalType::Md5, &"1e".repeat(15), 3).unwrap_err().reason.contains("spreadsheet"));
    }
}
