//! Hexadecimal text of fixed-size values, and serde adapters for it.

/// Lower-case hexadecimal of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::new();
    text.reserve_exact(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)] as char);
        text.push(DIGITS[usize::from(byte & 15)] as char);
    }
    text
}

/// Bytes of hexadecimal `text` of exactly `2 * N` digits, upper or lower case; `None` for anything else.
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        b'A'..=b'F' => Some(c - b'A' + 10),
        _ => None,
    }
}

/// `#[serde(with = "hex::array")]` for `[u8; N]`.
pub mod array {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes the array as lower-case hexadecimal.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&super::encode(bytes))
    }

    /// Reads exactly `2 * N` hexadecimal digits.
    ///
    /// # Errors
    /// If the text has another length or another character.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(input: D) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(input)?;
        super::decode(&text).ok_or_else(|| D::Error::custom(format!("expected {} hexadecimal digits", 2 * N)))
    }
}

/// `#[serde(with = "hex::arrays")]` for `Vec<[u8; N]>`.
pub mod arrays {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes each array as lower-case hexadecimal.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer, const N: usize>(list: &[[u8; N]], out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(list.iter().map(|bytes| super::encode(bytes)))
    }

    /// Reads a list of texts of exactly `2 * N` hexadecimal digits.
    ///
    /// # Errors
    /// If any text has another length or another character.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        input: D,
    ) -> Result<Vec<[u8; N]>, D::Error> {
        Vec::<String>::deserialize(input)?
            .iter()
            .map(|text| {
                super::decode(text)
                    .ok_or_else(|| D::Error::custom(format!("expected {} hexadecimal digits", 2 * N)))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_round_trips_and_refuses_other_text() {
        assert_eq!(encode(&[0x0a, 0xff]), "0aff");
        assert_eq!(decode::<2>("0AfF"), Some([0x0a, 0xff]));
        assert_eq!(decode::<2>("0aff0"), None);
        assert_eq!(decode::<2>("0agf"), None);
        assert_eq!(decode::<2>("0a\u{e9}"), None);
    }
}
