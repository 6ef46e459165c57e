//! Content of banks, read with its ids and details: one, page by page, searched, or all of a bank.

use lodestone_types::Signal;
use rusqlite::{Connection, Row, params};
use serde_json::Value;

use crate::banks::{entry_range, id_of};
use crate::content_changes::is_of;
use crate::content_ids;
use crate::entries::{no_of, read, with_signals};
use crate::read::{list, maybe_json, one, page};
use crate::{Batch, Store, StoreError, StoredEntry};

/// Entries that one call of [`Store::contents`] looks at when it searches: about 0.1 s.
const MAX_LOOKED_AT: i64 = 100_000;

/// One content of a bank with all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// Its content id.
    pub content_id: i64,
    /// The entry: number, the list's id, signals, fields.
    pub entry: StoredEntry,
    /// Name of the list that brought it.
    pub source: String,
    /// Seconds since 1970 until which it does not match; 1: it matches; 0: it never does.
    pub disable_until_ts: i64,
    /// What a person says of it.
    pub note: Option<String>,
    /// Where the medium came from.
    pub original_media_uri: Option<String>,
    /// Fields that are carried without being read.
    pub metadata: Option<Value>,
}

/// Which contents are wanted: those for which everything given here holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Has exactly this signal.
    pub signal: Option<Signal>,
    /// Its note contains this text; ASCII letters in either case.
    pub note_contains: Option<String>,
    /// Has exactly this classification.
    pub classification: Option<String>,
    /// Has exactly this tag.
    pub tag: Option<String>,
    /// Came with the list of this name.
    pub source: Option<String>,
    /// Its `disable_until_ts` is another than 1 (true), or 1 (false).
    pub suspended: Option<bool>,
}

/// A page of contents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContentPage {
    /// By rising id. Fewer than asked for, even none, is not the end.
    pub contents: Vec<Content>,
    /// Where to go on (the next `after_id`); `None` at the end of the bank.
    pub next: Option<i64>,
}

impl Store {
    /// One content by its id; `None` when the bank has none such.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the bank; [`StoreError::Refused`] in an older store open for reading.
    pub fn content(&self, bank: &str, content_id: i64) -> Result<Option<Content>, StoreError> {
        self.needs_schema_3()?;
        content(&self.db, bank, content_id)
    }

    /// One content by its entry's number, whichever bank it is of; `None` when there is none such.
    ///
    /// # Errors
    /// As [`Store::content`].
    pub fn content_by_no(&self, entry_no: i64) -> Result<Option<Content>, StoreError> {
        self.needs_schema_3()?;
        by_no(&self.db, entry_no)
    }

    /// The next contents of a bank after an id (at first 0) that pass the filter, by rising id, at most `limit`. One call
    /// looks at no more than 100,000 entries; [`ContentPage::next`] says where the next one goes on.
    ///
    /// Cost: about 10 µs a content handed over, 1 µs one that is passed over.
    ///
    /// # Errors
    /// As [`Store::content`].
    pub fn contents(
        &self,
        bank: &str,
        after_id: i64,
        limit: usize,
        filter: &Filter,
    ) -> Result<ContentPage, StoreError> {
        self.needs_schema_3()?;
        let bank = id_of(&self.db, bank)?;
        let after_no = no_before(&self.db, bank, after_id)?;
        contents(&self.db, bank, after_no, limit, filter)
    }

    /// Hands every content of a bank to `each`, by rising id, without holding more than a page. With [`Store::hold`] all
    /// of it is of one state.
    ///
    /// # Errors
    /// As [`Store::content`], and whatever `each` returns, which ends the reading.
    pub fn for_each_content<E: From<StoreError>>(
        &self,
        bank: &str,
        mut each: impl FnMut(Content) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut after = 0;
        loop {
            let page = self.contents(bank, after, 1000, &Filter::default())?;
            page.contents.into_iter().try_for_each(&mut each)?;
            match page.next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    }

    /// The next entries after a number (at first 0) that do not match, or did not for a time: number and
    /// `disable_until_ts`, which is never 1.
    ///
    /// # Errors
    /// The database's.
    pub fn suspended(&self, after_no: i64, limit: usize) -> Result<Vec<(i64, i64)>, StoreError> {
        if self.schema < 3 {
            return Ok(Vec::new());
        }
        let sql = "SELECT no, disable_until_ts FROM content_details
                   WHERE no > ?1 AND disable_until_ts <> 1 ORDER BY no LIMIT ?2";
        list(&self.db, sql, [after_no, page(limit)], |row| Ok((row.get(0)?, row.get(1)?)))
    }
}

impl Batch<'_> {
    /// As [`Store::content`].
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the bank.
    pub fn content(&self, bank: &str, content_id: i64) -> Result<Option<Content>, StoreError> {
        content(self.db()?, bank, content_id)
    }

    /// One content by the id that its list gives it; `None` when the bank has none such.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without the bank.
    pub fn content_of_entry(&self, bank: &str, entry: &str) -> Result<Option<Content>, StoreError> {
        let db = self.db()?;
        match no_of(db, id_of(db, bank)?, entry)? {
            Some(no) => by_no(db, no),
            None => Ok(None),
        }
    }
}

