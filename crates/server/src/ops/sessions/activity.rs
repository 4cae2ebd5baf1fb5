//! When sessions were last used: gathered in memory and written in batches, so that a session check does not write.
//!
//! A crash loses at most the last [`FLUSH_INTERVAL`] of a value that is only shown; revocation and expiry never depend
//! on it (`docs/operations.md`).

use ostiary_core::error::Error;
use ostiary_core::time::{MINUTE, Timestamp};
use ostiary_store::seam::Store;
use ostiary_store::sessions;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// How often uses are written.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(500);
/// The stored time of last use may be this much older than the true one, in microseconds (chosen: a minute).
const GRANULARITY: i64 = MINUTE;

/// Uses of sessions that are not written yet, by environment number and session.
#[derive(Default)]
pub struct Activity(Mutex<HashMap<(i64, Uuid), Timestamp>>);

impl Activity {
    /// Notes a use, unless the stored time is recent enough.
    pub fn note(&self, env: i64, session: Uuid, stored: Timestamp, now: Timestamp) {
        if now.micros() - stored.micros() >= GRANULARITY {
            self.0.lock().insert((env, session), now);
        }
    }

    /// Writes what was noted, in key order and in one transaction; keeps it when that fails.
    pub async fn flush(&self, store: &Store) -> Result<(), Error> {
        let noted = std::mem::take(&mut *self.0.lock());
        if noted.is_empty() {
            return Ok(());
        }
        let mut sorted: Vec<_> = noted.into_iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        let to_write = sorted.clone();
        let written = store
            .write(move |tx| {
                let to_write = to_write.clone();
                async move {
                    for ((env, session), at) in to_write {
                        sessions::touch(&tx, env, session, at).await?;
                    }
                    Ok(())
                }
            })
            .await;
        if written.is_err() {
            let mut noted = self.0.lock();
            for (key, at) in sorted {
                let latest = noted.entry(key).or_insert(at);
                *latest = at.max(*latest);
            }
        }
        written
    }
}
