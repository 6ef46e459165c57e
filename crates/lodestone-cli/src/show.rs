//! Progress on standard error: for anything over two seconds, with rate and time left.

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use lodestone_engine::Progress;
use lodestone_engine::bank_index::{IndexNews, Outcome};
use lodestone_index::{BuildStage, BuildStep, LiveStep};

use crate::words::count;

/// Shows progress: in place on a terminal, else a plain line every ten seconds.
pub(crate) struct Show {
    started: Instant,
    last: Option<Instant>,
    terminal: bool,
    drawn: bool,
}

impl Show {
    /// Starts the clock.
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), last: None, terminal: std::io::stderr().is_terminal(), drawn: false }
    }

    /// Draws, when it is time to.
    pub(crate) fn tick(&mut self, progress: &Progress) {
        let elapsed = self.started.elapsed();
        self.draw(|| line(progress, elapsed));
    }

    /// Draws a line, when it is time to.
    fn draw(&mut self, line: impl FnOnce() -> String) {
        let every = if self.terminal { Duration::from_millis(200) } else { Duration::from_secs(10) };
        let since = self.last.unwrap_or(self.started).elapsed();
        if self.started.elapsed() < Duration::from_secs(2) || since < every {
            return;
        }
        self.last = Some(Instant::now());
        let line = line();
        let mut err = std::io::stderr().lock();
        let _ = if self.terminal { write!(err, "\r\x1b[K{line}") } else { writeln!(err, "{line}") };
        let _ = err.flush();
        self.drawn = true;
    }

    /// Clears what was drawn.
    pub(crate) fn clear(&mut self) {
        if self.terminal && self.drawn {
            let mut err = std::io::stderr().lock();
            let _ = write!(err, "\r\x1b[K");
            let _ = err.flush();
        }
    }
}

/// Shows how far something with steps has come, once it takes over two seconds.
pub(crate) struct Steps {
    show: Show,
    what: &'static str,
    since: Instant,
}

impl Steps {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { show: Show::new(), what, since: Instant::now() }
    }

    /// Another thing is counted from here on: its rate is its own.
    pub(crate) fn turn_to(&mut self, what: &'static str) {
        if self.what != what {
            (self.what, self.since) = (what, Instant::now());
        }
    }

    /// Draws, when it is time to. `total` is 0 where nobody knows it; `noun` is what is counted.
    pub(crate) fn tick(&mut self, done: u64, total: u64, noun: &str) {
        let (what, elapsed) = (self.what, self.since.elapsed());
        self.show.draw(|| {
            let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
            if total == 0 {
                return format!("{what}: {done} {noun}, {rate:.0}/s");
            }
            let percent = 100.0 * done as f64 / total as f64;
            let eta =
                if rate > 0.0 { clock(total.saturating_sub(done) as f64 / rate) } else { "?".to_owned() };
            format!("{what}: {done} of {total} {noun} ({percent:.0} %), {rate:.0}/s, {eta} left")
        });
    }

    /// Clears what was drawn.
    pub(crate) fn clear(&mut self) {
        self.show.clear();
    }
}

/// Says what happens to the index of a data folder.
pub(crate) struct IndexShow(Steps);

impl IndexShow {
    pub(crate) fn new() -> Self {
        Self(Steps::new("index"))
    }

    /// Shows one piece of news.
    pub(crate) fn tell(&mut self, news: &IndexNews) -> ControlFlow<()> {
        match news {
            IndexNews::Step(LiveStep::Read { done, total }) => {
                self.0.turn_to("index, reading");
                self.0.tick(*done, *total, "hashes");
            }
            IndexNews::Step(LiveStep::Build(step)) => self.build(*step),
            IndexNews::Mended(outcome) => {
                self.0.clear();
                if let Some(line) = mended(outcome) {
                    eprintln!("{line}");
                }
            }
            IndexNews::Refused { why } => {
                self.0.clear();
                eprintln!(
                    "index of the data folder is damaged, its lost part is made again from the banks: {why}"
                );
            }
            IndexNews::InMemory { why } => {
                self.0.clear();
                eprintln!("index of the data folder cannot be used, reading the banks into memory: {why}");
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// Shows one step of a build.
    pub(crate) fn build(&mut self, step: BuildStep) {
        let (what, noun) = match step.stage {
            BuildStage::Sort => ("index, sorting", "hashes"),
            BuildStage::Codes => ("index, writing", "hashes"),
            BuildStage::Tables => ("index, tables", "tables"),
            _ => ("index, to disk", "files"),
        };
        self.0.turn_to(what);
        self.0.tick(step.done, step.total, noun);
    }

    /// Clears what was drawn.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// What was done to an index, as a line; none where nobody has to know.
pub(crate) fn mended(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::CaughtUp { added, removed } => {
            let added = count(*added, "hash", "hashes");
            Some(format!("index of the data folder brought up to date: {added} added, {removed} removed"))
        }
        Outcome::Built { why: Some(why), values } => {
            let values = count(*values, "hash", "hashes");
            Some(format!("index of the data folder built again from the banks ({values}): {why}"))
        }
        Outcome::Built { why: None, values } => {
            let values = count(*values, "hash", "hashes");
            Some(format!("index of the data folder built from the banks ({values})"))
        }
        _ => None,
    }
}

fn line(progress: &Progress, elapsed: Duration) -> String {
    let done = progress.files_done();
    let seconds = elapsed.as_secs_f64().max(0.001);
    let rate = done as f64 / seconds;
    let megabytes = progress.bytes_read() as f64 / 1e6 / seconds;
    if progress.is_grouping() {
        return format!("grouping {done} files");
    }
    let found = progress.files_found();
    if !progress.is_counted() {
        return format!("{done} files, {rate:.0} files/s, {megabytes:.0} MB/s, counting ({found} so far)");
    }
    let left = found.saturating_sub(done);
    let eta = if rate > 0.0 { clock(left as f64 / rate) } else { "?".to_owned() };
    let percent = if found == 0 { 100.0 } else { 100.0 * done as f64 / found as f64 };
    format!("{done} of {found} files ({percent:.0} %), {rate:.0} files/s, {megabytes:.0} MB/s, {eta} left")
}

/// Seconds as `1:02:03` or `2:03`.
pub(crate) fn clock(seconds: f64) -> String {
    let seconds = seconds.clamp(0.0, 1e9) as u64;
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_reads_like_a_clock() {
        assert_eq!(clock(5.4), "0:05");
        assert_eq!(clock(3723.0), "1:02:03");
        assert_eq!(clock(f64::INFINITY), "277777:46:40");
    }
}
