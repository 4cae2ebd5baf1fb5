//! The request to end the process, shared by everything that must notice it.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Tells listeners, jobs and open streams that the process is about to end. Clones are one and the same.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<watch::Sender<Wish>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Run,
    Drain,
    Stop,
}

impl Shutdown {
    /// Not triggered.
    pub fn new() -> Self {
        Shutdown(Arc::new(watch::Sender::new(Wish::Run)))
    }

    /// Asks everyone to finish what they do and end.
    pub fn trigger(&self) {
        self.raise_to(Wish::Drain);
    }

    /// Asks everyone to end without finishing.
    pub fn force(&self) {
        self.raise_to(Wish::Stop);
    }

    /// Whether the process is about to end.
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow() != Wish::Run
    }

    /// Waits until the process is about to end; at once when it is.
    pub async fn triggered(&self) {
        self.reached(Wish::Drain).await;
    }

    /// Waits until nothing shall be finished any more.
    pub async fn forced(&self) {
        self.reached(Wish::Stop).await;
    }

    /// Triggers on SIGTERM and SIGINT from now on; the second signal forces the end.
    ///
    /// # Errors
    /// When the system refuses the signal handlers.
    pub fn trigger_on_signals(&self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if shutdown.is_triggered() {
                    shutdown.force();
                } else {
                    tracing::info!("asked to stop; finishing running requests");
                    shutdown.trigger();
                }
            }
        });
        Ok(())
    }

    fn raise_to(&self, wish: Wish) {
        self.0.send_if_modified(|now| {
            let is_higher = *now < wish;
            *now = (*now).max(wish);
            is_higher
        });
    }

    async fn reached(&self, wish: Wish) {
        let waited = self.0.subscribe().wait_for(|now| *now >= wish).await.is_ok();
        assert!(waited, "the sender lives as long as self");
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Shutdown::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everyone_notices_and_force_is_not_taken_back() {
        let shutdown = Shutdown::new();
        let other = shutdown.clone();
        assert!(!other.is_triggered());
        shutdown.force();
        shutdown.trigger();
        other.triggered().await;
        other.forced().await;
        assert!(other.is_triggered());
    }

    #[tokio::test]
    async fn trigger_alone_does_not_force() {
        let shutdown = Shutdown::new();
        shutdown.trigger();
        shutdown.triggered().await;
        let forced = tokio::select! {
            biased;
            () = shutdown.forced() => true,
            () = std::future::ready(()) => false,
        };
        assert!(!forced);
    }
}
