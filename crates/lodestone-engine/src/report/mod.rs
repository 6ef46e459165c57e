//! The report: one self-contained HTML file that opens without a network, and a CSV for spreadsheets.
//!
//! Everything that comes from files is hostile: it is escaped, its control and direction characters are made visible,
//! and the page forbids itself by its content security policy to fetch anything or to run any script but its own.
//! Records are read once and not held: what the page shows of them is bounded by the limits in [`limits`].
//! No picture is shown before a person asks for that one picture.

mod collect;
pub mod comparison;
mod csv;
pub mod examination;
mod groups;
mod page;
mod tables;
pub mod text;
mod words;

use std::io;

use lodestone_types::{Bank, Group, Record, Summary};

pub use csv::csv;

/// What the page holds at most, so that it opens fast whatever the pile.
pub mod limits {
    /// Groups shown as cards; the others follow in a compact table.
    pub const CARDS: usize = 2_000;
    /// Members listed on one card.
    pub const MEMBERS: usize = 40;
    /// Reasons for standing together listed on one card.
    pub const EDGES: usize = 60;
    /// Groups in the compact table.
    pub const COMPACT: usize = 20_000;
    /// Rows in the table of matches.
    pub const MATCHES: usize = 5_000;
    /// Rows in the list of unreadable files.
    pub const UNREADABLE: usize = 5_000;
    /// Rows in the list of all files. Above it the list is left out: NDJSON and CSV hold all.
    pub const FILES: usize = 20_000;
    /// Bytes of small pictures, base64; those of the first ranks are kept.
    pub const PICTURE_BYTES: usize = 48 << 20;
}

/// What a report is made from, beside the records.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// Heading of the page.
    pub title: String,
    /// Totals of the run.
    pub summary: &'a Summary,
    /// Groups in rank order.
    pub groups: &'a [Group],
    /// Banks that were matched against.
    pub banks: &'a [Bank],
    /// Options and thresholds in force, by name: what makes the run repeatable.
    pub settings: Vec<(String, String)>,
    /// Name and version of the program.
    pub program: String,
    /// The snapshot that gave the matches.
    pub generation: u64,
    /// Folders that were scanned, as given.
    pub roots: Vec<String>,
    /// When the run started, as text; empty to leave it out.
    pub started: String,
    /// When it finished, as text; empty to leave it out.
    pub finished: String,
    /// How long it took, as text; empty to leave it out.
    pub elapsed: String,
}

/// Writes the report as one HTML file. Reads `records` once; memory is bounded by [`limits`], not by their number.
///
/// # Errors
/// The writer's, and those of the records' source.
pub fn render(
    out: &mut dyn io::Write,
    report: &Report<'_>,
    records: &mut dyn Iterator<Item = io::Result<Record>>,
) -> io::Result<()> {
    let seen = collect::collect(report, records)?;
    let out = &mut io::BufWriter::with_capacity(1 << 16, out);
    page::head(out, report)?;
    page::masthead(out, report, &seen)?;
    page::figures(out, report)?;
    groups::cards(out, report, &seen)?;
    tables::matches(out, &seen)?;
    tables::unreadable(out, report, &seen)?;
    tables::files(out, &seen)?;
    tables::method(out, report)?;
    page::foot(out, report)?;
    io::Write::flush(out)
}
