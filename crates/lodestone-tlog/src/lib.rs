//! An append-only log that cannot be changed unseen: a Merkle tree in tiles, under signed checkpoints.
//!
//! Entries are bytes; the log knows nothing of what they mean. Its folder is what the C2SP specifications say
//! (`tlog-tiles`, `tlog-checkpoint`, `signed-note`), over the tree of RFC 6962 with SHA-256, so that other programs can
//! check it; `docs/formats/audit.md` draws it byte by byte.
//!
//! - [`Log`] writes the folder: one writer, durable when [`Log::append`] returns, whole after a kill at any moment.
//! - [`Reader`] reads entries and makes proofs from the tiles; [`tree`] checks proofs without any file.
//! - [`verify()`] goes through a whole folder, offline, and says what is wrong and where.
//! - [`SigningKey`] and [`VerifierKey`] have the text forms of Go's `sumdb/note`; [`key_file`] keeps the first private.
//! - [`commit`] makes salted commitments, so that what an entry speaks of can be erased and the log stays whole.
//!
//! **What it cannot do.** Whoever has the key can write another history. It shows to those who kept an older checkpoint
//! (or to a witness who signed one), and to nobody else: checkpoints should leave the machine.
//!
//! There is no clock in here: times are in the entries, and the caller's.
#![forbid(unsafe_code)]

pub mod bundle;
mod checkpoint;
mod commitment;
mod edge;
mod error;
mod files;
mod key;
pub mod key_file;
mod log;
pub mod note;
mod reader;
mod report;
pub mod tile;
pub mod tree;
mod verify;

pub use bundle::MAX_ENTRY_BYTES;
pub use checkpoint::Checkpoint;
pub use commitment::{commit, open_commitment};
pub use error::TlogError;
pub use files::{Files, Folder};
pub use key::{SigningKey, VerifierKey};
pub use log::Log;
pub use note::Note;
pub use reader::Reader;
pub use report::{Problem, Report};
pub use tree::Hash;
pub use verify::{Expected, MAX_PROBLEMS, verify};
