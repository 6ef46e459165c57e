//! What becomes of a page: entries, checkpoint and counts, in the caller's one transaction.

use std::sync::Arc;

use lodestone_exchange::client::{Change, Listed, Listing, Page, What};
use lodestone_exchange::opinion;
use lodestone_store::{Batch, Exchange, ListedChange, ListedReport, ListedWhat};
use lodestone_types::{ListEntry, hex};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Kept, source, withdrawn};
use crate::audit;
use crate::auth::Caller;
use crate::error::ApiError;

/// Longest id that is kept as it is, in bytes; a longer one is stood for by its digest.
const MAX_ID: usize = 1000;
/// Entries that one step removes at the end of a walk.
const DROPPED: usize = 1000;
/// Field of an exchange's configuration with what the exchange calls us: our own votes, when they come back.
const OWN_MEMBER: &str = "own_member";

/// A step of a fetch: one transaction.
#[derive(Debug)]
pub enum Step {
    /// It begins; `anew`: from the beginning of the list.
    Begin {
        /// Forgets the checkpoint first.
        anew: bool,
    },
    /// A page with its checkpoint.
    Page(Box<Page>),
    /// Removes some of what a whole walk has not named, from this number on.
    Drop(i64),
    /// It has ended; `up_to_date`: there is nothing more.
    Done {
        /// Nothing more is to be fetched.
        up_to_date: bool,
    },
    /// It has failed.
    Failed(String),
}

/// What a step did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// To entries.
    pub report: ListedReport,
    /// What is kept now.
    pub kept: Kept,
    /// Where removing goes on; `None`: nothing is left to be removed.
    pub next: Option<i64>,
}

/// Does a step for the exchange of this name that was made then; `None` when there is none such any more.
///
/// # Errors
/// The store's.
pub fn apply(
    batch: &mut Batch<'_>,
    name: &str,
    created_us: i64,
    step: Step,
) -> Result<Option<Applied>, ApiError> {
    // One of the same name that was made since is another.
    let Some(exchange) = batch.exchange(name)?.filter(|now| now.created_us == created_us) else {
        return Ok(None);
    };
    let now_s = batch.now_us() / 1_000_000;
    let mut state = exchange.fetch.clone();
    let mut done = Applied { kept: Kept::of(&exchange), ..Applied::default() };
    match step {
        Step::Begin { anew } => {
            if done.kept.open {
                // It was killed: what it did is written down now.
                note(batch, &exchange, &done.kept, "killed")?;
            }
            if anew {
                done.kept.client = None;
                done.kept.ending = false;
            }
            done.kept.last = super::Tally::default();
            done.kept.open = true;
            state.running_fetch_start_ts = Some(now_s);
        }
        Step::Page(page) => {
            state.checkpoint_ts = page.checkpoint.at_s().or(state.checkpoint_ts);
            take(batch, &exchange, *page, &mut done)?;
        }
        Step::Drop(after) => {
            let from = source(&exchange.api);
            let (removed, next) =
                batch.drop_unlisted(&exchange.bank, &from, done.kept.walk, after, DROPPED)?;
            done.report.removed = removed;
            withdrawn::note(batch, &done.report)?;
            done.kept.last.removed += removed;
            done.kept.ending = next.is_some();
            done.next = next;
        }
        Step::Done { up_to_date } => {
            done.kept.why = None;
            ended(batch, &exchange, &mut done.kept, "done")?;
            state.running_fetch_start_ts = None;
            state.last_fetch_complete_ts = Some(now_s);
            state.last_fetch_succeeded = Some(true);
            state.up_to_date = up_to_date;
        }
        Step::Failed(why) => {
            done.kept.why = Some(why);
            ended(batch, &exchange, &mut done.kept, "failed")?;
            state.running_fetch_start_ts = None;
            state.last_fetch_complete_ts = Some(now_s);
            state.last_fetch_succeeded = Some(false);
            state.up_to_date = false;
        }
    }
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    state.fetched_items += signed(done.report.added) - signed(done.report.removed);
    state.checkpoint = Some(json!(done.kept));
    batch.set_fetch_state(name, &state)?;
    Ok(Some(done))
}

fn take(batch: &mut Batch<'_>, exchange: &Exchange, page: Page, done: &mut Applied) -> Result<(), ApiError> {
    let kept = &mut done.kept;
    let is_whole = match page.listing {
        Listing::Changes => false,
        Listing::Whole { is_first } => {
            kept.walk = kept.walk.wrapping_add(u32::from(is_first));
            true
        }
    };
    let own = exchange.config.get(OWN_MEMBER).and_then(Value::as_str);
    let changes = page.changes.into_iter().map(|change| listed(change, own)).collect();
    done.report = batch.take_listed(&exchange.bank, &source(&exchange.api), kept.walk, changes)?;
    withdrawn::note(batch, &done.report)?;
    kept.last.read(&page.counts, &page.rejects);
    kept.last.did(&done.report);
    kept.client = Some(page.checkpoint.as_value().clone());
    kept.ending = is_whole && page.is_last;
    Ok(())
}

/// A change as the store takes it: under an id that is no longer than ids are, with what members say.
fn listed(change: Change, own: Option<&str>) -> ListedChange {
    let what = match change.what {
        What::Remove => ListedWhat::Remove,
        What::Upsert(listed) => ListedWhat::Put(Box::new(with_opinions(*listed, own))),
    };
    ListedChange { id: id(change.key), at_s: change.at_s, what }
}

fn with_opinions(listed: Listed, own: Option<&str>) -> ListEntry {
    let Listed { mut entry, mut opinions } = listed;
    // What a list of another brings under this name is not what members say here.
    if let Some(Value::Object(fields)) = &mut entry.extra {
        fields.remove(opinion::FIELD);
    }
    if !opinions.is_empty() {
        for opinion in &mut opinions {
            opinion.is_own = own == Some(opinion.member.as_str());
        }
        let opinions: Vec<Value> = opinions.iter().map(|opinion| opinion.to_value()).collect();
        let extra = entry.extra.get_or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(fields) = extra {
            fields.insert(opinion::FIELD.to_owned(), Value::Array(opinions));
        }
    }
    entry
}

fn id(key: String) -> String {
    match key.len() <= MAX_ID {
        true => key,
        false => format!("sha256:{}", hex::encode(&Sha256::digest(key))),
    }
}

fn ended(
    batch: &mut Batch<'_>,
    exchange: &Exchange,
    kept: &mut Kept,
    how: &'static str,
) -> Result<(), ApiError> {
    if std::mem::take(&mut kept.open) {
        note(batch, exchange, kept, how)?;
    }
    Ok(())
}

/// Writes down what a fetch changed; one that changed nothing leaves no entry in the log of audit.
fn note(batch: &mut Batch<'_>, exchange: &Exchange, kept: &Kept, how: &'static str) -> Result<(), ApiError> {
    if !kept.last.changed() {
        return Ok(());
    }
    let caller = Caller { key: Arc::from("fetch") };
    let object = json!({
        "exchange": exchange.name, "added": kept.last.added, "updated": kept.last.updated,
        "removed": kept.last.removed, "ended": how,
    });
    audit::note(batch, &caller, "exchange.fetch", &object)
}
