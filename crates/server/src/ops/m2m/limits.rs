//! How often a client may ask for tokens, and how often someone may be wrong about its secret (spec 03c §3, chosen).
//!
//! All counts are in memory, for one node. A client that asks too often waits; a wrong secret never locks the client
//! itself, only those who guess: the pair of client and network, and a network that is wrong about many clients.

use ostiary_core::error::{Error, ErrorType};
use ostiary_core::time::{MINUTE, SECOND, Timestamp};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use uuid::Uuid;

/// One token every 50 milliseconds: 20 a second.
const TOKEN_MICROS: i64 = SECOND / 20;
/// How many tokens a client may get at once after a rest.
const BURST: i64 = 100;
/// How often a network may be wrong about one client within a minute.
const FAILURES_OF_PAIR_MAX: u32 = 10;
/// How often a network may be wrong about all clients within a minute, so that ids cannot be tried in bulk.
const FAILURES_OF_NETWORK_MAX: u32 = 100;
/// The most clients, pairs and networks remembered at a time, at about 50 bytes each.
const ENTRIES_MAX: usize = 20_000;

/// The counts.
#[derive(Default)]
pub struct Limits {
    hasher: RandomState,
    /// When each client would have had all its tokens, had they come one by one.
    issued: Mutex<HashMap<(i64, Uuid), i64>>,
    failures: Mutex<HashMap<u64, Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    /// The end of the minute in which they are counted, or for which the guesser is refused.
    until: i64,
}

/// Who is wrong about whom.
#[derive(Clone, Copy, Debug)]
pub struct Guess<'a> {
    /// The number of the environment.
    pub env: i64,
    /// The client id as it was given.
    pub client_id: &'a str,
    /// The network of the caller: an address in the form that limits count under.
    pub network: IpAddr,
}

fn wait(until: i64, now: Timestamp) -> Error {
    let seconds = until.saturating_sub(now.micros()).div_euclid(SECOND) + 1;
    Error { retry_after_seconds: u32::try_from(seconds).ok(), ..ErrorType::TooManyRequests.into() }
}

/// Makes room when there are too many entries: those that no longer say anything go, and if all do, everything goes.
fn bound<K: std::hash::Hash + Eq, V>(entries: &mut HashMap<K, V>, says_something: impl Fn(&V) -> bool) {
    if entries.len() >= ENTRIES_MAX {
        entries.retain(|_, value| says_something(value));
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
    }
}

impl Limits {
    /// Takes one token from what a client may have now.
    pub fn take_token(&self, env: i64, client: Uuid, now: Timestamp) -> Result<(), Error> {
        let now_micros = now.micros();
        let mut issued = self.issued.lock();
        bound(&mut issued, |until| *until > now_micros);
        let until = issued.entry((env, client)).or_insert(now_micros);
        // Between nothing taken and everything taken, also when the clock was set back.
        *until = (*until).clamp(now_micros, now_micros + BURST * TOKEN_MICROS);
        let next = *until + TOKEN_MICROS;
        if next > now_micros + BURST * TOKEN_MICROS {
            return Err(wait(next - BURST * TOKEN_MICROS, now));
        }
        *until = next;
        Ok(())
    }

    /// Refuses those who were wrong too often.
    pub fn check_guess(&self, guess: Guess<'_>, now: Timestamp) -> Result<(), Error> {
        let failures = self.failures.lock();
        for (key, most) in self.keys(guess) {
            if let Some(known) = failures.get(&key)
                && known.count >= most
                && known.until > now.micros()
            {
                return Err(wait(known.until, now));
            }
        }
        Ok(())
    }

    /// Counts someone who was wrong. Who reaches the limit is refused for a minute from then on.
    pub fn note_failure(&self, guess: Guess<'_>, now: Timestamp) {
        let end = now.micros() + MINUTE;
        let mut failures = self.failures.lock();
        bound(&mut failures, |known| known.until > now.micros());
        for (key, most) in self.keys(guess) {
            let known = failures.entry(key).or_insert(Failures { count: 0, until: end });
            if known.until <= now.micros() {
                *known = Failures { count: 0, until: end };
            }
            known.count += 1;
            if known.count == most {
                known.until = end;
            }
        }
    }

