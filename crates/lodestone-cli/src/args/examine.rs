//! What can be typed after `examine`, `provenance`, and what scans share with them.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{Document, Lists, Reading};
use crate::help;

#[derive(Args, Debug)]
pub(crate) struct Examine {
    /// Files, or folders with all below them; members of archives too
    #[arg(required = true, value_name = "FILE|FOLDER", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) examining: Examining,
    /// Only what needs no pixels: metadata, structure, credentials
    #[arg(long, help_heading = "Examining")]
    pub(crate) no_pixels: bool,
    /// Do not read NAME.txt, NAME.png.txt and .json beside a file
    #[arg(long, help_heading = "Examining")]
    pub(crate) no_sidecars: bool,
    /// Show prompts and names of input pictures, which are digests and counts otherwise
    #[arg(long, help_heading = "Examining")]
    pub(crate) show_text: bool,
    /// Write one self-contained HTML page for all files
    #[arg(long, value_name = "FILE.html", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
    /// Write maps of the pixels (error level, noise, grid …) as PNG files into this folder; with --report on the page too
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) maps: Option<PathBuf>,
    /// Small pictures on the page, hidden until revealed one by one; by default there are none
    #[arg(long, value_name = "MODE", value_parser = ["drawing", "blur", "grey", "full"])]
    pub(crate) thumbnails: Option<String>,
    /// Output for people or programs
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Document,
    /// Do not follow symbolic links; list them
    #[arg(long)]
    pub(crate) no_follow: bool,
    #[command(flatten)]
    pub(crate) lists: Lists,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// What examiners bring along, and what findings are weighed by.
#[derive(Args, Debug, Default)]
pub(crate) struct Examining {
    /// Your own ONNX model, by its model.toml. Repeatable
    #[arg(long, hide_short_help = true, value_name = "model.toml", value_hint = ValueHint::FilePath, help_heading = "Examining")]
    pub(crate) model: Vec<PathBuf>,
    /// Folder with lists of trusted signers in place of those built in
    #[arg(long, hide_short_help = true, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Examining")]
    pub(crate) trust_lists: Option<PathBuf>,
    /// Structures learnt from your own files (`lodestone provenance learn`). Repeatable
    #[arg(long, hide_short_help = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Examining")]
    pub(crate) structures: Vec<PathBuf>,
    /// Calibration table that comes before those built in (`lodestone calibrate`). Repeatable
    #[arg(long, hide_short_help = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Examining")]
    pub(crate) calibration: Vec<PathBuf>,
    /// Largest picture whose pixels are examined, in million pixels; 64 by default
    #[arg(long, hide_short_help = true, value_name = "MP", help_heading = "Examining")]
    pub(crate) max_examined_pixels: Option<u64>,
}

/// How much of each file a scan examines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Depth {
    /// Metadata, structure and credentials
    #[default]
    Metadata,
    /// Pixels too: watermarks, traces of recompression, models
    Full,
}

impl std::fmt::Display for Depth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::Full { "full" } else { "metadata" })
    }
}

impl std::str::FromStr for Depth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(text, true).map_err(|_| "known: metadata, full".to_owned())
    }
}

#[derive(Subcommand, Debug)]
pub(crate) enum Provenance {
    /// Show what examiners bring along: rules, trust lists, structures, models, calibration tables
    Show {
        #[command(flatten)]
        examining: Examining,
        /// Output
        #[arg(long, value_enum, default_value_t)]
        format: Document,
    },
    /// Learn the structure that a camera or program writes from files known to come from it
    #[command(after_long_help = help::LEARN)]
    Learn(Learn),
}

#[derive(Args, Debug)]
pub(crate) struct Learn {
    /// Folder of files that all come from one source
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// What wrote them, as findings will name it
    #[arg(long, value_name = "NAME")]
    pub(crate) label: String,
    /// File to write, for --structures
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: PathBuf,
}
