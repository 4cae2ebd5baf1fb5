//! The pool that does password work.
//!
//! A password hash is made to be slow: fifteen milliseconds of a core and 19 MiB. On the threads that answer requests,
//! a few people signing in would hold up everybody whose session is checked. So this work has threads of its own, one
//! fewer than there are cores, at a lower priority, and each keeps the memory that it works in.
//!
//! The queue is bounded by time and not by number, because one imported hash may cost as much as a hundred native ones:
//! [`HashingPool::run`] says how much work it brings, and when more than two seconds of work would come before it, it is
//! refused at once with `too_many_requests`. How fast this machine is, the pool finds out by itself.

use crate::cx::Result;
use crate::telemetry::Metrics;
use ostiary_core::error::{Error, ErrorType};
use ostiary_proto::password_hash::{Argon2Params, Memory};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Instant;
use tokio::sync::oneshot;

/// The most work that waits in front of a new piece, in microseconds.
pub const WAIT_MICROS_MAX: u64 = 2_000_000;
/// How much lower than usual the priority of the threads is, as `nice` counts.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;
/// Pieces of work shorter than this say too little about the speed of the machine, in microseconds.
const TELLING_MICROS_MIN: u64 = 1_000;

/// How the pool is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct HashingOptions {
    /// How new passwords are hashed.
    pub params: Argon2Params,
    /// How many threads there are; one fewer than cores when absent.
    pub threads: Option<usize>,
}

/// The threads and their queue. Dropping it ends the threads after the work that they have begun.
pub struct HashingPool {
    shared: Arc<Shared>,
    threads: u64,
    params: Argon2Params,
}

struct Shared {
    state: Mutex<State>,
    work_or_end: Condvar,
    metrics: Arc<Metrics>,
}

struct State {
    waiting: VecDeque<Work>,
    /// Of all that waits or runs, as estimated for the machine on which the estimates were made.
    outstanding_micros: u64,
    /// How many times as long the work takes here.
    slowness: f64,
    is_over: bool,
}

struct Work {
    asked_at: Instant,
    micros: u64,
    /// Whether the estimate is close enough that the time taken says how fast the machine is.
    is_close: bool,
    job: Box<dyn FnOnce(&mut Memory) + Send>,
}

impl HashingPool {
    /// Starts the threads.
    pub fn new(options: HashingOptions, metrics: Arc<Metrics>) -> Self {
        let threads = options.threads.unwrap_or_else(default_threads).max(1);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                outstanding_micros: 0,
                slowness: 1.0,
                is_over: false,
            }),
            work_or_end: Condvar::new(),
            metrics,
        });
        for number in 0..threads {
            let (worker, kib) = (shared.clone(), options.params.memory_kib());
            let started = thread::Builder::new()
                .name(format!("hashing-{number}"))
                .spawn(move || work_until_the_end(&worker, kib));
            if let Err(error) = started {
                tracing::error!(%error, "a thread for password hashing did not start");
            }
        }
        HashingPool { shared, threads: threads.try_into().unwrap_or(u64::MAX), params: options.params }
    }

    /// How new passwords are hashed.
    pub fn params(&self) -> Argon2Params {
        self.params
    }

    /// Does a piece of work of about this many microseconds on one of the threads. What nobody waits for any more when
    /// its turn comes is left out.
    ///
    /// # Errors
    /// `too_many_requests` when too much work is in front of it; says when to come again.
    pub async fn run<T, F>(&self, micros: u64, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Memory) -> T + Send + 'static,
    {
        self.answer(micros, true, job).await
    }

    /// Like [`HashingPool::run`], for work that takes no longer than this, and mostly much less.
    ///
    /// # Errors
    /// As for [`HashingPool::run`].
    pub async fn run_at_most<T, F>(&self, micros_max: u64, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Memory) -> T + Send + 'static,
    {
        self.answer(micros_max, false, job).await
    }

    async fn answer<T, F>(&self, micros: u64, is_close: bool, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Memory) -> T + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.submit(Work {
            asked_at: Instant::now(),
            micros,
            is_close,
            job: Box::new(move |memory| {
                if !sender.is_closed() {
                    // The caller may have gone while the work was done.
                    let _ = sender.send(job(memory));
                }
            }),
        })?;
        receiver.await.map_err(|_| Error::internal("password work ended without a result"))
    }

    /// How long a new piece of work would wait now, in microseconds, as far as the pool can tell.
    pub fn wait_micros(&self) -> u64 {
        self.wait(&self.shared.state.lock())
    }

    fn wait(&self, state: &State) -> u64 {
        micros_here(state.outstanding_micros, state.slowness) / self.threads
    }

    /// Refuses what would be refused anyway, before anything is loaded for it.
    ///
    /// # Errors
    /// As for [`HashingPool::run`].
    pub fn refuse_when_full(&self) -> Result<()> {
        self.admit(&self.shared.state.lock())
    }

    fn submit(&self, work: Work) -> Result<()> {
        let mut state = self.shared.state.lock();
        self.admit(&state)?;
        let micros = work.micros;
        state.outstanding_micros = state.outstanding_micros.saturating_add(micros);
        state.waiting.push_back(work);
        self.shared.metrics.hashing_queued(micros);
        drop(state);
        self.shared.work_or_end.notify_one();
        Ok(())
    }

    fn admit(&self, state: &State) -> Result<()> {
        let wait = self.wait(state);
        if wait <= WAIT_MICROS_MAX {
            return Ok(());
        }
        self.shared.metrics.hashing_refused();
        Err(Error {
            retry_after_seconds: Some(u32::try_from(wait.div_ceil(1_000_000)).unwrap_or(u32::MAX)),
            ..ErrorType::TooManyRequests
                .with_message("Too many passwords are being checked. Try again in a moment.")
        })
    }
}

