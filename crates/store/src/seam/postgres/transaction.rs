//! One transaction on one connection.

use std::sync::Arc;

use deadpool_postgres::Client;
use parking_lot::Mutex;
use tokio::sync::RwLock;

use super::failure::Failure;
use super::statement;
use crate::seam::sql::{Answer, Statement, Wanted};
use crate::seam::{Arg, StoreError};

/// A snapshot for the whole transaction, so that an UPDATE of a row that changed since fails as a
/// collision; and writing allowed, which the session's settings deny.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE";

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
        lease.client().batch_execute(BEGIN).await?;
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
        let outcome = statement::run(lease.client(), statement, args, wanted).await;
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
        match self.client().batch_execute("COMMIT").await.map_err(Failure::from) {
            Ok(()) => {
                self.returnable = true;
                Ok(())
            }
            Err(Failure::Disconnected(reason)) => Err(Failure::Refused(StoreError::unavailable(format!(
                "the connection broke during COMMIT, whether it took effect is unknown: {reason}"
            )))),
            Err(failure) => {
                self.roll_back().await;
                Err(failure)
            }
        }
    }

    async fn roll_back(&mut self) {
        self.returnable = self.client().batch_execute("ROLLBACK").await.is_ok();
    }
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
