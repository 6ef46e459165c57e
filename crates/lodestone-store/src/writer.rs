//! Writes entries of one import: what is new, what changed, and ids that stay unique.

use lodestone_types::{ListEntry, Reject, RejectKind, Signal, SignalType};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Statement, ToSql, params};

use crate::banks::entry_range;
use crate::changes::Log;
use crate::content_ids::give_ids;
use crate::counts::Counts;
use crate::entries::read_value;
use crate::import::{count_reject, to_i64};
use crate::listed::is_older;
use crate::{ImportReport, ListedReport, LostValues, StoreError};

/// Longest id of an entry, in bytes.
pub(crate) const MAX_ID: usize = 1000;

/// Writes entries, within the import's transaction.
pub(crate) struct Writer<'t> {
    db: &'t Connection,
    bank: i64,
    source: i64,
    source_name: &'t str,
    /// What exchanges list: what members say is told apart, and values that go are noted.
    is_listed: bool,
    lost: Vec<LostValues>,
    generation: i64,
    next_no: i64,
    last_no: i64,
    seen: Seen,
    insert: Statement<'t>,
    select: Statement<'t>,
    update: Statement<'t>,
    update_line: Statement<'t>,
    insert_signal: Statement<'t>,
    select_signals: Statement<'t>,
    delete_signals: Statement<'t>,
    delete_features: Statement<'t>,
    delete_descriptors: Statement<'t>,
    log: Log<'t>,
    counts: Counts<'t>,
}

/// An entry that stands in the bank already.
struct Old {
    no: i64,
    source: i64,
    classification: Option<String>,
    tags: Option<String>,
    quality: Option<i64>,
    extra: Option<String>,
    line: i64,
}

