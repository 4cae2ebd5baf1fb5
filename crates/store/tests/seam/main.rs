//! The driver seam keeps the same promises on SQLite and PostgreSQL.
//!
//! A test inside [`on_both_engines!`] runs once on each; its PostgreSQL half does nothing when
//! `OSTIARY_TEST_POSTGRES_URL` is not set (`scripts/with-postgres.sh` sets it).

mod conflicts;
mod migrations;
mod postgres;
mod races;
mod sqlite;
mod transactions;
mod values;

use std::future::Future;

use ostiary_store::migrate::Migration;
use ostiary_store::seam::{Arg, Db, Engine, Sql, Store, StoreError, args, sql};
use ostiary_store::testing::{TestStore, fresh_with};

/// Tables that only these tests know.
const TABLES: &[Migration] = &[Migration::shared(1, "tables", include_str!("tables.sql"))];

/// Turns `async fn name(store: TestStore) { … }` into a test on each engine.
macro_rules! on_both_engines {
    ($($(#[$attribute:meta])* async fn $name:ident($store:ident: TestStore) $body:block)+) => {$(
        mod $name {
            use super::*;

            $(#[$attribute])*
            async fn check($store: TestStore) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                check(crate::tables(crate::Engine::Sqlite).await.expect("SQLite is built in")).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                if let Some(store) = crate::tables(crate::Engine::Postgres).await {
                    check(store).await;
                }
            }
        }
    )+};
}
use on_both_engines;

async fn tables(engine: Engine) -> Option<TestStore> {
    fresh_with(engine, TABLES).await
}

/// Runs a closure whose errors are those of the store.
async fn write<T, F, Fut>(store: &Store, closure: F) -> Result<T, StoreError>
where
    F: Fn(Db) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, StoreError>> + Send + 'static,
    T: Send + 'static,
{
    store.write(closure).await
}

const INSERT_COUNTER: Sql = sql!("INSERT INTO counters (name, value) VALUES ($1, $2)");
const GET_COUNTER: Sql = sql!("SELECT value FROM counters WHERE name = $1");
const SET_COUNTER: Sql = sql!("UPDATE counters SET value = $2 WHERE name = $1");

async fn add_counter(store: &Store, name: &'static str, value: i64) {
    write(store, move |db| async move { db.exec(INSERT_COUNTER, &args![name, value]).await }).await.unwrap();
}

/// The committed value of a counter, if it exists.
async fn counter(store: &Store, name: &str) -> Option<i64> {
    let row = store.reader().row(GET_COUNTER, &args![name]).await.unwrap();
    row.map(|row| row.get(0).unwrap())
}

/// Runs one statement in a transaction of its own.
async fn exec(store: &Store, sql: Sql, args: &'static [Arg<'static>]) -> Result<u64, StoreError> {
    write(store, move |db| async move { db.exec(sql, args).await }).await
}
