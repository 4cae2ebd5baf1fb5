//! How often something may be asked for: the table of limits and the arithmetic of their windows (spec 01d §4).
//!
//! A limit is a [`LimitGroup`] of endpoints, the [`LimitField`] of a request under which it is counted, and how many
//! requests a window of so many seconds takes. Windows are fixed and aligned to the clock: with one request a second,
//! one at 12:00:00.9 and one at 12:00:01.1 both pass.
//!
//! Ada asks for a link twice within a second. Both requests are of [`LimitGroup::EmailSends`] and count under
//! [`LimitField::Email`] with her address, where one a second is allowed: the second is refused, and told to wait until
//! the second is over.

use crate::error::{Error, ErrorType};
use crate::time::{SECOND, Timestamp};
use crate::wire_enum;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest window, in seconds: a day.
pub const WINDOW_SECONDS_MAX: u32 = 86_400;
/// The most requests that a limit may allow in a window.
pub const REQUESTS_MAX: u32 = 1_000_000;
/// The most windows for one field of a group.
pub const WINDOWS_MAX: usize = 4;

wire_enum! {
    /// Endpoints that are counted together.
    LimitGroup {
        /// Whatever sends a mail: links, codes, invitations, password resets, changes of address.
        EmailSends = "email_sends",
        /// Whatever sends a text message.
        SmsSends = "sms_sends",
        /// Text messages whose codes nobody enters. Entering one begins the count anew.
        SmsUnused = "sms_unused",
        /// Phone numbers that are put to a member without having been proven.
        PhoneChanges = "phone_changes",
        /// Whatever proves a factor or turns one session into another.
        Authentications = "authentications",
        /// Judging the strength of passwords.
        PasswordChecks = "password_checks",
        /// Taking over passwords of other systems.
        PasswordMigrations = "password_migrations",
        /// Finding the organization or the member behind a sign-in form.
        Lookups = "lookups",
        /// Organizations that people create for themselves.
        OrganizationCreations = "organization_creations",
        /// Searches of members, organizations and clients.
        Searches = "searches",
    }
}

wire_enum! {
    /// What of a request is counted under.
    LimitField {
        /// The email address in the request.
        Email = "email",
        /// The phone number that a message goes to.
        Phone = "phone",
        /// That number without its last four digits: ten thousand neighbours, who are one to those that pump traffic.
        PhonePrefix = "phone_prefix",
        /// The member that acts, or that a message is for.
        Member = "member",
        /// The network of a caller of the browser API: an IPv4 address, or the /64 of an IPv6 address.
        Network = "network",
        /// All callers of the server API together.
        Project = "project",
    }
}

/// How many requests a window takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// How many, from 1 to [`REQUESTS_MAX`].
    pub requests_max: u32,
    /// The length of the window in seconds, from 1 to [`WINDOW_SECONDS_MAX`].
    pub window_seconds: u32,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Which endpoints.
    pub group: LimitGroup,
    /// Counted under what.
    pub field: LimitField,
    /// How many.
    pub window: Window,
}

const fn window(requests_max: u32, window_seconds: u32) -> Window {
    Window { requests_max, window_seconds }
}

impl LimitGroup {
    /// What its requests can be counted under.
    pub const fn fields(self) -> &'static [LimitField] {
        use LimitField::{Email, Member, Network, Phone, PhonePrefix, Project};
        match self {
            LimitGroup::EmailSends => &[Email, Network],
            LimitGroup::SmsSends => &[Phone, PhonePrefix, Member, Network],
            LimitGroup::SmsUnused => &[Phone],
            LimitGroup::PhoneChanges => &[Member],
            LimitGroup::PasswordMigrations => &[Project],
            LimitGroup::Searches => &[Project, Member],
            LimitGroup::Authentications
            | LimitGroup::PasswordChecks
            | LimitGroup::Lookups
            | LimitGroup::OrganizationCreations => &[Network],
        }
    }

    /// What holds when nobody decides otherwise. Published are one mail a second for each address, a hundred passwords
    /// taken over a second, and a hundred searches a minute; the others are chosen (spec 01d §4).
    pub const fn default_windows(self, field: LimitField) -> &'static [Window] {
        use LimitField::{Email, Member, Network, Phone, PhonePrefix, Project};
        match (self, field) {
            (LimitGroup::EmailSends, Email) => const { &[window(1, 1), window(30, 3600)] },
            (LimitGroup::EmailSends, Network) => const { &[window(60, 60)] },
            (LimitGroup::SmsSends, Phone) => const { &[window(1, 1), window(10, 600)] },
            (LimitGroup::SmsSends, PhonePrefix) => const { &[window(100, 3600)] },
            (LimitGroup::SmsSends, Member) => const { &[window(20, 3600)] },
            (LimitGroup::SmsSends, Network) => const { &[window(30, 60)] },
            (LimitGroup::SmsUnused, Phone) => const { &[window(20, 86_400)] },
            (LimitGroup::PhoneChanges, Member) => const { &[window(10, 86_400)] },
            (LimitGroup::Authentications | LimitGroup::Lookups, Network) => const { &[window(300, 60)] },
            (LimitGroup::PasswordChecks, Network) => const { &[window(120, 60)] },
            (LimitGroup::PasswordMigrations, Project) => const { &[window(100, 1)] },
            (LimitGroup::OrganizationCreations, Network) => const { &[window(30, 3600)] },
            (LimitGroup::Searches, Project | Member) => const { &[window(100, 60)] },
            _ => &[],
        }
    }

    /// What a caller hears who asks too often.
    pub const fn refusal(self) -> ErrorType {
        match self {
            LimitGroup::SmsUnused => ErrorType::TooFewTokensAuthenticated,
            LimitGroup::PhoneChanges => ErrorType::TooManyUnverifiedFactors,
            _ => ErrorType::TooManyRequests,
        }
    }
}

