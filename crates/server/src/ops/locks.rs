//! Counting failed attempts and locking (spec 01d §3, spec 06 R-36).
//!
//! A refusal that must be remembered is a value and not an early return, since an error rolls its transaction back:
//! operations answer `Ok(Attempt::Refused(error))` and the refusal becomes an error after the commit.

use crate::cx::{Cx, Result};
use crate::ops::unlock;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::OrganizationId;
use ostiary_core::member::{Lock, Member};
use ostiary_core::time::SECOND;
use ostiary_store::seam::Db;
use ostiary_store::{discovery_locks, members};

/// What became of an attempt to prove something.
pub enum Attempt<T> {
    /// It succeeded.
    Passed(T),
    /// It failed, and that is recorded.
    Refused(Error),
}

impl<T> Attempt<T> {
    /// The success, or the refusal as an error; to be called after the commit.
    pub fn into_result(self) -> Result<T> {
        match self {
            Attempt::Passed(value) => Ok(value),
            Attempt::Refused(error) => Err(error),
        }
    }
}

/// Records a failed attempt of a member, who is locked when there were too many in a row.
pub async fn refuse_member<T>(
    tx: &Db,
    cx: &Cx,
    member: &Member,
    refusal: impl Into<Error>,
) -> Result<Attempt<T>> {
    let rules = cx.project.environment.settings.lock;
    let failures = members::record_failure(tx, cx.scope(), member.id).await?;
    if failures >= rules.threshold {
        let until = cx.now.plus_seconds(rules.ttl_seconds);
        members::lock(tx, cx.scope(), member.id, cx.now, until).await?;
        unlock::offer(tx, cx, member, Lock { created_at: cx.now, expires_at: until }).await?;
    }
    Ok(Attempt::Refused(refusal.into()))
}

/// The name under which failures of an address are counted in an organization where it is nobody's. It is no address, so
/// it does not meet those of discovery.
pub fn stranger_in(organization: OrganizationId, email_address: &str) -> String {
    format!("{organization} {email_address}")
}

/// Refuses an address that is locked in discovery.
pub async fn refuse_locked_address(tx: &Db, cx: &Cx, email_address: &str) -> Result<()> {
    match discovery_locks::locked_until(tx, cx.scope(), email_address, cx.now).await? {
        None => Ok(()),
        Some(until) => {
            let wait = (until.micros() - cx.now.micros()) / SECOND;
            Err(Error {
                retry_after_seconds: u32::try_from(wait.max(1)).ok(),
                ..ErrorType::UserLockLimitReached.into()
            })
        }
    }
}

/// Records a failed attempt of an address in discovery, where there is no member to lock.
pub async fn refuse_address<T>(
    tx: &Db,
    cx: &Cx,
    email_address: &str,
    refusal: impl Into<Error>,
) -> Result<Attempt<T>> {
    let rules = cx.project.environment.settings.lock;
    let failures = discovery_locks::record_failure(tx, cx.scope(), email_address, cx.now).await?;
    if failures >= rules.threshold {
        discovery_locks::lock(tx, cx.scope(), email_address, cx.now.plus_seconds(rules.ttl_seconds)).await?;
    }
    Ok(Attempt::Refused(refusal.into()))
}
