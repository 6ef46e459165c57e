//! What can be typed. What it means is worked out in `settings.rs`; nothing downstream parses text again.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use lodestone_engine::derive::Layers;

use crate::help;

mod audit;
mod bank;
mod calibrate;
mod compare;
mod examine;
mod exchange;
mod key;
mod serve;

pub(crate) use audit::{Audit, Verify};
pub(crate) use bank::Bank;
pub(crate) use calibrate::{Calibrate, Eval, EvalBackground, EvalProvenance, EvalTail, Method};
pub(crate) use compare::Compare;
pub(crate) use examine::{Depth, Examine, Examining, Learn, Provenance};
pub(crate) use exchange::{Exchange, ExchangeAdd, ExchangeVote};
pub(crate) use key::{Key, SecretKeys};
pub(crate) use serve::Serve;

/// Find what is known, what is alike and what to look at first, in a pile of pictures.
#[derive(Parser, Debug)]
#[command(name = "lodestone", version, after_help = help::MAIN, max_term_width = 110, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Read folders, match every file against lists and banks, group and rank what is there
    #[command(after_long_help = help::SCAN)]
    Scan(Box<Scan>),
    /// Print digests and PDQ of files
    #[command(after_long_help = help::HASH)]
    Hash(Hash),
    /// Match files, signals given by value, or whole lists, against lists and banks
    #[command(name = "match", after_long_help = help::MATCH)]
    Match(Box<Match>),
    /// Say how two pictures come from each other: crop, collage, screen, edit; and draw it
    #[command(after_long_help = help::COMPARE)]
    Compare(Compare),
    /// Keep banks of known content in a data folder
    #[command(subcommand)]
    Bank(Bank),
    /// Make, show, check and search indexes of PDQ hashes
    #[command(subcommand)]
    Index(Index),
    /// Read everything files say of where they came from, say what each finding is worth, and write a page
    #[command(after_long_help = help::EXAMINE)]
    Examine(Box<Examine>),
    /// What examiners bring along, and learning structures from your own files
    #[command(subcommand)]
    Provenance(Provenance),
    /// Fit likelihood ratios to files of which the truth is known, and say what they are worth
    #[command(after_long_help = help::CALIBRATE)]
    Calibrate(Box<Calibrate>),
    /// Judge on labelled files
    #[command(subcommand)]
    Eval(Eval),
    /// Answer over HTTP: Hasher-Matcher-Actioner's API and our own
    #[command(after_long_help = help::SERVE)]
    Serve(Box<Serve>),
    /// Keys of a server: who may call it, and what its secrets are sealed with
    #[command(subcommand)]
    Key(Key),
    /// Banks that are filled from other services: add, fetch, look how they stand, vote
    #[command(subcommand)]
    Exchange(Exchange),
    /// Draw a small pile of benign pictures and a list, scan it, and name the report
    Demo(Demo),
    /// Check, show and erase what a server's log of audit holds
    #[command(subcommand)]
    Audit(Audit),
    /// Show settings and where each comes from
    #[command(subcommand)]
    Config(Config),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff), or write one page per command into a folder
    Man {
        /// Folder for the pages; without it the main page goes to standard output
        #[arg(long, value_hint = ValueHint::DirPath)]
        out: Option<PathBuf>,
    },
    /// Measurements for comparison with peers; see bench/
    #[command(subcommand, hide = true)]
    Bench(Bench),
    /// The worker process; started by the program itself
    #[command(name = "__worker", hide = true)]
    Worker {
        #[arg(long)]
        memory: u64,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Ndjson,
    /// One JSON document
    Json,
    /// One row a file
    Csv,
}

/// Output of commands whose answers are no rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Document {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Ndjson,
    /// One JSON document
    Json,
}

impl From<Document> for Format {
    fn from(document: Document) -> Self {
        match document {
            Document::Text => Self::Text,
            Document::Ndjson => Self::Ndjson,
            Document::Json => Self::Json,
        }
    }
}

/// Layers of a command that may be given a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AskedLayers(pub(crate) Layers);

impl FromStr for AskedLayers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Layers::parse_with_descriptor(text).map(Self)
    }
}

