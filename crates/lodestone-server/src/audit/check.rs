//! Checking the audit log offline: the tree and its signatures, and that the rows of the store are what it speaks of.

use std::path::Path;

use lodestone_store::{AuditEntry, Store};
use lodestone_tlog::{Expected, Folder, Hash, Report, VerifierKey, key_file, open_commitment, verify};
use lodestone_types::hex;
use serde_json::Value;

use super::keeper::{AuditError, FOLDER, KEY_FILE};

/// Problems of rows that are kept; all are counted.
const KEPT: usize = 100;

/// What checking a data folder found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Of the log itself.
    pub log: Report,
    /// Entries whose row has the words that the log speaks of.
    pub opened: u64,
    /// Entries whose words were erased.
    pub erased: u64,
    /// Entries that the store has no row of: it was restored from an older copy.
    pub without_row: u64,
    /// Rows that are not in the log yet.
    pub waiting: u64,
    /// Rows that are not what the log speaks of, at most 100 of them.
    pub wrong_rows: Vec<String>,
    /// All of those.
    pub wrong_total: u64,
}

impl Checked {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.log.is_whole() && self.wrong_total == 0
    }

    fn wrong(&mut self, what: String) {
        self.wrong_total += 1;
        if self.wrong_rows.len() < KEPT {
            self.wrong_rows.push(what);
        }
    }
}

/// Whether an entry's words are there and what the log speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyState {
    /// They are.
    Opens,
    /// They were erased.
    Erased,
    /// They are others.
    Differs,
}

impl BodyState {
    /// Of a row.
    pub fn of(row: &AuditEntry) -> Self {
        match (&row.salt, &row.body) {
            (Some(salt), Some(body)) if opens(&row.leaf, salt, body) => Self::Opens,
            (None, None) => Self::Erased,
            _ => Self::Differs,
        }
    }

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opens => "opens",
            Self::Erased => "erased",
            Self::Differs => "differs",
        }
    }
}

/// Whether salt and body are what a leaf commits to.
pub fn opens(leaf: &[u8], salt: &[u8], body: &str) -> bool {
    let Ok(leaf) = serde_json::from_slice::<Value>(leaf) else { return false };
    let commit: Option<Hash> = leaf.get("commit").and_then(Value::as_str).and_then(hex::decode);
    match (commit, <&[u8; 32]>::try_from(salt)) {
        (Some(commit), Ok(salt)) => open_commitment(&commit, salt, body.as_bytes()),
        _ => false,
    }
}

/// Checks the log of a data folder against the store's rows, also while a server runs. `keys` are those that verify it;
/// without one, the folder's own, which whoever changed the log could have changed too. `older` is a signed checkpoint from
/// before, kept elsewhere.
///
/// Cost: reads the log and the rows once.
///
/// # Errors
/// [`AuditError`] where the key or the store cannot be read; whatever is wrong with the log is in the result.
pub fn check(data: &Path, keys: &[VerifierKey], older: Option<&[u8]>) -> Result<Checked, AuditError> {
    let own;
    let keys = if keys.is_empty() {
        own = [key_file::load(&data.join(KEY_FILE))?.verifier().clone()];
        &own
    } else {
        keys
    };
    let store = Store::open_read_only(data)?;
    // Rows before entries: whatever a row says is in the log has to be there.
    store.hold()?;
    let known = u64::try_from(store.audit_logged_size()?).unwrap_or(0);
    let mut checked = Checked::default();
    let mut failed = None;
    let mut read = 0;
    let report = verify(
        &Folder::for_reading(&data.join(FOLDER)),
        &Expected { keys, older },
        |index, entry| {
            read = index + 1;
            if failed.is_none()
                && let Err(error) = row(&store, index, entry, known, &mut checked)
            {
                failed = Some(error);
            }
        },
    );
    checked.log = report;
    if let Some(error) = failed {
        return Err(error);
    }
    if checked.log.checkpoint.is_some() && read < known {
        checked.wrong(format!("the store knows of {known} entries, the log has {read}"));
    }
    let mut after = 0;
    while let Some(last) = {
        let page = store.audit_entries(after, 10_000)?;
        checked.waiting += page.iter().filter(|row| row.log_index.is_none()).count() as u64;
        page.last().map(|row| row.no)
    } {
        after = last;
    }
    Ok(checked)
}

