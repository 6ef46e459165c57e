//! Which layers look for known pictures inside a questioned one.

use std::str::FromStr;

/// A set of layers. Exact bytes (layer 0) are always compared.
///
/// | layer | compares | needs of what is known |
/// |---|---|---|
/// | 1 | the whole picture's PDQ, turned, mirrored, inverted | a hash list |
/// | 2 | PDQ of regions | a hash list |
/// | 3 | local features | features, made when an entry is banked from its file |
/// | 4 | vectors of the user's own model | the same, and vectors of that model |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers(u8);

impl Layers {
    /// The whole picture only.
    pub const WHOLE: Self = Self(1);
    /// All that need nothing of the user.
    pub const ALL: Self = Self(0b111);

    /// Whether a layer, by its number, is among them.
    pub fn has(self, layer: u8) -> bool {
        (1..=4).contains(&layer) && self.0 & (1 << (layer - 1)) != 0
    }

    /// These and layer 4, whose descriptor the user has to bring.
    pub fn with_descriptor(self) -> Self {
        Self(self.0 | 8)
    }

    /// These but layer 4.
    pub fn without_descriptor(self) -> Self {
        Self(self.0 & !8)
    }

    /// Reads layers where a user may bring a descriptor: 4 is one of them. Everywhere else they are parsed as text.
    ///
    /// # Errors
    /// In words, which is none.
    pub fn parse_with_descriptor(text: &str) -> Result<Self, String> {
        let is_fourth = |word: &&str| word.trim() == "4";
        let others: Vec<&str> = text.split(',').filter(|word| !is_fourth(word)).collect();
        let fourth = others.len() < text.split(',').count();
        match others.is_empty() {
            true => Ok(Self(0).with_descriptor()),
            false => others.join(",").parse().map(|layers: Self| match fourth {
                true => layers.with_descriptor(),
                false => layers,
            }),
        }
    }

    /// Whether parts of pictures are looked at.
    pub fn beyond_whole(self) -> bool {
        self.0 & !1 != 0
    }
}

impl Layers {
    /// From bits, as a store keeps them: bit 0 for layer 1. Layers that this build has not are left out; layer 1 is always
    /// among them.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0 | 1)
    }

    /// As bits.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// All that either has.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Their numbers, rising.
    pub fn numbers(self) -> Vec<u8> {
        (1..=8).filter(|layer| self.has(*layer)).collect()
    }
}

impl Default for Layers {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl std::fmt::Display for Layers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let numbers: Vec<String> = (1..=4).filter(|n| self.has(*n)).map(|n: u8| n.to_string()).collect();
        f.write_str(&numbers.join(","))
    }
}

impl FromStr for Layers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut layers = 0;
        for word in text.split(',') {
            layers |= match word.trim() {
                "1" => 1,
                "2" => 2,
                "3" => 4,
                "4" => {
                    return Err(
                        "layer 4, a user's own descriptor, is looked for by `lodestone match` and `scan` with \
                         --descriptor only; layers are 1, 2 and 3 here"
                            .to_owned(),
                    );
                }
                other => {
                    return Err(format!(
                        "unknown layer {other:?}; layers are 1, 2 and 3, and 4 with a descriptor, joined by commas"
                    ));
                }
            };
        }
        Ok(Self(layers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_a_store_are_layers_and_the_whole_picture_is_always_among_them() {
        assert_eq!(Layers::from_bits(0b110), "1,2,3".parse().unwrap());
        assert_eq!((Layers::from_bits(0), Layers::from_bits(1)), (Layers::WHOLE, Layers::WHOLE));
        assert_eq!(Layers::from_bits(0b101).numbers(), [1, 3]);
        assert_eq!(Layers::from_bits(0b10).and(Layers::from_bits(0b100)).bits(), 0b111);
    }

    #[test]
    fn layers_are_numbers_joined_by_commas_and_nothing_else() {
        let layers: Layers = "3, 1".parse().unwrap();
        assert!(layers.has(1) && !layers.has(2) && layers.has(3) && !layers.has(0) && !layers.has(9));
        assert_eq!(layers.to_string(), "1,3");
        assert_eq!("1,2,3".parse(), Ok(Layers::ALL));
        for bad in ["", "0", "1;2", "1,,2", "4", "all"] {
            assert!(bad.parse::<Layers>().is_err(), "{bad}");
        }
        let with = |text| Layers::parse_with_descriptor(text).map(|layers| layers.to_string());
        assert_eq!(with("1,4"), Ok("1,4".to_owned()));
        assert_eq!(with("4"), Ok("4".to_owned()));
        assert_eq!(with("4, 2"), Ok("2,4".to_owned()));
        assert_eq!(with("1,2"), Ok("1,2".to_owned()));
        for bad in ["", "0,4", "1;4", "4,,1", "5", "44"] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }
}
