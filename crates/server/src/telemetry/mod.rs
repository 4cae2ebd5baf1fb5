//! What the server says about itself: log lines and counters.
//!
//! Log lines are events with their fields and the fields of the spans around them. Counters are fixed in number when
//! the process starts: no request can add a series.

mod json;
mod metrics;

use std::io::{self, IsTerminal};

use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{Log, LogFormat};

pub use self::json::JsonLines;
#[cfg(test)]
pub(crate) use self::json::testing;
pub use self::metrics::{
    Channel, DURATION_BOUNDS_MICROS, InFlight, Metrics, SendFailure, SessionOutcome, UNMATCHED_ROUTE,
};

/// Sends log lines to standard error for the rest of the process.
///
/// # Errors
/// When log lines already go somewhere.
pub fn start_logging(log: &Log) -> Result<(), TryInitError> {
    let lines = match log.format {
        LogFormat::Json => JsonLines::new(io::stderr).boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(log.level.clone())).try_init()
}
