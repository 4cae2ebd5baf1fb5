//! What only a server can do to us. Nothing here runs when `OSTIARY_TEST_POSTGRES_URL` is not set,
//! except where no server is needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ostiary_store::seam::{Engine, Sql, Store, StoreError, StoreOptions, args, sql};
use ostiary_store::testing::{Schema, TestStore};
use tokio::time::timeout;

use crate::{GET_COUNTER, INSERT_COUNTER, TABLES, add_counter, counter, write};

async fn store() -> Option<TestStore> {
    crate::tables(Engine::Postgres).await
}

/// Ends the own connection, as a restarting server would.
const DIE: Sql = sql!("SELECT pg_terminate_backend(pg_backend_pid())");

/// Ends all other connections of the same store.
const KILL: Sql = sql!(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity ",
    "WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()"
);

#[tokio::test]
async fn idle_connections_that_the_server_ended_are_replaced_unnoticed() {
    let Some(store) = store().await else { return };
    let other = Store::open_with(store.options_of_another_node().unwrap(), TABLES).await.unwrap();
    for round in 0..10 {
        add_counter(&store, ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"][round], 1).await;
        other.reader().rows(KILL, &[]).await.unwrap();
    }
    other.reader().rows(KILL, &[]).await.unwrap();
    assert_eq!(counter(&store, "j").await, Some(1));
}

#[tokio::test]
async fn a_transaction_whose_connection_breaks_runs_again() {
    let Some(store) = store().await else { return };
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    write(&store, move |db| {
        let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            db.exec(INSERT_COUNTER, &args!["a", 1_i64]).await?;
            if first {
                db.rows(DIE, &[]).await?;
            }
            Ok(())
        }
    })
    .await
    .unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    assert_eq!(counter(&store, "a").await, Some(1));
}

