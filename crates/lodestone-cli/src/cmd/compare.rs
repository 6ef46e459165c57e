//! `lodestone compare`.

use anyhow::Result;
use lodestone_engine::derive::{Side, compare};
use lodestone_engine::observer::Observer;
use lodestone_engine::report::comparison;
use lodestone_engine::wire;
use serde_json::json;

use super::page_file::PageFile;
use super::{Objects, worker_start};
use crate::Ended;
use crate::args::{Compare, Document, Format, Lists};
use crate::settings::Settings;
use crate::words;

/// Observes both pictures in a worker, compares them and says how one comes from the other.
pub(crate) fn run(args: &Compare) -> Result<Ended> {
    let settings = Settings::new(&Lists::default(), &args.reading)?;
    let page = args.report.as_deref().map(PageFile::create).transpose()?;
    let start = worker_start(&settings.observe)?;
    let mut observer = |options: &lodestone_engine::ObserveOptions| {
        Observer::new(start.clone(), options.clone(), settings.deadline)
    };
    let [first, second] =
        [&args.first, &args.second].map(|path| Side::observe(path, &mut observer, &settings.observe));
    let mut incomplete = false;
    for side in [&first, &second] {
        if let Some(why) = &side.questioned.unreadable {
            incomplete = true;
            eprintln!("lodestone: {}: {}", words::visible(&side.path), words::unreadable(why));
        }
    }
    let compared = compare(&first, &second)?;
    let related = compared.is_related();
    let written = if args.format == Document::Text {
        print(&compared)
    } else {
        let mut objects = Objects::new(Format::from(args.format));
        objects
            .push(&json!({
                "kind": "comparison", "first": first.path, "second": second.path,
                "first_unreadable": first.questioned.unreadable, "second_unreadable": second.questioned.unreadable,
                "same_bytes": compared.same_bytes, "whole": compared.whole,
                "second_from_first": compared.second_from_first.iter().map(wire::a_match).collect::<Vec<_>>(),
                "first_from_second": compared.first_from_second.iter().map(wire::a_match).collect::<Vec<_>>(),
            }))
            .and_then(|()| objects.finish())
    };
    super::closed(written)?;
    if let Some(page) = page {
        let program = concat!("lodestone ", env!("CARGO_PKG_VERSION"));
        let path = page.write(|out| comparison::render(out, (&first, &second), &compared, program))?;
        eprintln!("report: {}", path.display());
    }
    Ok(Ended::of(incomplete, related))
}

fn print(compared: &lodestone_engine::derive::Compared) -> std::io::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    for line in comparison::summary(compared) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