    /// Under what a guess is counted, and how often it may be wrong there. Ids come from callers, so only hashes with a
    /// key of this process are kept.
    fn keys(&self, guess: Guess<'_>) -> [(u64, u32); 2] {
        let Guess { env, client_id, network } = guess;
        [
            (self.hasher.hash_one((env, client_id, network)), FAILURES_OF_PAIR_MAX),
            (self.hasher.hash_one((env, network)), FAILURES_OF_NETWORK_MAX),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const CLIENT: Uuid = Uuid::from_u128(1);

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(1_000_000 * SECOND + micros)
    }

    fn guess(client_id: &str, last: u8) -> Guess<'_> {
        Guess { env: 1, client_id, network: Ipv4Addr::new(192, 0, 2, last).into() }
    }

    #[test]
    fn a_client_gets_a_hundred_at_once_and_twenty_a_second() {
        let limits = Limits::default();
        for _ in 0..100 {
            limits.take_token(1, CLIENT, at(0)).unwrap();
        }
        let refused = limits.take_token(1, CLIENT, at(0)).unwrap_err();
        assert_eq!((refused.kind, refused.retry_after_seconds), (ErrorType::TooManyRequests, Some(1)));
        limits.take_token(1, Uuid::from_u128(2), at(0)).expect("another client");
        limits.take_token(2, CLIENT, at(0)).expect("the same id in another environment");
        let in_a_second = (0..50).filter(|_| limits.take_token(1, CLIENT, at(SECOND)).is_ok()).count();
        assert_eq!(in_a_second, 20);
        let after_a_rest = (0..200).filter(|_| limits.take_token(1, CLIENT, at(MINUTE)).is_ok()).count();
        assert_eq!(after_a_rest, 100);
    }

    #[test]
    fn a_refusal_takes_nothing() {
        let limits = Limits::default();
        for _ in 0..1000 {
            let _ = limits.take_token(1, CLIENT, at(0));
        }
        assert!(limits.take_token(1, CLIENT, at(TOKEN_MICROS)).is_ok());
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let limits = Limits::default();
        limits.take_token(1, CLIENT, at(600 * MINUTE)).unwrap();
        assert!(limits.take_token(1, CLIENT, at(0)).is_err(), "everything counts as taken");
        assert!(limits.take_token(1, CLIENT, at(SECOND)).is_ok());
    }

    #[test]
    fn ten_wrong_secrets_stop_the_guesser_for_a_minute_and_nobody_else() {
        let limits = Limits::default();
        for second in 0..10 {
            limits.check_guess(guess("a", 1), at(second * SECOND)).unwrap();
            limits.note_failure(guess("a", 1), at(second * SECOND));
        }
        let now = at(10 * SECOND);
        let refused = limits.check_guess(guess("a", 1), now).unwrap_err();
        assert_eq!((refused.kind, refused.retry_after_seconds), (ErrorType::TooManyRequests, Some(60)));
        limits.check_guess(guess("a", 2), now).expect("another network");
        limits.check_guess(guess("b", 1), now).expect("another client");
        limits.check_guess(guess("a", 1), at(69 * SECOND)).expect("a minute after the tenth");
        limits.note_failure(guess("a", 1), at(69 * SECOND));
        limits.check_guess(guess("a", 1), at(69 * SECOND)).expect("counting begins anew");
    }

    #[test]
    fn slow_guessers_are_not_refused() {
        let limits = Limits::default();
        for minute in 0..30 {
            for _ in 0..9 {
                limits.check_guess(guess("a", 1), at(minute * 61 * SECOND)).unwrap();
                limits.note_failure(guess("a", 1), at(minute * 61 * SECOND));
            }
        }
    }

    #[test]
    fn ids_cannot_be_tried_in_bulk() {
        let limits = Limits::default();
        let ids: Vec<String> = (0..101).map(|index| format!("client-{index}")).collect();
        for id in &ids[..100] {
            limits.check_guess(guess(id, 1), at(0)).unwrap();
            limits.note_failure(guess(id, 1), at(0));
        }
        assert!(limits.check_guess(guess(&ids[100], 1), at(0)).is_err());
        assert!(limits.check_guess(guess(&ids[100], 2), at(0)).is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let limits = Limits::default();
        for index in 0..60_000_u32 {
            let id = index.to_string();
            limits.note_failure(guess(&id, 1), at(i64::from(index)));
            let _ = limits.take_token(1, Uuid::from_u128(index.into()), at(i64::from(index)));
        }
        assert!(limits.failures.lock().len() <= ENTRIES_MAX + 1);
        assert!(limits.issued.lock().len() <= ENTRIES_MAX);
    }
}
