//! `lodestone completions` and `lodestone man`.

use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::Ended;
use crate::args::Cli;

/// Prints a completion script.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Ended> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lodestone", &mut script);
    std::io::Write::write_all(&mut std::io::stdout(), &script)?;
    Ok(Ended::Clean)
}

/// Prints the main page, or writes all pages into a folder.
pub(crate) fn pages(out: Option<&Path>) -> Result<Ended> {
    match out {
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            clap_mangen::generate_to(Cli::command(), folder).with_context(|| folder.display().to_string())?;
        }
        None => clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?,
    }
    Ok(Ended::Clean)
}
