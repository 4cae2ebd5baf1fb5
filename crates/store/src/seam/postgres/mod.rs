//! PostgreSQL, and engines that speak its protocol, through a pool of connections.

mod failure;
mod migrations;
mod statement;
mod tls;
mod transaction;

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::Instrument;

pub(super) use statement::column;
pub(super) use transaction::PostgresTransaction;

use super::sql::{Answer, Statement, Wanted};
use super::{Arg, Db, IN_TRANSACTION, StoreError, panic_text};
use crate::migrate::Migration;
use failure::Failure;

/// How long a statement or transaction waits for a free connection, and a connection for its start.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);

/// How long a server may take for a statement. It ends those that take too long by itself, earlier than this
/// (`statement_timeout`), so that this is for one that has stopped while its system still keeps the connection.
const ANSWER_WAIT: Duration = Duration::from_secs(35);

/// A server that has gone without a word is noticed after about this time.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// What is said of such a server.
const NO_ANSWER: &str = "the database does not answer";

/// How often a transaction is run before it counts as contended.
const WRITE_TRIES_MAX: u32 = 12;

/// How often a read is run when its connection turns out to be dead.
const READ_TRIES_MAX: u32 = 3;

/// Bounds of the pause before a transaction that collided runs anew: the first, doubled each time.
const PAUSE_FIRST: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// How long it then waits for others of this node that collided.
const TURN_WAIT: Duration = Duration::from_millis(250);

/// Each connection starts with these settings. Reading only is the rule, so that a write outside of
/// a transaction fails here as it does on SQLite; the limits are far above what any statement needs
/// and keep one that hangs from holding a connection for ever.
const SESSION_SETTINGS: &str = "SET default_transaction_read_only = on; \
    SET statement_timeout = 30000; \
    SET lock_timeout = 15000; \
    SET idle_in_transaction_session_timeout = 60000";

/// A pool of connections to one database. Clones share it.
#[derive(Clone)]
pub(super) struct Postgres {
    pool: Pool,
    /// Held by a transaction that runs again.
    turn: Arc<Semaphore>,
}

impl Postgres {
    pub(super) async fn open(
        url: &str,
        connections_max: usize,
        migrations: &[Migration],
    ) -> Result<Postgres, StoreError> {
        let (mut config, tls) = tls::configure(url)?;
        set_defaults(&mut config);
        migrations::apply(&config, tls.clone(), migrations).await?;
        let pool = make_pool(config, tls, connections_max)?;
        Ok(Postgres { pool, turn: Arc::new(Semaphore::new(1)) })
    }

    /// Runs a statement by itself.
    pub(super) async fn read(
        &self,
        statement: Statement<'_>,
        args: &[Arg<'_>],
        wanted: Wanted,
    ) -> Result<Answer, StoreError> {
        let mut tries = 1;
        loop {
            let client = self.client().await?;
            let answer = timeout(ANSWER_WAIT, statement::run(&client, statement, args, wanted)).await;
            let Ok(answer) = answer else {
                // Whatever it does in the end is no answer to the next statement.
                drop(deadpool_postgres::Client::take(client));
                return Err(StoreError::unavailable(NO_ANSWER));
            };
            match answer {
                Ok(answer) => return Ok(answer),
                Err(failure) if failure.may_pass() && tries < READ_TRIES_MAX => tries += 1,
                Err(failure) => return Err(failure.into_error(tries)),
            }
        }
    }

    /// Runs the closure in a transaction, in a task of its own: a caller that stops waiting then
    /// neither cuts it off between two statements nor leaves the connection in the middle of it.
    pub(super) async fn write<T, E, F, Fut>(&self, closure: F) -> Result<T, E>
    where
        F: Fn(Db) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let postgres = self.clone();
        let work = async move { postgres.write_until_settled(closure).await };
        let work = IN_TRANSACTION.scope((), work).in_current_span();
        match tokio::spawn(work).await {
            Ok(outcome) => outcome,
            Err(ended) => Err(E::from(match ended.try_into_panic() {
                Ok(panic) => {
                    let text = panic_text(&*panic);
                    StoreError::Other(format!("a transaction panicked: {text}"))
                }
                Err(_) => StoreError::unavailable("the program is shutting down"),
            })),
        }
    }

