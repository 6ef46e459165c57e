//! The index of texts.

use std::sync::Arc;

use lodestone_types::{Signal, SignalType};

use super::layers::Layers;
use super::raw::{Question, RawText};
use super::tlsh::{RADIUS, Tlsh};
use super::trend::Trend;

/// How near a match is. It is written as HMA writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextDistance {
    /// Equal, or a query that holds: `-`.
    Same,
    /// Letters to change in a text: `97%` of the known text stay.
    Edits {
        /// Insertions, deletions and replacements of one letter.
        edits: usize,
        /// Letters and digits of the known text.
        letters: usize,
    },
    /// TLSH distance without length: `12`.
    Tlsh(u32),
}

impl std::fmt::Display for TextDistance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Same => f.write_str("-"),
            Self::Edits { edits, letters } => {
                // The same operations in the same order as the reference, since halves are rounded to even.
                let different = (*edits).min(*letters) as f64 / (*letters).max(1) as f64;
                write!(f, "{:.0}%", (1.0 - different) * 100.0)
            }
            Self::Tlsh(distance) => write!(f, "{distance}"),
        }
    }
}

/// Why a signal is not indexed or looked up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// A kind that is not one of text.
    #[error("{0} is no kind of text")]
    NoText(SignalType),
    /// A value that cannot be matched, such as a query with a pattern that is not supported.
    #[error("invalid {kind}: {reason}")]
    Invalid {
        /// Its kind.
        kind: SignalType,
        /// What is wrong.
        reason: String,
    },
}

/// An immutable index of texts, addresses, queries and TLSH digests, each under a key of the caller's. One key may have
/// several. Clones share everything.
#[derive(Clone, Debug)]
pub struct TextIndex {
    texts: Layers<(u64, Arc<RawText>)>,
    urls: Layers<(Arc<str>, u64)>,
    trends: Layers<(u64, Arc<Trend>)>,
    tlsh: Layers<(u64, Tlsh)>,
}

impl Default for TextIndex {
    fn default() -> Self {
        Self {
            texts: Layers::new(|a, b| a.0.cmp(&b.0)),
            urls: Layers::new(Ord::cmp),
            trends: Layers::new(|a, b| a.0.cmp(&b.0)),
            tlsh: Layers::new(|a, b| a.0.cmp(&b.0)),
        }
    }
}

/// Signals made ready, by kind.
#[derive(Default)]
struct Ready {
    texts: Vec<(u64, Arc<RawText>)>,
    urls: Vec<(Arc<str>, u64)>,
    trends: Vec<(u64, Arc<Trend>)>,
    tlsh: Vec<(u64, Tlsh)>,
}

impl Ready {
    fn push(&mut self, key: u64, signal: &Signal) -> Result<(), TextError> {
        let kind = signal.kind();
        let text = signal.text().ok_or(TextError::NoText(kind))?;
        match kind {
            SignalType::RawText => self.texts.push((key, Arc::new(RawText::new(text)))),
            SignalType::Url => self.urls.push((text.into(), key)),
            SignalType::TrendQuery => {
                let trend = Trend::new(text).map_err(|reason| TextError::Invalid { kind, reason })?;
                self.trends.push((key, Arc::new(trend)));
            }
            SignalType::TextTlsh => self.tlsh.push((key, digest(kind, text)?)),
            _ => return Err(TextError::NoText(kind)),
        }
        Ok(())
    }
}

