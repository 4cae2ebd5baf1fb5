//! Work that nobody waits for: sending the outbox, writing session activity, noticing changed settings, rotating keys,
//! removing what has expired.

pub mod deliver;
pub mod inbox;
pub mod outbox;
pub mod upkeep;

use crate::app::App;
use crate::cx::Result;
use crate::ops::sessions::activity::FLUSH_INTERVAL;
use outbox::Deliver;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A job's round.
type Round = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Runs a job again and again until the server stops; a failure is logged and the next round tries again.
async fn every(
    app: Arc<App>,
    mut stop: watch::Receiver<bool>,
    name: &'static str,
    interval: Duration,
    job: fn(Arc<App>) -> Round,
) {
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(interval) => {}
        }
        if let Err(error) = job(app.clone()).await {
            let source = error.source.as_deref().unwrap_or_default();
            tracing::warn!(
                job.name = name,
                error.kind = error.kind.name(),
                source,
                "a job failed and will run again"
            );
        }
    }
}

/// Starts all jobs. They end when `stop` turns true.
pub fn start(app: &Arc<App>, deliver: Arc<dyn Deliver>, stop: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
    let run = |name, interval, job| tokio::spawn(every(app.clone(), stop.clone(), name, interval, job));
    vec![
        outbox::start(app.clone(), deliver, stop.clone()),
        run("settings", Duration::from_secs(1), |app| Box::pin(async move { app.refresh_projects().await })),
        run("session activity", FLUSH_INTERVAL, |app| {
            Box::pin(async move { app.activity.flush(&app.store).await })
        }),
        run("M2M usage", FLUSH_INTERVAL, |app| {
            Box::pin(async move { app.m2m.usage.flush(&app.store).await })
        }),
        run("key rotation", Duration::from_secs(60), |app| Box::pin(upkeep::rotate_keys(app))),
        run("outbox count", Duration::from_secs(10), |app| Box::pin(upkeep::count_outbox(app))),
        run("clean-up", Duration::from_secs(60), |app| Box::pin(upkeep::delete_expired(app))),
    ]
}
