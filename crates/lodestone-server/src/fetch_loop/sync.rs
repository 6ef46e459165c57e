//! A bank brought to what a whole list says: what is new is added, what is withdrawn goes, the rest stays untouched.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lodestone_types::{ListEntry, Signal, hex};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::turn::{FetchError, Fetched, STEPS, Step, Turn};

/// What ids of fetched entries begin with, and those of entries that people added do not: `('pdq', '…')`.
const FETCHED: &str = "('";
/// Longest key that is an entry's id, in bytes; a longer one is stood for by its digest.
const MAX_KEY: usize = 1000;

/// A list being taken in. Memory: 40 bytes for each entry of the bank.
pub(super) struct Sync<'t> {
    turn: &'t Turn<'t>,
    /// Entries that the bank has and the list has not named yet: digest of the id, number.
    known: BTreeMap<[u8; 16], i64>,
    steps: Vec<Step>,
    held: i64,
}

impl<'t> Sync<'t> {
    /// Reads what the bank has.
    pub(super) fn open(turn: &'t Turn<'t>) -> Result<Self, FetchError> {
        let bank = turn.exchange.bank.as_str();
        let mut known = BTreeMap::new();
        turn.app.readers.read_now(|store| {
            store.for_each_entry(bank, |entry| {
                if entry.row.entry.starts_with(FETCHED) {
                    known.insert(digest(&entry.row.entry), entry.entry_no);
                }
                Ok::<(), crate::error::ApiError>(())
            })
        })?;
        let held = i64::try_from(known.len()).unwrap_or(i64::MAX);
        Ok(Self { turn, known, steps: Vec::new(), held })
    }

    /// Takes an entry of the list in.
    pub(super) fn take(&mut self, fetched: Fetched) -> Result<(), FetchError> {
        if self.known.remove(&digest(&fetched.entry)).is_some() {
            return Ok(());
        }
        self.push(Step::Add(fetched))
    }

    fn push(&mut self, step: Step) -> Result<(), FetchError> {
        self.steps.push(step);
        if self.steps.len() >= STEPS {
            let (steps, held) = (std::mem::take(&mut self.steps), self.held);
            let counts = self.turn.apply(steps, move |state, counts| {
                state.fetched_items = held + counts.added - counts.removed;
            })?;
            self.held += counts.added - counts.removed;
        }
        Ok(())
    }

    /// The list was read to its end without a fault: what it did not name goes.
    pub(super) fn finish(mut self, checkpoint: Value, checkpoint_ts: Option<i64>) -> Result<(), FetchError> {
        for entry_no in std::mem::take(&mut self.known).into_values() {
            self.push(Step::RemoveNo(entry_no))?;
        }
        let held = self.held;
        self.turn.complete(self.steps, true, move |state, counts| {
            state.fetched_items = held + counts.added - counts.removed;
            state.checkpoint = Some(checkpoint);
            state.checkpoint_ts = checkpoint_ts;
        })
    }

    /// The time is up before the end: what was read stays, nothing goes.
    pub(super) fn interrupt(self) -> Result<(), FetchError> {
        let held = self.held;
        self.turn.complete(self.steps, false, move |state, counts| {
            state.fetched_items = held + counts.added - counts.removed;
            state.checkpoint = None;
        })
    }
}

/// An entry of one signal, named as HMA names it: the text of Python's tuple of type and value.
pub(super) fn of_signal(signal: Signal) -> Fetched {
    let key = format!("({}, {})", python_text(signal.kind().as_str()), python_text(&signal.to_text()));
    Fetched { entry: entry_id(&key), key, signals: vec![signal], ..Fetched::default() }
}

/// A row of a list. One with more than a signal is named by all it says: when that changes, it is another entry.
pub(super) fn of_row(row: ListEntry) -> Fetched {
    let bare = row.classification.is_none()
        && row.tags.is_empty()
        && row.pdq_quality.is_none()
        && row.extra.is_none();
    let mut signals = row.signals;
    signals.sort();
    signals.dedup();
    if bare && let [signal] = signals.as_slice() {
        return of_signal(signal.clone());
    }
    let values: Vec<_> = signals.iter().map(|signal| (signal.kind().as_str(), signal.to_text())).collect();
    let all = json!([values, row.classification, row.tags, row.pdq_quality, row.extra]);
    let key = format!("('entry', '{}')", hex::encode(&Sha256::digest(all.to_string())));
    Fetched {
        entry: key.clone(),
        key,
        signals,
        classification: row.classification,
        tags: row.tags,
        pdq_quality: row.pdq_quality,
        extra: row.extra,
    }
}

fn entry_id(key: &str) -> String {
    match key.len() <= MAX_KEY {
        true => key.to_owned(),
        false => format!("('sha256', '{}')", hex::encode(&Sha256::digest(key))),
    }
}

fn digest(id: &str) -> [u8; 16] {
    Sha256::digest(id).first_chunk().copied().unwrap_or_default()
}

/// A text as Python's `repr` writes it.
fn python_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if c < ' ' || c == '\x7f' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use lodestone_types::SignalType;

    use super::*;

    fn md5(text: &str) -> Signal {
        Signal::parse(SignalType::VideoMd5, text).unwrap()
    }

    #[test]
    fn texts_are_written_as_python_writes_them() {
        for (text, python) in [
            ("plain", "'plain'"),
            ("it's", "\"it's\""),
            ("it's \"so\"", "'it\\'s \"so\"'"),
            ("a\\b\n\t\x01\x7f", "'a\\\\b\\n\\t\\x01\\x7f'"),
            ("\u{fc}", "'\u{fc}'"),
        ] {
            assert_eq!(python_text(text), python);
        }
    }

    #[test]
    fn entries_are_named_by_what_they_say() {
        let one = md5("cab08b36195edb1a1231d2d09fa450e0");
        let bare =
            of_row(ListEntry { entry: "7".to_owned(), signals: vec![one.clone()], ..ListEntry::default() });
        assert_eq!(bare.key, "('video_md5', 'cab08b36195edb1a1231d2d09fa450e0')");
        assert_eq!((bare.entry.as_str(), &bare), (bare.key.as_str(), &of_signal(one.clone())));
        let two = vec![one, md5("00000000000000000000000000000001")];
        let row = ListEntry { signals: two, classification: Some("1".to_owned()), ..ListEntry::default() };
        let named = of_row(row.clone());
        let turned =
            ListEntry { signals: row.signals.iter().rev().cloned().collect(), line: 9, ..row.clone() };
        assert_eq!(named, of_row(turned), "neither order nor line matters");
        assert_ne!(named.entry, of_row(ListEntry { classification: Some("2".to_owned()), ..row }).entry);
        assert!(named.entry.starts_with(FETCHED) && bare.entry.starts_with(FETCHED));
    }

    #[test]
    fn a_long_text_is_named_by_its_digest() {
        let text = Signal::parse(SignalType::RawText, &"word ".repeat(1000)).unwrap();
        let fetched = of_signal(text);
        assert!(
            fetched.entry.len() < 100
                && fetched.entry.starts_with("('sha256', '")
                && fetched.key.len() > 4000
        );
    }
}