impl TextIndex {
    /// An index of many signals, and those that are not in it, with the reason. Cost: 4 µs for a text of 200 letters, more
    /// for a query.
    pub fn build<'a>(signals: impl IntoIterator<Item = (u64, &'a Signal)>) -> (Self, Vec<(u64, TextError)>) {
        let (mut ready, mut refused) = (Ready::default(), Vec::new());
        for (key, signal) in signals {
            if let Err(error) = ready.push(key, signal) {
                refused.push((key, error));
            }
        }
        (Self::default().grown(ready), refused)
    }

    /// This index and one signal more. Cost: that of the signal, and of copying some pointers.
    ///
    /// # Errors
    /// [`TextError`]: the signal is not one of text, or cannot be matched.
    pub fn with(&self, key: u64, signal: &Signal) -> Result<Self, TextError> {
        let mut ready = Ready::default();
        ready.push(key, signal)?;
        Ok(self.grown(ready))
    }

    /// This index without the signals of a key. Cost: one look at every key, and a copy of the pointers of the parts that
    /// held it.
    pub fn without(&self, key: u64) -> Self {
        Self {
            texts: self.texts.without(|item| item.0 == key),
            urls: self.urls.without(|item| item.1 == key),
            trends: self.trends.without(|item| item.0 == key),
            tlsh: self.tlsh.without(|item| item.0 == key),
        }
    }

    /// Signals of a kind.
    pub fn len(&self, kind: SignalType) -> usize {
        match kind {
            SignalType::RawText => self.texts.len(),
            SignalType::Url => self.urls.len(),
            SignalType::TrendQuery => self.trends.len(),
            SignalType::TextTlsh => self.tlsh.len(),
            _ => 0,
        }
    }

    /// Whether it holds no signal.
    pub fn is_empty(&self) -> bool {
        SignalType::ALL.into_iter().all(|kind| self.len(kind) == 0)
    }

    /// Known signals of the same kind that match, in the order of their keys. A trend query is taken as the text that it
    /// is written as, which is what HMA does; see [`TextIndex::queries_that_hold`] for what one wants.
    /// Cost: logarithmic for addresses, one comparison a known signal for the others: 0.25 µs for texts of 200 letters that
    /// differ. Texts of 20,000 letters that say other things in the same few words can take milliseconds each.
    ///
    /// # Errors
    /// [`TextError::NoText`].
    pub fn search(&self, signal: &Signal) -> Result<Vec<(u64, TextDistance)>, TextError> {
        let kind = signal.kind();
        let text = signal.text().ok_or(TextError::NoText(kind))?;
        let mut found: Vec<(u64, TextDistance)> = match kind {
            SignalType::RawText => {
                let question = Question::new(text);
                let near = |(key, known): &(u64, Arc<RawText>)| {
                    let edits = question.edits(known)?;
                    Some((*key, TextDistance::Edits { edits, letters: known.len() }))
                };
                self.texts.iter().filter_map(near).collect()
            }
            SignalType::Url => {
                let equal = self.urls.equal(|known| known.0.as_ref().cmp(text));
                equal.map(|known| (known.1, TextDistance::Same)).collect()
            }
            SignalType::TrendQuery => {
                return Ok(self
                    .queries_that_hold(text)
                    .into_iter()
                    .map(|key| (key, TextDistance::Same))
                    .collect());
            }
            SignalType::TextTlsh => {
                let question = digest(kind, text)?;
                let distances = self.tlsh.iter().map(|(key, known)| (*key, known.distance(&question)));
                let near = distances.filter(|(_, distance)| *distance <= RADIUS);
                near.map(|(key, distance)| (key, TextDistance::Tlsh(distance))).collect()
            }
            _ => return Err(TextError::NoText(kind)),
        };
        found.sort_by_key(|(key, _)| *key);
        Ok(found)
    }

    /// Keys of the known trend queries that hold for a text, in order. Cost: linear in the text, times the size of the
    /// queries where the text is not ASCII; the caller limits the text.
    pub fn queries_that_hold(&self, text: &str) -> Vec<u64> {
        let mut found: Vec<u64> =
            self.trends.iter().filter(|(_, trend)| trend.holds(text)).map(|(key, _)| *key).collect();
        found.sort_unstable();
        found
    }

    fn grown(&self, ready: Ready) -> Self {
        Self {
            texts: self.texts.with(ready.texts),
            urls: self.urls.with(ready.urls),
            trends: self.trends.with(ready.trends),
            tlsh: self.tlsh.with(ready.tlsh),
        }
    }
}

