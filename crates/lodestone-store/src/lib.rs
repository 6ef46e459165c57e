//! Banks, entries, observations, runs and all that a server keeps, in one SQLite file.
//!
//! The store is a folder. In it lie `lodestone.db` (SQLite, write-ahead log) and `lodestone.lock`, which keeps a second
//! writer out. The store neither matches nor fetches: it is the source of truth from which an index is built, and the
//! index is never in it. `docs/formats/store.md` draws the tables.
//!
//! - [`Store::import`] fills a bank from a list: idempotent, all or nothing, in one transaction.
//! - [`Store::for_each_entry`] streams a bank out again, in the order of [`StoredEntry::entry_no`].
//! - [`Store::put_observations`] keeps what a scan has read, so that a second scan reads only what changed.
//! - [`Store::pdq_changes_since`] says what an index of PDQ values has to catch up with.
//! - [`Store::for_each_features`] hands over the local features of known pictures, as the caller sealed them;
//!   [`Store::for_each_descriptor`] their descriptors by a user's model.
//! - [`Store::batch`] does steps together, all or none: content by its ids, opinions, exchanges, rules, and what
//!   follows from a match (events, outbox, reviews, audit). Everything that changes is a method of [`Batch`],
//!   everything that is only read one of [`Store`].
//! - [`Store::for_each_listed_extra`] hands over what members of exchanges say; [`Batch::add_vote`] keeps what one is still to
//!   be told.
//! - [`Store::backup_to`] copies the database while others write.
//! - [`nsrl_rds3`] and [`autopsy_kdb`] read SQLite sets of others; they live here because this crate is where SQLite is.
//!
//! **Why rusqlite and not sqlx.** A scanner is synchronous: rusqlite brings 9 crates and no async runtime, sqlx about
//! 120 and one. PostgreSQL comes later behind the same plain calls; the two cannot share one build (both link
//! `sqlite3`), so that its driver will be a separate one.
//!
//! **What survives.** Each public method that writes is one transaction. With `synchronous=NORMAL` in WAL mode a
//! process killed at any moment leaves every finished call in place and nothing of an unfinished one; a power cut may
//! also lose the last finished calls, and never leaves a broken file.
//!
//! There is no clock in here: times come in as microseconds since 1970, UTC.
#![forbid(unsafe_code)]

mod api_keys;
mod audit;
pub mod autopsy_kdb;
mod autopsy_kdb_write;
mod backup;
mod bank_changes;
mod banks;
mod batch;
mod changes;
mod content_changes;
mod content_ids;
mod contents;
mod counts;
mod descriptors;
mod entries;
mod entry_changes;
mod error;
mod exchanges;
mod features;
mod import;
mod listed;
mod match_events;
pub mod nsrl_rds3;
mod observations;
mod open;
mod opinions;
mod origin;
mod outbox;
mod quarantine;
mod read;
mod reset;
mod reviews;
mod runs;
mod said;
mod schema;
mod settings;
mod upgrade;
mod votes;
mod writer;

pub use api_keys::ApiKey;
pub use audit::AuditEntry;
pub use autopsy_kdb_write::KdbWriter;
pub use bank_changes::BankChange;
pub use banks::StoredBank;
pub use batch::Batch;
pub use changes::PdqChange;
pub use content_changes::{Added, ContentChange, NewContent, Removed};
pub use content_ids::ContentRun;
pub use contents::{Content, ContentPage, Filter};
pub use entries::{EntryName, StoredEntry};
pub use entry_changes::EntryChange;
pub use error::StoreError;
pub use exchanges::{Exchange, FetchState};
pub use features::FeatureCount;
pub use import::{ImportOptions, ImportReport, ListSource, MAX_KEPT_REJECTS};
pub use listed::{ListedChange, ListedReport, ListedWhat, LostValues};
pub use match_events::MatchEvent;
pub use observations::{Feed, KeptFile, ObservationKey};
pub use open::Store;
pub use opinions::{Opinion, OpinionCount, StoredOpinion};
pub use origin::Origin;
pub use outbox::{Delivery, DeliveryState, NewDelivery};
pub use quarantine::Quarantined;
pub use read::MAX_PAGE;
pub use reviews::Review;
pub use runs::Run;
pub use said::EXCHANGE_SOURCE;
pub use settings::Rule;
pub use votes::{StoredVote, VotesCount};
