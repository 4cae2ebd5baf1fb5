//! Ids of requests: unique, and so cheap that every request has one.
//!
//! A request id is no secret: it only has to lead from an answer to the log lines about it. So the cryptographic
//! generator is asked once, at start, and a counter does the rest.

use ostiary_proto::random::{self, RandomSource};
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::{Builder, Uuid};

/// A source of request ids. Two sources give different ids, because each starts at a random place of its own.
pub struct RequestIds {
    high: u64,
    low: u64,
    given: AtomicU64,
}

impl RequestIds {
    /// A source that starts at a random place.
    pub fn new(random: &dyn RandomSource) -> Self {
        let (high, low) = random::uuid(random).as_u64_pair();
        RequestIds { high, low, given: AtomicU64::new(0) }
    }

    /// The next id, in the form of a version 4 UUID. Ids do not show how many there were before.
    pub fn next(&self) -> Uuid {
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        let high = scramble(self.high.wrapping_add(given));
        let low = scramble(self.low.wrapping_add(given));
        Builder::from_u128((u128::from(high) << 64) | u128::from(low))
            .with_version(uuid::Version::Random)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
    }
}

/// Spreads neighbouring numbers over the whole range, no two onto the same (the last step of SplitMix64: Steele, Lea,
/// Flood, "Fast splittable pseudorandom number generators", 2014).
fn scramble(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostiary_proto::random::SystemRandom;
    use std::collections::HashSet;

    #[test]
    fn ids_are_distinct_within_and_across_sources() {
        let sources = [RequestIds::new(&SystemRandom), RequestIds::new(&SystemRandom)];
        let ids: HashSet<Uuid> = (0..20_000).map(|turn| sources[turn % 2].next()).collect();
        assert_eq!(ids.len(), 20_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
    }
}
