//! What can be typed after `bank`.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

use super::{Data, Format, Reading, SecretKeys, squared_distance};
use crate::help;

#[derive(Subcommand, Debug)]
pub(crate) enum Bank {
    /// Make an empty bank
    Create {
        /// Its name
        name: String,
        /// What its members are: known-real, known-generated, known-edited, related-not-illegal, own, negative, known-good
        #[arg(long, default_value = "known-real")]
        kind: String,
        /// PDQ distance in bits up to which members match
        #[arg(long, default_value_t = 31, value_parser = clap::value_parser!(u32).range(0..=64))]
        radius: u32,
        /// Squared distance up to which PhotoDNA values match; without it, equal ones do
        #[arg(long, value_name = "N", value_parser = squared_distance())]
        photodna_distance: Option<u32>,
        #[command(flatten)]
        data: Data,
    },
    /// Change how a bank's members match, or what it asks of those who list them
    #[command(after_long_help = help::BANK_SET)]
    Set {
        /// The bank
        bank: String,
        /// Layers by which a server looks for its members in files: 1 whole pictures, 2 regions, 3 local features
        #[arg(long, value_name = "LAYERS")]
        layers: Option<String>,
        /// PDQ distance in bits up to which members match
        #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u32).range(0..=64))]
        radius: Option<u32>,
        /// Squared distance up to which PhotoDNA values match; 0: equal ones
        #[arg(long, value_name = "N", value_parser = squared_distance())]
        photodna_distance: Option<u32>,
        /// Members of an exchange that have to list or confirm a value before its matches stand; 0: nothing is asked
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1000))]
        members_needed: Option<u32>,
        /// Members or people that confirm it, which suffice as well; 0: nothing is asked
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1000))]
        confirmations_needed: Option<u32>,
        #[command(flatten)]
        data: Data,
    },
    /// List banks
    List {
        /// Output
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        data: Data,
    },
    /// Import a list; the same list again changes nothing
    #[command(after_long_help = help::BANK_IMPORT)]
    Import {
        /// The bank; made (as known-real, radius 31) when there is none of that name
        bank: String,
        /// The list; TYPE is pdq, md5, sha1 or sha256 where the list does not say
        #[arg(value_name = "[TYPE:]FILE")]
        list: String,
        /// What the bank's members are, when it is made here
        #[arg(long)]
        kind: Option<String>,
        /// The list's format, when content does not tell: plain, pdq-text, hma-local-file, csv, hashdeep, md5sum, vics, ndjson, nsrl-rds3, nsrl-rds2, autopsy-kdb, icse-csv, nist-caid, hashkeeper, encase
        #[arg(long = "as", value_name = "FORMAT")]
        list_format: Option<String>,
        /// Which CSV column holds what, as pdq=Column,id=Column
        #[arg(long, value_name = "FIELD=COLUMN,…")]
        map: Option<String>,
        /// Lines that may be unreadable before nothing is imported
        #[arg(long, value_name = "N", default_value_t = 0)]
        max_rejects: u64,
        /// Output
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        data: Data,
    },
    /// Write a bank as a list
    Export {
        /// The bank
        bank: String,
        /// Format: plain, pdq-text, hma-local-file, csv, ndjson, vics, md5sum, hashdeep, autopsy-kdb (with --out)
        #[arg(long = "as", value_name = "FORMAT", default_value = "csv")]
        list_format: String,
        /// Type of the values of a plain list or of md5sum
        #[arg(long, value_name = "TYPE")]
        signal_type: Option<String>,
        /// Version of the data model that a VICS document says it has: 1.2, 1.3 or 2.0
        #[arg(long, value_name = "VERSION", default_value = "2.0")]
        vics_version: String,
        /// File to write; standard output without it
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: Option<PathBuf>,
        /// File for what is held back, with its evidence, as NDJSON; without it FILE.held.ndjson beside --out
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        held: Option<PathBuf>,
        /// Write what would be held back too: your decision, which the log of audit keeps
        #[arg(long)]
        release_held: bool,
        #[command(flatten)]
        data: Data,
    },
    /// Write the local features of a bank's pictures into one file, sealed under a key of its own
    #[command(after_long_help = help::BANK_FEATURES)]
    ExportFeatures {
        /// The bank
        bank: String,
        /// File to write
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: PathBuf,
        /// File of the key that the bundle is sealed with; made when it is not there. Give it to the receiver apart from it
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        bundle_key: PathBuf,
        #[command(flatten)]
        keys: SecretKeys,
        /// Output
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        data: Data,
    },
    /// Take the local features of a bundle for the entries of a bank that it speaks of
    #[command(after_long_help = help::BANK_FEATURES)]
    ImportFeatures {
        /// The bank
        bank: String,
        /// The bundle
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        bundle: PathBuf,
        /// File of the key that the bundle is sealed with
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        bundle_key: PathBuf,
        #[command(flatten)]
        keys: SecretKeys,
        /// Output
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        data: Data,
    },
    /// Show one bank, or one entry of it
    Show {
        /// The bank
        bank: String,
        /// An entry's id
        entry: Option<String>,
        /// Output
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        data: Data,
    },
    /// Add pictures with their digests, PDQ and local features; or one entry by its fingerprints
    #[command(after_long_help = help::BANK_ADD)]
    Add {
        /// The bank; of pictures made (as known-real) when there is none of that name
        bank: String,
        /// Pictures, and folders with all below them. They are not needed afterwards
        #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath, required_unless_present = "signal", conflicts_with_all = ["signal", "id"])]
        paths: Vec<PathBuf>,
        /// A fingerprint of the entry: pdq:…, md5:…, sha1:…, sha256:…. Repeatable
        #[arg(long, value_name = "TYPE:VALUE")]
        signal: Vec<String>,
        /// Its id; one is made without it
        #[arg(long)]
        id: Option<String>,
        /// What the bank's members are, when it is made here
        #[arg(long, requires = "paths")]
        kind: Option<String>,
        /// Keep no local features: parts of the pictures are then found by their hashes only
        #[arg(long, requires = "paths")]
        no_features: bool,
        /// Keep vectors of this model too, for layer 4 (docs/descriptors.md)
        #[arg(long, requires = "paths", value_name = "FILE.toml", value_hint = ValueHint::FilePath)]
        descriptor: Option<PathBuf>,
        /// Pictures that may be unreadable, and banked by their digests only, before nothing is banked
        #[arg(long, value_name = "N", default_value_t = 0)]
        max_rejects: u64,
        #[command(flatten)]
        keys: SecretKeys,
        #[command(flatten)]
        reading: Box<Reading>,
        /// Output
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        #[command(flatten)]
        data: Data,
    },
    /// Remove one entry, gone by the next look-up
    Remove {
        /// The bank
        bank: String,
        /// The entry's id
        entry: String,
        /// Say that you mean it
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        data: Data,
    },
    /// Delete a bank and its entries
    Delete {
        /// The bank
        bank: String,
        /// Say that you mean it
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        data: Data,
    },
}
