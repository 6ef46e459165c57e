//! Importing a list into a bank: idempotent, all or nothing, in one transaction.

use lodestone_types::{ListEntry, Reject, RejectKind, Signal};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Statement, ToSql, TransactionBehavior, params};

use crate::banks::{entry_range, id_of};
use crate::{Store, StoreError};

/// Rejects kept with their lines; all are counted.
pub const MAX_KEPT_REJECTS: usize = 1000;

/// Longest id of an entry, in bytes.
const MAX_ID: usize = 1000;

/// Where a list comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListSource<'a> {
    /// Name of the file or exchange. Not a path.
    pub name: &'a str,
    /// SHA-256 of the file in hexadecimal; empty when there is none. The same content under another name is known
    /// again by it.
    pub sha256: &'a str,
}

/// How to import.
#[derive(Default)]
pub struct ImportOptions<'a> {
    /// Rejected rows that are put up with; with one more, nothing is imported.
    pub max_rejects: u64,
    /// Now, microseconds since 1970 UTC.
    pub now_us: i64,
    /// Called with the rows read so far, every 10,000.
    pub on_progress: Option<&'a mut dyn FnMut(u64)>,
}

impl std::fmt::Debug for ImportOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImportOptions").field("max_rejects", &self.max_rejects).finish_non_exhaustive()
    }
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Entries that are new.
    pub added: u64,
    /// Entries whose signals or fields changed.
    pub updated: u64,
    /// Entries that were there already.
    pub unchanged: u64,
    /// Entries whose id was taken in the same bank by another row, and got a longer one (see [`Store::import`]).
    pub renamed: u64,
    /// The first [`MAX_KEPT_REJECTS`] rejected rows.
    pub rejected: Vec<Reject>,
    /// All rejected rows.
    pub rejected_total: u64,
    /// Rows that hold nothing but digests of empty files or hashes of zeros.
    pub ignored_empty_file_hashes: u64,
    /// Generation of the store after the import; the one before when nothing changed.
    pub generation: u64,
}

