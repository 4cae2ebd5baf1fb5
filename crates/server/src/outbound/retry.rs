//! When to try again.

use std::time::Duration;

use ostiary_core::time::Timestamp;

/// Attempts before a message is given up.
pub const ATTEMPTS_MAX: u32 = 9;

/// Pauses after the first, second, … attempt, seconds. Short ones for a dropped connection or greylisting, long
/// ones for a relay that is down over night: 23 h 56 min together.
const PAUSES: [u64; ATTEMPTS_MAX as usize - 1] = [15, 60, 300, 1200, 3600, 10_800, 25_200, 45_000];

/// The pause after `attempts` attempts have failed; `None` gives up. Zero attempts count as one.
pub fn retry_after(attempts: u32) -> Option<Duration> {
    let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    PAUSES.get(at).copied().map(Duration::from_secs)
}

/// When to try a message again after `attempts` attempts; `None` gives up: after [`ATTEMPTS_MAX`] attempts, or when
/// the code or link inside would have expired.
///
/// The less time a message has left, the sooner it is tried: a pause is at most a quarter of what is left, so that
/// a code of ten minutes gets all its attempts. It is never shorter than the first pause.
pub fn next_attempt(attempts: u32, now: Timestamp, expires_at: Timestamp) -> Option<Timestamp> {
    let seconds_left = (expires_at.micros().saturating_sub(now.micros())) / 1_000_000;
    let first = i64::try_from(PAUSES[0]).unwrap_or(i64::MAX);
    let usual = i64::try_from(retry_after(attempts)?.as_secs()).unwrap_or(i64::MAX);
    let at = now.plus_seconds(usual.min((seconds_left / 4).max(first)));
    (at < expires_at).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_micros(1_750_000_000_000_000);

    /// Seconds from the first attempt to each further one, when every attempt fails at once.
    fn schedule(lifetime_seconds: i64) -> Vec<i64> {
        let expires_at = NOON.plus_seconds(lifetime_seconds);
        let mut now = NOON;
        let mut times = Vec::new();
        while let Some(at) = next_attempt(u32::try_from(times.len() + 1).unwrap(), now, expires_at) {
            assert!(at > now && at < expires_at);
            times.push(at.seconds() - NOON.seconds());
            now = at;
        }
        times
    }

    #[test]
    fn message_that_lasts_is_tried_nine_times_over_a_day() {
        let week = schedule(7 * 24 * 3600);
        assert_eq!(week, [15, 75, 375, 1575, 5175, 15_975, 41_175, 86_175]);
        assert!((23 * 3600..24 * 3600).contains(week.last().unwrap()));
    }

    #[test]
    fn code_of_ten_minutes_gets_its_attempts_before_it_expires() {
        assert_eq!(schedule(600), [15, 75, 206, 304, 378, 433, 474, 505]);
    }

    #[test]
    fn code_of_two_minutes_is_tried_until_the_end() {
        assert_eq!(schedule(120), [15, 41, 60, 75, 90, 105]);
    }

    #[test]
    fn nothing_is_tried_at_or_after_expiry() {
        assert_eq!(schedule(15), Vec::<i64>::new());
        assert_eq!(schedule(16), [15]);
        assert_eq!(schedule(0), Vec::<i64>::new());
        assert_eq!(schedule(-60), Vec::<i64>::new());
    }

    #[test]
    fn attempts_end() {
        assert_eq!(retry_after(0), Some(Duration::from_secs(15)));
        assert_eq!(retry_after(1), Some(Duration::from_secs(15)));
        assert!(retry_after(ATTEMPTS_MAX - 1).is_some());
        assert_eq!(retry_after(ATTEMPTS_MAX), None);
        assert_eq!(retry_after(u32::MAX), None);
    }
}
