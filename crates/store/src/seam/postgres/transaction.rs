//! One transaction on one connection.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Client;
use parking_lot::Mutex;
use tokio::sync::RwLock;
use tokio::time::timeout;

use super::failure::Failure;
use super::{ANSWER_WAIT, NO_ANSWER, statement};
use crate::seam::sql::{Answer, Statement, Wanted};
use crate::seam::{Arg, StoreError};

/// A snapshot for the whole transaction, so that an UPDATE of a row that changed since fails as a
/// collision; and writing allowed, which the session's settings deny.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE";

/// How long giving up may take; what is not rolled back by then is when its connection closes.
const ROLLBACK_WAIT: Duration = Duration::from_secs(5);

/// A transaction while its closure runs, and the empty shell of it afterwards, which a handle that
/// the closure gave away may still hold.
pub(in crate::seam) struct PostgresTransaction {
    lease: RwLock<Option<Lease>>,
    /// The first failure, which the transaction cannot survive whatever the closure returns.
    failure: Mutex<Option<Failure>>,
}

impl PostgresTransaction {
    pub(super) async fn begin(client: Client) -> Result<Arc<PostgresTransaction>, Failure> {
        let lease = Lease { client: Some(client), returnable: false };
        in_time(lease.client().batch_execute(BEGIN)).await?;
        Ok(Arc::new(PostgresTransaction { lease: RwLock::new(Some(lease)), failure: Mutex::new(None) }))
    }

    /// Runs a statement. The first failure ends the transaction.
    pub(in crate::seam) async fn run(
        &self,
        statement: Statement<'_>,
        args: &[Arg<'_>],
        wanted: Wanted,
    ) -> Result<Answer, StoreError> {
        let lease = self.lease.read().await;
        if self.failure.lock().is_some() {
            return Err(StoreError::Aborted);
        }
        let Some(lease) = &*lease else {
            return Err(StoreError::Other("the transaction of this handle has ended".to_owned()));
        };
        let mut watch = Watch { failure: &self.failure, answered: false };
        let run = statement::run(lease.client(), statement, args, wanted);
        let outcome = timeout(ANSWER_WAIT, run).await.unwrap_or_else(|_| Err(no_answer()));
        watch.answered = true;
        outcome.map_err(|failure| {
            self.failure.lock().get_or_insert_with(|| failure.clone());
            failure.into_error(1)
        })
    }

    /// Commits or rolls back, and gives the connection back. An error says that nothing was written
    /// although the closure may have meant it to be.
    pub(super) async fn end(&self, commit: bool) -> Result<(), Failure> {
        let mut lease = self.lease.write().await;
        let mut lease = lease.take().expect("a transaction is ended once, by the one who began it");
        let failure = self.failure.lock().clone();
        match failure {
            Some(failure) => {
                lease.roll_back().await;
                Err(failure)
            }
            None if commit => lease.commit().await,
            None => {
                lease.roll_back().await;
                Ok(())
            }
        }
    }
}

/// Notices that the future of a statement was dropped before the server answered. Its failure would
/// go unseen, and COMMIT would then silently roll back.
struct Watch<'t> {
    failure: &'t Mutex<Option<Failure>>,
    answered: bool,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.failure.lock().get_or_insert_with(|| {
                let text = "a statement of the transaction was dropped before it was answered";
                Failure::Refused(StoreError::Other(text.to_owned()))
            });
        }
    }
}

/// A pooled connection that is closed instead of given back unless its transaction has ended, also
/// when the closure panics.
struct Lease {
    client: Option<Client>,
    returnable: bool,
}

impl Lease {
    fn client(&self) -> &Client {
        self.client.as_ref().expect("it is taken out only when the lease is dropped")
    }

    async fn commit(&mut self) -> Result<(), Failure> {
        let unknown = |reason: &str| {
            Failure::Refused(StoreError::unavailable(format!(
                "whether COMMIT took effect is unknown: {reason}"
            )))
        };
        let answer = timeout(ANSWER_WAIT, self.client().batch_execute("COMMIT")).await;
        let Ok(answer) = answer else { return Err(unknown(NO_ANSWER)) };
        match answer.map_err(Failure::from) {
            Ok(()) => {
                self.returnable = true;
                Ok(())
            }
            Err(Failure::Disconnected(reason)) => Err(unknown(&reason)),
            Err(failure) => {
                self.roll_back().await;
                Err(failure)
            }
        }
    }

    async fn roll_back(&mut self) {
        let rolled_back = timeout(ROLLBACK_WAIT, self.client().batch_execute("ROLLBACK")).await;
        self.returnable = matches!(rolled_back, Ok(Ok(())));
    }
}

/// The outcome of a step of a transaction that the server answers in time.
async fn in_time<T>(step: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Failure> {
    match timeout(ANSWER_WAIT, step).await {
        Ok(outcome) => outcome.map_err(Failure::from),
        Err(_) => Err(no_answer()),
    }
}

fn no_answer() -> Failure {
    Failure::Refused(StoreError::unavailable(NO_ANSWER))
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(client) = self.client.take()
            && !self.returnable
        {
            drop(Client::take(client));
        }
    }
}
