//! Fits the shipped calibration tables: `cargo run --release -p lodestone-provenance --example calibrate -- DIR OUT NAME DATE`.
//!
//! DIR is a labelled folder (`lodestone_provenance::calibration::labelled`); OUT a folder for `origin.json` and `report.html`. It reads
//! metadata and structure only, so that what scans see is what was fitted. `lodestone calibrate` is the operator's way to do it.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::Path;

use lodestone_media::segments;
use lodestone_provenance::calibration::fit::{Figures, Occasion, html, joint_table};
use lodestone_provenance::calibration::labelled::Labelled;
use lodestone_provenance::calibration::{Case, Map, specs};
use lodestone_provenance::{Item, Kit, Wish, examine};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, out, name, date] = args.as_slice() else {
        eprintln!("usage: calibrate DIR OUT NAME DATE");
        std::process::exit(2);
    };
    let dir = Path::new(dir);
    let labelled = match Labelled::read(dir) {
        Ok(labelled) => labelled,
        Err(e) => {
            println!("skipped: {e}");
            return;
        }
    };
    let kit = Kit::built_in();
    let mut cases = Vec::new();
    for row in &labelled.rows {
        let Some(proposition) = row.proposition() else { continue };
        let Ok(bytes) = std::fs::read(dir.join(&row.path)) else {
            eprintln!("cannot be read: {}", row.path.display());
            continue;
        };
        let segments = segments::scan(&bytes);
        let item = Item {
            bytes: &bytes,
            segments: &segments,
            width: row.width,
            height: row.height,
            pixels: None,
            sidecar: None,
        };
        let read = examine(&item, &kit, &Wish::WITHOUT_PIXELS);
        cases.push(Case::new(proposition, &row.source, &read.assessment));
    }
    let cases: Vec<&Case> = cases.iter().collect();
    let occasion = Occasion { date: date.clone(), corpus: name.clone(), digest: labelled.digest };
    let (mut tables, mut figures) = (Vec::new(), Vec::new());
    for spec in specs() {
        match joint_table(&spec, &cases, &occasion) {
            Err(why) => println!("{}: not fitted: {why}\n", spec.id),
            Ok((table, judgements)) => {
                let one =
                    Figures::of(&table.id, "leave one source out", (spec.h1, spec.h2), &judgements, &[]);
                print!("{}", one.text());
                if let Map::Joint { cells, smoothing, .. } = &table.map {
                    println!("  smoothing {smoothing}, cap {}", table.cap_log10_lr);
                    for c in cells {
                        let is: Vec<&str> = c.is.iter().map(|i| i.as_deref().unwrap_or("·")).collect();
                        println!(
                            "    {:<28} files {:?} sources {:?} log10 LR {} {:?}",
                            is.join(" "),
                            c.files,
                            c.sources,
                            c.log10_lr,
                            c.range
                        );
                    }
                }
                println!();
                figures.push(one);
                // A table that may mislead on sources that it has not seen is not shipped.
                match table.judged.as_ref().and_then(|j| j.cllr_range) {
                    Some([_, high]) if high < 1.0 => tables.push(table),
                    _ => println!("  NOT WRITTEN: the interval of its Cllr reaches 1\n"),
                }
            }
        }
    }
    let text = serde_json::to_string_pretty(&tables).expect("plain data") + "\n";
    std::fs::write(Path::new(out).join("origin.json"), text).expect("OUT can be written");
    let page = html("Calibration of provenance findings", &[format!("Corpus: {name}, {date}.")], &figures);
    std::fs::write(Path::new(out).join("report.html"), page).expect("OUT can be written");
}
