//! `lodestone demo`: the main job on a pile that the program draws itself.

use anyhow::{Context, Result};
use clap::Parser;
use lodestone_engine::ObserveOptions;
use lodestone_engine::observe::Eye;
use lodestone_types::hex;

use crate::Ended;
use crate::args::{Cli, Command, Demo};
use crate::demo;

/// Draws, scans, and names the report. Ends well when the scan could be done: the pile holds broken files on purpose.
pub(crate) fn run(args: &Demo) -> Result<Ended> {
    eprintln!("drawing a small pile of benign pictures into {} …", args.dir.display());
    let options = ObserveOptions { provenance: false, ..ObserveOptions::default() };
    let set = demo::draw(&args.dir, &|bytes| {
        // The program's own pictures, drawn a moment ago: no worker process is needed to hash them.
        let print = Eye::new(&options).pdq(bytes)?;
        Some((print.pdq_dihedral.first().map(|hash| hex::encode(hash))?, print.quality))
    })?;
    let report = args.dir.join("report.html");
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let mut typed = vec![
        "lodestone".to_owned(),
        "scan".to_owned(),
        text(&set.pictures),
        "--known".to_owned(),
        text(&set.known),
        "--known-good".to_owned(),
        format!("md5:{}", text(&set.known_good)),
        "--report".to_owned(),
        text(&report),
    ];
    if args.thumbnails != "none" {
        typed.extend(["--thumbnails".to_owned(), args.thumbnails.clone()]);
    }
    eprintln!("running: {}\n", typed.join(" "));
    let Command::Scan(scan) = Cli::try_parse_from(&typed).context("the demo's own command")?.command else {
        anyhow::bail!("the demo's own command is no scan");
    };
    super::scan::run(&scan)?;
    let report = std::fs::canonicalize(&report).unwrap_or(report);
    println!("\nThe report is at {}", report.display());
    println!("The same again as JSON lines: {} --format ndjson", typed[..7].join(" "));
    if args.open {
        open(&report);
    }
    Ok(Ended::Clean)
}

/// Asks the system to open the report; a system without a browser is no failure.
fn open(report: &std::path::Path) {
    let opener = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let _ = std::process::Command::new(opener).arg(report).stdin(std::process::Stdio::null()).spawn();
}
