//! Known messages, as data: `rules/watermarks.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

/// The messages of this build.
pub(super) static MESSAGES: LazyLock<Vec<Message>> = LazyLock::new(|| {
    // Part of the program: a test parses and checks it, and a file that does not parse gives no messages.
    parse(include_str!("../../rules/watermarks.toml")).unwrap_or_default()
});

/// How a message is written into the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Scheme {
    /// `imwatermark/maxDct.py`: the greatest value of each block.
    #[serde(rename = "dwtDct")]
    DwtDct,
    /// `imwatermark/dwtDctSvd.py`: the greatest singular value of each block.
    #[serde(rename = "dwtDctSvd")]
    DwtDctSvd,
}

impl Scheme {
    /// The library's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DwtDct => "dwtDct",
            Self::DwtDctSvd => "dwtDctSvd",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[allow(dead_code)]
    version: u32,
    message: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    bits: String,
    schemes: Vec<Scheme>,
    threshold: f64,
    after_search: f64,
    generator: String,
    #[allow(dead_code)]
    source: String,
}

/// One known message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub(super) name: String,
    /// +1 and -1, in the order the encoder repeats them; 16 to 1024 of them.
    pub(super) signs: Vec<i32>,
    pub(super) schemes: Vec<Scheme>,
    pub(super) threshold: f64,
    pub(super) after_search: f64,
    pub(super) generator: String,
}

fn parse(text: &str) -> Option<Vec<Message>> {
    let file: File = toml::from_str(text).ok()?;
    file.message
        .into_iter()
        .map(|m| {
            let signs: Option<Vec<i32>> = m
                .bits
                .bytes()
                .map(|bit| match bit {
                    b'0' => Some(-1),
                    b'1' => Some(1),
                    _ => None,
                })
                .collect();
            let signs =
                signs.filter(|s| (16..=1024).contains(&s.len()) && s.contains(&1) && s.contains(&-1))?;
            let sane = 0.0 < m.threshold && m.threshold <= m.after_search && m.after_search <= 1.0;
            sane.then_some(Message {
                name: m.name,
                signs,
                schemes: m.schemes,
                threshold: m.threshold,
                after_search: m.after_search,
                generator: m.generator,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_file_parses_and_holds_the_known_messages() {
        let lengths: Vec<_> = MESSAGES.iter().map(|m| (m.name.as_str(), m.signs.len())).collect();
        assert_eq!(lengths, [("StableDiffusionV1", 136), ("SDV2", 32), ("SDXL", 48), ("FLUX", 46)]);
    }

    #[test]
    fn messages_that_are_text_spell_it() {
        for message in MESSAGES.iter().take(2) {
            let bytes: Vec<u8> = message
                .signs
                .chunks(8)
                .map(|byte| byte.iter().fold(0, |n, sign| n << 1 | u8::from(*sign == 1)))
                .collect();
            assert_eq!(String::from_utf8_lossy(&bytes), message.name);
        }
    }

    #[test]
    fn a_message_that_is_no_message_is_refused() {
        let good = r#"version = 1
[[message]]
name = "x"
bits = "0101010101010101"
schemes = ["dwtDct"]
threshold = 0.6
after_search = 0.8
generator = "x"
source = "x""#;
        assert!(parse(good).is_some());
        for (from, to) in [
            ("0101010101010101", "010101010101010"),
            ("0101010101010101", "0101010101010102"),
            ("0101010101010101", "0000000000000000"),
            ("threshold = 0.6", "threshold = 0.9"),
            ("threshold = 0.6", "threshold = nan"),
            ("after_search = 0.8", "after_search = 1.1"),
            ("\"dwtDct\"", "\"dct\""),
            ("name = \"x\"", "name = \"x\"\nother = 1"),
        ] {
            assert!(parse(&good.replace(from, to)).is_none(), "{to}");
        }
    }
}
