//! `lodestone config show`.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use super::Objects;
use crate::Ended;
use crate::args::{Config, Format, Lists, Reading};
use crate::settings::Settings;

/// Prints each effective value with its origin.
pub(crate) fn run(args: &Config) -> Result<Ended> {
    let Config::Show { format } = args;
    let settings = Settings::new(&Lists::default(), &Reading::default())?;
    if *format == Format::Text || *format == Format::Csv {
        let mut out = std::io::stdout().lock();
        for one in &settings.effective {
            let value = if one.value.is_empty() { "(none)" } else { &one.value };
            writeln!(out, "{:<17} {value:<24} {}", one.name, one.origin)?;
        }
        return Ok(Ended::Clean);
    }
    let mut objects = Objects::new(*format);
    for one in &settings.effective {
        objects.push(&json!({ "name": one.name, "value": one.value, "origin": one.origin }))?;
    }
    objects.finish()?;
    Ok(Ended::Clean)
}