const SELECT: &str = "
    SELECT e.no, e.entry, e.classification, e.tags, e.pdq_quality, e.extra, e.line, e.added_generation,
           coalesce(s.name, ''), coalesce(d.disable_until_ts, 1), d.note, d.original_media_uri, d.metadata
    FROM entries e LEFT JOIN sources s ON s.id = e.source LEFT JOIN content_details d ON d.no = e.no";

fn content(db: &Connection, bank: &str, content_id: i64) -> Result<Option<Content>, StoreError> {
    let bank = id_of(db, bank)?;
    match content_ids::entry_of(db, content_id)?.filter(|no| is_of(bank, *no)) {
        Some(no) => by_no(db, no),
        None => Ok(None),
    }
}

fn by_no(db: &Connection, entry_no: i64) -> Result<Option<Content>, StoreError> {
    one(db, &format!("{SELECT} WHERE e.no = ?1"), [entry_no], |row| whole(db, row))
}

fn whole(db: &Connection, row: &Row<'_>) -> Result<Content, StoreError> {
    let entry = with_signals(db, read(row)?)?;
    let content_id = content_ids::id_of(db, entry.entry_no)?
        .ok_or_else(|| StoreError::Corrupt { reason: "an entry without a content id".to_owned() })?;
    Ok(Content {
        content_id,
        entry,
        source: row.get(8)?,
        disable_until_ts: row.get(9)?,
        note: row.get(10)?,
        original_media_uri: row.get(11)?,
        metadata: maybe_json(row, 12)?,
    })
}

/// The number in a bank after which ids above `after_id` come: within a bank, ids and numbers rise together.
fn no_before(db: &Connection, bank: i64, after_id: i64) -> Result<i64, StoreError> {
    let (first, last) = entry_range(bank);
    let mine = "SELECT first_no + min(?1 - first_id, length - 1) FROM content_runs
                WHERE first_id = (SELECT max(first_id) FROM content_runs WHERE first_id <= ?1)
                  AND first_no BETWEEN ?2 AND ?3";
    if let Some(no) = one(db, mine, [after_id, first, last], |row| Ok(row.get(0)?))? {
        return Ok(no);
    }
    // An id of another bank: the last run of this one below it.
    let below = "SELECT first_no + length - 1 FROM content_runs
                 WHERE first_no BETWEEN ?2 AND ?3 AND first_id <= ?1 ORDER BY first_no DESC LIMIT 1";
    Ok(one(db, below, [after_id, first, last], |row| Ok(row.get(0)?))?.unwrap_or(first - 1))
}

fn contents(
    db: &Connection,
    bank: i64,
    after_no: i64,
    limit: usize,
    filter: &Filter,
) -> Result<ContentPage, StoreError> {
    let last = entry_range(bank).1;
    let limit = page(limit.max(1));
    let (kind, value) = filter.signal.as_ref().map(|signal| (signal.kind().as_str(), signal.bytes())).unzip();
    let all = *filter == Filter::default();
    // The last number to look at in this call; the end of the bank when fewer are left.
    let stop = "SELECT no FROM entries WHERE no > ?1 AND no <= ?2 ORDER BY no LIMIT 1 OFFSET ?3";
    let stop = if all {
        None
    } else {
        one(db, stop, [after_no, last, MAX_LOOKED_AT - 1], |row| Ok(row.get::<_, i64>(0)?))?
    };
    let mut sql = format!("{SELECT} WHERE e.no > ?1 AND e.no <= ?2");
    if !all {
        sql.push_str(
            " AND (?4 IS NULL OR EXISTS (SELECT 1 FROM signals g WHERE g.entry = e.no AND g.type = ?4 AND g.value = ?5))
              AND (?6 IS NULL OR instr(lower(d.note), lower(?6)) > 0)
              AND (?7 IS NULL OR e.classification = ?7)
              AND (?8 IS NULL OR e.tags IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(e.tags) t WHERE t.value = ?8))
              AND (?9 IS NULL OR s.name = ?9)
              AND (?10 IS NULL OR (coalesce(d.disable_until_ts, 1) <> 1) = ?10)",
        );
    }
    sql.push_str(" ORDER BY e.no LIMIT ?3");
    let contents = if all {
        list(db, &sql, [after_no, last, limit], |row| whole(db, row))?
    } else {
        list(
            db,
            &sql,
            params![
                after_no,
                stop.unwrap_or(last),
                limit,
                kind,
                value,
                filter.note_contains,
                filter.classification,
                filter.tag,
                filter.source,
                filter.suspended,
            ],
            |row| whole(db, row),
        )?
    };
    let next = match contents.last() {
        Some(content) if contents.len() as i64 >= limit => Some(content.content_id),
        // Nothing more up to where this call looked.
        _ => stop.map(|no| content_ids::id_of(db, no)).transpose()?.flatten(),
    };
    Ok(ContentPage { contents, next })
}
