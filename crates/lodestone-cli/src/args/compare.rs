//! What can be typed after `compare`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{Document, Reading};

/// Two pictures, and how they are shown.
#[derive(Args, Debug)]
pub(crate) struct Compare {
    /// The first picture
    #[arg(value_name = "A", value_hint = ValueHint::FilePath)]
    pub(crate) first: PathBuf,
    /// The second picture
    #[arg(value_name = "B", value_hint = ValueHint::FilePath)]
    pub(crate) second: PathBuf,
    /// Write a self-contained HTML page: frames, outlines and what was replaced, without a pixel of either
    #[arg(long, value_name = "FILE.html", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
    /// Output for people or programs
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Document,
    #[command(flatten)]
    pub(crate) reading: Reading,
}
