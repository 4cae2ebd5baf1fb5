//! The driver seam: the only place that knows which database is underneath.
//!
//! Above it, a statement is one constant text that both engines take, a value is an [`Arg`], an
//! answer is a list of [`Row`]s, and a transaction is a closure:
//!
//! ```ignore
//! const CONSUME: Sql = sql!("UPDATE otp_codes SET used_at = $3 WHERE email_id = $1 AND code_hash = $2 AND used_at IS NULL");
//!
//! let consumed = store.write(move |db| async move {
//!     Ok::<_, StoreError>(db.exec(CONSUME, &args![email_id, &code_hash, now]).await? == 1)
//! }).await?;
//! ```
//!
//! What both engines promise about a transaction:
//! - It sees the database as of one moment, plus its own changes. Two transactions that read a row
//!   and write it never lose one of the writes: the second runs again on what the first wrote.
//!   Two that each read what the other writes (write skew) are *not* kept apart on PostgreSQL
//!   (REPEATABLE READ), so rules across rows are unique indexes, foreign keys or conditions of an
//!   UPDATE, never a SELECT before an INSERT.
//! - The closure may run several times, so it has no effects besides its statements.
//! - The first statement that fails ends it, also when the closure goes on and returns Ok: nothing
//!   is written and the caller gets that error. A conflict that is expected is asked for with
//!   `ON CONFLICT DO NOTHING`.
//! - When it returns Ok the change is durable before the caller learns of it.
//! - A caller that stops waiting (a client that hangs up) does not stop it half-way.
//!
//! Statements keep to a portable subset: TEXT, BIGINT, BOOLEAN, BYTEA and UUID columns; `$n`
//! parameters whose type follows from where they stand; upserts with `excluded`; RETURNING; row
//! values; common table expressions. `sum()` over BIGINT must be cast back to BIGINT.

mod error;
#[cfg(feature = "testing")]
mod inspect;
mod postgres;
mod sql;
mod sqlite;
mod value;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

pub use self::error::{StoreError, UniqueKey};
#[cfg(feature = "testing")]
pub use self::inspect::count_statements;
#[cfg(feature = "testing")]
pub(crate) use self::inspect::run_script;
pub use self::sql::{Sql, SqlBuilder};
pub use self::value::{Arg, Column, FromColumn, Row};
pub use crate::{args, sql};

use self::postgres::{Postgres, PostgresTransaction};
use self::sql::{Answer, Statement, Wanted};
use self::sqlite::{Readers, Sqlite, SqliteTransaction};
use crate::migrate::{MIGRATIONS, Migration};

/// Which database is underneath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
    /// PostgreSQL, or an engine that speaks its protocol.
    Postgres,
}

/// Where the database is.
#[derive(Clone)]
pub enum StoreOptions {
    /// A SQLite file, created when it does not exist; its directory must exist.
    Sqlite {
        /// The file. Beside it lie `-wal` and `-shm` while the store is open.
        path: PathBuf,
        /// What an acknowledged write survives.
        durability: Durability,
    },
    /// A SQLite database of its own that vanishes when the store is dropped.
    SqliteMemory,
    /// A PostgreSQL database.
    Postgres {
        /// `postgres://…` or `key=value …`, with the password, hence secret. `sslmode` may be
        /// `disable`, `prefer` (default: encrypts when the server can, checks nothing), or
        /// `require` / `verify-full`, both of which check the certificate and its host name against
        /// the system's authorities or those in the file `sslrootcert`.
        url: String,
        /// Connections held at most. A transaction takes one for its whole run.
        connections_max: usize,
    },
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreOptions::Sqlite { path, durability } => {
                f.debug_struct("Sqlite").field("path", path).field("durability", durability).finish()
            }
            StoreOptions::SqliteMemory => f.write_str("SqliteMemory"),
            StoreOptions::Postgres { connections_max, .. } => f
                .debug_struct("Postgres")
                .field("url", &"***")
                .field("connections_max", connections_max)
                .finish(),
        }
    }
}

/// What an acknowledged write to SQLite survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: every commit waits for the disk.
    #[default]
    Full,
    /// The death of the process; power loss may take back the last commits, never damage the file.
    Normal,
    /// The death of the process only; power loss may damage the file.
    None,
}

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Backend>);

enum Backend {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Connects and applies the migrations that are missing.
    pub async fn open(options: StoreOptions) -> Result<Store, StoreError> {
        Store::open_with(options, MIGRATIONS).await
    }

    /// [`Store::open`] with other migrations, for tests of the seam.
    pub async fn open_with(options: StoreOptions, migrations: &[Migration]) -> Result<Store, StoreError> {
        let backend = match options {
            StoreOptions::Sqlite { path, durability } => {
                Backend::Sqlite(Sqlite::open(&path, durability, migrations)?)
            }
            StoreOptions::SqliteMemory => Backend::Sqlite(Sqlite::open_temporary(migrations)?),
            StoreOptions::Postgres { url, connections_max } => {
                Backend::Postgres(Postgres::open(&url, connections_max, migrations).await?)
            }
        };
        Ok(Store(Arc::new(backend)))
    }

    /// A handle for reading outside of a transaction: each statement sees the latest commits.
    pub fn reader(&self) -> Db {
        Db(match &*self.0 {
            Backend::Sqlite(sqlite) => Handle::SqliteReader(sqlite.readers.clone()),
            Backend::Postgres(postgres) => Handle::PostgresReader(postgres.clone()),
        })
    }

