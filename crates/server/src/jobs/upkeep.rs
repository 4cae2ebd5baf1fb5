//! Rotating keys and removing what has expired.

use crate::app::App;
use crate::cx::Result;
use crate::ops::impersonation::RECORD_DAYS;
use crate::ops::m2m::usage::{KEPT_DAYS, day_of};
use crate::ops::projects;
use ostiary_core::error::Error;
use ostiary_store::{
    addresses, discovery_locks, impersonations, intermediate_sessions, m2m_clients, magic_links, otp_codes,
    outbox, rate_limits, sessions, sms_codes, totp, trusted_tokens,
};
use std::sync::Arc;

/// For how long links and codes are kept after they expired, in minutes, so that a late visitor hears that a link has
/// expired and not that it never was.
const KEPT_AFTER_EXPIRY_MINUTES: i64 = 7 * 24 * 60;

/// Adds the next signing key where it is due.
pub async fn rotate_keys(app: Arc<App>) -> Result<()> {
    let now = app.clock.now();
    for project in app.projects.all() {
        if project.keys.rotation_is_due(now)
            && projects::rotate_signing_key(&app, project.scope(), now).await?
        {
            tracing::info!(project.id = %project.id(), "a new signing key was published");
        }
    }
    Ok(())
}

/// Counts the messages that wait, for the metrics.
pub async fn count_outbox(app: Arc<App>) -> Result<()> {
    let waiting = outbox::count(&app.store.reader()).await?;
    app.metrics.set_outbox_pending(u64::try_from(waiting).unwrap_or(0));
    Ok(())
}

/// Removes sessions, links, codes and reservations of addresses that have expired, and failed attempts under addresses
/// that nobody tried again for long.
pub async fn delete_expired(app: Arc<App>) -> Result<()> {
    let now = app.clock.now();
    let long_ago = now.plus_minutes(-KEPT_AFTER_EXPIRY_MINUTES);
    app.store
        .write(move |tx| async move {
            sessions::delete_expired(&tx, now).await?;
            intermediate_sessions::delete_expired(&tx, now).await?;
            magic_links::delete_expired(&tx, long_ago).await?;
            otp_codes::delete_expired(&tx, long_ago).await?;
            sms_codes::delete_expired(&tx, long_ago).await?;
            totp::delete_expired(&tx, long_ago).await?;
            m2m_clients::delete_uses(&tx, day_of(now) - KEPT_DAYS).await?;
            addresses::delete_expired(&tx, long_ago).await?;
            rate_limits::delete_expired(&tx, now).await?;
            discovery_locks::delete_old(&tx, long_ago, now).await?;
            trusted_tokens::delete_expired(&tx, now).await?;
            impersonations::delete_before(&tx, now.plus_minutes(-RECORD_DAYS * 24 * 60)).await?;
            Ok::<_, Error>(())
        })
        .await
}
