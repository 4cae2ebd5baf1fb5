//! The reading connections.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

use super::statement::{self, plain_error};
use super::{Files, connect_reader};
use crate::seam::sql::{Answer, Statement, Wanted};
use crate::seam::{Arg, StoreError};

/// More threads than this do not read at the same time in practice.
const CONNECTIONS_MAX: usize = 16;

/// Long reads that run at the same time. They have connections of their own, so that searches can
/// never take all those that point reads need.
const LONG_READS_MAX: usize = 2;

type Slot = Mutex<Option<Connection>>;

/// A few connections that cannot write. A slot is empty once the store is closed.
pub(in crate::seam) struct Readers {
    short: Box<[Slot]>,
    long: Box<[Slot]>,
    long_permits: Semaphore,
    // After the connections, so that a temporary directory is removed when they are closed.
    _files: Arc<Files>,
}

impl Readers {
    pub(super) fn open(files: Arc<Files>) -> Result<Readers, StoreError> {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        let open = |count: usize| {
            let slot = |_| connect_reader(&files.database).map(|opened| Mutex::new(Some(opened)));
            (0..count).map(slot).collect::<Result<Box<[Slot]>, _>>()
        };
        Ok(Readers {
            short: open(cores.clamp(2, CONNECTIONS_MAX)).map_err(|error| plain_error(&error))?,
            long: open(LONG_READS_MAX).map_err(|error| plain_error(&error))?,
            long_permits: Semaphore::new(LONG_READS_MAX),
            _files: files,
        })
    }

    /// Runs a statement on this thread.
    pub(in crate::seam) fn run(
        &self,
        statement: Statement<'_>,
        args: &[Arg<'_>],
        wanted: Wanted,
    ) -> Result<Answer, StoreError> {
        run_on(lease(&self.short), statement, args, wanted)
    }

    /// Runs a statement that may take long. On a multi-threaded runtime the other tasks of this
    /// thread move elsewhere meanwhile; on a single-threaded one they wait.
    pub(in crate::seam) async fn run_long(
        &self,
        statement: Statement<'_>,
        args: &[Arg<'_>],
        wanted: Wanted,
    ) -> Result<Answer, StoreError> {
        let _permit = self.long_permits.acquire().await.map_err(|_| closed())?;
        let run = || run_on(lease(&self.long), statement, args, wanted);
        match Handle::try_current().map(|handle| handle.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(run),
            _ => run(),
        }
    }

    /// How a statement would be carried out.
    #[cfg(feature = "testing")]
    pub(in crate::seam) fn plan(&self, text: &str) -> Result<Vec<String>, StoreError> {
        let connection = lease(&self.short);
        let explain = |connection: &Connection| {
            let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}"))?;
            let mut steps = explain.raw_query();
            let mut lines = Vec::new();
            while let Some(step) = steps.next()? {
                lines.push(step.get("detail")?);
            }
            Ok(lines)
        };
        explain(connection.as_ref().ok_or_else(closed)?).map_err(|error| plain_error(&error))
    }

    /// Closes the connections, each when its running statement has ended.
    pub(in crate::seam) fn close(&self) {
        self.long_permits.close();
        for slot in self.short.iter().chain(&self.long) {
            drop(slot.lock().take());
        }
    }
}

fn run_on(
    connection: MutexGuard<'_, Option<Connection>>,
    statement: Statement<'_>,
    args: &[Arg<'_>],
    wanted: Wanted,
) -> Result<Answer, StoreError> {
    statement::run(connection.as_ref().ok_or_else(closed)?, None, statement, args, wanted)
}

/// A free connection. Every thread begins its search at a place of its own and so normally finds the
/// connection it used before, with warm caches. When all are busy it waits for the one there: they
/// are held for microseconds.
fn lease(slots: &[Slot]) -> MutexGuard<'_, Option<Connection>> {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static THREAD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
    }
    let home = THREAD.get() % slots.len();
    let (before, from_home) = slots.split_at(home);
    let free = from_home.iter().chain(before).find_map(Mutex::try_lock);
    free.unwrap_or_else(|| slots[home].lock())
}

fn closed() -> StoreError {
    StoreError::unavailable("the store is closed")
}
