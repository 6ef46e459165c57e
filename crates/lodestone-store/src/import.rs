//! Importing a list into a bank: idempotent, all or nothing, in one transaction.

use lodestone_types::{ListEntry, Reject, RejectKind};
use rusqlite::{Connection, OptionalExtension, params};

use crate::banks::id_of;
use crate::writer::Writer;
use crate::{Batch, Store, StoreError};

/// Rejects kept with their lines; all are counted.
pub const MAX_KEPT_REJECTS: usize = 1000;

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
    /// again with other signals or fields replaces the old one; its local features stay as long as one digest is the
    /// same. Entries that no longer come stay: a list that shrank goes into a new bank.
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
        // 64 MiB of pages: an import writes each page once, not many times.
        self.db.pragma_update(None, "cache_size", -65_536)?;
        let result = self.batch(options.now_us, |batch| import_into(batch, bank, source, &mut options, feed));
        self.db.pragma_update(None, "cache_size", -16_384)?;
        if result.as_ref().is_ok_and(|report| report.added + report.updated > 100_000) {
            // Move a big log into the database now, not at the next small write. It can wait when readers are busy.
            self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).ok();
        }
        result
    }
}

impl Batch<'_> {
    /// Imports a list into a bank beside other steps, as [`Store::import`] does it alone: all or nothing.
    ///
    /// # Errors
    /// As [`Store::import`]; then nothing of the list is in the batch, which may go on.
    pub fn import(
        &mut self,
        bank: &str,
        source: ListSource<'_>,
        rows: impl IntoIterator<Item = Result<ListEntry, Reject>>,
        mut options: ImportOptions<'_>,
    ) -> Result<ImportReport, StoreError> {
        self.apart(|batch| {
            import_into(batch, bank, source, &mut options, |take| {
                for row in rows {
                    if !take(row) {
                        break;
                    }
                }
                Ok(())
            })
        })
    }
}

/// Imports within a batch; after an error its steps have to be undone.
fn import_into(
    batch: &mut Batch<'_>,
    bank: &str,
    source: ListSource<'_>,
    options: &mut ImportOptions<'_>,
    feed: impl FnOnce(&mut dyn FnMut(Result<ListEntry, Reject>) -> bool) -> Result<(), StoreError>,
) -> Result<ImportReport, StoreError> {
    let coming = batch.coming_generation()?;
    let db = batch.db()?;
    let bank_id = id_of(db, bank)?;
    let (source_id, source_name) = source_of(db, bank_id, source, options.now_us)?;
    let mut report = ImportReport::default();
    let mut broken: Option<StoreError> = None;
    let mut writer = Writer::new(db, bank_id, source_id, &source_name, coming)?;
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
    if let Some(error) = broken {
        return Err(error);
    }
    writer.finish()?;
    if report.rejected_total > options.max_rejects {
        report.generation = coming.saturating_sub(1);
        return Err(StoreError::Rejected { report: Box::new(report), allowed: options.max_rejects });
    }
    if report.rejected_total > 0 && report.added + report.updated + report.unchanged == 0 {
        return Err(StoreError::BadList { line: 0, reason: "no entry of it can be used".to_owned() });
    }
    db.execute(
        "UPDATE banks SET source_sha256 = ?2, entries = entries + ?3,
                source = CASE source WHEN '' THEN ?4 ELSE source END
         WHERE id = ?1",
        params![bank_id, source.sha256, to_i64(report.added), source.name],
    )?;
    report.generation = match report.added + report.updated > 0 {
        true => batch.touch(bank_id)?,
        false => batch.generation().unwrap_or(coming.saturating_sub(1)),
    };
    Ok(report)
}

pub(crate) fn count_reject(report: &mut ImportReport, reject: Reject) {
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
pub(crate) fn source_of(
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

pub(crate) fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
