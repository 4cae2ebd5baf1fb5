//! Counting towards limits, on all nodes together and mostly without the database.
//!
//! The database has one row for each limit and value, with how much of the present window is reserved; reserving is one
//! conditional statement, so what all nodes reserve of a window never exceeds the limit. A node reserves a share
//! ([`Window::share`]) and uses it up in memory, and remembers when nothing is left, so that somebody who asks in a loop
//! costs the database nothing. Small limits have shares of one: there every request is a row of its own.
//!
//! What holds, whatever nodes, restarts and races do: a window takes **at most** its limit, as long as clocks differ by
//! less than a window or a minute, whichever is longer. It takes fewer when a node has reserved a share that it did not
//! use: at most one tenth of the limit for each other node.

use crate::cx::Result;
use ostiary_core::error::Error;
use ostiary_core::rate_limit::{RateLimit, Window};
use ostiary_core::time::Timestamp;
use ostiary_store::Scope;
use ostiary_store::rate_limits::{self, Reservation};
use ostiary_store::seam::{Store, StoreError};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use tokio::sync::Mutex as Turn;

/// The most limits remembered at a time, at about 100 bytes each. Forgetting one loses what is left of its share.
const ENTRIES_MAX: usize = 50_000;
/// How many reservations of one node may be under way at a time; those of one limit follow each other.
const TURNS: usize = 64;

/// A limit that a request counts under.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// The limit.
    pub limit: RateLimit,
    /// Names the limit and the value.
    pub key: [u8; 32],
}

impl Demand {
    /// What to reserve of the window of this moment.
    pub fn reservation(&self, now: Timestamp) -> Reservation {
        let window: Window = self.limit.window;
        let window_start = window.start(now);
        Reservation {
            key: self.key,
            window_start,
            window_end: window.end(window_start),
            share: window.share(),
            requests_max: window.requests_max,
        }
    }
}

/// A limit that is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub limit: RateLimit,
    /// When its next window begins.
    pub again_at: Timestamp,
}

/// What this node has reserved of one window of one limit.
#[derive(Clone, Copy)]
struct Lease {
    window_start: Timestamp,
    window_end: Timestamp,
    /// The limit when it was reserved: another one is asked for anew.
    requests_max: u32,
    left: u32,
    is_exhausted: bool,
}

/// The leases of one node.
pub struct Leases {
    known: Mutex<HashMap<Name, Lease>>,
    turns: Box<[Turn<()>]>,
}

/// The environment and the key of a limit.
type Name = (i64, [u8; 32]);

impl Default for Leases {
    fn default() -> Self {
        let turns = std::iter::repeat_with(Turn::default).take(TURNS).collect();
        Leases { known: Mutex::default(), turns }
    }
}

/// What memory says of a request.
enum Answer {
    Taken,
    Refused(Refused),
    /// These must be reserved first.
    Missing(Vec<Demand>),
}

/// Why a transaction of reservations ended without any.
enum Ended {
    Exhausted(Demand),
    Failed(Error),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Ended::Failed(error.into())
    }
}

impl Leases {
    /// Takes one request from all of these limits, or from none of them.
    ///
    /// # Errors
    /// When the database cannot be asked. That a limit is exceeded is a value.
    pub async fn take(
        &self,
        store: &Store,
        scope: Scope,
        demands: &[Demand],
        now: Timestamp,
    ) -> Result<std::result::Result<(), Refused>> {
        loop {
            let missing = match self.answer(scope, demands, now) {
                Answer::Taken => return Ok(Ok(())),
                Answer::Refused(refused) => return Ok(Err(refused)),
                Answer::Missing(missing) => missing,
            };
            // In the order of their numbers, so that nobody waits for somebody who waits.
            let places: BTreeSet<_> = missing.iter().map(|demand| place(&demand.key)).collect();
            let mut turns = Vec::with_capacity(places.len());
            for place in places {
                turns.push(self.turns[place].lock().await);
            }
            // Somebody else may have reserved while this request waited for its turn.
            if let Answer::Missing(missing) = self.answer_without_taking(scope, demands, now)
                && let Err(refused) = self.reserve(store, scope, missing, now).await?
            {
                return Ok(Err(refused));
            }
        }
    }