impl<'t> Writer<'t> {
    pub(crate) fn new(
        db: &'t Connection,
        bank: i64,
        source: i64,
        source_name: &'t str,
        generation: u64,
    ) -> Result<Self, StoreError> {
        let (first_no, last_no) = entry_range(bank);
        let next_no = next_no(db, bank)?;
        Ok(Self {
            db,
            bank,
            source,
            source_name,
            is_listed: false,
            lost: Vec::new(),
            generation: to_i64(generation),
            next_no,
            last_no,
            seen: Seen { first_no, new_from: next_no, bits: Vec::new() },
            insert: db.prepare(
                "INSERT INTO entries (no, bank, source, entry, classification, tags, pdq_quality, extra, line,
                                      added_generation)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (bank, entry) DO NOTHING",
            )?,
            select: db.prepare(
                "SELECT no, source, classification, tags, pdq_quality, extra, line FROM entries
                 WHERE bank = ?1 AND entry = ?2",
            )?,
            update: db.prepare(
                "UPDATE entries SET source = ?2, classification = ?3, tags = ?4, pdq_quality = ?5, extra = ?6,
                        line = ?7, added_generation = ?8
                 WHERE no = ?1",
            )?,
            update_line: db.prepare("UPDATE entries SET line = ?2 WHERE no = ?1")?,
            insert_signal: db.prepare("INSERT INTO signals (entry, type, value) VALUES (?1, ?2, ?3)")?,
            select_signals: db
                .prepare("SELECT type, value FROM signals WHERE entry = ?1 ORDER BY type, value")?,
            delete_signals: db.prepare("DELETE FROM signals WHERE entry = ?1")?,
            delete_features: db.prepare("DELETE FROM features WHERE no = ?1")?,
            delete_descriptors: db.prepare("DELETE FROM descriptors WHERE no = ?1")?,
            log: Log::new(db, generation)?,
            counts: Counts::new(db, bank),
        })
    }

    /// For entries that an exchange lists.
    pub(crate) fn listing(mut self) -> Self {
        self.is_listed = true;
        self
    }

    /// What listed entries that stay have no more.
    pub(crate) fn lost(&mut self) -> Vec<LostValues> {
        std::mem::take(&mut self.lost)
    }

    /// Notes what was added; without it nothing may be committed.
    pub(crate) fn finish(mut self) -> Result<(), StoreError> {
        if self.next_no > self.seen.new_from {
            self.log.added(self.seen.new_from, self.next_no - 1)?;
            give_ids(self.db, self.seen.new_from, self.next_no - self.seen.new_from)?;
        }
        self.counts.write()
    }

    pub(crate) fn write(
        &mut self,
        mut entry: ListEntry,
        report: &mut ImportReport,
    ) -> Result<(), StoreError> {
        let reject =
            |reason: &str| Reject { line: entry.line, reason: reason.to_owned(), kind: RejectKind::Row };
        if entry.signals.is_empty() {
            count_reject(report, reject("no value"));
            return Ok(());
        }
        if entry.entry.is_empty() || entry.entry.len() > MAX_ID {
            count_reject(report, reject("the id is empty or longer than 1,000 bytes"));
            return Ok(());
        }
        if self.next_no >= self.last_no {
            return Err(StoreError::Refused { reason: "the bank is full".to_owned() });
        }
        let (tags, extra) = fields(&mut entry)?;
        let mut id = std::mem::take(&mut entry.entry);
        let mut of_source = false;
        let mut of_line = false;
        loop {
            if self.insert_new(&id, &entry, tags.as_deref(), extra.as_deref())? {
                report.added += 1;
                break;
            }
            let old = self.old(&id)?;
            if old.source != self.source && whole_number(&id).is_some() && !of_source && !of_line {
                of_source = true;
                id = format!("{}:{id}", self.source_name);
                continue;
            }
            if self.seen.mark(old.no) {
                if of_line {
                    let reason = "its id comes more than once on this line";
                    count_reject(
                        report,
                        Reject { line: entry.line, reason: reason.to_owned(), kind: RejectKind::Row },
                    );
                    return Ok(());
                }
                of_line = true;
                id = format!("{id}@{}", entry.line);
                continue;
            }
            self.replace(&old, &entry, tags.as_deref(), extra.as_deref(), report)?;
            break;
        }
        report.renamed += u64::from(of_source || of_line);
        Ok(())
    }

    /// Writes an entry of an exchange, by the exchange's own id: one that is held under it is replaced, unless that is
    /// newer. An entry that a person added under the same id stays, and ours gets the name of its source before it.
    pub(crate) fn put_listed(
        &mut self,
        mut entry: ListEntry,
        at_s: Option<i64>,
        report: &mut ListedReport,
    ) -> Result<(), StoreError> {
        if entry.signals.is_empty() || entry.entry.is_empty() || entry.entry.len() > MAX_ID {
            report.refused += 1;
            return Ok(());
        }
        if self.next_no >= self.last_no {
            return Err(StoreError::Refused { reason: "the bank is full".to_owned() });
        }
        let (tags, extra) = fields(&mut entry)?;
        let mut id = std::mem::take(&mut entry.entry);
        let mut of_source = false;
        loop {
            if self.insert_new(&id, &entry, tags.as_deref(), extra.as_deref())? {
                report.added += 1;
                return Ok(());
            }
            let old = self.old(&id)?;
            if old.source != self.source && !of_source {
                of_source = true;
                id = format!("{}:{id}", self.source_name);
                continue;
            }
            if old.source != self.source {
                report.refused += 1;
                return Ok(());
            }
            if is_older(at_s, old.extra.as_deref()) {
                self.update_line.execute(params![old.no, to_i64(entry.line)])?;
                report.stale += 1;
                return Ok(());
            }
            let mut done = ImportReport::default();
            self.replace(&old, &entry, tags.as_deref(), extra.as_deref(), &mut done)?;
            report.updated += done.updated;
            report.unchanged += done.unchanged;
            return Ok(());
        }
    }

    fn old(&mut self, id: &str) -> Result<Old, StoreError> {
        Ok(self.select.query_row(params![self.bank, EntryId(id)], |row| {
            Ok(Old {
                no: row.get(0)?,
                source: row.get(1)?,
                classification: row.get(2)?,
                tags: row.get(3)?,
                quality: row.get(4)?,
                extra: row.get(5)?,
                line: row.get(6)?,
            })
        })?)
    }

    fn replace(
        &mut self,
        old: &Old,
        entry: &ListEntry,
        tags: Option<&str>,
        extra: Option<&str>,
        report: &mut ImportReport,
    ) -> Result<(), StoreError> {
        let same_signals = self.has_signals(old.no, &entry.signals)?;
        let same_fields = old.classification == entry.classification
            && old.tags.as_deref() == tags
            && same_json(old.extra.as_deref(), extra)
            && old.quality == entry.pdq_quality.map(i64::from);
        if same_signals && same_fields {
            if old.line != to_i64(entry.line) {
                // The row moved within its list: no change of what is known.
                self.update_line.execute(params![old.no, to_i64(entry.line)])?;
            }
            report.unchanged += 1;
            return Ok(());
        }
        self.update.execute(params![
            old.no,
            self.source,
            entry.classification,
            tags,
            entry.pdq_quality,
            extra,
            to_i64(entry.line),
            self.generation,
        ])?;
        if self.is_listed && same_signals && !same_json(old.extra.as_deref(), extra) {
            self.log.said(old.no)?;
        }
        if !same_signals {
            let before = self.signals_of(old.no)?;
            self.note_lost(old.no, &before, &entry.signals);
            let pdq = |signals: &[Signal]| -> Vec<u8> {
                let of_type = signals.iter().filter(|signal| signal.kind() == SignalType::Pdq);
                of_type.flat_map(Signal::bytes).copied().collect()
            };
            let pdq_before = pdq(&before);
            self.log.changed(old.no, &pdq_before)?;
            for signal in &before {
                self.counts.add(signal.kind(), -1);
            }
            self.delete_signals.execute([old.no])?;
            let same_file = |one: &Signal| one.kind().is_digest() && entry.signals.contains(one);
            if !before.iter().any(same_file) {
                // The id stands for another file now, and the features were the old one's.
                self.delete_features.execute([old.no])?;
                self.delete_descriptors.execute([old.no])?;
            }
            self.insert_signals(old.no, &entry.signals)?;
        }
        report.updated += 1;
        Ok(())
    }

    /// Notes which kinds of values a listed entry loses.
    fn note_lost(&mut self, no: i64, before: &[Signal], after: &[Signal]) {
        let gone = before.iter().filter(|signal| !after.contains(signal));
        let mut kinds: Vec<SignalType> = gone.map(Signal::kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        if self.is_listed && !kinds.is_empty() {
            self.lost.push(LostValues { entry_no: no, kinds });
        }
    }

    fn has_signals(&mut self, no: i64, signals: &[Signal]) -> Result<bool, StoreError> {
        let mut rows = self.select_signals.query([no])?;
        for signal in signals {
            let Some(row) = rows.next()? else { return Ok(false) };
            let same = row.get_ref(0)?.as_bytes().is_ok_and(|kind| kind == signal.kind().as_str().as_bytes())
                && row.get_ref(1)?.as_bytes().is_ok_and(|value| value == signal.bytes());
            if !same {
                return Ok(false);
            }
        }
        Ok(rows.next()?.is_none())
    }

    fn signals_of(&mut self, no: i64) -> Result<Vec<Signal>, StoreError> {
        let mut rows = self.select_signals.query([no])?;
        let mut signals = Vec::new();
        while let Some(row) = rows.next()? {
            signals.push(read_value(row, 0)?);
        }
        Ok(signals)
    }

    /// Inserts an entry under the next number with its signals; `false` where its id is taken.
    fn insert_new(
        &mut self,
        id: &str,
        entry: &ListEntry,
        tags: Option<&str>,
        extra: Option<&str>,
    ) -> Result<bool, StoreError> {
        let inserted = self.insert.execute(params![
            self.next_no,
            self.bank,
            self.source,
            EntryId(id),
            entry.classification,
            tags,
            entry.pdq_quality,
            extra,
            to_i64(entry.line),
            self.generation,
        ])?;
        if inserted == 1 {
            self.insert_signals(self.next_no, &entry.signals)?;
            self.next_no += 1;
        }
        Ok(inserted == 1)
    }

    fn insert_signals(&mut self, no: i64, signals: &[Signal]) -> Result<(), StoreError> {
        for signal in signals {
            self.counts.add(signal.kind(), 1);
            self.insert_signal.execute(params![no, signal.kind().as_str(), signal.bytes()])?;
        }
        Ok(())
    }
}

