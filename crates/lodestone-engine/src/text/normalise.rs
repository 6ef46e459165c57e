//! What is compared of a text: its letters and digits, in lower case, without accents.

use icu_normalizer::DecomposingNormalizer;
use icu_properties::CodePointMapData;
use icu_properties::props::{CanonicalCombiningClass, GeneralCategory};

/// Lower case, compatibility decomposition, no combining marks, letters and numbers only. Differs from HMA's in one thing:
/// there, by a slip, a control character 1 also swallows the letter before it.
/// *Source:* python-threatexchange `common.py`, `normalize_string`.
pub(super) fn normalise(text: &str) -> Vec<char> {
    let lower = text.to_lowercase();
    let classes = CodePointMapData::<CanonicalCombiningClass>::new();
    let categories = CodePointMapData::<GeneralCategory>::new();
    let kept = |c: &char| match *c {
        'a'..='z' | '0'..='9' => true,
        '\0'..='\x7f' => false,
        c => {
            classes.get(c) == CanonicalCombiningClass::NotReordered
                && matches!(
                    categories.get(c),
                    GeneralCategory::UppercaseLetter
                        | GeneralCategory::LowercaseLetter
                        | GeneralCategory::TitlecaseLetter
                        | GeneralCategory::ModifierLetter
                        | GeneralCategory::OtherLetter
                        | GeneralCategory::DecimalNumber
                        | GeneralCategory::LetterNumber
                        | GeneralCategory::OtherNumber
                )
        }
    };
    // Decomposition may bring capitals back (`㋿`-like signs): HMA leaves them, so do we.
    let ascii_capital = |c: &char| c.is_ascii_uppercase();
    let nfkd = DecomposingNormalizer::new_nfkd();
    nfkd.normalize_iter(lower.chars()).filter(|c| kept(c) || ascii_capital(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../../tests/fixtures/normalise.json");

    #[test]
    fn texts_are_normalised_as_in_hma() {
        let golden: Vec<(String, String)> = serde_json::from_str(GOLDEN).unwrap();
        assert!(golden.len() > 20);
        for (text, normalised) in golden {
            assert_eq!(normalise(&text).into_iter().collect::<String>(), normalised, "{text}");
        }
    }

    #[test]
    fn control_characters_hide_no_letters() {
        assert_eq!(normalise("a\u{1}b\u{1}c").into_iter().collect::<String>(), "abc");
    }
}
