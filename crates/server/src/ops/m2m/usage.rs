//! How many tokens clients got, by day: gathered in memory and written in batches, so that issuing one does not write.
//!
//! A crash loses at most the last half second of numbers that are only shown.

use ostiary_core::error::Error;
use ostiary_core::m2m::M2mClientId;
use ostiary_core::time::{SECOND, Timestamp};
use ostiary_store::m2m_clients::{self, DayOfUse};
use ostiary_store::seam::Store;
use parking_lot::Mutex;
use std::collections::HashMap;

/// How long counts are kept, in days: a year and the month in which it is looked back at.
pub const KEPT_DAYS: i64 = 396;

const DAY: i64 = 24 * 60 * 60 * SECOND;

/// The day on which something happens, as the store counts days.
pub fn day_of(now: Timestamp) -> i64 {
    now.micros().div_euclid(DAY)
}

/// Tokens that are not written yet, by environment number, client and day.
#[derive(Default)]
pub struct Usage(Mutex<HashMap<(i64, String, i64), DayOfUse>>);

impl Usage {
    /// Notes a token.
    pub fn note(&self, env: i64, client: &M2mClientId, now: Timestamp) {
        let usage = DayOfUse { day: day_of(now), tokens: 1, last_issued_at: now };
        self.add((env, client.as_str().to_owned(), usage.day), usage);
    }

    fn add(&self, key: (i64, String, i64), usage: DayOfUse) {
        self.0
            .lock()
            .entry(key)
            .and_modify(|known| {
                known.tokens += usage.tokens;
                known.last_issued_at = known.last_issued_at.max(usage.last_issued_at);
            })
            .or_insert(usage);
    }

    /// Writes what was noted, in key order and in one transaction; keeps it when that fails.
    pub async fn flush(&self, store: &Store) -> Result<(), Error> {
        let noted = std::mem::take(&mut *self.0.lock());
        if noted.is_empty() {
            return Ok(());
        }
        let mut sorted: Vec<_> = noted.into_iter().collect();
        sorted.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        let to_write = sorted.clone();
        let written = store
            .write(move |tx| {
                let to_write = to_write.clone();
                async move {
                    for ((env, client_id, _), usage) in &to_write {
                        m2m_clients::add_use(&tx, *env, client_id, usage).await?;
                    }
                    Ok::<_, Error>(())
                }
            })
            .await;
        if written.is_err() {
            for (key, usage) in sorted {
                self.add(key, usage);
            }
        }
        written
    }
}
