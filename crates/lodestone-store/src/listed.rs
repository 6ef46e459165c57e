//! Changes of a list that an exchange keeps: entries come, are replaced and go by the exchange's own ids.
//!
//! What a whole walk through the list has named is marked with the walk's number, in the place where entries of files have
//! their line: when the walk has come to its end, what bears another number is not listed any more. The mark is in the
//! same transaction as the entry, so that a walk that is killed and resumed forgets nothing.
//! Entries that people added to the bank are of another source, and never touched.

use lodestone_types::{ListEntry, SignalType};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::banks::{entry_range, id_of};
use crate::import::{source_of, to_i64};
use crate::read::{list, page};
use crate::writer::{EntryId, Writer};
use crate::{Batch, ListSource, Store, StoreError};

/// Field of `extra` that holds the time of an entry's version by the exchange's clock, seconds since 1970.
const AT_S: &str = "at_s";

/// A change of an exchange's list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedChange {
    /// The exchange's own id of the entry, 1 to 1,000 bytes.
    pub id: String,
    /// When it changed by the exchange's clock, seconds since 1970. One that is older than what is held changes nothing.
    pub at_s: Option<i64>,
    /// What happened.
    pub what: ListedWhat,
}

/// What happened to an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum ListedWhat {
    /// It is listed so; its `entry` and `line` are not read.
    Put(Box<ListEntry>),
    /// It is withdrawn.
    Remove,
}

/// An entry that stays, without some of the values it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostValues {
    /// Its number.
    pub entry_no: i64,
    /// Kinds of the values that it lost, each once. It may have others of the same kind.
    pub kinds: Vec<SignalType>,
}

/// What changes did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedReport {
    /// Entries that are new.
    pub added: u64,
    /// Entries that have other signals or fields than before.
    pub updated: u64,
    /// Entries that were there so.
    pub unchanged: u64,
    /// Entries that went.
    pub removed: u64,
    /// Changes older than what is held.
    pub stale: u64,
    /// Entries that cannot be kept: no signal, or an id that is empty or too long.
    pub refused: u64,
    /// Of those that were updated, the ones that lost values.
    pub lost: Vec<LostValues>,
}

impl ListedReport {
    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.removed += other.removed;
        self.stale += other.stale;
        self.refused += other.refused;
        self.lost.extend(other.lost.iter().cloned());
    }
}

