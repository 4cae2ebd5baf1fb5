//! Sending the outbox: after the commit, at least once, with growing pauses after failures.
//!
//! A node takes messages by moving their next attempt behind a lease, so two nodes do not send the same one, and what a
//! node had taken when it died is sent by another when the lease is over. A node begins to send only while enough of the
//! lease is left to finish, gives back what it did not get to, and holds on to what it has sent until the database has
//! taken note, however long that is away.

use crate::app::App;
use crate::cx::Result;
use crate::ops::mail::{Channel, Message, seal_context};
use crate::telemetry::{self, SendFailure};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::time::Timestamp;
use ostiary_store::outbox::{self, OutboxMessage};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How long a node may take for a message before another one takes it, in seconds.
const LEASE_SECONDS: i64 = 120;
/// For how much of the lease sending may begin. The rest is for the message that is being sent: a mail takes at most 85
/// seconds, then its sender gives up.
const BEGIN_WITHIN: Duration = Duration::from_secs(30);
/// The pause before the database is asked again to note what became of a message.
const NOTE_PAUSE: Duration = Duration::from_millis(200);
/// How long a server that ends asks.
const NOTE_AT_END: Duration = Duration::from_secs(5);
/// How often the outbox is looked at when nobody says that there is something new, for messages of other nodes and
/// retries.
const POLL: Duration = Duration::from_secs(2);

/// A message that is to be delivered.
pub struct Delivery {
    /// Its id, by which a receiver recognizes a message that it has got already.
    pub message_id: Uuid,
    /// When it was written.
    pub created_at: Timestamp,
    /// The message.
    pub message: Message,
}

/// Why a message was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryError {
    /// It may work later.
    Temporary(String),
    /// It will never work.
    Permanent(String),
}

/// The outcome of a delivery, to come.
pub type Delivering<'a> = Pin<Box<dyn Future<Output = std::result::Result<(), DeliveryError>> + Send + 'a>>;

/// Delivers messages: by SMTP and a text message provider, or into the development inbox.
pub trait Deliver: Send + Sync {
    /// Delivers one message.
    fn deliver<'a>(&'a self, app: &'a App, delivery: &'a Delivery) -> Delivering<'a>;

    /// When to try again after this many attempts; `None` gives up.
    fn next_attempt(&self, attempts: i64, now: Timestamp, expires_at: Timestamp) -> Option<Timestamp>;
}

/// Sends what is due until the server stops.
pub fn start(app: Arc<App>, deliver: Arc<dyn Deliver>, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            match deliver_while(&app, deliver.as_ref(), &|| !*stop.borrow()).await {
                Ok(()) => {}
                Err(error) => {
                    let source = error.source.as_deref().unwrap_or_default();
                    tracing::warn!(error.kind = error.kind.name(), source, "the outbox could not be read");
                }
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = app.outbox_wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    })
}

/// Sends everything that is due now.
pub async fn deliver_due(app: &Arc<App>, deliver: &dyn Deliver) -> Result<()> {
    deliver_while(app, deliver, &|| true).await
}

/// Whether the server goes on.
type GoesOn<'a> = &'a (dyn Fn() -> bool + Send + Sync);

async fn deliver_while(app: &Arc<App>, deliver: &dyn Deliver, goes_on: GoesOn<'_>) -> Result<()> {
    let _turn = app.outbox_turn.lock().await;
    while goes_on() {
        let (now, taken_at) = (app.clock.now(), Instant::now());
        let lease = now.plus_seconds(LEASE_SECONDS);
        let taken = app
            .store
            .write(move |tx| async move { Ok::<_, Error>(outbox::claim(&tx, now, lease).await?) })
            .await?;
        if taken.is_empty() {
            break;
        }
        let mut taken = taken.into_iter();
        while goes_on()
            && taken_at.elapsed() < BEGIN_WITHIN
            && let Some(row) = taken.next()
        {
            deliver_one(app, deliver, row, goes_on).await?;
        }
        let left: Arc<[Uuid]> = taken.map(|row| row.message_id).collect();
        if !left.is_empty() {
            give_back(app, left, lease, now).await?;
        }
    }
    Ok(())
}