#[tokio::test]
async fn a_read_whose_connection_always_breaks_is_unavailable() {
    let Some(store) = store().await else { return };
    let read = store.reader().rows(DIE, &[]).await.map(drop);
    assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_statement_dropped_half_way_spoils_its_transaction_only() {
    let Some(store) = store().await else { return };
    let outcome = write(&store, |db| async move {
        db.exec(INSERT_COUNTER, &args!["lost", 1_i64]).await?;
        let sleep = db.rows(sql!("SELECT pg_sleep(0.2)"), &[]);
        assert!(timeout(Duration::from_millis(10), sleep).await.is_err());
        Ok(())
    })
    .await;
    assert!(matches!(&outcome, Err(StoreError::Other(text)) if text.contains("dropped")), "{outcome:?}");
    assert_eq!(counter(&store, "lost").await, None);
    add_counter(&store, "after", 1).await;
}

#[tokio::test]
async fn statements_of_a_transaction_may_run_side_by_side() {
    let Some(store) = store().await else { return };
    write(&store, |db| async move {
        let [a, b] = [args!["a", 1_i64], args!["b", 1_i64]];
        let (a, b) = tokio::join!(db.exec(INSERT_COUNTER, &a), db.exec(INSERT_COUNTER, &b));
        a.and(b)
    })
    .await
    .unwrap();
    assert_eq!(counter(&store, "b").await, Some(1));
}

#[tokio::test]
async fn endless_collisions_are_given_up() {
    let Some(store) = store().await else { return };
    add_counter(&store, "a", 1).await;
    let other = Store::open_with(store.options_of_another_node().unwrap(), TABLES).await.unwrap();
    let outcome = write(&store, move |db| {
        let other = other.clone();
        async move {
            const ADD: Sql = sql!("UPDATE counters SET value = value + 1 WHERE name = 'a'");
            db.row(GET_COUNTER, &args!["a"]).await?;
            // A task is outside of this transaction, like another node.
            let faster = tokio::spawn(async move { crate::exec(&other, ADD, &[]).await });
            faster.await.expect("no panic")?;
            db.exec(ADD, &[]).await
        }
    })
    .await;
    let Err(StoreError::Contention { tries }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(counter(&store, "a").await, Some(1 + i64::from(tries)));
}

#[tokio::test]
async fn a_changed_schema_does_not_break_prepared_statements() {
    let Some(store) = store().await else { return };
    const ALL: Sql = sql!("SELECT * FROM counters WHERE name = 'a'");
    add_counter(&store, "a", 1).await;
    assert_eq!(store.reader().row(ALL, &[]).await.unwrap().unwrap().len(), 2);
    crate::exec(&store, sql!("ALTER TABLE counters ADD COLUMN note TEXT"), &[]).await.unwrap();
    assert_eq!(store.reader().row(ALL, &[]).await.unwrap().unwrap().len(), 3);
}

#[tokio::test]
async fn transactions_leave_their_connection_as_it_was() {
    let Some(schema) = Schema::create().await else { return };
    let options = StoreOptions::Postgres { url: schema.url(), connections_max: 1 };
    let store = Store::open_with(options, TABLES).await.unwrap();
    let _ = write(&store, |_| async { Err::<(), _>(StoreError::Aborted) }).await;
    let _ = write(&store, |db| async move { db.row(sql!("SELECT nothing"), &[]).await.map(drop) }).await;
    let _ = write::<(), _, _>(&store, |_| async { panic!("a bug") }).await;
    add_counter(&store, "a", 1).await;
    let state =
        sql!("SELECT current_setting('transaction_isolation') || current_setting('transaction_read_only')");
    let row = store.reader().row(state, &[]).await.unwrap().unwrap();
    assert_eq!(row.get::<&str>(0).unwrap(), "read committedon");
}

#[tokio::test]
async fn a_mistyped_value_names_both_types() {
    let Some(store) = store().await else { return };
    let Err(StoreError::Other(text)) = store.reader().rows(GET_COUNTER, &args![1_i64]).await.map(drop) else {
        panic!("a number is not a name");
    };
    assert!(text.contains("BIGINT given for a text parameter"), "{text}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_its_password_stays_secret() {
    // The discard port, on which nothing listens.
    let options = StoreOptions::Postgres {
        url: "postgres://ostiary:hunter2@127.0.0.1:9/ostiary".to_owned(),
        connections_max: 2,
    };
    assert!(!format!("{options:?}").contains("hunter2"));
    let Err(error @ StoreError::Unavailable { .. }) = Store::open(options).await.map(drop) else {
        panic!("nothing listens there");
    };
    assert!(error.to_string().contains("refused") && !error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_bad_address_is_told_without_its_password() {
    for url in [
        "postgres://ostiary:hunter2@localhost/db?no_such_key=1",
        "postgres://ostiary:hunter2@localhost:port/db",
        "postgres://ostiary:hunter2@localhost/db?sslmode=perhaps",
        "postgres://ostiary:hunter2@localhost/db?sslrootcert=%2Fno%2Fsuch.pem&sslmode=verify-full",
        "hunter2",
    ] {
        let options = StoreOptions::Postgres { url: url.to_owned(), connections_max: 1 };
        let Err(StoreError::Other(text)) = Store::open(options).await.map(drop) else {
            panic!("{url} must be refused");
        };
        assert!(!text.contains("hunter2"), "{text}");
    }
}

/// How connections are encrypted, against a server that calls itself `localhost`, whose authority only
/// the tests know.
mod encryption {
    use super::*;

    /// Opens a store with these parameters in its URL and says whether its connections are encrypted.
    async fn is_encrypted(schema: &Schema, host: &str, parameters: &str) -> Result<bool, StoreError> {
        let url = schema.url().replace("127.0.0.1", host).replace("sslmode=disable", parameters);
        let options = StoreOptions::Postgres { url, connections_max: 1 };
        let store = Store::open_with(options, TABLES).await?;
        let asked = sql!("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
        let row = store.reader().row(asked, &[]).await?.expect("every connection has its row");
        row.get(0)
    }

    /// A schema, and the file with the server's authority; None without such a server.
    async fn server() -> Option<(Schema, String)> {
        let authority = std::env::var("OSTIARY_TEST_POSTGRES_AUTHORITY").ok()?;
        Some((Schema::create().await?, authority))
    }

    fn refused(outcome: Result<bool, StoreError>) {
        let Err(StoreError::Unavailable { reason }) = outcome else { panic!("{outcome:?}") };
        assert!(reason.contains("certificate"), "{reason}");
    }

    #[tokio::test]
    async fn is_used_unless_disabled() {
        let Some((schema, _)) = server().await else { return };
        assert_eq!(is_encrypted(&schema, "127.0.0.1", "sslmode=disable").await, Ok(false));
        assert_eq!(is_encrypted(&schema, "127.0.0.1", "sslmode=prefer").await, Ok(true));
    }

    #[tokio::test]
    async fn when_required_needs_a_certificate_of_a_known_authority_for_this_host() {
        let Some((schema, authority)) = server().await else { return };
        for mode in ["require", "verify-ca", "verify-full"] {
            let known = format!("sslmode={mode}&sslrootcert={authority}");
            assert_eq!(is_encrypted(&schema, "localhost", &known).await, Ok(true), "{mode}");
            refused(is_encrypted(&schema, "127.0.0.1", &known).await);
            refused(is_encrypted(&schema, "localhost", &format!("sslmode={mode}")).await);
        }
    }
}