impl Store {
    /// Imports a list into a bank. The same list again changes nothing, not even the generation. An entry that comes
    /// again with other signals or fields replaces the old one. Entries that no longer come stay: a list that shrank
    /// goes into a new bank.
    ///
    /// Ids stay unique in the bank, and no row is lost to that: the second row with the same id in one list becomes
    /// `id@LINE`; a whole number (a line number, a MediaID) that another source has given already becomes
    /// `SOURCE:number`, since such numbers only mean something within their own list.
    ///
    /// Cost: about 3 µs and 150 bytes on disk an entry.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] with more rejects than allowed and [`StoreError::BadList`] for a list that breaks off:
    /// the store is as before. [`StoreError::NotFound`], [`StoreError::Full`] and the others likewise.
    pub fn import(
        &mut self,
        bank: &str,
        source: ListSource<'_>,
        rows: impl IntoIterator<Item = Result<ListEntry, Reject>>,
        options: ImportOptions<'_>,
    ) -> Result<ImportReport, StoreError> {
        self.import_fed(bank, source, options, |take| {
            for row in rows {
                if !take(row) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Likewise from a source that hands its rows over, such as [`crate::nsrl_rds3::read`]: `feed` calls its argument
    /// for every row, until it returns false.
    ///
    /// # Errors
    /// As [`Store::import`], and whatever `feed` returns.
    pub fn import_fed(
        &mut self,
        bank: &str,
        source: ListSource<'_>,
        mut options: ImportOptions<'_>,
        feed: impl FnOnce(&mut dyn FnMut(Result<ListEntry, Reject>) -> bool) -> Result<(), StoreError>,
    ) -> Result<ImportReport, StoreError> {
        let before = self.generation()?;
        // 64 MiB of pages: an import writes each page once, not many times.
        self.db.pragma_update(None, "cache_size", -65_536)?;
        let result = import_in_transaction(&mut self.db, bank, source, &mut options, before, feed);
        self.db.pragma_update(None, "cache_size", -16_384)?;
        if result.as_ref().is_ok_and(|report| report.added + report.updated > 100_000) {
            // Move a big log into the database now, not at the next small write. It can wait when readers are busy.
            self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).ok();
        }
        result
    }
}

fn import_in_transaction(
    db: &mut Connection,
    bank: &str,
    source: ListSource<'_>,
    options: &mut ImportOptions<'_>,
    before: u64,
    feed: impl FnOnce(&mut dyn FnMut(Result<ListEntry, Reject>) -> bool) -> Result<(), StoreError>,
) -> Result<ImportReport, StoreError> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let bank_id = id_of(&transaction, bank)?;
    let (source_id, source_name) = source_of(&transaction, bank_id, source, options.now_us)?;
    let mut report = ImportReport { generation: before, ..ImportReport::default() };
    let mut broken: Option<StoreError> = None;
    {
        let mut writer =
            Writer::new(&transaction, bank_id, source_id, &source_name, before.saturating_add(1))?;
        let mut rows = 0u64;
        feed(&mut |row| {
            rows += 1;
            if rows.is_multiple_of(10_000)
                && let Some(progress) = options.on_progress.as_mut()
            {
                progress(rows);
            }
            // Past the allowed rejects the rest is only counted.
            let result = match row {
                Ok(entry) if report.rejected_total <= options.max_rejects => writer.write(entry, &mut report),
                Ok(_) => Ok(()),
                Err(reject) if reject.kind == RejectKind::Fatal => {
                    Err(StoreError::BadList { line: reject.line, reason: reject.reason })
                }
                Err(reject) => {
                    count_reject(&mut report, reject);
                    Ok(())
                }
            };
            broken = result.err();
            broken.is_none()
        })?;
    }
    if let Some(error) = broken {
        return Err(error);
    }
    if report.rejected_total > options.max_rejects {
        return Err(StoreError::Rejected { report: Box::new(report), allowed: options.max_rejects });
    }
    let changed = report.added + report.updated > 0;
    transaction.execute(
        "UPDATE banks SET version_number = version_number + ?2, source_sha256 = ?3, entries = entries + ?4,
                source = CASE source WHEN '' THEN ?5 ELSE source END
         WHERE id = ?1",
        params![bank_id, changed, source.sha256, to_i64(report.added), source.name],
    )?;
    if changed {
        report.generation = crate::open::next_generation(&transaction)?;
    }
    transaction.commit()?;
    Ok(report)
}

fn count_reject(report: &mut ImportReport, reject: Reject) {
    if reject.kind == RejectKind::Ignored {
        report.ignored_empty_file_hashes += 1;
        return;
    }
    report.rejected_total += 1;
    if report.rejected.len() < MAX_KEPT_REJECTS {
        report.rejected.push(reject);
    }
}

/// Number and name of a source of the bank: the one of this name, else the one of this content, else a new one.
fn source_of(
    db: &Connection,
    bank: i64,
    source: ListSource<'_>,
    now_us: i64,
) -> Result<(i64, String), StoreError> {
    let known = db
        .query_row(
            "SELECT id, name FROM sources
             WHERE bank = ?1 AND (name = ?2 OR (sha256 = ?3 AND ?3 <> ''))
             ORDER BY sha256 = ?3 DESC, name = ?2 DESC, id LIMIT 1",
            params![bank, source.name, source.sha256],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    if let Some((id, name)) = known {
        db.execute(
            "UPDATE sources SET sha256 = ?2, imported_us = ?3 WHERE id = ?1",
            params![id, source.sha256, now_us],
        )?;
        return Ok((id, name));
    }
    db.execute(
        "INSERT INTO sources (bank, name, sha256, imported_us) VALUES (?1, ?2, ?3, ?4)",
        params![bank, source.name, source.sha256, now_us],
    )?;
    Ok((db.last_insert_rowid(), source.name.to_owned()))
}

/// Writes entries, within the import's transaction.
struct Writer<'t> {
    bank: i64,
    source: i64,
    source_name: &'t str,
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
    fn new(
        db: &'t Connection,
        bank: i64,
        source: i64,
        source_name: &'t str,
        generation: u64,
    ) -> Result<Self, StoreError> {
        let (first_no, last_no) = entry_range(bank);
        let newest: Option<i64> = db.query_row(
            "SELECT max(no) FROM entries WHERE no BETWEEN ?1 AND ?2",
            [first_no, last_no],
            |row| row.get(0),
        )?;
        let next_no = newest.map_or(first_no, |no| no.saturating_add(1));
        Ok(Self {
            bank,
            source,
            source_name,
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
        })
    }

    fn write(&mut self, mut entry: ListEntry, report: &mut ImportReport) -> Result<(), StoreError> {
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
        entry.signals.sort_by(|a, b| (a.kind().as_str(), a.bytes()).cmp(&(b.kind().as_str(), b.bytes())));
        entry.signals.dedup();
        let tags = match entry.tags.is_empty() {
            true => None,
            false => Some(serde_json::to_string(&entry.tags).map_err(|error| unwritable(&error))?),
        };
        let extra = entry
            .extra
            .as_ref()
            .map(serde_json::to_string)
            .transpose()
            .map_err(|error| unwritable(&error))?;

        let mut id = std::mem::take(&mut entry.entry);
        let mut of_source = false;
        let mut of_line = false;
        loop {
            let inserted = self.insert.execute(params![
                self.next_no,
                self.bank,
                self.source,
                EntryId(&id),
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
            && old.extra.as_deref() == extra
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
        if !same_signals {
            self.delete_signals.execute([old.no])?;
            self.insert_signals(old.no, &entry.signals)?;
        }
        report.updated += 1;
        Ok(())
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

    fn insert_signals(&mut self, no: i64, signals: &[Signal]) -> Result<(), StoreError> {
        for signal in signals {
            self.insert_signal.execute(params![no, signal.kind().as_str(), signal.bytes()])?;
        }
        Ok(())
    }
}

fn unwritable(error: &serde_json::Error) -> StoreError {
    StoreError::Refused { reason: format!("an entry cannot be written as JSON: {error}") }
}

fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
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