impl std::fmt::Display for AskedLayers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Lists and banks to match against.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Lists {
    /// List, or folder of pictures, of known material. Repeatable
    ///
    /// TYPE (pdq, md5, sha1, sha256) stands where a list does not say itself what its values are.
    #[arg(long, value_name = "[TYPE:]PATH", help_heading = "Lists")]
    pub(crate) known: Vec<String>,
    /// List, or folder, of known generated material
    #[arg(long, value_name = "[TYPE:]PATH", help_heading = "Lists")]
    pub(crate) known_generated: Vec<String>,
    /// List of known-good files, as NSRL: matched by exact digest only
    #[arg(long, value_name = "[TYPE:]FILE", help_heading = "Lists")]
    pub(crate) known_good: Vec<String>,
    /// List of confirmed false alarms: an exact digest suppresses a similarity hit, and shows it
    #[arg(long, value_name = "[TYPE:]FILE", help_heading = "Lists")]
    pub(crate) negative: Vec<String>,
    /// Which CSV column holds what, as pdq=Column,id=Column; for all CSV lists given
    #[arg(long, hide_short_help = true, value_name = "FIELD=COLUMN,…", help_heading = "Lists")]
    pub(crate) map: Option<String>,
    /// Lines of a list that may be unreadable before it is refused
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = 0, help_heading = "Lists")]
    pub(crate) max_rejects: u64,
    /// PDQ distance in bits up to which the lists given here match; 31 by default
    #[arg(long, value_name = "BITS", help_heading = "Lists", value_parser = clap::value_parser!(u32).range(0..=64))]
    pub(crate) radius: Option<u32>,
    /// Search by: 1 whole pictures, 2 regions, 3 local features, 4 your own descriptor; 1 by default
    ///
    /// 1 compares the whole picture's hash, 2 hashes of its regions, with any list; 3 local features, with a folder of known
    /// pictures or banks made from files. Where a folder of known pictures is given, all three run by default. 4 compares
    /// vectors of the model of --descriptor, which adds it where no layers are named.
    #[arg(long, value_name = "1,2,3,4", help_heading = "Lists")]
    pub(crate) layers: Option<AskedLayers>,
    /// Your own ONNX model that makes a vector of a picture, for layer 4 (docs/descriptors.md)
    #[arg(long, hide_short_help = true, value_name = "FILE.toml", value_hint = ValueHint::FilePath, help_heading = "Lists")]
    pub(crate) descriptor: Option<PathBuf>,
    /// Unrelated pictures by that model (`lodestone eval background`), which its scores are normalised by
    #[arg(long, hide_short_help = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Lists")]
    pub(crate) background: Option<PathBuf>,
    /// How near your own unrelated pictures come to lists (`lodestone eval tail`), in place of what is built in
    #[arg(long, hide_short_help = true, value_name = "FILE.json", value_hint = ValueHint::FilePath, help_heading = "Lists")]
    pub(crate) tail: Option<PathBuf>,
    /// PDQ quality from which pictures are matched by similarity; 50 by default
    #[arg(long, value_name = "0-100", help_heading = "Lists", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) min_quality: Option<u8>,
    /// Folder with banks and what was read before, or LODESTONE_DATA; made by scan when there is none
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Lists")]
    pub(crate) data: Option<PathBuf>,
    /// Key that the banks' local features are sealed with, for layer 3; else LODESTONE_KEY, else DATA/secret.key
    #[arg(long, hide_short_help = true, value_name = "FILE", help_heading = "Lists", value_hint = ValueHint::FilePath)]
    pub(crate) key_file: Option<PathBuf>,
    /// Earlier key, which only opens. Repeatable
    #[arg(long, hide_short_help = true, value_name = "FILE", help_heading = "Lists", value_hint = ValueHint::FilePath)]
    pub(crate) old_key_file: Vec<PathBuf>,
    /// Say what look-ups read: probes, entries and comparisons a query; and what local features take
    #[arg(long, short, hide_short_help = true, help_heading = "Lists")]
    pub(crate) verbose: bool,
}

