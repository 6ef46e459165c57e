//! Progress on standard error: for anything over two seconds, with rate and time left.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use lodestone_engine::Progress;

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
        let every = if self.terminal { Duration::from_millis(200) } else { Duration::from_secs(10) };
        let since = self.last.unwrap_or(self.started).elapsed();
        if self.started.elapsed() < Duration::from_secs(2) || since < every {
            return;
        }
        self.last = Some(Instant::now());
        let line = line(progress, self.started.elapsed());
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
