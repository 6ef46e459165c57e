//! Texts that are nearly the same.

use super::edits::edits_within;
use super::normalise::normalise;

/// Letters in a row that are counted together.
const GRAM: usize = 3;
/// Fewest and most counts of a text.
const LEAST: usize = 64;
const MOST: usize = 4096;

/// A text made ready for comparison: its letters, and how often each group of three of them comes. Memory: five bytes a
/// letter.
#[derive(Debug)]
pub(super) struct RawText {
    written: Box<str>,
    letters: Box<[char]>,
    /// Counts of groups by their hash, each at most 255; a power of two, about one for each letter.
    grams: Box<[u8]>,
}

impl RawText {
    pub(super) fn new(written: &str) -> Self {
        let letters = normalise(written);
        let grams = counted(&letters, letters.len().next_power_of_two().clamp(LEAST, MOST));
        Self { written: written.into(), letters: letters.into(), grams: grams.into() }
    }

    /// Letters that are compared.
    pub(super) fn len(&self) -> usize {
        self.letters.len()
    }
}

/// A questioned text, with its groups counted once for every size that a known one may have.
pub(super) struct Question {
    text: RawText,
    /// By size: 64, 128 … 4096.
    grams: Vec<Vec<u8>>,
}

impl Question {
    pub(super) fn new(written: &str) -> Self {
        let text = RawText::new(written);
        let sizes = (LEAST.ilog2()..=MOST.ilog2()).map(|bits| 1 << bits);
        let grams = sizes.map(|size| counted(&text.letters, size)).collect();
        Self { text, grams }
    }

    /// Edits between this text and a known one, if they are at most 5 % of the known one's letters. Two texts without
    /// letters are alike only if they are written alike: in HMA they all are.
    pub(super) fn edits(&self, known: &RawText) -> Option<usize> {
        let limit = known.len() / 20;
        if known.len() == 0 || self.text.len() == 0 {
            return (known.written == self.text.written).then_some(0);
        }
        if known.len().abs_diff(self.text.len()) > limit {
            return None;
        }
        if limit == 0 {
            return (known.letters == self.text.letters).then_some(0);
        }
        let size = known.grams.len().ilog2().saturating_sub(LEAST.ilog2());
        let ours = self.grams.get(size as usize)?;
        if missing(&known.grams, ours) > GRAM * limit {
            return None;
        }
        edits_within(&known.letters, &self.text.letters, limit)
    }
}

/// Groups of `known` that `ours` lacks: each edit takes away three at most. Counts that stop at 255 make it smaller,
/// never larger. *Source:* E. Ukkonen, "Approximate string-matching with q-grams", 1992.
fn missing(known: &[u8], ours: &[u8]) -> usize {
    // In blocks, which fit 16 bits and run over vectors.
    let blocks = known.chunks(64).zip(ours.chunks(64));
    let sum = |known: &[u8], ours: &[u8]| -> u16 {
        known.iter().zip(ours).map(|(known, ours)| u16::from(known.saturating_sub(*ours))).sum()
    };
    blocks.map(|(known, ours)| usize::from(sum(known, ours))).sum()
}

/// How often each group comes, by `size` hashes of groups; a power of two.
fn counted(letters: &[char], size: usize) -> Vec<u8> {
    let mut counts = vec![0u8; size];
    for three in letters.windows(GRAM) {
        let count = &mut counts[hash(three) & (size - 1)];
        *count = count.saturating_add(1);
    }
    counts
}

fn hash(letters: &[char]) -> usize {
    let mixed = letters
        .iter()
        .fold(0u32, |hash, letter| (hash ^ u32::from(*letter)).wrapping_mul(0x9e37_79b1).rotate_left(13));
    (mixed >> 7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_count_of_groups_rejects_no_text_that_is_near(a in "[ab ]{20,400}", edits in prop::collection::vec((any::<prop::sample::Index>(), "[abc]?"), 0..8)) {
            let mut b: Vec<char> = a.chars().collect();
            for (at, put) in &edits {
                let at = at.index(b.len().max(1));
                let end = (at + 1).min(b.len());
                b.splice(at..end, put.chars());
            }
            let (known, question) = (RawText::new(&a), Question::new(&b.iter().collect::<String>()));
            let plain = edits_within(&known.letters, &question.text.letters, known.len() / 20);
            prop_assume!(known.len() > 0 && question.text.len() > 0);
            prop_assert_eq!(question.edits(&known), plain);
        }
    }

    #[test]
    fn texts_without_letters_are_alike_only_if_written_alike() {
        assert_eq!(Question::new("!!!").edits(&RawText::new("???")), None);
        assert_eq!(Question::new("🎉").edits(&RawText::new("🎉")), Some(0));
        assert_eq!(Question::new("a").edits(&RawText::new("🎉")), None);
    }
}
