//! Entries of lists given by file, as a match shows them: some twenty bytes each, whatever the list's size.

/// What an answer says of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    /// Place of its bank.
    pub(crate) bank: usize,
    pub(crate) entry: &'a str,
    pub(crate) classification: Option<&'a str>,
}

/// All rows, their texts end to end. A row's number is its place.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Ids; after an id, where there is one, [`SPLIT`] and its classification.
    texts: Vec<u8>,
    ends: Vec<u64>,
    /// The first row of each bank, in the order of banks.
    firsts: Vec<usize>,
}

/// A byte that no text holds.
const SPLIT: u8 = 0xff;

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The rows that follow belong to the next bank.
    pub(crate) fn next_bank(&mut self) {
        self.firsts.push(self.ends.len());
    }

    pub(crate) fn push(&mut self, entry: &str, classification: Option<&str>) {
        self.texts.extend(entry.as_bytes());
        if let Some(classification) = classification {
            self.texts.push(SPLIT);
            self.texts.extend(classification.as_bytes());
        }
        self.ends.push(self.texts.len() as u64);
    }

    /// Place of the bank that a row belongs to.
    pub(crate) fn bank(&self, row: usize) -> Option<usize> {
        self.firsts.partition_point(|first| *first <= row).checked_sub(1)
    }

    pub(crate) fn row(&self, row: usize) -> Option<Row<'_>> {
        let end = usize::try_from(*self.ends.get(row)?).ok()?;
        let start = match row.checked_sub(1) {
            Some(before) => usize::try_from(*self.ends.get(before)?).ok()?,
            None => 0,
        };
        let text = self.texts.get(start..end)?;
        let split = text.iter().position(|byte| *byte == SPLIT);
        let (entry, class) = match split {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        Some(Row {
            bank: self.bank(row)?,
            entry: std::str::from_utf8(entry).ok()?,
            classification: class.and_then(|class| std::str::from_utf8(class).ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_with_their_banks_and_empty_banks_between_change_nothing() {
        let mut rows = Rows::default();
        rows.next_bank();
        rows.next_bank();
        rows.push("a", None);
        rows.push("", Some(""));
        rows.next_bank();
        rows.next_bank();
        rows.push("ü", Some("A1"));
        let row = |n| rows.row(n).unwrap();
        assert_eq!(row(0), Row { bank: 1, entry: "a", classification: None });
        assert_eq!(row(1), Row { bank: 1, entry: "", classification: Some("") });
        assert_eq!(row(2), Row { bank: 3, entry: "ü", classification: Some("A1") });
        assert_eq!(rows.row(3), None);
    }
}