impl Drop for HashingPool {
    fn drop(&mut self) {
        self.shared.state.lock().is_over = true;
        self.shared.work_or_end.notify_all();
    }
}

fn default_threads() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get() - 1)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an estimate that is positive and far below the exact range"
)]
fn micros_here(micros: u64, slowness: f64) -> u64 {
    (micros as f64 * slowness) as u64
}

fn work_until_the_end(shared: &Shared, kib: u32) {
    lower_priority();
    let mut memory = Memory::default();
    while let Some(Work { asked_at, micros, is_close, job }) = next(shared) {
        let began = Instant::now();
        shared.metrics.hashing_began(began - asked_at);
        if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
            // The caller's end of the channel is closed, so the caller knows.
            tracing::error!("password work panicked");
            memory = Memory::default();
        }
        memory.shrink_to_kib(kib);
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut state = shared.state.lock();
        state.outstanding_micros = state.outstanding_micros.saturating_sub(micros);
        if is_close && micros >= TELLING_MICROS_MIN {
            state.slowness = adjusted(state.slowness, micros, took);
        }
    }
}

/// The estimate moves slowly towards what was measured, so that one interruption does not turn people away.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn adjusted(slowness: f64, estimated_micros: u64, took_micros: u64) -> f64 {
    let measured = (took_micros as f64 / estimated_micros as f64).clamp(0.05, 20.0);
    slowness + (measured - slowness) / 16.0
}

fn next(shared: &Shared) -> Option<Work> {
    let mut state = shared.state.lock();
    loop {
        if state.is_over {
            return None;
        }
        if let Some(work) = state.waiting.pop_front() {
            return Some(work);
        }
        shared.work_or_end.wait(&mut state);
    }
}

/// On Linux the priority of a thread is its own. Elsewhere the threads run like all others, and being fewer than the
/// cores is what keeps a core free.
#[cfg(target_os = "linux")]
fn lower_priority() {
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the priority of password hashing stays as it is");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn pool(threads: usize) -> HashingPool {
        let options = HashingOptions { threads: Some(threads), ..HashingOptions::default() };
        HashingPool::new(options, Arc::new(Metrics::new([])))
    }

    /// Work that goes on until the sender is dropped.
    fn endless() -> (mpsc::Sender<()>, impl FnOnce(&mut Memory) + Send + 'static) {
        let (sender, receiver) = mpsc::channel::<()>();
        (sender, move |_: &mut Memory| {
            let _ = receiver.recv();
        })
    }

    #[tokio::test]
    async fn work_is_done_and_answered() {
        let pool = pool(2);
        assert_eq!(pool.run(10, |_| 6 * 7).await.unwrap(), 42);
    }

    #[tokio::test]
    async fn what_would_wait_too_long_is_refused_at_once_and_told_when_to_come_again() {
        let pool = Arc::new(pool(1));
        let (release, job) = endless();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(WAIT_MICROS_MAX, job).await }
        });
        while pool.shared.state.lock().outstanding_micros == 0 {
            tokio::task::yield_now().await;
        }
        // Exactly two seconds in front: it may wait.
        let second = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(1_000_000, |_| ()).await }
        });
        while pool.shared.state.lock().outstanding_micros == WAIT_MICROS_MAX {
            tokio::task::yield_now().await;
        }
        let refused = pool.run(1, |_| ()).await.unwrap_err();
        assert_eq!((refused.kind, refused.retry_after_seconds), (ErrorType::TooManyRequests, Some(3)));
        drop(release);
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
        pool.run(1, |_| ()).await.unwrap();
    }

    #[tokio::test]
    async fn an_idle_pool_takes_work_of_any_length() {
        pool(1).run(WAIT_MICROS_MAX * 10, |_| ()).await.unwrap();
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_left_out() {
        let pool = Arc::new(pool(1));
        let (release, job) = endless();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(1, job).await }
        });
        while pool.shared.state.lock().outstanding_micros == 0 {
            tokio::task::yield_now().await;
        }
        let (done, was_done) = mpsc::channel::<()>();
        let gone = pool.run(1, move |_| {
            let _ = done.send(());
        });
        // Asked once, so that it is in the queue, then dropped.
        let is_waiting = futures_util::future::FutureExt::now_or_never(gone).is_none();
        assert!(is_waiting);
        drop(release);
        first.await.unwrap().unwrap();
        pool.run(1, |_| ()).await.unwrap();
        assert!(was_done.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_caller_alone() {
        let pool = pool(1);
        let error = pool.run(1, |_| panic!("for the test")).await.map(|(): ()| ()).unwrap_err();
        assert_eq!(error.kind, ErrorType::InternalServerError);
        assert_eq!(pool.run(1, |_| 1).await.unwrap(), 1);
    }

    #[test]
    fn the_estimate_follows_the_machine_slowly() {
        let mut slowness = 1.0;
        for _ in 0..200 {
            slowness = adjusted(slowness, 10_000, 30_000);
        }
        assert!((2.9..3.1).contains(&slowness), "{slowness}");
        assert!(adjusted(1.0, 10_000, 10_000_000) < 2.3, "one interruption");
    }
}
