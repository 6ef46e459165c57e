//! Matching of texts, addresses and queries over texts: the opt-in signal types of HMA that are not pictures.
//!
//! | type | matches when | distance |
//! | --- | --- | --- |
//! | `raw_text` | the normalised texts differ by at most 5 % of the known one's length in edits | `97%` |
//! | `url` | equal | `-` |
//! | `trend_query` | the query holds for a text | `-` |
//! | `text_tlsh` | the TLSH distance without length is at most 30 | `12` |
//!
//! [`TextIndex`] is immutable: an addition makes a new one that shares almost everything with the old, so look-ups go on
//! undisturbed and the next one sees it. Texts are scanned one by one, as in HMA, but three cheap tests come first.
//! *Source:* python-threatexchange `signal_type/raw_text.py`, `url.py`, `trend_query.py`, `extensions/text_tlsh`.

mod edits;
mod index;
mod layers;
mod normalise;
mod raw;
mod tlsh;
mod trend;

pub use index::{TextDistance, TextError, TextIndex};

/// Whether a signal of a kind of text can be matched; for the moment it is added. Only trend queries can fail: their
/// patterns must be regular ones (no look-around, no back-references) of bounded size.
///
/// # Errors
/// [`TextError`].
pub fn check(signal: &lodestone_types::Signal) -> Result<(), TextError> {
    TextIndex::default().with(0, signal).map(|_| ())
}
