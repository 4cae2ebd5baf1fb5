//! Running one statement on a connection, and reading its values.

use std::error::Error;

use bytes::BytesMut;
use deadpool_postgres::Client;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::failure::Failure;
use crate::seam::sql::{Answer, Statement, Wanted};
use crate::seam::value::{Source, check_args};
use crate::seam::{Arg, Column, Row, StoreError};

type BoxedError = Box<dyn Error + Sync + Send>;

/// Runs a statement to its end.
pub(super) async fn run(
    client: &Client,
    statement: Statement<'_>,
    args: &[Arg<'_>],
    wanted: Wanted,
) -> Result<Answer, Failure> {
    check_args(args)?;
    let outcome = if statement.cached {
        run_prepared(client, statement.text, args, wanted).await
    } else {
        run_typed(client, statement.text, args, wanted).await
    };
    if let Err(Failure::StalePlan) = outcome {
        client.statement_cache.clear();
    }
    outcome
}

/// Prepares the statement once per connection; the server infers the types of the parameters.
async fn run_prepared(
    client: &Client,
    text: &str,
    args: &[Arg<'_>],
    wanted: Wanted,
) -> Result<Answer, Failure> {
    let prepared = client.prepare_cached(text).await?;
    let (parameters, given) = (prepared.params().len(), args.len());
    if parameters != given {
        return Err(Failure::Refused(StoreError::Other(format!(
            "the statement has {parameters} parameters, {given} values were given"
        ))));
    }
    let values: Vec<&(dyn ToSql + Sync)> = args.iter().map(|arg| arg as _).collect();
    Ok(match wanted {
        Wanted::Count => counted(client.execute(&prepared, &values).await?),
        Wanted::Rows | Wanted::FirstRow => listed(client.query(&prepared, &values).await?, wanted),
    })
}

/// Parses and runs the statement in one exchange with the types that the values have.
async fn run_typed(client: &Client, text: &str, args: &[Arg<'_>], wanted: Wanted) -> Result<Answer, Failure> {
    let values: Vec<(&(dyn ToSql + Sync), Type)> = args.iter().map(|arg| (arg as _, own_type(arg))).collect();
    Ok(match wanted {
        Wanted::Count => counted(client.execute_typed(text, &values).await?),
        Wanted::Rows | Wanted::FirstRow => listed(client.query_typed(text, &values).await?, wanted),
    })
}

fn counted(changed: u64) -> Answer {
    Answer { changed, ..Answer::default() }
}

fn listed(rows: Vec<tokio_postgres::Row>, wanted: Wanted) -> Answer {
    let most = if wanted == Wanted::FirstRow { 1 } else { usize::MAX };
    let rows = rows.into_iter().take(most).map(|row| Row(Source::Postgres(row))).collect();
    Answer { rows, ..Answer::default() }
}

fn own_type(arg: &Arg<'_>) -> Type {
    match arg {
        // The server finds out, as for an untyped literal.
        Arg::Null => Type::UNKNOWN,
        Arg::Text(_) => Type::TEXT,
        Arg::Int(_) => Type::INT8,
        Arg::Bool(_) => Type::BOOL,
        Arg::Bytes(_) => Type::BYTEA,
        Arg::Uuid(_) => Type::UUID,
    }
}

/// The binary format of each type (PostgreSQL sources, `*send` and `*recv` functions).
impl ToSql for Arg<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxedError> {
        match (self, ty) {
            (Arg::Null, _) => return Ok(IsNull::Yes),
            (Arg::Int(int), &Type::INT8) => out.extend_from_slice(&int.to_be_bytes()),
            (Arg::Int(int), &Type::INT4) => {
                out.extend_from_slice(&i32::try_from(*int)?.to_be_bytes());
            }
            (Arg::Bool(bool), &Type::BOOL) => out.extend_from_slice(&[u8::from(*bool)]),
            (Arg::Bytes(bytes), &Type::BYTEA) => out.extend_from_slice(bytes),
            (Arg::Uuid(uuid), &Type::UUID) => out.extend_from_slice(uuid.as_bytes()),
            (Arg::Text(text), ty) if is_text(ty) => out.extend_from_slice(text.as_bytes()),
            (arg, ty) => return Err(format!("{} given for a {ty} parameter", arg.kind()).into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        // Whether a value fits depends on the value, so `to_sql` decides.
        true
    }

    to_sql_checked!();
}

fn is_text(ty: &Type) -> bool {
    [Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::NAME, Type::UNKNOWN].contains(ty)
}

/// The bytes of a value as the server sent them.
struct Raw<'r>(&'r [u8]);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Raw<'r>, BoxedError> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Reads a value of a row.
pub(in crate::seam) fn column(row: &tokio_postgres::Row, index: usize) -> Result<Column<'_>, StoreError> {
    let Some(described) = row.columns().get(index) else {
        return Err(StoreError::corrupt(format!("the row has no column {index}")));
    };
    let raw: Option<Raw<'_>> = row.try_get(index).map_err(|error| StoreError::corrupt(error.to_string()))?;
    let Some(Raw(bytes)) = raw else {
        return Ok(Column::Null);
    };
    let ty = described.type_();
    decode(ty, bytes)
        .ok_or_else(|| StoreError::corrupt(format!("column {index} of type {ty} cannot be read")))
}

fn decode<'r>(ty: &Type, bytes: &'r [u8]) -> Option<Column<'r>> {
    Some(match *ty {
        Type::INT8 => Column::Int(i64::from_be_bytes(bytes.try_into().ok()?)),
        Type::INT4 => Column::Int(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        Type::INT2 => Column::Int(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        Type::BOOL => Column::Bool(bytes == [1]),
        Type::BYTEA => Column::Bytes(bytes),
        Type::UUID => Column::Uuid(Uuid::from_slice(bytes).ok()?),
        ref ty if is_text(ty) => Column::Text(str::from_utf8(bytes).ok()?),
        _ => return None,
    })
}