/// How files are read.
#[derive(Args, Debug, Default)]
pub(crate) struct Reading {
    /// Worker processes that read and decode; one a core by default
    #[arg(long, value_name = "N", help_heading = "Reading", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) workers: Option<u16>,
    /// Before the PDQ filter: full (what HMA and exchanged hashes use) or 512nn (the C++ tool)
    #[arg(long, hide_short_help = true, value_enum, help_heading = "Reading")]
    pub(crate) pre: Option<Pre>,
    /// Hash large JPEG from a scaled decode: faster, up to some bits off, flagged wherever it appears
    #[arg(long, help_heading = "Reading")]
    pub(crate) folded: bool,
    /// Do not look into zip, tar and gzip
    #[arg(long, help_heading = "Reading")]
    pub(crate) no_archives: bool,
    /// Largest file held in memory for decoding, in MiB; larger ones are digested only; 256 by default
    #[arg(long, hide_short_help = true, value_name = "MIB", help_heading = "Reading")]
    pub(crate) max_bytes: Option<u64>,
    /// Largest picture, in million pixels; 200 by default
    #[arg(long, hide_short_help = true, value_name = "MP", help_heading = "Reading")]
    pub(crate) max_pixels: Option<u64>,
    /// Most frames hashed of one animation; 64 by default
    #[arg(long, hide_short_help = true, value_name = "N", help_heading = "Reading")]
    pub(crate) max_frames: Option<u32>,
    /// Most memory one picture may take to decode, in MiB; 1024 by default
    #[arg(long, hide_short_help = true, value_name = "MIB", help_heading = "Reading")]
    pub(crate) max_memory: Option<u64>,
    /// How deep archives within archives are read; 4 by default
    #[arg(long, hide_short_help = true, value_name = "N", help_heading = "Reading")]
    pub(crate) max_depth: Option<u32>,
    /// Most files read from one archive; 1,000,000 by default
    #[arg(long, hide_short_help = true, value_name = "N", help_heading = "Reading")]
    pub(crate) max_members: Option<u64>,
    /// Most bytes unpacked from one archive, in MiB; 65536 by default, and never over 200 times its size or 256 MiB
    #[arg(long, hide_short_help = true, value_name = "MIB", help_heading = "Reading")]
    pub(crate) max_unpacked: Option<u64>,
    /// Seconds one file, or one member of an archive, may take; 60 by default
    #[arg(long, hide_short_help = true, value_name = "SECONDS", help_heading = "Reading", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pre {
    /// Full size
    Full,
    /// Nearest neighbour to 512 x 512
    #[value(name = "512nn")]
    Nn512,
}

#[derive(Args, Debug)]
pub(crate) struct Scan {
    /// Folders to read with all below them, or files
    #[arg(required = true, value_name = "DIR", value_hint = ValueHint::AnyPath)]
    pub(crate) roots: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) lists: Lists,
    /// Write a self-contained HTML report
    #[arg(long, value_name = "FILE.html", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
    /// Small pictures in the report, hidden until revealed one by one; by default there are none
    #[arg(long, value_name = "MODE", value_parser = ["drawing", "blur", "grey", "full"])]
    pub(crate) thumbnails: Option<String>,
    /// Output for people or programs
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Read every file again, whatever is kept in the data folder
    #[arg(long)]
    pub(crate) rehash: bool,
    /// Do not follow symbolic links; list them
    #[arg(long, hide_short_help = true)]
    pub(crate) no_follow: bool,
    /// How much of each file is examined; metadata by default
    #[arg(long, value_name = "DEPTH", value_enum)]
    pub(crate) examine: Option<Depth>,
    #[command(flatten)]
    pub(crate) examining: Examining,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Args, Debug)]
pub(crate) struct Hash {
    /// Files to hash; members of archives too
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Output; text is `pdq,quality,file`, a list for --known pdq:FILE
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// All eight symmetries of each picture as well (ndjson and json)
    #[arg(long)]
    pub(crate) dihedral: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Args, Debug)]
