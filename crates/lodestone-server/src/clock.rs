//! What time it is: handed in, so that tests can say.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time. Clones tell the same.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    fixed: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self::default()
    }

    /// A time that stands still until it is moved, microseconds since 1970 UTC.
    pub fn fixed(now_us: i64) -> Self {
        Self { fixed: Some(Arc::new(AtomicI64::new(now_us))) }
    }

    /// Moves a fixed time on; does nothing to the system's.
    pub fn advance_us(&self, by: i64) {
        if let Some(fixed) = &self.fixed {
            fixed.fetch_add(by, Ordering::Relaxed);
        }
    }

    /// Microseconds since 1970, UTC.
    pub fn now_us(&self) -> i64 {
        match &self.fixed {
            Some(fixed) => fixed.load(Ordering::Relaxed),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX)),
        }
    }

    /// Seconds since 1970, UTC.
    pub fn now_s(&self) -> i64 {
        self.now_us() / 1_000_000
    }
}
