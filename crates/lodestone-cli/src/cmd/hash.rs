//! `lodestone hash`.

use std::io::Write;

use anyhow::Result;
use lodestone_engine::observer::Observer;
use lodestone_engine::{full_path, wire};
use lodestone_types::hex;
use serde_json::json;

use super::{Objects, worker_start};
use crate::Ended;
use crate::args::{Format, Hash, Lists};
use crate::settings::Settings;
use crate::words::visible;

/// Prints digests and PDQ of files, in the order given; members of archives after their archive.
pub(crate) fn run(args: &Hash) -> Result<Ended> {
    let mut settings = Settings::new(&Lists::default(), &args.reading)?;
    settings.observe.provenance = false;
    let mut observer =
        Observer::new(worker_start(&settings.observe)?, settings.observe.clone(), settings.deadline);
    let mut objects = Objects::new(args.format);
    let mut ended = Ended::Clean;
    if args.format == Format::Csv {
        writeln!(std::io::stdout(), "path,{}", COLUMNS.join(","))?;
    }
    for file in &args.files {
        observer.observe_file(file).each(|one| {
            let (path, _) = full_path(file, one.member);
            let seen = &one.observation;
            if let Some(why) = &seen.unreadable {
                ended = Ended::Incomplete;
                if matches!(args.format, Format::Text | Format::Csv) {
                    eprintln!("lodestone: {}: {}", visible(&path), crate::words::unreadable(why));
                }
            }
            match args.format {
                Format::Text => {
                    if let Some(print) = seen.primary() {
                        let hash = print.pdq_dihedral.first().map(|h| hex::encode(h)).unwrap_or_default();
                        writeln!(std::io::stdout(), "{hash},{},{}", print.quality, visible(&path))?;
                    }
                }
                Format::Csv => csv(&path, seen)?,
                Format::Ndjson | Format::Json => {
                    let mut object = wire::hashed(&path, seen);
                    if args.dihedral {
                        let forms = seen.primary().map(|p| p.pdq_dihedral.iter().map(|h| hex::encode(h)));
                        object["signals"]["pdq_dihedral"] = json!(forms.map(Iterator::collect::<Vec<_>>));
                    }
                    objects.push(&object)?;
                }
            }
            anyhow::Ok(())
        })?;
    }
    if matches!(args.format, Format::Ndjson | Format::Json) {
        objects.finish()?;
    }
    Ok(ended)
}

/// Columns of a table after the path.
const COLUMNS: [&str; 5] = ["sha256", "sha1", "md5", "pdq", "pdq_quality"];

fn csv(path: &str, seen: &lodestone_types::Observation) -> Result<()> {
    let signals = wire::signals(seen);
    let text = |name: &str| match &signals[name] {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    let path = path.replace('"', "\"\"");
    let row = COLUMNS.map(text).join(",");
    writeln!(std::io::stdout(), "\"{path}\",{row}")?;
    Ok(())
}