impl Batch<'_> {
    /// Takes changes of a list in, by the exchange's ids; the same changes again change nothing. `walk` marks what they
    /// name. Ids stand once.
    ///
    /// Cost: some 5 µs a new entry, 50 µs one that goes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the bank, [`StoreError::Refused`] of a bank that is full; the database's.
    pub fn take_listed(
        &mut self,
        bank: &str,
        source: &str,
        walk: u32,
        changes: Vec<ListedChange>,
    ) -> Result<ListedReport, StoreError> {
        let mut report = ListedReport::default();
        let bank_id = id_of(self.db()?, bank)?;
        let of_list = ListSource { name: source, sha256: "" };
        let (source_id, _) = source_of(self.db()?, bank_id, of_list, self.now_us())?;
        let mut puts = Vec::new();
        for change in changes {
            match change.what {
                ListedWhat::Put(entry) => puts.push((change.id, change.at_s, entry)),
                ListedWhat::Remove => {
                    let Some((no, extra)) = held(self.db()?, bank_id, (source_id, source), &change.id)?
                    else {
                        continue;
                    };
                    if is_older(change.at_s, extra.as_deref()) {
                        report.stale += 1;
                        continue;
                    }
                    self.remove(bank_id, no)?;
                    report.removed += 1;
                }
            }
        }
        if puts.is_empty() {
            return Ok(report);
        }
        let coming = self.coming_generation()?;
        let db = self.db()?;
        let mut writer = Writer::new(db, bank_id, source_id, source, coming)?.listing();
        for (id, at_s, entry) in puts {
            writer.put_listed(ListEntry { entry: id, line: u64::from(walk), ..*entry }, at_s, &mut report)?;
        }
        report.lost = writer.lost();
        writer.finish()?;
        if report.added > 0 {
            let sql = "UPDATE banks SET entries = entries + ?2, source_sha256 = '' WHERE id = ?1";
            db.prepare_cached(sql)?.execute(params![bank_id, to_i64(report.added)])?;
        }
        if report.added + report.updated > 0 {
            self.touch(bank_id)?;
        }
        Ok(report)
    }

    /// Removes entries of a list that a walk has not named, at most `limit` of them, from number `after` on (at first 0):
    /// how many went, and where to go on; `None`: that was all. Call it when the walk has come to its end.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the bank; the database's.
    pub fn drop_unlisted(
        &mut self,
        bank: &str,
        source: &str,
        walk: u32,
        after: i64,
        limit: usize,
    ) -> Result<(u64, Option<i64>), StoreError> {
        let db = self.db()?;
        let bank_id = id_of(db, bank)?;
        let of_list = ListSource { name: source, sha256: "" };
        let (source_id, _) = source_of(db, bank_id, of_list, self.now_us())?;
        let (first, last) = entry_range(bank_id);
        let from = first.max(after.saturating_add(1));
        let sql = "SELECT no FROM entries WHERE no BETWEEN ?1 AND ?2 AND source = ?3 AND line <> ?4 ORDER BY no LIMIT ?5";
        let gone: Vec<i64> =
            list(db, sql, params![from, last, source_id, i64::from(walk), page(limit)], |row| {
                Ok(row.get(0)?)
            })?;
        for no in &gone {
            self.remove(bank_id, *no)?;
        }
        let next = gone.last().copied().filter(|_| gone.len() as i64 >= page(limit));
        Ok((gone.len() as u64, next))
    }
}

impl Store {
    /// Gives the database 64 MiB of memory for its pages, or 16 MiB as at first: for filling a bank with very many
    /// entries in many steps.
    ///
    /// # Errors
    /// The database's.
    pub fn set_bulk(&mut self, bulk: bool) -> Result<(), StoreError> {
        self.db.pragma_update(None, "cache_size", if bulk { -65_536 } else { -16_384 })?;
        Ok(())
    }
}

