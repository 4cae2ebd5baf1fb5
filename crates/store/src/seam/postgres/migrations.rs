//! Runs migrations on PostgreSQL.

use std::collections::BTreeSet;

use tokio::time::sleep;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::Failure;
use super::{connect_alone, pause_after};
use crate::migrate::{self, Migration};
use crate::seam::{Engine, StoreError};

/// How often this node may find that another is just doing the same before it gives up.
const RACES_MAX: u32 = 20;

/// Applies what is missing, on a connection of its own without time limits.
///
/// Nodes that start at once exclude each other by the primary key of `schema_migrations`: whoever
/// inserts the row of a step first does it, the others wait for that transaction to end and then
/// find the row taken. Unlike an advisory lock this works on every engine that speaks the protocol.
pub(super) async fn apply(
    config: &Config,
    tls: MakeRustlsConnect,
    migrations: &[Migration],
) -> Result<(), StoreError> {
    let (client, driver) = connect_alone(config, tls).await?;
    let applied = apply_all(&client, migrations).await;
    drop(client);
    // How the connection ended tells nothing that the statements have not told.
    let _ = driver.await;
    applied
}

async fn apply_all(client: &Client, migrations: &[Migration]) -> Result<(), StoreError> {
    let mut races = 0;
    loop {
        let Some(next) = next(client, migrations).await? else {
            return Ok(());
        };
        match apply_step(client, next).await {
            Ok(()) => next.report(),
            Err(error) => {
                client.batch_execute("ROLLBACK").await.map_err(plain)?;
                if !raced(&error) || races == RACES_MAX {
                    return Err(next.failed(&plain(error)));
                }
                races += 1;
                sleep(pause_after(races)).await;
            }
        }
    }
}

/// The first step that is missing.
async fn next<'m>(client: &Client, migrations: &'m [Migration]) -> Result<Option<&'m Migration>, StoreError> {
    let applied = match client.query(migrate::SELECT_VERSIONS, &[]).await {
        Ok(rows) => rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(plain)?,
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
            create_table(client).await?;
            BTreeSet::new()
        }
        Err(error) => return Err(plain(error)),
    };
    migrate::next(migrations, &applied)
}

async fn create_table(client: &Client) -> Result<(), StoreError> {
    // IF NOT EXISTS does not keep two nodes from creating it at the same moment. The slower one finds
    // the table, the type of its rows, or their entries in the catalogue to exist.
    const RACED: [SqlState; 3] =
        [SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT, SqlState::UNIQUE_VIOLATION];
    match client.batch_execute(migrate::CREATE_TABLE).await {
        Err(error) if error.code().is_some_and(|code| RACED.contains(code)) => Ok(()),
        other => other.map_err(plain),
    }
}

async fn apply_step(client: &Client, step: &Migration) -> Result<(), Error> {
    client.batch_execute("BEGIN").await?;
    let row: [&(dyn ToSql + Sync); 3] = [&step.version, &step.name, &migrate::now_micros()];
    client.execute(migrate::INSERT, &row).await?;
    client.batch_execute(step.text(Engine::Postgres)).await?;
    client.batch_execute("COMMIT").await
}

/// Whether another node was faster with the same step.
fn raced(error: &Error) -> bool {
    error.as_db_error().is_some_and(|reported| {
        let code = reported.code();
        *code == SqlState::UNIQUE_VIOLATION && reported.table() == Some("schema_migrations")
            || *code == SqlState::T_R_SERIALIZATION_FAILURE
            || *code == SqlState::T_R_DEADLOCK_DETECTED
    })
}

fn plain(error: Error) -> StoreError {
    Failure::from(error).into_error(1)
}