/// The number that the next entry of a bank gets. Numbers of entries that were removed are not given again.
pub(crate) fn next_no(db: &Connection, bank: i64) -> Result<i64, StoreError> {
    let (first_no, last_no) = entry_range(bank);
    let newest: Option<i64> = db
        .prepare_cached("SELECT max(no) FROM entries WHERE no BETWEEN ?1 AND ?2")?
        .query_row([first_no, last_no], |row| row.get(0))?;
    let after_removed: i64 =
        db.prepare_cached("SELECT next_no FROM banks WHERE id = ?1")?.query_row([bank], |row| row.get(0))?;
    Ok(newest.map_or(first_no, |no| no.saturating_add(1)).max(after_removed))
}

/// Brings an entry's signals into order, and writes its tags and further fields as they are kept.
fn fields(entry: &mut ListEntry) -> Result<(Option<String>, Option<String>), StoreError> {
    entry.signals.sort_by(|a, b| (a.kind().as_str(), a.bytes()).cmp(&(b.kind().as_str(), b.bytes())));
    entry.signals.dedup();
    let tags = match entry.tags.is_empty() {
        true => None,
        false => Some(serde_json::to_string(&entry.tags).map_err(|error| unwritable(&error))?),
    };
    let extra =
        entry.extra.as_ref().map(serde_json::to_string).transpose().map_err(|error| unwritable(&error))?;
    Ok((tags, extra))
}

