//! The server's clock. Nothing else reads the system's time.

use ostiary_core::time::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The system's time plus an offset, which only development and tests move.
#[derive(Debug, Default)]
pub struct Clock {
    offset_micros: AtomicI64,
}

impl Clock {
    /// A clock that shows the system's time moved by this many microseconds.
    pub fn with_offset(micros: i64) -> Self {
        Clock { offset_micros: AtomicI64::new(micros) }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(micros).plus_micros(self.offset_micros.load(Ordering::Relaxed))
    }

    /// Moves the clock and gives the new offset in microseconds.
    pub fn advance(&self, micros: i64) -> i64 {
        self.offset_micros.fetch_add(micros, Ordering::Relaxed).saturating_add(micros)
    }

    /// How far the clock is from the system's time, in microseconds.
    pub fn offset_micros(&self) -> i64 {
        self.offset_micros.load(Ordering::Relaxed)
    }
}
