//! The embedded engine: one file, one writing thread, a few reading connections.
//!
//! Readers run on the calling thread, because a point read takes about ten microseconds and a hop
//! to another thread costs several times that. All writes go through one thread that owns the
//! writing connection and commits what is queued together ([`writer`]), because what a durable
//! commit costs is the wait for the disk, and one wait can serve many callers.

mod migrations;
mod readers;
mod statement;
mod unique;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io, process, thread};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};

pub(super) use readers::Readers;
pub(super) use statement::SqliteRow;
pub(super) use writer::{SqliteTransaction, Writer};

use super::{Durability, StoreError};
use crate::migrate::Migration;
use unique::UniqueKeys;

/// How long a connection waits for a lock that another process holds on the file. Within this
/// process there is nothing to wait for: one thread writes, and in WAL mode readers never wait.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The file may be mapped up to this size; mapped reads cost half of those through the page cache.
const MAPPED_BYTES_MAX: i64 = 1 << 30;

/// Prepared statements kept per connection; more than the product has.
const STATEMENTS_MAX: usize = 512;

/// After a checkpoint the write-ahead log is cut to this size.
const LOG_BYTES_KEPT: i64 = 64 << 20;

/// One SQLite database, opened.
pub(super) struct Sqlite {
    pub(super) readers: Arc<Readers>,
    pub(super) writer: Writer,
}

impl Sqlite {
    pub(super) fn open(
        path: &Path,
        durability: Durability,
        migrations: &[Migration],
    ) -> Result<Sqlite, StoreError> {
        Sqlite::assemble(Files::kept(path), durability, migrations)
    }

    /// A database of its own in a temporary directory, gone when the last connection closes. It is
    /// a file so that it behaves exactly like a real one (an in-memory database has no WAL mode),
    /// and is never forced to disk.
    pub(super) fn open_temporary(migrations: &[Migration]) -> Result<Sqlite, StoreError> {
        let files = Files::temporary()
            .map_err(|error| StoreError::unavailable(format!("no temporary directory: {error}")))?;
        Sqlite::assemble(files, Durability::None, migrations)
    }

    fn assemble(
        files: Files,
        durability: Durability,
        migrations: &[Migration],
    ) -> Result<Sqlite, StoreError> {
        let files = Arc::new(files);
        create_private(&files.database)?;
        let writing = connect_writer(&files.database, durability)?;
        migrations::apply(&writing, migrations)?;
        let keys = UniqueKeys::read(&writing)?;
        let readers = Readers::open(files.clone())?;
        let writer = Writer::start(writing, keys, files)?;
        Ok(Sqlite { readers: Arc::new(readers), writer })
    }
}

/// Where the database lies, and whether it goes away with its last connection.
struct Files {
    database: PathBuf,
    temporary: Option<PathBuf>,
}

impl Files {
    fn kept(path: &Path) -> Files {
        Files { database: path.to_owned(), temporary: None }
    }

    fn temporary() -> io::Result<Files> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("ostiary-{}-{number}", process::id());
            let directory = std::env::temp_dir().join(name);
            match fs::create_dir(&directory) {
                Ok(()) => {
                    let database = directory.join("ostiary.db");
                    return Ok(Files { database, temporary: Some(directory) });
                }
                // Left behind by a killed process with the same id.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Some(directory) = &self.temporary {
            // Nobody is left to tell, and the system empties its temporary directory.
            let _ = fs::remove_dir_all(directory);
        }
    }
}

/// Creates the file readable by its owner only; the log files that SQLite adds take its mode.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|error| StoreError::unavailable(format!("cannot open {}: {error}", path.display())))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // Each connection is used by one thread at a time, so it needs no lock of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // "text" in double quotes is a name, as on PostgreSQL, never silently a string.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // The planner may not look at bound values. Otherwise it plans anew whenever one of those it has looked at is
    // bound again, which costs a join of three rows several times its run time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "mmap_size", MAPPED_BYTES_MAX)?;
    Ok(connection)
}

fn connect_writer(path: &Path, durability: Durability) -> Result<Connection, StoreError> {
    let open = || {
        let connection = connect(path)?;
        let mode = enter_wal_mode(&connection)?;
        connection.pragma_update(None, "synchronous", durability.pragma())?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
        Ok((connection, mode))
    };
    let (connection, mode) = open().map_err(|error| statement::plain_error(&error))?;
    if mode != "wal" {
        // Network file systems without shared memory.
        return Err(StoreError::unavailable(format!(
            "{} lies on a file system on which SQLite cannot keep a write-ahead log",
            path.display()
        )));
    }
    Ok(connection)
}

/// Makes the file keep a write-ahead log and says which mode it is in now. While another process does
/// the same, SQLite fails at once instead of waiting for the lock, so the waiting is done here.
fn enter_wal_mode(connection: &Connection) -> rusqlite::Result<String> {
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        let entered = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
        let busy = |error: &Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
        if entered.as_ref().is_err_and(busy) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        } else {
            return entered;
        }
    }
}

fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

impl Durability {
    fn pragma(self) -> &'static str {
        match self {
            Durability::Full => "full",
            Durability::Normal => "normal",
            Durability::None => "off",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    #[test]
    fn statements_are_planned_once_whatever_is_bound() {
        let files = Files::temporary().unwrap();
        create_private(&files.database).unwrap();
        let connection = connect(&files.database).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE a (env BIGINT, id BIGINT, b BIGINT, PRIMARY KEY (env, id));
                 CREATE TABLE b (env BIGINT, id BIGINT, PRIMARY KEY (env, id));",
            )
            .unwrap();
        let mut join = connection
            .prepare("SELECT 1 FROM a JOIN b ON b.env = a.env AND b.id = a.b WHERE a.env = $1 AND a.id = $2")
            .unwrap();
        for id in 1..=10 {
            assert!(!join.exists([id, id]).unwrap());
        }
        assert_eq!(join.get_status(StatementStatus::RePrepare), 0);
    }
}
