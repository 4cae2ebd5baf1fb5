//! The writing thread and its group commit.
//!
//! Callers queue closures. The thread takes all that are queued, runs each inside a savepoint of one
//! transaction, rolls back the savepoints of those that refuse, commits once, and only then answers
//! everybody. While it waits for the disk the next group gathers, so the more callers there are, the
//! more of them share one wait.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::statement;
use super::{Files, UniqueKeys};
use crate::seam::sql::{Answer, Statement, Wanted};
use crate::seam::{Arg, Db, IN_TRANSACTION, StoreError, panic_text};

/// Closures that share one commit at most; more would only lengthen the wait of the first.
const GROUP_MAX: usize = 256;

/// Closures waiting for the thread at most; beyond that callers wait to queue theirs.
const QUEUE_MAX: usize = 1024;

/// A handle on the writing thread, which ends and closes the database when this is dropped.
pub(in crate::seam) struct Writer {
    // In this order: without senders the thread comes to its end, for which the second field waits.
    queue: mpsc::Sender<Message>,
    _thread: Joined,
}

/// A thread that is waited for when this is dropped, so that nothing of it is cut off by the end of
/// the program.
struct Joined(Option<JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        let thread = self.0.take();
        // A closure may have held the last handle of the store; a thread cannot wait for itself.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id()) {
            // An error is a panic, which has been reported and has ended the thread as well.
            let _ = thread.join();
        }
    }
}

enum Message {
    Write(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        keys: UniqueKeys,
        files: Arc<Files>,
    ) -> Result<Writer, StoreError> {
        let (queue, messages) = mpsc::channel(QUEUE_MAX);
        let thread = WriterThread { connection: Some(connection), keys: Arc::new(keys), _files: files };
        let started = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.serve(messages))
            .map_err(|error| StoreError::unavailable(format!("no thread for writing: {error}")))?;
        Ok(Writer { queue, _thread: Joined(Some(started)) })
    }

    /// Runs the closure in a transaction. Once queued it completes even if the caller goes away.
    pub(in crate::seam) async fn write<T, E, F, Fut>(&self, closure: F) -> Result<T, E>
    where
        F: Fn(Db) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>>,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let closed = || E::from(StoreError::unavailable("the store is closed"));
        let (reply, outcome) = oneshot::channel();
        let job = Write { closure, span: tracing::Span::current(), outcome: None, reply };
        let message = Message::Write(Box::new(job));
        self.queue.send(message).await.map_err(|_| closed())?;
        outcome.await.map_err(|_| closed())?
    }

    /// Whether writes are still taken.
    pub(in crate::seam) fn is_open(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Finishes what is queued, moves the log into the database file and ends the thread.
    pub(in crate::seam) async fn close(&self) {
        let (reply, done) = oneshot::channel();
        if self.queue.send(Message::Close(reply)).await.is_ok() {
            // An error means that the thread has already ended, which is as good.
            let _ = done.await;
        }
    }
}

/// A queued closure with its types erased.
trait Job: Send {
    /// Runs the closure and keeps what it gave; true when that is to be committed.
    fn run(&mut self, db: Db) -> bool;

    /// Turns a success (or nothing at all) into this error, because the transaction did not go as
    /// the closure meant. An error that the closure gave is closer to the cause and stays.
    fn overrule(&mut self, error: StoreError);

    /// Tells the caller, who may have gone.
    fn answer(self: Box<Self>);
}

struct Write<T, E, F> {
    closure: F,
    span: tracing::Span,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F, Fut> Job for Write<T, E, F>
where
    F: Fn(Db) -> Fut + Send,
    Fut: Future<Output = Result<T, E>>,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, db: Db) -> bool {
        let _span = self.span.enter();
        // The future is made, polled and dropped in here: any of the three may panic. What the
        // closure borrows is not looked at again after a panic, except to run it anew.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let mut future = pin!((self.closure)(db));
            // Every statement completes at once, so one poll runs the closure to its end.
            let mut context = Context::from_waker(Waker::noop());
            IN_TRANSACTION.sync_scope((), || future.as_mut().poll(&mut context))
        }));
        let outcome = match polled {
            Ok(Poll::Ready(outcome)) => outcome,
            Ok(Poll::Pending) => Err(E::from(StoreError::Other(
                "a transaction awaited something else than its own statements".to_owned(),
            ))),
            Err(panic) => {
                Err(E::from(StoreError::Other(format!("a transaction panicked: {}", panic_text(&*panic)))))
            }
        };
        self.outcome.insert(outcome).is_ok()
    }

    fn overrule(&mut self, error: StoreError) {
        if !matches!(self.outcome, Some(Err(_))) {
            self.outcome = Some(Err(E::from(error)));
        }
    }

    fn answer(self: Box<Self>) {
        let Write { closure, span, outcome, reply } = *self;
        // First, so that the caller finds nothing still held by what it has been told is done: a
        // closure may hold a handle of the store.
        drop((closure, span));
        if let Some(outcome) = outcome {
            // The caller may have stopped waiting; the write stands.
            let _ = reply.send(outcome);
        }
    }
}

/// The transaction that a closure works in, while the writing thread lends it the connection.
pub(in crate::seam) struct SqliteTransaction {
    keys: Arc<UniqueKeys>,
    lent: Mutex<Lent>,
}