pub(crate) struct Match {
    /// Files and folders to match, with members of archives; with --against: lists
    ///
    /// Files and folders to match; members of archives too. With --against: lists, every entry of which is looked up
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath, required_unless_present = "signal")]
    pub(crate) files: Vec<PathBuf>,
    /// Look up whole lists: in a list, in the `banks`, or in all ever `seen`
    ///
    /// In this list, in the `banks` of the data folder, or in everything ever `seen` by its scans. Repeatable.
    #[arg(long, value_name = "[TYPE:]LIST|banks|seen")]
    pub(crate) against: Vec<String>,
    /// Memory for the index of what stands after --against, in MiB; more goes to a temporary file; 2048 by default
    #[arg(long, hide_short_help = true, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    pub(crate) index_memory: Option<u64>,
    /// A fingerprint given by value: pdq:…, md5:…, sha1:…, sha256:…, photodna:…. Repeatable
    #[arg(long, value_name = "TYPE:VALUE")]
    pub(crate) signal: Vec<String>,
    /// Ask a remote matcher for hashes too, an exchange of --data; see `exchange add`. Repeatable
    #[arg(long, value_name = "NAME", conflicts_with = "against")]
    pub(crate) remote: Vec<String>,
    /// Send it the files as well, where its exchange was added with --send-files
    #[arg(long, hide_short_help = true, requires = "remote")]
    pub(crate) send_files: bool,
    /// Squared distance up to which PhotoDNA values of the lists given here match; 0, equal ones, by default
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = squared_distance())]
    pub(crate) photodna_distance: Option<u32>,
    #[command(flatten)]
    pub(crate) lists: Lists,
    /// Output for people or programs
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// The data folder of a command that needs one.
#[derive(Args, Debug)]
pub(crate) struct Data {
    /// Folder with banks; or LODESTONE_DATA
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Index {
    /// Make an index file of a list
    #[command(after_long_help = help::INDEX_BUILD)]
    Build(IndexBuild),
    /// Show what an index file, or the index of a data folder, is made of
    Show {
        /// The file; the data folder's index without it
        #[arg(value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
        /// Output
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        data: Data,
    },
    /// Check every block of index files, and that a data folder's index holds what its banks hold
    Verify {
        /// Files; the data folder's index without them
        #[arg(value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
        /// Output
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        data: Data,
    },
    /// Make the index of a data folder again from its banks
    Rebuild {
        #[command(flatten)]
        building: Building,
        #[command(flatten)]
        data: Data,
    },
    /// Make one segment of a data folder's index, and leave behind what was removed
    Compact {
        #[command(flatten)]
        building: Building,
        #[command(flatten)]
        data: Data,
    },
    /// Find the hashes of an index file that are near one given by value
    Search(IndexSearch),
}

/// How an index is built.
#[derive(Args, Debug, Default)]
pub(crate) struct Building {
    /// Memory for building, in MiB; what does not fit goes to temporary files beside the index; 2048 by default
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    pub(crate) memory: Option<u64>,
    /// Threads; one a core by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

#[derive(Args, Debug)]
pub(crate) struct IndexBuild {
    /// The list; TYPE is pdq where the list does not say. A hash's id is the line it stands on
    #[arg(value_name = "[TYPE:]LIST")]
    pub(crate) list: String,
    /// The file to write
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: PathBuf,
    /// LIST holds bare hashes of 32 bytes, end to end; a hash's id is its place, from 0
    #[arg(long, conflicts_with_all = ["list_format", "map", "max_rejects"])]
    pub(crate) raw: bool,
    /// The list's format, when content does not tell
    #[arg(long = "as", value_name = "FORMAT")]
    pub(crate) list_format: Option<String>,
    /// Which CSV column holds what, as pdq=Column,id=Column
    #[arg(long, value_name = "FIELD=COLUMN,…")]
    pub(crate) map: Option<String>,
    /// Lines that may be unreadable before nothing is written
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) max_rejects: u64,
    #[command(flatten)]
    pub(crate) building: Building,
    /// Output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct IndexSearch {
    /// The index file
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The hash looked for, pdq:…. Repeatable
    #[arg(long, value_name = "pdq:VALUE", required = true)]
    pub(crate) signal: Vec<String>,
    /// Largest distance in bits
    #[arg(long, default_value_t = 31, value_parser = clap::value_parser!(u32).range(0..=256))]
    pub(crate) radius: u32,
    /// Output
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// No two values of 144 bytes are farther apart.
fn squared_distance() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(0..=i64::from(lodestone_index::Vector144::MAX_DISTANCE_SQUARED))
}

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Folder to draw into
    #[arg(default_value = "lodestone-demo", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// Small pictures in the report
    #[arg(long, value_name = "MODE", value_parser = ["none", "drawing", "blur", "grey", "full"], default_value = "drawing")]
    pub(crate) thumbnails: String,
    /// Open the report in the browser
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Config {
    /// Each effective value with its origin
    Show {
        /// Output
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum Bench {
    /// Hash files one after the other in this process: `hash quality path` each
    Hash {
        /// Files, or folders of them
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// From a scaled decode
        #[arg(long)]
        folded: bool,
        /// Say on standard error where the time went
        #[arg(long)]
        timing: bool,
    },
    /// Search raw 32-byte codes: `query_no db_no distance` each, `search_cpu_s=` on standard error
    Match {
        /// The codes searched
        db: PathBuf,
        /// The queries
        queries: PathBuf,
        /// How many of them
        count: usize,
        /// Radius in bits
        #[arg(long, default_value_t = 31)]
        radius: u32,
        /// All queries in one call; without it one call each
        #[arg(long)]
        batch: bool,
        /// Widths of the chunks, as 16,16,…; or `linear`. By size without it
        #[arg(long, value_name = "WIDTHS")]
        widths: Option<String>,
        /// Search a segment file instead of the codes of DB, which is then not read
        #[arg(long, value_name = "FILE")]
        segment: Option<PathBuf>,
        /// Threads that build; look-ups always use one
        #[arg(long, default_value_t = 1)]
        threads: usize,
        /// Passes over the queries; the times of all are given, the answers of the last
        #[arg(long, default_value_t = 1)]
        rounds: usize,
    },
}
