//! The program `lodestone`. This file is its table of contents.
#![forbid(unsafe_code)]
// The program is the one place that prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]

/// As the standard one, but a full disk or a reader that went behind standard error ends nothing: results go on.
macro_rules! eprintln {
    ($($told:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($told)*);
    }};
}

mod args;
mod cmd;
mod demo;
mod examined;
mod help;
mod lists;
mod settings;
mod show;
mod summary;
mod words;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;

/// How a command ended, as its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// 0: all read, nothing matched.
    Clean,
    /// 1: something matched.
    Matched,
    /// 2: something could not be read or done.
    Incomplete,
}

impl Ended {
    /// By whether something could not be read or done, and whether something matched.
    pub(crate) fn of(incomplete: bool, matched: bool) -> Self {
        match (incomplete, matched) {
            (true, _) => Self::Incomplete,
            (false, true) => Self::Matched,
            (false, false) => Self::Clean,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.command {
        Command::Scan(args) => cmd::scan::run(&args),
        Command::Hash(args) => cmd::hash::run(&args),
        Command::Match(args) => cmd::matching::run(&args),
        Command::Compare(args) => cmd::compare::run(&args),
        Command::Bank(args) => cmd::bank::run(&args),
        Command::Index(args) => cmd::index::run(&args),
        Command::Examine(args) => cmd::examine::run(&args),
        Command::Provenance(args) => cmd::provenance::run(&args),
        Command::Calibrate(args) => cmd::calibrate::run(&args),
        Command::Eval(args) => cmd::eval::run(&args),
        Command::Serve(args) => cmd::serve::run(&args),
        Command::Key(args) => cmd::key::run(&args),
        Command::Exchange(args) => cmd::exchange::run(&args),
        Command::Demo(args) => cmd::demo::run(&args),
        Command::Audit(args) => cmd::audit::run(&args),
        Command::Config(args) => cmd::config::run(&args),
        Command::Completions { shell } => cmd::manual::completions(shell),
        Command::Man { out } => cmd::manual::pages(out.as_deref()),
        Command::Bench(args) => cmd::bench::run(&args),
        Command::Worker { memory } => return cmd::worker(memory),
    };
    match ended {
        Ok(Ended::Clean) => ExitCode::SUCCESS,
        Ok(Ended::Matched) => ExitCode::from(1),
        Ok(Ended::Incomplete) => ExitCode::from(2),
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lodestone: {}", told(&error));
            ExitCode::from(2)
        }
    }
}

/// An error and its causes, each said once: many already say theirs.
pub(crate) fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_cause_that_an_error_says_itself_is_not_said_again() {
        let inner = anyhow::anyhow!("no such file");
        let error = inner.context("list x: no such file").context("lists");
        assert_eq!(told(&error), "lists: list x: no such file");
        let plain = Err::<(), _>(anyhow::anyhow!("why")).context("what").unwrap_err();
        assert_eq!(told(&plain), "what: why");
    }
}
