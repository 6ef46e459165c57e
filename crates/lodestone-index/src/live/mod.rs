//! A set of pairs that changes while it is searched.
//!
//! A commit goes to the log, then into a small set in memory (the *memtable*), and is seen by the next look-up. A full
//! memtable becomes a segment; segments are merged in the background. What is removed from a segment is noted beside it
//! (*tombstones*) until a merge leaves it behind. Look-ups take an immutable [`LiveSnapshot`] and wait for nobody.
//!
//! Three rules carry the whole:
//!
//! - a living pair stands in one place only, the memtable or one segment, so answers are put together without comparing;
//! - in a segment nothing comes alive again: a pair that was removed and is added goes to the memtable;
//! - a file is whole and safe on the disk before another names it, and is removed only when two manifests in a row have
//!   not named it.
//!
//! `docs/formats/live.md` draws the files.

mod bulk;
mod change;
mod dead;
mod draft;
mod error;
mod folder;
mod index;
mod load;
mod log;
mod manifest;
mod merge;
mod open;
mod pairs;
mod ranges;
mod reader;
mod slot;
mod snapshot;
mod writer;

pub use bulk::BulkWriter;
pub use change::{Applied, Change, LiveOptions};
pub use error::LiveError;
pub use index::{LiveHealth, LiveIndex};
pub use merge::LiveStep;
pub use snapshot::{LiveFacts, LiveSegmentFacts, LiveSnapshot};