/// What an operator decides about the limits of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    /// Whether they hold; when absent, the server's configuration says so.
    pub enabled: Option<bool>,
    /// Windows in place of the default ones. An empty list is no limit.
    pub windows: BTreeMap<LimitGroup, BTreeMap<LimitField, Vec<Window>>>,
}

impl RateLimits {
    /// Refuses windows that mean nothing.
    ///
    /// # Errors
    /// `invalid_argument`, saying which.
    pub fn validate(&self) -> Result<(), Error> {
        let wrong = |text: String| Err(ErrorType::InvalidArgument.with_message(text));
        for (group, fields) in &self.windows {
            for (field, windows) in fields {
                if !group.fields().contains(field) {
                    return wrong(format!("{group} cannot be counted under {field}."));
                }
                if windows.len() > WINDOWS_MAX {
                    return wrong(format!("{group} may have {WINDOWS_MAX} windows for {field} at most."));
                }
                for Window { requests_max, window_seconds } in windows {
                    if !(1..=REQUESTS_MAX).contains(requests_max)
                        || !(1..=WINDOW_SECONDS_MAX).contains(window_seconds)
                    {
                        return wrong(format!(
                            "{group} by {field}: requests_max must be from 1 to {REQUESTS_MAX}, window_seconds from 1 \
                             to {WINDOW_SECONDS_MAX}."
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// The limits of a group, those that an operator decided and the default ones.
    pub fn of(&self, group: LimitGroup) -> impl Iterator<Item = RateLimit> + '_ {
        group.fields().iter().flat_map(move |field| {
            let decided = self.windows.get(&group).and_then(|fields| fields.get(field));
            let windows = decided.map_or(group.default_windows(*field), Vec::as_slice);
            windows.iter().map(move |window| RateLimit { group, field: *field, window: *window })
        })
    }

    /// All limits, in the order of the documents.
    pub fn all(&self) -> impl Iterator<Item = RateLimit> + '_ {
        LimitGroup::ALL.iter().flat_map(|group| self.of(*group))
    }
}

impl Window {
    /// When the window of a moment began. Windows are aligned to the clock, so every node knows the same ones.
    pub const fn start(self, now: Timestamp) -> Timestamp {
        let length = self.micros();
        Timestamp::from_micros(now.micros().div_euclid(length) * length)
    }

    /// When the window ends that began at `start`.
    pub const fn end(self, start: Timestamp) -> Timestamp {
        start.plus_micros(self.micros())
    }

    const fn micros(self) -> i64 {
        self.window_seconds as i64 * SECOND
    }

    /// How many requests a node reserves at a time, so that it need not ask the database for each: the largest share
    /// that divides the limit and is a tenth of it at most. What a node has reserved and does not use before the window
    /// ends is lost, so several nodes together may allow fewer requests than the limit, and never more.
    pub const fn share(self) -> u32 {
        let mut share = self.requests_max / 10;
        while share > 1 && !self.requests_max.is_multiple_of(share) {
            share -= 1;
        }
        if share == 0 { 1 } else { share }
    }
}

/// For how long to wait until a moment, in whole seconds and at least one.
pub fn wait_seconds(until: Timestamp, now: Timestamp) -> u32 {
    let micros = until.micros().saturating_sub(now.micros()).max(1);
    u32::try_from((micros - 1) / SECOND + 1).unwrap_or(u32::MAX)
}

/// What a caller hears who asked too often, and may come again at a moment.
pub fn refusal(group: LimitGroup, again_at: Timestamp, now: Timestamp) -> Error {
    Error { retry_after_seconds: Some(wait_seconds(again_at, now)), ..group.refusal().into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: serde_json::Value) -> Result<RateLimits, String> {
        let limits: RateLimits = serde_json::from_value(value).map_err(|error| error.to_string())?;
        limits.validate().map_err(|error| error.text().to_owned())?;
        Ok(limits)
    }

    #[test]
    fn the_published_limits_hold_by_default() {
        let limits = RateLimits::default();
        let published = [
            (LimitGroup::EmailSends, LimitField::Email, window(1, 1)),
            (LimitGroup::PasswordMigrations, LimitField::Project, window(100, 1)),
            (LimitGroup::Searches, LimitField::Project, window(100, 60)),
        ];
        for (group, field, window) in published {
            assert!(limits.of(group).any(|limit| limit == RateLimit { group, field, window }), "{group}");
        }
    }

    #[test]
    fn every_field_of_a_group_has_a_default_and_no_other_has() {
        for group in LimitGroup::ALL {
            for field in LimitField::ALL {
                let has_default = !group.default_windows(*field).is_empty();
                assert_eq!(has_default, group.fields().contains(field), "{group} by {field}");
            }
            for limit in RateLimits::default().of(*group) {
                let windows = BTreeMap::from([(*group, BTreeMap::from([(limit.field, vec![limit.window])]))]);
                RateLimits { enabled: None, windows }.validate().expect("a default could be set");
            }
        }
    }

    #[test]
    fn what_an_operator_decides_stands_in_place_of_the_default() {
        let limits = read(json!({"windows": {"email_sends": {
            "email": [{"requests_max": 5, "window_seconds": 60}],
            "network": [],
        }}}))
        .unwrap();
        let of_group: Vec<_> = limits.of(LimitGroup::EmailSends).map(|limit| limit.window).collect();
        assert_eq!(of_group, [window(5, 60)]);
        assert_eq!(limits.of(LimitGroup::Searches).count(), 2, "other groups stay");
    }

    #[test]
    fn windows_that_mean_nothing_are_refused() {
        let one =
            |requests: i64, seconds: i64| json!([{"requests_max": requests, "window_seconds": seconds}]);
        for bad in [
            json!({"windows": {"email_sends": {"phone": one(1, 1)}}}),
            json!({"windows": {"email_sends": {"email": one(0, 1)}}}),
            json!({"windows": {"email_sends": {"email": one(-1, 1)}}}),
            json!({"windows": {"email_sends": {"email": one(1_000_001, 1)}}}),
            json!({"windows": {"email_sends": {"email": one(1, 0)}}}),
            json!({"windows": {"email_sends": {"email": one(1, 86_401)}}}),
            json!({"windows": {"email_sends": {"email": vec![window(1, 1); 5]}}}),
            json!({"windows": {"email_sends": {"colour": one(1, 1)}}}),
            json!({"windows": {"unknown": {}}}),
            json!({"windows": {"email_sends": {"email": [{"requests_max": 1, "window_seconds": 1, "more": 1}]}}}),
            json!({"enable": false}),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
        assert!(read(json!({"enabled": false})).is_ok());
    }

    #[test]
    fn windows_are_aligned_to_the_clock() {
        let minute = window(1, 60);
        for (now, start, end) in [(0, 0, 60), (59, 0, 60), (60, 60, 120), (61, 60, 120), (-1, -60, 0)] {
            let begins = minute.start(Timestamp::from_micros(now * SECOND));
            assert_eq!((begins.seconds(), minute.end(begins).seconds()), (start, end), "{now}");
        }
    }

    #[test]
    fn a_share_divides_the_limit_and_is_a_tenth_of_it_at_most() {
        for (requests, share) in [(1, 1), (9, 1), (10, 1), (20, 2), (30, 3), (101, 1), (100, 10), (300, 30)] {
            assert_eq!(window(requests, 1).share(), share, "{requests}");
        }
        for requests in 1..=5_000 {
            let share = window(requests, 1).share();
            assert!(requests.is_multiple_of(share) && (share == 1 || share <= requests / 10), "{requests}");
        }
    }

    #[test]
    fn one_waits_for_whole_seconds_until_the_window_is_over() {
        let at = Timestamp::from_micros;
        for (until, now, seconds) in [(1_000_000, 0, 1), (1_000_001, 0, 2), (1, 0, 1), (0, 0, 1), (0, 5, 1)] {
            assert_eq!(wait_seconds(at(until), at(now)), seconds, "{until} {now}");
        }
        let error = refusal(LimitGroup::SmsUnused, at(60 * SECOND), at(0));
        assert_eq!((error.kind.status(), error.retry_after_seconds), (429, Some(60)));
    }
}
