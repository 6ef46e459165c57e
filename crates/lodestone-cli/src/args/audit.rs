//! `lodestone audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{Data, Format};

/// The log of what was done, by whom; see docs/formats/audit.md.
#[derive(Subcommand, Debug)]
pub(crate) enum Audit {
    /// Check the log from end to end, offline: exit 0 when it is whole, 2 when it is not
    Verify(Verify),
    /// Print the signed checkpoint: keep it elsewhere, and give it to `verify --checkpoint` later
    Checkpoint {
        #[command(flatten)]
        data: Data,
    },
    /// Print the key by which others verify the log
    Key {
        #[command(flatten)]
        data: Data,
    },
    /// Show an entry, and whether the words beside it are those it commits to
    Show {
        /// Place in the log, from 0
        #[arg(long, value_name = "N")]
        index: u64,
        #[command(flatten)]
        data: Data,
    },
    /// Erase the words of an entry; the log stays whole. The server has to be stopped
    Erase {
        /// Place in the log, from 0
        #[arg(long, value_name = "N")]
        index: u64,
        /// Why; noted in the log
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        data: Data,
    },
}

/// What is checked, against what.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Folder of a log, without its store: needs --key
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "key", conflicts_with = "data")]
    pub(crate) log: Option<PathBuf>,
    /// Verifier key of the log, as `audit key` prints it; repeatable for former keys and witnesses
    #[arg(long, value_name = "VKEY")]
    pub(crate) key: Vec<String>,
    /// A signed checkpoint from before: the log has to go on from it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) checkpoint: Option<PathBuf>,
    /// How it is told
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}
