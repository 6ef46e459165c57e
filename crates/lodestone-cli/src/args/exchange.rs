//! What can be typed after `exchange`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{Data, Format, SecretKeys};
use crate::help;

#[derive(Subcommand, Debug)]
pub(crate) enum Exchange {
    /// Set an exchange up, with the bank that it fills
    #[command(after_long_help = help::EXCHANGE_ADD)]
    Add(Box<ExchangeAdd>),
    /// Fetch what changed; one that was interrupted goes on where it was
    #[command(after_long_help = help::EXCHANGE_FETCH)]
    Fetch {
        /// The exchange's bank
        #[arg(required_unless_present = "all")]
        bank: Option<String>,
        /// All exchanges of services that are on
        #[arg(long, conflicts_with = "bank")]
        all: bool,
        /// Ask for everything and change nothing
        #[arg(long)]
        dry_run: bool,
        /// From the beginning of the list, not from where the last fetch ended
        #[arg(long)]
        anew: bool,
        /// Output for people or programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        keys: SecretKeys,
        #[command(flatten)]
        data: Data,
    },
    /// Tell how exchanges stand: when they were fetched, how far, what was counted, why the last fetch failed
    Status {
        /// The exchange's bank; all without it
        bank: Option<String>,
        /// Output for people or programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        data: Data,
    },
    /// List exchanges
    List {
        /// Output for people or programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        data: Data,
    },
    /// Remove an exchange with its bank, its entries and its credentials
    Remove {
        /// The exchange's bank
        bank: String,
        /// Say that you mean it
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        data: Data,
    },
    /// List the reasons that a disputing vote may give, with their guids, as the service tells them (ncmec)
    Reasons {
        /// The exchange's bank
        bank: String,
        /// Only those for fingerprints of this type: md5, sha1, pdq, photodna
        #[arg(long, value_name = "TYPE")]
        signal_type: Option<String>,
        /// Output for people or programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        keys: SecretKeys,
        #[command(flatten)]
        data: Data,
    },
    /// Send a vote on an entry back to the service that it came from, and keep it as your opinion
    #[command(after_long_help = help::EXCHANGE_VOTE)]
    Vote(Box<ExchangeVote>),
    /// List votes that wait, or were given up; --send sends those that wait
    #[command(after_long_help = help::EXCHANGE_VOTES)]
    Votes {
        /// The exchange's bank; all without it
        bank: Option<String>,
        /// Have dead votes wait again
        #[arg(long)]
        retry: bool,
        /// Send what waits now, whatever its time
        #[arg(long)]
        send: bool,
        /// Output for people or programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        keys: SecretKeys,
        #[command(flatten)]
        data: Data,
    },
    /// List matches of a server whose entry was withdrawn since: what to appraise anew
    Withdrawn {
        /// Output for people or programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        data: Data,
    },
}

#[derive(Args, Debug)]
pub(crate) struct ExchangeAdd {
    /// Name of the exchange and of its bank, which is made; that of a remote matcher stays empty
    pub(crate) bank: String,
    /// What it speaks: ncmec, stop_ncii, fb_threatexchange, tat, lodestone, hma; or, asked and not fetched: arachnid,
    /// remote_hma, remote_lodestone, remote_matcher
    #[arg(long)]
    pub(crate) api: String,
    /// The service's address. There is no preset: give this or --environment
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// The service's database by its name, such as test_Industry of ncmec
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// JSON file with the credentials, in the field names of Hasher-Matcher-Actioner; it may hold settings too
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath)]
    pub(crate) credentials: Option<PathBuf>,
    /// JSON file with further settings: privacy_group, only_esp_ids, bank, send_votes …
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath)]
    pub(crate) settings: Option<PathBuf>,
    /// Files may be sent to this remote matcher (arachnid), where `match --send-files` asks for that; else hashes only
    #[arg(long)]
    pub(crate) send_files: bool,
    #[command(flatten)]
    pub(crate) keys: SecretKeys,
    #[command(flatten)]
    pub(crate) data: Data,
}

#[derive(Args, Debug)]
pub(crate) struct ExchangeVote {
    /// The exchange's bank
    pub(crate) bank: String,
    /// The entry's id
    pub(crate) entry: String,
    /// It belongs there
    #[arg(long, conflicts_with = "dispute", required_unless_present = "dispute")]
    pub(crate) confirm: bool,
    /// It does not
    #[arg(long)]
    pub(crate) dispute: bool,
    /// A reason, by its guid or name: `exchange reasons` lists NCMEC's. Repeatable
    #[arg(long, value_name = "REASON")]
    pub(crate) reason: Vec<String>,
    /// A tag, which StopNCII takes. Repeatable
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// Only the fingerprint of this type; all of the entry without it
    #[arg(long, value_name = "TYPE")]
    pub(crate) signal_type: Option<String>,
    #[command(flatten)]
    pub(crate) keys: SecretKeys,
    #[command(flatten)]
    pub(crate) data: Data,
}
