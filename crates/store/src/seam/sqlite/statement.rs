//! Running one statement on a connection, and what comes out of it.

use std::ops::Range;

use rusqlite::types::{Null, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, ErrorCode, ToSql, ffi};

use super::unique::UniqueKeys;
use crate::seam::sql::{Answer, Statement, Wanted};
use crate::seam::value::{Source, check_args};
use crate::seam::{Arg, Column, Row, StoreError};

/// Runs a statement to its end. `keys` names violated unique keys; readers violate none.
pub(super) fn run(
    connection: &Connection,
    keys: Option<&UniqueKeys>,
    statement: Statement<'_>,
    args: &[Arg<'_>],
    wanted: Wanted,
) -> Result<Answer, StoreError> {
    check_args(args)?;
    let text = statement.text;
    if statement.cached {
        let mut prepared = connection.prepare_cached(text).map_err(|error| plain_error(&error))?;
        run_prepared(connection, keys, &mut prepared, args, wanted)
    } else {
        let mut prepared = connection.prepare(text).map_err(|error| plain_error(&error))?;
        run_prepared(connection, keys, &mut prepared, args, wanted)
    }
}

fn run_prepared(
    connection: &Connection,
    keys: Option<&UniqueKeys>,
    prepared: &mut rusqlite::Statement<'_>,
    args: &[Arg<'_>],
    wanted: Wanted,
) -> Result<Answer, StoreError> {
    let failed = |error: Error| constraint_error(&error, keys);
    bind(prepared, args)?;
    let reads_only = prepared.readonly();
    let columns = prepared.column_count();
    let mut answer = Answer::default();
    let mut rows = prepared.raw_query();
    // The first step of a statement that changes rows changes them all and checks the constraints, so
    // even then the rest of the answer may be left unread.
    while let Some(row) = rows.next().map_err(failed)? {
        if wanted != Wanted::Count {
            let row = SqliteRow::copy(row, columns).map_err(failed)?;
            answer.rows.push(Row(Source::Sqlite(row)));
        }
        if wanted == Wanted::FirstRow {
            break;
        }
    }
    drop(rows);
    if wanted == Wanted::Count && !reads_only {
        answer.changed = connection.changes();
    }
    Ok(answer)
}

/// SQLite takes `$3` for a name and numbers parameters in the order of their appearance, so each is
/// bound by the number in its name.
fn bind(prepared: &mut rusqlite::Statement<'_>, args: &[Arg<'_>]) -> Result<(), StoreError> {
    let parameters = prepared.parameter_count();
    if parameters != args.len() {
        let given = args.len();
        return Err(StoreError::Other(format!(
            "the statement has {parameters} parameters, {given} values were given"
        )));
    }
    for position in 1..=parameters {
        let arg = prepared
            .parameter_name(position)
            .and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok())
            .and_then(|number| args.get(number.checked_sub(1)?));
        let Some(arg) = arg else {
            return Err(StoreError::Other(format!(
                "the parameters of a statement are $1 to ${parameters} without a gap"
            )));
        };
        prepared.raw_bind_parameter(position, arg).map_err(|error| plain_error(&error))?;
    }
    Ok(())
}

impl ToSql for Arg<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Arg::Null => ToSqlOutput::from(Null),
            Arg::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Arg::Int(int) => ToSqlOutput::from(*int),
            Arg::Bool(bool) => ToSqlOutput::from(*bool),
            Arg::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Arg::Uuid(uuid) => ToSqlOutput::Borrowed(ValueRef::Blob(uuid.as_bytes())),
        })
    }
}

/// A copied row: all texts and blobs in one buffer, because rows are made on the hottest path and
/// an allocation per column would show there.
pub(in crate::seam) struct SqliteRow {
    cells: Box<[Cell]>,
    buffer: Box<[u8]>,
}

enum Cell {
    Null,
    Int(i64),
    Text(Range<usize>),
    Bytes(Range<usize>),
    /// REAL, which no column of ours holds.
    Real,
}

impl SqliteRow {
    fn copy(row: &rusqlite::Row<'_>, columns: usize) -> rusqlite::Result<SqliteRow> {
        let mut cells = Vec::with_capacity(columns);
        let mut buffer = Vec::new();
        for index in 0..columns {
            cells.push(match row.get_ref(index)? {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(int) => Cell::Int(int),
                ValueRef::Real(_) => Cell::Real,
                ValueRef::Text(bytes) => Cell::Text(append(&mut buffer, bytes)),
                ValueRef::Blob(bytes) => Cell::Bytes(append(&mut buffer, bytes)),
            });
        }
        Ok(SqliteRow { cells: cells.into(), buffer: buffer.into() })
    }

    pub(in crate::seam) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(in crate::seam) fn column(&self, index: usize) -> Result<Column<'_>, StoreError> {
        let bytes = |range: &Range<usize>| &self.buffer[range.clone()];
        match self.cells.get(index) {
            Some(Cell::Null) => Ok(Column::Null),
            Some(Cell::Int(int)) => Ok(Column::Int(*int)),
            Some(Cell::Bytes(range)) => Ok(Column::Bytes(bytes(range))),
            Some(Cell::Text(range)) => str::from_utf8(bytes(range))
                .map(Column::Text)
                .map_err(|_| StoreError::corrupt(format!("column {index} is not UTF-8"))),
            Some(Cell::Real) => {
                Err(StoreError::corrupt(format!("column {index} holds a floating-point number")))
            }
            None => Err(StoreError::corrupt(format!("the row has no column {index}"))),
        }
    }
}

fn append(buffer: &mut Vec<u8>, bytes: &[u8]) -> Range<usize> {
    let start = buffer.len();
    buffer.extend_from_slice(bytes);
    start..buffer.len()
}

/// Tells an error of a statement that may have violated a constraint.
pub(super) fn constraint_error(error: &Error, keys: Option<&UniqueKeys>) -> StoreError {
    let Error::SqliteFailure(code, Some(message)) = error else {
        return plain_error(error);
    };
    match code.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            match keys.and_then(|keys| keys.named_by(message)) {
                Some(key) => StoreError::Conflict(key),
                None => StoreError::Other(message.clone()),
            }
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => StoreError::ForeignKey,
        // How ON DELETE RESTRICT reports itself.
        ffi::SQLITE_CONSTRAINT_TRIGGER if message == "FOREIGN KEY constraint failed" => {
            StoreError::ForeignKey
        }
        _ => plain_error(error),
    }
}

/// Tells any other error.
pub(super) fn plain_error(error: &Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OperationInterrupted,
        ) => StoreError::unavailable(error.to_string()),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::corrupt(error.to_string()),
        _ => StoreError::Other(error.to_string()),
    }
}
