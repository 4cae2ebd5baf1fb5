//! How often something may be asked for (spec 01d §4): which limits a request counts under, and refusing it when one is
//! exceeded. The limits themselves are in [`ostiary_core::rate_limit`], the counting in [`leases`].
//!
//! The route table names the group of an endpoint, and [`check`] runs before its handler, outside of any transaction.
//! Whom a text message goes to shows only inside of one, where [`check_message`] counts, so that a login that is rolled
//! back has counted nothing. A request that is refused counts nowhere.
//!
//! Session checks are in no group: nothing here is on their path.

pub mod leases;

use crate::cx::{Cx, Result};
use leases::Demand;
use ostiary_core::ids::MemberId;
use ostiary_core::phone::PhoneNumber;
use ostiary_core::rate_limit::{LimitField, LimitGroup, RateLimit, refusal};
use ostiary_proto::hash::hmac_sha256;
use ostiary_store::rate_limits::{self, Reservation};
use ostiary_store::seam::Db;
use std::net::IpAddr;

/// The last digits of a phone number that its neighbours differ in.
const NEIGHBOUR_DIGITS: usize = 4;

/// What a request is counted under, as far as it has it. Limits that count under something else leave it alone.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The address, in its canonical form.
    pub email_address: Option<String>,
    /// The member who acts.
    pub member: Option<MemberId>,
    /// The network of a caller of the browser API.
    pub network: Option<IpAddr>,
    /// Whether it is a call of the server API.
    pub is_project: bool,
    /// Where a text message goes.
    pub phone_number: Option<String>,
}

impl Subject {
    fn value(&self, field: LimitField) -> Option<String> {
        match field {
            LimitField::Email => self.email_address.clone(),
            LimitField::Phone => self.phone_number.clone(),
            LimitField::PhonePrefix => {
                let number = self.phone_number.as_deref()?;
                number.get(..number.len().saturating_sub(NEIGHBOUR_DIGITS)).map(str::to_owned)
            }
            LimitField::Member => self.member.map(|member| member.to_string()),
            LimitField::Network => self.network.map(|network| network.to_string()),
            LimitField::Project => self.is_project.then(String::new),
        }
    }
}

/// Whether the limits of this environment hold.
fn hold(cx: &Cx) -> bool {
    cx.project.environment.settings.rate_limits.enabled.unwrap_or(cx.app.options.rate_limits)
}

fn demands(cx: &Cx, group: LimitGroup, subject: &Subject) -> Vec<Demand> {
    if !hold(cx) {
        return Vec::new();
    }
    let limits = cx.project.environment.settings.rate_limits.of(group);
    limits
        .filter_map(|limit| {
            let value = subject.value(limit.field)?;
            Some(Demand { limit, key: key(cx, &limit, &value) })
        })
        .collect()
}

/// Names a limit and what is counted under it. The hash is keyed, so that rows and memory tell no addresses.
fn key(cx: &Cx, limit: &RateLimit, value: &str) -> [u8; 32] {
    let RateLimit { group, field, window } = limit;
    let seconds = window.window_seconds.to_be_bytes();
    hmac_sha256(
        &cx.app.limit_key,
        &[group.as_str().as_bytes(), field.as_str().as_bytes(), &seconds, value.as_bytes()],
    )
}

/// Counts a request, or refuses it.
///
/// # Errors
/// That of the group, saying when to come again.
pub async fn check(cx: &Cx, group: LimitGroup, subject: &Subject) -> Result<()> {
    let demands = demands(cx, group, subject);
    if demands.is_empty() {
        return Ok(());
    }
    let taken = cx.app.limits.take(&cx.app.store, cx.scope(), &demands, cx.now).await?;
    taken.map_err(|refused| {
        cx.app.metrics.rate_limited(refused.limit.group, refused.limit.field);
        refusal(group, refused.again_at, cx.now)
    })
}

/// Counts a text message to a member, within the transaction that sends it.
///
/// # Errors
/// `too_many_requests` when too many went to the member, the number or its neighbours; `too_few_tokens_authenticated`
/// when too many went to the number whose codes nobody has entered.
pub async fn check_message(tx: &Db, cx: &Cx, member: MemberId, number: &PhoneNumber) -> Result<()> {
    let subject = Subject {
        member: Some(member),
        phone_number: Some(number.as_str().to_owned()),
        ..Subject::default()
    };
    check_within(tx, cx, LimitGroup::SmsSends, &subject).await?;
    check_within(tx, cx, LimitGroup::SmsUnused, &subject).await
}

/// Counts a number that a member is about to get without having proven it.
///
/// # Errors
/// `too_many_unverified_factors`.
pub async fn check_new_phone(tx: &Db, cx: &Cx, member: MemberId) -> Result<()> {
    let subject = Subject { member: Some(member), ..Subject::default() };
    check_within(tx, cx, LimitGroup::PhoneChanges, &subject).await
}

async fn check_within(tx: &Db, cx: &Cx, group: LimitGroup, subject: &Subject) -> Result<()> {
    for demand in demands(cx, group, subject) {
        let reservation = Reservation { share: 1, ..demand.reservation(cx.now) };
        if !rate_limits::reserve(tx, cx.scope(), &reservation).await? {
            // A transaction that runs again counts again, which these numbers survive.
            cx.app.metrics.rate_limited(group, demand.limit.field);
            return Err(refusal(group, reservation.window_end, cx.now));
        }
    }
    Ok(())
}

/// The code of a text message was entered: messages to this number are not sent in vain.
pub async fn note_message_used(tx: &Db, cx: &Cx, number: &str) -> Result<()> {
    let subject = Subject { phone_number: Some(number.to_owned()), ..Subject::default() };
    for demand in demands(cx, LimitGroup::SmsUnused, &subject) {
        rate_limits::forget(tx, cx.scope(), &demand.key).await?;
    }
    Ok(())
}
