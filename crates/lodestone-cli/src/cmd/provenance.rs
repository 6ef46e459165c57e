//! `lodestone provenance`: what examiners bring along.

use std::io::{self, Write};

use anyhow::{Result, bail};
use lodestone_engine::{Calibrations, Wish};
use serde_json::json;

use super::worker_start;
use crate::Ended;
use crate::args::{Examining, Format, Lists, Provenance, Reading};
use crate::settings::Settings;
use crate::words::visible;

/// Shows, or learns.
pub(crate) fn run(args: &Provenance) -> Result<Ended> {
    match args {
        Provenance::Show { examining, format } => show(examining, *format),
        Provenance::Learn(_) => bail!("learning structures is not built in yet"),
    }
}

/// Says what is built in and what the operator brings, with dates and digests.
fn show(examining: &Examining, format: Format) -> Result<Ended> {
    let mut settings = Settings::examining(&Lists::default(), &Reading::default(), examining, None)?;
    settings.use_kit(Wish::FULL)?;
    let tables = Calibrations::load(&settings.calibration)?;
    let examiners = super::examine::examiners(worker_start(&settings.observe)?, &settings, &tables)?;
    let mut out = io::stdout().lock();
    match format {
        Format::Ndjson | Format::Json => writeln!(out, "{}", json!(examiners))?,
        Format::Text | Format::Csv => {
            writeln!(out, "program       {}", examiners.program)?;
            writeln!(out, "rules         {}", examiners.basis)?;
            for (name, lines) in [("examiners", &examiners.kit), ("calibrations", &examiners.calibrations)] {
                for (number, line) in lines.iter().enumerate() {
                    let name = if number == 0 { name } else { "" };
                    writeln!(out, "{name:<13} {}", visible(line))?;
                }
                if lines.is_empty() {
                    writeln!(out, "{name:<13} none")?;
                }
            }
        }
    }
    Ok(Ended::Clean)
}