struct Lent {
    connection: Option<Connection>,
    failure: Option<StoreError>,
}

impl SqliteTransaction {
    /// Runs a statement. The first failure ends the transaction, as it does on PostgreSQL.
    pub(in crate::seam) fn run(
        &self,
        statement: Statement<'_>,
        args: &[Arg<'_>],
        wanted: Wanted,
    ) -> Result<Answer, StoreError> {
        let mut lent = self.lent.lock();
        if lent.failure.is_some() {
            return Err(StoreError::Aborted);
        }
        let Some(connection) = &lent.connection else {
            return Err(StoreError::Other("the transaction of this handle has ended".to_owned()));
        };
        let answer = statement::run(connection, Some(&self.keys), statement, args, wanted);
        if let Err(error) = &answer {
            lent.failure = Some(error.clone());
        }
        answer
    }
}

struct WriterThread {
    /// None only while a closure has it.
    connection: Option<Connection>,
    keys: Arc<UniqueKeys>,
    // After the connection, so that a temporary directory is removed when it is closed.
    _files: Arc<Files>,
}

/// Why a group of closures was not committed.
enum GroupError {
    /// The transaction could not begin; no closure has run.
    NotBegun(StoreError),
    /// The transaction as a whole is gone, through the fault of one closure or of the disk.
    Lost(StoreError),
}

impl WriterThread {
    fn serve(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut received = Vec::with_capacity(GROUP_MAX);
        while messages.blocking_recv_many(&mut received, GROUP_MAX) > 0 {
            let mut group = Vec::with_capacity(received.len());
            let mut closing = Vec::new();
            for message in received.drain(..) {
                match message {
                    Message::Write(job) => group.push(job),
                    Message::Close(reply) => {
                        // Later writes are refused, those already queued are still received.
                        messages.close();
                        closing.push(reply);
                    }
                }
            }
            self.write_group(group);
            if !closing.is_empty() {
                self.finish(&mut messages);
                for reply in closing {
                    let _ = reply.send(());
                }
                return;
            }
        }
    }

    /// Writes what was still queued when the store was closed, then empties the log.
    fn finish(&mut self, messages: &mut mpsc::Receiver<Message>) {
        let mut closing = Vec::new();
        while let Some(message) = messages.blocking_recv() {
            match message {
                Message::Write(job) => self.write_group(vec![job]),
                Message::Close(reply) => closing.push(reply),
            }
        }
        let Some(connection) = self.connection.take() else { return };
        let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = emptied.and_then(|()| connection.close().map_err(|(_, error)| error)) {
            tracing::warn!(%error, "the write-ahead log stays behind and is read at the next start");
        }
    }

    fn write_group(&mut self, mut group: Vec<Box<dyn Job>>) {
        match self.commit_group(&mut group) {
            Ok(()) => {}
            Err(GroupError::Lost(_)) if group.len() > 1 => {
                // One closure must not fail its neighbours, so each gets a transaction of its own.
                for job in group {
                    self.write_group(vec![job]);
                }
                return;
            }
            Err(GroupError::NotBegun(error) | GroupError::Lost(error)) => {
                for job in &mut group {
                    job.overrule(error.clone());
                }
            }
        }
        for job in group {
            job.answer();
        }
    }

    /// Runs all closures in one transaction and commits those that succeed.
    fn commit_group(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), GroupError> {
        self.control("BEGIN IMMEDIATE").map_err(GroupError::NotBegun)?;
        let run = group.iter_mut().try_for_each(|job| self.run_in_savepoint(job.as_mut()));
        run.and_then(|()| self.control("COMMIT")).map_err(|error| {
            // Some errors have rolled back by themselves; then there is nothing left to do.
            let _ = self.control("ROLLBACK");
            GroupError::Lost(error)
        })
    }

    /// Runs one closure. An error means that the whole transaction is gone.
    fn run_in_savepoint(&mut self, job: &mut dyn Job) -> Result<(), StoreError> {
        self.control("SAVEPOINT closure")?;
        if !self.run_job(job) {
            self.control("ROLLBACK TO closure")?;
        }
        self.control("RELEASE closure")
    }

    /// Lends the connection to the closure; true when what it did is to be committed.
    fn run_job(&mut self, job: &mut dyn Job) -> bool {
        let lent = Lent { connection: self.connection.take(), failure: None };
        let transaction = Arc::new(SqliteTransaction { keys: self.keys.clone(), lent: Mutex::new(lent) });
        let succeeded = job.run(Db::from_sqlite(transaction.clone()));
        let mut lent = transaction.lent.lock();
        self.connection = lent.connection.take();
        match lent.failure.take() {
            // The closure may have swallowed the error; what it meant to write is incomplete.
            Some(failure) => {
                job.overrule(failure);
                false
            }
            None => succeeded,
        }
    }

    fn control(&self, statement: &'static str) -> Result<(), StoreError> {
        let connection = self.connection.as_ref().expect("it is lent only while a closure runs");
        let run = connection.prepare_cached(statement).and_then(|mut prepared| prepared.raw_execute());
        run.map(drop).map_err(|error| statement::constraint_error(&error, None))
    }
}
