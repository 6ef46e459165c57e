//! What can be typed after `calibrate` and `eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{Document, Examining, Lists, Reading};

#[derive(Args, Debug)]
pub(crate) struct Calibrate {
    /// Folder with a manifest.csv (path, label, source_repo …), or with subfolders camera, edited, ai_edited, ai
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) labelled: PathBuf,
    /// File to write, for --calibration
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
    /// Page with Tippett plots and reliability tables
    #[arg(long, value_name = "FILE.html", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
    /// Name of the collection, which every answer will carry; the folder's name by default
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// How scores become likelihood ratios
    #[arg(long, value_enum, default_value_t)]
    pub(crate) method: Method,
    /// Look at pixels too; models given by --model always do
    #[arg(long)]
    pub(crate) pixels: bool,
    /// Write tables too whose cost on sources left out may reach 1: they may mislead
    #[arg(long)]
    pub(crate) keep_all: bool,
    #[command(flatten)]
    pub(crate) examining: Examining,
    /// Output for people or programs
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Document,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// How scores become likelihood ratios.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// Two numbers; what small sets can bear
    #[default]
    Logistic,
    /// Steps; wants some hundreds of files of each class
    Isotonic,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Eval {
    /// Count what is found in a labelled folder, and what the calibration tables cost there
    #[command(after_long_help = crate::help::EVAL)]
    Provenance(Box<EvalProvenance>),
    /// Learn how near regions of your own unrelated pictures come to a list, for `--tail`
    #[command(after_long_help = crate::help::EVAL_TAIL)]
    Tail(Box<EvalTail>),
    /// Describe unrelated pictures by your own model, for `--background`
    #[command(after_long_help = crate::help::EVAL_BACKGROUND)]
    Background(Box<EvalBackground>),
}

#[derive(Args, Debug)]
pub(crate) struct EvalBackground {
    /// Folders and files: pictures like those you look through, none of them known or made from a known one
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<PathBuf>,
    /// Your own ONNX model that makes a vector of a picture (docs/descriptors.md)
    #[arg(long, value_name = "FILE.toml", value_hint = ValueHint::FilePath)]
    pub(crate) descriptor: PathBuf,
    /// File to write
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Args, Debug)]
pub(crate) struct EvalTail {
    /// Files and folders of your own traffic; what matches the list is left out
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<PathBuf>,
    /// File to write
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath)]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) lists: Lists,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Args, Debug)]
pub(crate) struct EvalProvenance {
    /// Folder with a manifest.csv (path, label, source_repo …), or with subfolders camera, edited, ai_edited, ai
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// All pictures are N × N copies made by normalise.py --square N: the only ones on which scores of pixels are judged
    #[arg(long, value_name = "N")]
    pub(crate) square: Option<u32>,
    /// Look at pixels too (watermarks, recompression, models)
    #[arg(long)]
    pub(crate) pixels: bool,
    /// Page with Tippett plots and reliability tables
    #[arg(long, value_name = "FILE.html", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) examining: Examining,
    /// Output for people or programs
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Document,
    #[command(flatten)]
    pub(crate) reading: Reading,
}