    async fn write_until_settled<T, E, F, Fut>(&self, closure: F) -> Result<T, E>
    where
        F: Fn(Db) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<StoreError>,
    {
        let mut tries = 1;
        let mut outcome = self.write_once(&closure).await;
        while let Err(failure) = &outcome
            && failure.may_pass()
            && tries < WRITE_TRIES_MAX
        {
            tokio::time::sleep(pause_after(tries)).await;
            // On this node the losers of a collision run one after the other, so that they do not
            // meet again. One that is held up must not hold up the others for long.
            let _turn = timeout(TURN_WAIT, self.turn.acquire()).await;
            tries += 1;
            outcome = self.write_once(&closure).await;
        }
        outcome.unwrap_or_else(|failure| Err(E::from(failure.into_error(tries))))
    }

    /// Runs the closure once: what it gave, or why its transaction failed regardless of that.
    async fn write_once<T, E, F, Fut>(&self, closure: &F) -> Result<Result<T, E>, Failure>
    where
        F: Fn(Db) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let transaction = PostgresTransaction::begin(self.client().await?).await?;
        let outcome = closure(Db::from_postgres(transaction.clone())).await;
        match transaction.end(outcome.is_ok()).await {
            Ok(()) => Ok(outcome),
            // The closure knows better what the refused statement means.
            Err(Failure::Refused(_)) if outcome.is_err() => Ok(outcome),
            Err(failure) => Err(failure),
        }
    }

    /// Lets the server check a statement.
    #[cfg(feature = "testing")]
    pub(super) async fn prepare(&self, text: &str) -> Result<(), StoreError> {
        let prepared = self.client().await?.prepare(text).await;
        prepared.map(drop).map_err(|error| Failure::from(error).into_error(1))
    }

    /// A connection, from the pool or new.
    async fn client(&self) -> Result<deadpool_postgres::Client, StoreError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => {
                StoreError::unavailable("all connections to the database are busy")
            }
            PoolError::Timeout(_) => StoreError::unavailable(NO_ANSWER),
            PoolError::Closed => StoreError::unavailable("the store is closed"),
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                StoreError::unavailable(failure::text(&error))
            }
            other => StoreError::unavailable(other.to_string()),
        })
    }

    /// Closes the connections, those in use when they come back.
    pub(super) fn close(&self) {
        self.pool.close();
    }
}

/// Runs statements on a connection of its own.
#[cfg(feature = "testing")]
pub(super) async fn run_script(url: &str, script: &str) -> Result<(), StoreError> {
    let (config, tls) = tls::configure(url)?;
    let (client, driver) = connect_alone(&config, tls).await?;
    let outcome = client.batch_execute(script).await;
    drop(client);
    let _ = driver.await;
    outcome.map_err(|error| Failure::from(error).into_error(1))
}

/// A connection outside of the pool, without its time limits, and the task that serves it until the
/// client is dropped.
async fn connect_alone(
    config: &Config,
    tls: MakeRustlsConnect,
) -> Result<(Client, JoinHandle<Result<(), tokio_postgres::Error>>), StoreError> {
    let connected = timeout(2 * CONNECTION_WAIT, config.connect(tls)).await;
    let (client, connection) = connected
        .map_err(|_| StoreError::unavailable(NO_ANSWER))?
        .map_err(|error| StoreError::unavailable(failure::text(&error)))?;
    Ok((client, tokio::spawn(connection)))
}

/// What the URL leaves open.
fn set_defaults(config: &mut Config) {
    if config.get_application_name().is_none() {
        config.application_name("ostiary");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECTION_WAIT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE_MAX);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_idle(SILENCE_MAX / 2).keepalives_interval(SILENCE_MAX / 6);
        config.keepalives_retries(3);
    }
}

fn make_pool(config: Config, tls: MakeRustlsConnect, connections_max: usize) -> Result<Pool, StoreError> {
    // Whether the connection is known to be closed is all that is asked before it is used again: a
    // question to the server would double the time of every read.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let set_up = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
        Box::pin(async { client.batch_execute(SESSION_SETTINGS).await.map_err(HookError::Backend) })
    });
    Pool::builder(Manager::from_config(config, tls, recycling))
        .max_size(connections_max.max(1))
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECTION_WAIT))
        .create_timeout(Some(CONNECTION_WAIT))
        .post_create(set_up)
        .build()
        .map_err(|error| StoreError::Other(error.to_string()))
}

/// A random share of a pause that doubles with every try, so that those who collided spread out.
fn pause_after(tries: u32) -> Duration {
    let longest = PAUSE_FIRST.saturating_mul(1 << (tries - 1).min(16)).min(PAUSE_MAX);
    // The standard library seeds its hashers at random, which is as much randomness as this needs.
    let random = RandomState::new().hash_one(tries);
    longest.mul_f64(random as f64 / u64::MAX as f64)
}