/// Compares an entry with its row.
fn row(
    store: &Store,
    index: u64,
    entry: &[u8],
    known: u64,
    checked: &mut Checked,
) -> Result<(), AuditError> {
    match store.audit_at(i64::try_from(index).unwrap_or(i64::MAX))? {
        // Beyond: appended since the rows were read, or to be found at the next start.
        None if index >= known => {}
        None => checked.without_row += 1,
        Some(row) if row.leaf != entry => checked.wrong(format!("entry {index}: its row in the store is another")),
        Some(row) => match BodyState::of(&row) {
            BodyState::Opens => checked.opened += 1,
            BodyState::Erased => checked.erased += 1,
            BodyState::Differs => {
                checked.wrong(format!("entry {index}: the words in the store are not those it commits to"));
            }
        },
    }
    Ok(())
}

/// One entry, for people.
#[derive(Debug)]
pub struct Shown {
    /// The entry as it stands in the log.
    pub leaf: String,
    /// Whether its words are what it commits to.
    pub body_state: BodyState,
    /// The words.
    pub body: Option<Value>,
}

/// The entry at a place of the log of a data folder; `None` where the store has none.
///
/// # Errors
/// The store's.
pub fn show(data: &Path, index: u64) -> Result<Option<Shown>, AuditError> {
    let store = Store::open_read_only(data)?;
    let row = store.audit_at(i64::try_from(index).unwrap_or(i64::MAX))?;
    Ok(row.map(|row| Shown {
        leaf: String::from_utf8_lossy(&row.leaf).into_owned(),
        body_state: BodyState::of(&row),
        body: row.body.as_deref().and_then(|body| serde_json::from_str(body).ok()),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::{Keeper, note};
    use super::*;
    use crate::auth::Caller;
    use lodestone_store::StoreError;
    use serde_json::json;

    /// A folder with three logged entries.
    fn made(dir: &Path) -> Store {
        let mut store = Store::open(dir).unwrap();
        let mut keeper = Keeper::open(dir, &mut store, None, 1).unwrap();
        let caller = Caller { key: "k".into() };
        let work = |batch: &mut lodestone_store::Batch<'_>| -> Result<(), StoreError> {
            for at in 0..3 {
                assert!(note(batch, &caller, "bank.create", &json!({ "at": at })).is_ok());
            }
            Ok(())
        };
        store.batch(1, work).unwrap();
        let rows = store.audit_pending(9).unwrap();
        let first = keeper.append(&rows).unwrap();
        store.batch(1, |batch| batch.audit_logged(rows[0].no, first as i64, 3)).unwrap();
        store
    }

    #[test]
    fn erased_words_leave_the_log_whole_and_it_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = made(dir.path());
        let no = store.audit_at(1).unwrap().unwrap().no;
        assert_eq!(show(dir.path(), 1).unwrap().unwrap().body, Some(json!({ "at": 1 })));
        store.batch(2, |batch| batch.audit_erase_body(no)).unwrap();
        let checked = check(dir.path(), &[], None).unwrap();
        assert!(checked.is_whole(), "{checked:?}");
        assert_eq!((checked.opened, checked.erased, checked.without_row), (2, 1, 0));
        let shown = show(dir.path(), 1).unwrap().unwrap();
        assert_eq!((shown.body_state, shown.body), (BodyState::Erased, None));
        assert!(show(dir.path(), 3).unwrap().is_none());
    }

    #[test]
    fn changed_words_and_a_changed_log_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = made(dir.path());
        let older = std::fs::read(dir.path().join("audit/checkpoint")).unwrap();
        assert!(check(dir.path(), &[], Some(&older)).unwrap().is_whole());
        // A row of other words, at the place of one that was in the log.
        store.batch(2, |batch| batch.add_audit(b"{\"v\":1}", &[1; 32], "{}")).unwrap();
        store.batch(2, |batch| batch.audit_logged(4, 3, 1)).unwrap();
        let checked = check(dir.path(), &[], None).unwrap();
        assert!(!checked.is_whole() && checked.log.is_whole() && checked.wrong_total == 1, "{checked:?}");
        let bundle = dir.path().join("audit/tile/entries/000.p/3");
        let mut bytes = std::fs::read(&bundle).unwrap();
        let at = bytes.iter().position(|byte| *byte == b'k').unwrap();
        bytes[at] = b'K';
        std::fs::write(&bundle, bytes).unwrap();
        assert!(!check(dir.path(), &[], None).unwrap().log.is_whole());
    }
}