async fn deliver_one(
    app: &Arc<App>,
    deliver: &dyn Deliver,
    row: OutboxMessage,
    goes_on: GoesOn<'_>,
) -> Result<()> {
    let remove = |app, message_id| remove(app, message_id, goes_on);
    let (message_id, attempts) = (row.message_id, row.attempts);
    let opened = app.master_key.open(&seal_context(message_id), &row.payload);
    let message = opened.and_then(|plain| serde_json::from_slice::<Message>(&plain).ok());
    let Some(message) = message else {
        tracing::error!(message.id = %message_id, "an outbox message cannot be opened with this master key");
        return remove(app, message_id).await;
    };
    if row.expires_at <= app.clock.now() {
        tracing::info!(message.id = %message_id, attempts, "a message expired before it could be sent");
        return remove(app, message_id).await;
    }
    let delivery = Delivery { message_id, created_at: row.created_at, message };
    let channel = match delivery.message.channel {
        Channel::Email => telemetry::Channel::Mail,
        Channel::Sms => telemetry::Channel::Sms,
    };
    match deliver.deliver(app, &delivery).await {
        Ok(()) => {
            app.metrics.outbox_sent(channel);
            remove(app, message_id).await
        }
        Err(DeliveryError::Permanent(reason)) => {
            app.metrics.outbox_failed(channel, SendFailure::Permanent);
            tracing::error!(message.id = %message_id, attempts, reason, "a message cannot be sent and is given up");
            remove(app, message_id).await
        }
        Err(DeliveryError::Temporary(reason)) => {
            app.metrics.outbox_failed(channel, SendFailure::Temporary);
            match deliver.next_attempt(attempts, app.clock.now(), row.expires_at) {
                Some(at) => {
                    tracing::warn!(message.id = %message_id, attempts, reason, "a message could not be sent yet");
                    put_back(app, message_id, at, goes_on).await
                }
                None => {
                    tracing::error!(message.id = %message_id, attempts, reason, "a message is given up");
                    remove(app, message_id).await
                }
            }
        }
    }
}

async fn remove(app: &Arc<App>, message_id: Uuid, goes_on: GoesOn<'_>) -> Result<()> {
    note(goes_on, || {
        app.store.write(move |tx| async move { Ok::<_, Error>(outbox::delete(&tx, message_id).await?) })
    })
    .await
}

async fn put_back(app: &Arc<App>, message_id: Uuid, at: Timestamp, goes_on: GoesOn<'_>) -> Result<()> {
    note(goes_on, || {
        app.store.write(move |tx| async move { Ok::<_, Error>(outbox::retry_at(&tx, message_id, at).await?) })
    })
    .await
}

async fn give_back(app: &Arc<App>, left: Arc<[Uuid]>, lease: Timestamp, now: Timestamp) -> Result<()> {
    app.store
        .write(move |tx| {
            let left = left.clone();
            async move {
                for message_id in left.iter() {
                    outbox::give_back(&tx, *message_id, lease, now).await?;
                }
                Ok::<_, Error>(())
            }
        })
        .await
}

/// Writes what became of a message, however long the database is away: a message that was sent would go out again when
/// its lease is over.
async fn note<Fut>(goes_on: GoesOn<'_>, write: impl Fn() -> Fut) -> Result<()>
where
    Fut: Future<Output = Result<()>>,
{
    let since = Instant::now();
    loop {
        match write().await {
            Err(error)
                if error.kind == ErrorType::ServerUnavailable
                    && (goes_on() || since.elapsed() < NOTE_AT_END) =>
            {
                tokio::time::sleep(NOTE_PAUSE).await;
            }
            noted => return noted,
        }
    }
}