    /// Runs the closure in a transaction: commits when it returns Ok, rolls back when it returns
    /// Err, runs it again when the transaction collided with another. The closure uses the [`Db`]
    /// that it is given, awaits nothing else, and has no effects besides its statements.
    pub async fn write<T, E, F, Fut>(&self, closure: F) -> Result<T, E>
    where
        F: Fn(Db) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        refuse_in_transaction()?;
        match &*self.0 {
            Backend::Sqlite(sqlite) => sqlite.writer.write(closure).await,
            Backend::Postgres(postgres) => postgres.write(closure).await,
        }
    }

    /// Whether the database answers now.
    pub async fn ping(&self) -> Result<(), StoreError> {
        if let Backend::Sqlite(sqlite) = &*self.0
            && !sqlite.writer.is_open()
        {
            return Err(StoreError::unavailable("the store is closed"));
        }
        self.reader().row(sql!("SELECT 1"), &[]).await.map(drop)
    }

    /// Which database is underneath, for logs and metrics.
    pub fn engine(&self) -> Engine {
        match &*self.0 {
            Backend::Sqlite(_) => Engine::Sqlite,
            Backend::Postgres(_) => Engine::Postgres,
        }
    }

    /// Finishes the writes that are queued, then closes the database. Later statements of any clone
    /// are refused as unavailable.
    pub async fn close(&self) {
        match &*self.0 {
            Backend::Sqlite(sqlite) => {
                sqlite.writer.close().await;
                sqlite.readers.close();
            }
            Backend::Postgres(postgres) => postgres.close(),
        }
    }
}

/// What statements run on: a transaction, or a reader outside of any.
#[derive(Clone)]
pub struct Db(Handle);

#[derive(Clone)]
enum Handle {
    SqliteReader(Arc<Readers>),
    SqliteLongReader(Arc<Readers>),
    SqliteTransaction(Arc<SqliteTransaction>),
    PostgresReader(Postgres),
    PostgresTransaction(Arc<PostgresTransaction>),
}

impl Db {
    fn from_sqlite(transaction: Arc<SqliteTransaction>) -> Db {
        Db(Handle::SqliteTransaction(transaction))
    }

    fn from_postgres(transaction: Arc<PostgresTransaction>) -> Db {
        Db(Handle::PostgresTransaction(transaction))
    }

    /// A handle for reads that may take longer than about a millisecond, such as searches. SQLite
    /// reads run on the calling thread; those of this handle first let its other tasks move to
    /// another thread, and at most two run at a time. Everywhere else it is the same handle.
    pub fn long(&self) -> Db {
        Db(match &self.0 {
            Handle::SqliteReader(readers) => Handle::SqliteLongReader(readers.clone()),
            other => other.clone(),
        })
    }

    /// All rows of the answer, which the statement must bound.
    pub async fn rows(&self, sql: Sql, args: &[Arg<'_>]) -> Result<Vec<Row>, StoreError> {
        Ok(self.run(sql.into(), args, Wanted::Rows).await?.rows)
    }

    /// The first row of the answer, if it has any.
    pub async fn row(&self, sql: Sql, args: &[Arg<'_>]) -> Result<Option<Row>, StoreError> {
        Ok(self.run(sql.into(), args, Wanted::FirstRow).await?.rows.pop())
    }

    /// Changes rows and says how many (those that an UPDATE found, whether or not it altered them;
    /// without those that cascaded). Needs a transaction.
    pub async fn exec(&self, sql: Sql, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        Ok(self.run(sql.into(), args, Wanted::Count).await?.changed)
    }

    /// [`Db::rows`] of a composed statement.
    pub async fn rows_built(&self, built: &SqlBuilder<'_>) -> Result<Vec<Row>, StoreError> {
        Ok(self.run(built.into(), built.args(), Wanted::Rows).await?.rows)
    }

    /// [`Db::row`] of a composed statement.
    pub async fn row_built(&self, built: &SqlBuilder<'_>) -> Result<Option<Row>, StoreError> {
        Ok(self.run(built.into(), built.args(), Wanted::FirstRow).await?.rows.pop())
    }

    /// [`Db::exec`] of a composed statement.
    pub async fn exec_built(&self, built: &SqlBuilder<'_>) -> Result<u64, StoreError> {
        Ok(self.run(built.into(), built.args(), Wanted::Count).await?.changed)
    }

    async fn run(
        &self,
        statement: Statement<'_>,
        args: &[Arg<'_>],
        wanted: Wanted,
    ) -> Result<Answer, StoreError> {
        #[cfg(feature = "testing")]
        inspect::note_statement();
        if let Handle::SqliteReader(_) | Handle::SqliteLongReader(_) | Handle::PostgresReader(_) = &self.0 {
            refuse_in_transaction()?;
            if wanted == Wanted::Count {
                return Err(StoreError::Other("a reader cannot change rows".to_owned()));
            }
        }
        match &self.0 {
            Handle::SqliteReader(readers) => readers.run(statement, args, wanted),
            Handle::SqliteLongReader(readers) => readers.run_long(statement, args, wanted).await,
            Handle::SqliteTransaction(transaction) => transaction.run(statement, args, wanted),
            Handle::PostgresReader(postgres) => postgres.read(statement, args, wanted).await,
            Handle::PostgresTransaction(transaction) => transaction.run(statement, args, wanted).await,
        }
    }
}

tokio::task_local! {
    /// Set while a closure of [`Store::write`] runs.
    static IN_TRANSACTION: ();
}

/// A closure that opened a second transaction, or read beside its own, would see another state of
/// the database, and would wait for a connection or a thread that it itself keeps busy.
fn refuse_in_transaction() -> Result<(), StoreError> {
    match IN_TRANSACTION.try_with(|()| ()) {
        Ok(()) => Err(StoreError::Other("inside a transaction only its own handle may be used".to_owned())),
        Err(_) => Ok(()),
    }
}

/// The message of a panic.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