fn digest(kind: SignalType, text: &str) -> Result<Tlsh, TextError> {
    Tlsh::parse(text).ok_or_else(|| TextError::Invalid { kind, reason: "no TLSH digest".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../../tests/fixtures/raw_text.json");

    fn signal(kind: SignalType, text: &str) -> Signal {
        Signal::parse(kind, text).unwrap()
    }

    #[test]
    fn texts_match_and_their_distance_is_written_as_in_hma() {
        let golden: Vec<(String, String, bool, Option<String>)> = serde_json::from_str(GOLDEN).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for (known, text, _, distance) in golden {
            if known.is_empty() || text.is_empty() {
                continue;
            }
            let index = TextIndex::default().with(7, &signal(SignalType::RawText, &known)).unwrap();
            let found = index.search(&signal(SignalType::RawText, &text)).unwrap();
            let written = found.first().map(|(_, distance)| distance.to_string());
            assert_eq!(written, distance, "{known} {text}");
            seen.extend(written);
        }
        assert!(seen.len() >= 6, "{seen:?}");
    }

    #[test]
    fn an_addition_is_seen_at_once_and_by_the_new_index_only() {
        let texts =
            ["a chart of rainfall over the years", "a chart of rainfall over the year", "http://a/", "tree"];
        let raw: Vec<Signal> = texts.iter().map(|text| signal(SignalType::RawText, text)).collect();
        let (before, refused) = TextIndex::build((0..).zip(&raw));
        assert!(refused.is_empty());
        let query = signal(SignalType::RawText, "A chart of RAINFALL, over the years!");
        let keys = |index: &TextIndex| -> Vec<u64> {
            index.search(&query).unwrap().into_iter().map(|(key, _)| key).collect()
        };
        let after = before.with(3, &raw[0]).unwrap().with(9, &raw[0]).unwrap();
        assert_eq!((keys(&before), keys(&after)), (vec![0, 1], vec![0, 1, 3, 9]));
        assert_eq!(keys(&after.without(0)), [1, 3, 9]);
        assert_eq!(after.without(3).len(SignalType::RawText), 4);
    }

    #[test]
    fn addresses_match_as_they_stand_and_keep_to_their_kind() {
        let url = signal(SignalType::Url, "https://example.org/a");
        let (index, _) =
            TextIndex::build([(5, &url), (4, &url), (6, &signal(SignalType::Url, "https://example.org/A"))]);
        let same = TextDistance::Same;
        assert_eq!(index.search(&url).unwrap(), [(4, same), (5, same)]);
        assert_eq!(index.search(&signal(SignalType::RawText, "https://example.org/a")).unwrap(), []);
        assert_eq!(same.to_string(), "-");
    }

    #[test]
    fn digests_match_within_thirty() {
        let golden: Vec<(String, String, u32)> =
            serde_json::from_str(include_str!("../../tests/fixtures/tlsh.json")).unwrap();
        for (a, b, distance) in golden {
            let index = TextIndex::default().with(1, &signal(SignalType::TextTlsh, &a)).unwrap();
            let found = index.search(&signal(SignalType::TextTlsh, &b)).unwrap();
            let expected = (distance <= 30).then_some((1, TextDistance::Tlsh(distance)));
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn queries_hold_for_texts_and_broken_ones_are_told() {
        let good = signal(SignalType::TrendQuery, r#"{"and":[{"or":["tide"]}],"not":["ebb"]}"#);
        let bad = signal(SignalType::TrendQuery, r#"{"and":[{"or":["regex-(a(?=b))"]}],"not":[]}"#);
        let hash = signal(SignalType::Md5, &"0".repeat(32));
        let (index, refused) = TextIndex::build([(1, &good), (2, &bad), (3, &hash)]);
        assert_eq!(index.queries_that_hold("the tide is high"), [1]);
        assert!(index.queries_that_hold("ebb tide").is_empty());
        assert_eq!(
            index.search(&signal(SignalType::TrendQuery, r#"{"and":[],"not":["tide"]}"#)).unwrap().len(),
            1
        );
        assert!(matches!(
            &refused[..],
            [(2, TextError::Invalid { .. }), (3, TextError::NoText(SignalType::Md5))]
        ));
        assert!(super::super::check(&bad).is_err() && super::super::check(&good).is_ok());
        assert!(index.search(&hash).is_err());
    }
}