/// Number and further fields of an entry of the source, by the exchange's id.
fn held(
    db: &Connection,
    bank: i64,
    (source, name): (i64, &str),
    id: &str,
) -> Result<Option<(i64, Option<String>)>, StoreError> {
    let sql = "SELECT no, extra FROM entries WHERE bank = ?1 AND entry = ?2 AND source = ?3";
    let mut statement = db.prepare_cached(sql)?;
    let mut of = |id: &str| {
        statement
            .query_row(params![bank, EntryId(id), source], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    };
    match of(id)? {
        Some(found) => Ok(Some(found)),
        None => Ok(of(&format!("{name}:{id}"))?),
    }
}

/// Whether a change is older than the entry that is held.
pub(crate) fn is_older(at_s: Option<i64>, extra: Option<&str>) -> bool {
    let (Some(ours), Some(extra)) = (at_s, extra) else { return false };
    let held: Option<Value> = serde_json::from_str(extra).ok();
    held.and_then(|held| held.get(AT_S)?.as_i64()).is_some_and(|held| ours < held)
}

#[cfg(test)]
mod tests {
    use lodestone_types::{BankKind, Signal, SignalType};
    use serde_json::json;

    use super::*;

    fn put(key: u32, at_s: i64) -> ListedChange {
        let signal = Signal::parse(SignalType::Md5, &format!("{key:032x}")).unwrap();
        let extra = Some(json!({ "at_s": at_s }));
        let entry = ListEntry { signals: vec![signal], extra, ..ListEntry::default() };
        ListedChange { id: key.to_string(), at_s: Some(at_s), what: ListedWhat::Put(Box::new(entry)) }
    }

    fn gone(key: u32, at_s: i64) -> ListedChange {
        ListedChange { id: key.to_string(), at_s: Some(at_s), what: ListedWhat::Remove }
    }

    fn with_bank(dir: &std::path::Path) -> Store {
        let mut store = Store::open(dir).unwrap();
        store.create_bank("B", BankKind::KnownReal, 31, "", 1).unwrap();
        store
    }

    fn take(store: &mut Store, walk: u32, changes: Vec<ListedChange>) -> ListedReport {
        store.batch(2, |batch| batch.take_listed("B", "exchange x", walk, changes)).unwrap()
    }

    #[test]
    fn the_same_page_again_changes_nothing_and_an_older_change_undoes_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = with_bank(dir.path());
        let report = take(&mut store, 1, vec![put(1, 5), put(2, 5)]);
        assert_eq!((report.added, store.count("B").unwrap()), (2, 2));
        let before = store.generation().unwrap();
        let again = take(&mut store, 1, vec![put(1, 5), put(2, 5), gone(3, 9)]);
        assert_eq!((again.unchanged, store.generation().unwrap()), (2, before));
        let older = take(&mut store, 1, vec![put(1, 4), gone(2, 4)]);
        assert_eq!((older.stale, store.count("B").unwrap(), store.generation().unwrap()), (2, 2, before));
        let newer = take(&mut store, 1, vec![put(1, 6), gone(2, 6)]);
        assert!(newer.lost.is_empty(), "it has what it had");
        assert_eq!((newer.updated, newer.removed, store.count("B").unwrap()), (1, 1, 1));
        let refused = ListedChange { id: String::new(), ..put(9, 1) };
        assert_eq!(take(&mut store, 1, vec![refused]).refused, 1);
    }

    #[test]
    fn an_entry_that_loses_a_value_is_named_with_the_kind() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = with_bank(dir.path());
        let of = |at_s: i64, signals: Vec<Signal>| {
            let entry = ListEntry { signals, extra: Some(json!({ "at_s": at_s })), ..ListEntry::default() };
            ListedChange { id: "1".into(), at_s: Some(at_s), what: ListedWhat::Put(Box::new(entry)) }
        };
        let md5 = |byte: u8| Signal::from_bytes(SignalType::Md5, &[byte; 16]).unwrap();
        let sha1 = || Signal::from_bytes(SignalType::Sha1, &[9; 20]).unwrap();
        assert!(take(&mut store, 1, vec![of(1, vec![md5(1)])]).lost.is_empty());
        assert!(take(&mut store, 1, vec![of(2, vec![md5(1), sha1()])]).lost.is_empty());
        let report = take(&mut store, 1, vec![of(3, vec![md5(2), sha1()])]);
        let entry_no = store.entry("B", "1").unwrap().unwrap().entry_no;
        assert_eq!(report.lost, [LostValues { entry_no, kinds: vec![SignalType::Md5] }]);
    }

    #[test]
    fn what_a_walk_has_not_named_goes_and_what_people_added_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = with_bank(dir.path());
        let md5 = |key: u32| Signal::parse(SignalType::Md5, &format!("{key:032x}")).unwrap();
        store.add_entry("B", Some("7"), vec![md5(70)], 1).unwrap();
        take(&mut store, 1, (1..=20).map(|key| put(key, 5)).collect());
        assert_eq!(store.count("B").unwrap(), 21);
        assert_eq!(store.entry("B", "7").unwrap().unwrap().row.signals, [md5(70)]);
        assert_eq!(store.entry("B", "exchange x:7").unwrap().unwrap().row.signals, [md5(7)]);
        // Stale news names an entry too.
        take(&mut store, 2, vec![put(3, 4), put(4, 5), put(5, 6), put(7, 5)]);
        let mut after = 0;
        let mut removed = 0;
        loop {
            let (gone, next) =
                store.batch(3, |batch| batch.drop_unlisted("B", "exchange x", 2, after, 3)).unwrap();
            removed += gone;
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!((removed, store.count("B").unwrap()), (16, 5));
        take(&mut store, 2, vec![gone(7, 9)]);
        assert!(
            store.entry("B", "exchange x:7").unwrap().is_none() && store.entry("B", "7").unwrap().is_some()
        );
    }
}
