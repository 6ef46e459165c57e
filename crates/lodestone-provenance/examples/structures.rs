//! Reads the JPEG structure of every picture under a labelled folder, or learns a database from part of it.
//!
//! `structures DIR` prints how many files of each label have which structure, and against how many camera claims it
//! speaks; `structures DIR --list LABEL` one line a file. `structures DIR --learn REPOSITORY[,REPOSITORY] --name NAME
//! --date YYYY-MM-DD` writes a database file of the camera pictures from those repositories to the standard output.
//! DIR holds `manifest.csv` with columns `path`, `label`, `subtype`, `source_repo`. No picture is decoded.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::path::Path;

use lodestone_media::segments;
use lodestone_provenance::structure::{Learner, Signature};
use lodestone_provenance::{Item, Kit, Wish, examine};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value =
        |flag: &str| arguments.iter().position(|a| a == flag).and_then(|i| arguments.get(i + 1)).cloned();
    let Some(dir) = arguments.first().filter(|a| !a.starts_with("--")) else {
        eprintln!("usage: structures DIR [--list LABEL | --learn REPOSITORIES --name NAME --date DATE]");
        std::process::exit(2);
    };
    let dir = Path::new(dir);
    let Ok(manifest) = std::fs::read_to_string(dir.join("manifest.csv")) else {
        println!("skipped: no manifest.csv in {}", dir.display());
        return;
    };
    let mut lines = manifest.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| header.iter().position(|h| *h == name).expect("manifest has the column");
    let (path, label) = (column("path"), column("label"));
    let (subtype, repository) = (column("subtype"), column("source_repo"));
    // The columns read here come before any quoted one.
    let rows = lines.map(|l| l.split(',').collect::<Vec<_>>()).filter(|r| r.len() > repository);
    if let Some(wanted) = value("--learn") {
        let name = value("--name").unwrap_or_default();
        let mut learner = Learner::new(&name, None);
        let mut refused: BTreeMap<String, u32> = BTreeMap::new();
        for row in rows.filter(|r| r[label] == "camera" && wanted.split(',').any(|w| w == r[repository])) {
            let Ok(bytes) = std::fs::read(dir.join(row[path])) else { continue };
            if let Err(why) = learner.add(&segments::scan(&bytes)) {
                *refused.entry(why.to_string()).or_default() += 1;
            }
        }
        eprintln!("{} signatures; not learned: {refused:?}", learner.len());
        print!("{}", learner.finish(&value("--date").unwrap_or_default()));
        return;
    }
    let list = value("--list");
    let kit = Kit::built_in();
    let mut table: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
    let mut spent = std::time::Duration::ZERO;
    for row in rows {
        let Ok(bytes) = std::fs::read(dir.join(row[path])) else { continue };
        let segments = segments::scan(&bytes);
        let started = std::time::Instant::now();
        let _ = Signature::of(&segments).map(|s| kit.known_structures(&s).len());
        spent += started.elapsed();
        let item =
            Item { bytes: &bytes, segments: &segments, width: 0, height: 0, pixels: None, sidecar: None };
        let examined = examine(&item, &kit, &Wish::default());
        let class = examined.assessment.facts.get("structure").cloned().unwrap_or_default();
        let opinion = ["agrees", "disagrees"]
            .into_iter()
            .find(|o| examined.findings.iter().any(|f| f.code == format!("structure.{o}")))
            .unwrap_or("-");
        let claimed = if examined.assessment.camera.is_some() { "camera named" } else { "no camera named" };
        let key = match row[label] {
            "camera" | "edited" => format!("{}: {}, {claimed}", row[label], row[subtype]),
            other => other.to_owned(),
        };
        let cells = table.entry(key).or_default();
        for cell in ["files".to_owned(), class.clone(), opinion.to_owned()] {
            *cells.entry(cell).or_default() += 1;
        }
        *cells.entry(format!("chain {:?}", examined.assessment.camera_chain)).or_default() += 1;
        if list.as_deref() == Some(row[label]) {
            let described = examined.findings.iter().find(|f| f.code == "structure.described");
            println!(
                "{} | {class} {opinion} {:?} | {} | {}",
                row[path],
                examined.assessment.camera_chain,
                examined.assessment.camera.as_deref().unwrap_or("-"),
                described.map_or("-", |f| f.what.as_str())
            );
        }
    }
    for (label, cells) in table {
        let cells: Vec<String> = cells.iter().map(|(name, n)| format!("{name} {n}")).collect();
        println!("{label}: {}", cells.join(", "));
    }
    println!("signature and look-up: {spent:?} together");
}
