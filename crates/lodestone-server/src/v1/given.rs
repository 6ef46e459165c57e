//! The signals of a request, read from JSON without a tree: what a body makes of itself in memory is bounded by its size.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What stands where a text should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Word {
    /// Nothing, or null.
    #[default]
    None,
    /// A text.
    Text(String),
    /// Something else.
    Other,
}

impl Word {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A signal as it was given: an object, or something else in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    /// `type`, else `signal_type`.
    pub(super) kind: Word,
    /// `value`.
    pub(super) value: Word,
    /// `ref`.
    pub(super) reference: Word,
}

/// The signals, as many as may be; how many more there are is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Signals<const MOST: usize> {
    /// The first of them.
    pub(super) first: Vec<Given>,
    /// Those beyond.
    pub(super) beyond: usize,
}

/// What may stand anywhere and is no object, list or text: passed over.
macro_rules! plain {
    ($($name:ident: $kind:ty),*) => {
        $(fn $name<E>(self, _: $kind) -> Result<Self::Value, E> {
            Ok(<Self::Value>::plain())
        })*
    };
}

trait Plain {
    fn plain() -> Self;
}

impl Plain for Word {
    fn plain() -> Self {
        Self::Other
    }
}

impl Plain for Given {
    fn plain() -> Self {
        Self::default()
    }
}

fn pass_over_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            plain!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);

            fn visit_unit<E>(self) -> Result<Word, E> {
                Ok(Word::None)
            }

            fn visit_str<E>(self, text: &str) -> Result<Word, E> {
                Ok(Word::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Word, E> {
                Ok(Word::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Word, A::Error> {
                pass_over_list(list).map(|()| Word::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Word, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Word::Other)
            }
        }
        input.deserialize_any(Reads)
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Given;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            plain!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

            fn visit_unit<E>(self) -> Result<Given, E> {
                Ok(Given::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Given, A::Error> {
                pass_over_list(list).map(|()| Given::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
                let (mut given, mut other_kind) = (Given::default(), Word::None);
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "type" => given.kind = map.next_value()?,
                        "signal_type" => other_kind = map.next_value()?,
                        "value" => given.value = map.next_value()?,
                        "ref" => given.reference = map.next_value()?,
                        _ => _ = map.next_value::<IgnoredAny>()?,
                    }
                }
                if given.kind.text().is_none() {
                    given.kind = other_kind;
                }
                Ok(given)
            }
        }
        input.deserialize_any(Reads)
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Signals<MOST> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Reads<const MOST: usize>;
        impl<'de, const MOST: usize> Visitor<'de> for Reads<MOST> {
            type Value = Signals<MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of signals")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Signals<MOST>, A::Error> {
                let mut signals = Signals::default();
                while signals.first.len() < MOST {
                    match list.next_element()? {
                        Some(given) => signals.first.push(given),
                        None => return Ok(signals),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    signals.beyond += 1;
                }
                Ok(signals)
            }
        }
        input.deserialize_seq(Reads::<MOST>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Signals<3>, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn signals_are_read_whatever_stands_among_them() {
        let text = |text: &str| Word::Text(text.to_owned());
        let one = read(r#"[{"type":"pdq","value":"aé","ref":"r","x":[{"y":[1,null]}]}]"#).unwrap();
        assert_eq!(one.first, [Given { kind: text("pdq"), value: text("aé"), reference: text("r") }]);
        let odd = read(r#"[{"signal_type":"md5","value":5,"ref":null}, [[{}]], "text"]"#).unwrap();
        let first = Given { kind: text("md5"), value: Word::Other, reference: Word::None };
        assert_eq!(odd.first, [first, Given::default(), Given::default()]);
        assert_eq!(read("[1, null, true, 2.5, {}, []]").unwrap().beyond, 3);
        assert!(read("5").is_err() && read("[{]").is_err());
    }
}