    fn answer(&self, scope: Scope, demands: &[Demand], now: Timestamp) -> Answer {
        let mut known = self.known.lock();
        let answer = look(&known, scope, demands, now);
        if let Answer::Taken = answer {
            for demand in demands {
                if let Some(lease) = known.get_mut(&(scope.env, demand.key)) {
                    lease.left -= 1;
                }
            }
        }
        answer
    }

    fn answer_without_taking(&self, scope: Scope, demands: &[Demand], now: Timestamp) -> Answer {
        look(&self.known.lock(), scope, demands, now)
    }

    /// Reserves a share of each in one transaction, or of none of them when one is exhausted.
    async fn reserve(
        &self,
        store: &Store,
        scope: Scope,
        missing: Vec<Demand>,
        now: Timestamp,
    ) -> Result<std::result::Result<(), Refused>> {
        let missing = Arc::new(missing);
        let wanted = missing.clone();
        let written = store.write(move |tx| {
            let wanted = wanted.clone();
            async move {
                for demand in wanted.iter() {
                    if !rate_limits::reserve(&tx, scope, &demand.reservation(now)).await? {
                        return Err(Ended::Exhausted(*demand));
                    }
                }
                Ok(())
            }
        });
        match written.await {
            Ok(()) => {
                let mut known = self.known.lock();
                for demand in missing.iter() {
                    let share = demand.limit.window.share();
                    let lease = renewed(&mut known, scope, demand, now);
                    lease.left = lease.left.saturating_add(share);
                }
                Ok(Ok(()))
            }
            Err(Ended::Exhausted(demand)) => {
                let mut known = self.known.lock();
                let lease = renewed(&mut known, scope, &demand, now);
                lease.is_exhausted = true;
                Ok(Err(Refused { limit: demand.limit, again_at: lease.window_end }))
            }
            Err(Ended::Failed(error)) => Err(error),
        }
    }
}

fn place(key: &[u8; 32]) -> usize {
    usize::from(key[0]) % TURNS
}

fn look(known: &HashMap<Name, Lease>, scope: Scope, demands: &[Demand], now: Timestamp) -> Answer {
    let mut missing = Vec::new();
    for demand in demands {
        let lease = known.get(&(scope.env, demand.key)).filter(|lease| is_of(lease, demand, now));
        match lease {
            Some(lease) if lease.left > 0 => {}
            Some(lease) if lease.is_exhausted => {
                return Answer::Refused(Refused { limit: demand.limit, again_at: lease.window_end });
            }
            _ => missing.push(*demand),
        }
    }
    if missing.is_empty() { Answer::Taken } else { Answer::Missing(missing) }
}

/// Whether a lease is of the present window of this very limit.
fn is_of(lease: &Lease, demand: &Demand, now: Timestamp) -> bool {
    let window = demand.limit.window;
    lease.window_start == window.start(now) && lease.requests_max == window.requests_max
}

/// The lease of the present window, a new one where there is none.
fn renewed<'a>(
    known: &'a mut HashMap<Name, Lease>,
    scope: Scope,
    demand: &Demand,
    now: Timestamp,
) -> &'a mut Lease {
    let name = (scope.env, demand.key);
    if known.len() >= ENTRIES_MAX && !known.contains_key(&name) {
        known.retain(|_, lease| lease.window_end > now);
        if known.len() >= ENTRIES_MAX {
            known.clear();
        }
    }
    let Reservation { window_start, window_end, requests_max, .. } = demand.reservation(now);
    let new = Lease { window_start, window_end, requests_max, left: 0, is_exhausted: false };
    let lease = known.entry(name).or_insert(new);
    if !is_of(lease, demand, now) {
        *lease = new;
    }
    lease
}