/// The same value, however its members are ordered.
fn same_json(a: Option<&str>, b: Option<&str>) -> bool {
    let parse = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    a == b || a.and_then(parse).zip(b.and_then(parse)).is_some_and(|(a, b)| a == b)
}

fn unwritable(error: &serde_json::Error) -> StoreError {
    StoreError::Refused { reason: format!("an entry cannot be written as JSON: {error}") }
}

/// Which entries of the bank this import has met: all new ones, and one bit for each old one.
struct Seen {
    first_no: i64,
    new_from: i64,
    bits: Vec<u64>,
}

impl Seen {
    /// Marks an entry; true when it was marked before.
    fn mark(&mut self, no: i64) -> bool {
        if no >= self.new_from {
            return true;
        }
        let at = usize::try_from(no.saturating_sub(self.first_no)).unwrap_or(0);
        let (word, bit) = (at / 64, 1u64 << (at % 64));
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        let Some(word) = self.bits.get_mut(word) else { return false };
        let before = *word & bit != 0;
        *word |= bit;
        before
    }
}

/// The number an id is, when it is a whole number in its plain spelling.
fn whole_number(id: &str) -> Option<i64> {
    let plain = id.len() <= 18
        && !id.is_empty()
        && id.bytes().all(|c| c.is_ascii_digit())
        && (id.len() == 1 || !id.starts_with('0'));
    if plain { id.parse().ok() } else { None }
}

/// An id as the database holds it: whole numbers as numbers.
pub(crate) struct EntryId<'a>(pub(crate) &'a str);

impl ToSql for EntryId<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match whole_number(self.0) {
            Some(number) => ToSqlOutput::Owned(Value::Integer(number)),
            None => ToSqlOutput::Borrowed(ValueRef::Text(self.0.as_bytes())),
        })
    }
}
