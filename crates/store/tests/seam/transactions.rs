//! A transaction happens wholly or not at all.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use ostiary_store::seam::{Db, StoreError, args, sql};
use ostiary_store::testing::TestStore;

use crate::{GET_COUNTER, INSERT_COUNTER, SET_COUNTER, add_counter, counter, on_both_engines, write};

/// An error of a layer above the store.
#[derive(Debug, PartialEq)]
enum Refusal {
    Locked,
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        Refusal::Store(error)
    }
}

/// Waits until another task has written the counter.
async fn appears(store: &TestStore, name: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while counter(store, name).await.is_none() {
        assert!(Instant::now() < deadline, "{name} was not written");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

on_both_engines! {
    async fn ok_commits_and_err_rolls_back(store: TestStore) {
        let outcome = store.write(|db| async move {
            db.exec(INSERT_COUNTER, &args!["kept", 1_i64]).await?;
            Ok::<_, Refusal>("done")
        }).await;
        assert_eq!(outcome, Ok("done"));
        let outcome = store.write(|db| async move {
            db.exec(INSERT_COUNTER, &args!["lost", 1_i64]).await?;
            Err::<(), _>(Refusal::Locked)
        }).await;
        assert_eq!(outcome, Err(Refusal::Locked));
        assert_eq!(counter(&store, "kept").await, Some(1));
        assert_eq!(counter(&store, "lost").await, None);
    }

    async fn a_transaction_sees_its_own_changes(store: TestStore) {
        let seen = write(&store, |db| async move {
            db.exec(INSERT_COUNTER, &args!["a", 1_i64]).await?;
            db.exec(SET_COUNTER, &args!["a", 2_i64]).await?;
            db.row(GET_COUNTER, &args!["a"]).await?.expect("just written").get::<i64>(0)
        }).await;
        assert_eq!(seen, Ok(2));
    }

    async fn a_panic_rolls_back_and_the_store_goes_on(store: TestStore) {
        let outcome = write(&store, |db| async move {
            db.exec(INSERT_COUNTER, &args!["lost", 1_i64]).await?;
            if true { panic!("a bug") }
            Ok(())
        }).await;
        let Err(StoreError::Other(text)) = outcome else { panic!("{outcome:?}") };
        assert!(text.contains("panicked: a bug"), "{text}");
        assert_eq!(counter(&store, "lost").await, None);
        add_counter(&store, "after", 1).await;
    }

    async fn a_failed_statement_ends_the_transaction_even_if_swallowed(store: TestStore) {
        add_counter(&store, "a", 1).await;
        let seen = Arc::new(Mutex::new(None));
        let noted = seen.clone();
        let outcome = write(&store, move |db| {
            let noted = noted.clone();
            async move {
                db.exec(INSERT_COUNTER, &args!["lost", 1_i64]).await?;
                let _ = db.exec(INSERT_COUNTER, &args!["a", 1_i64]).await;
                *noted.lock().unwrap() = Some(db.exec(INSERT_COUNTER, &args!["b", 1_i64]).await);
                Ok(())
            }
        }).await;
        assert!(matches!(outcome, Err(StoreError::Conflict(key)) if key == "counters_pkey"));
        assert_eq!(*seen.lock().unwrap(), Some(Err(StoreError::Aborted)));
        assert_eq!(counter(&store, "lost").await, None);
    }

    async fn the_closures_own_error_wins_over_that_of_its_statement(store: TestStore) {
        add_counter(&store, "a", 1).await;
        let outcome = store.write(|db| async move {
            match db.exec(INSERT_COUNTER, &args!["a", 1_i64]).await {
                Err(StoreError::Conflict(_)) => Err::<(), _>(Refusal::Locked),
                other => panic!("{other:?}"),
            }
        }).await;
        assert_eq!(outcome, Err(Refusal::Locked));
    }

    async fn a_write_completes_although_its_caller_is_gone(store: TestStore) {
        {
            let writing = pin!(write(&store, |db| async move {
                db.exec(INSERT_COUNTER, &args!["first", 1_i64]).await?;
                db.exec(INSERT_COUNTER, &args!["second", 1_i64]).await
            }));
            let mut writing = writing;
            // Started, then dropped at the end of this block.
            poll_fn(|context| Poll::Ready(writing.as_mut().poll(context).is_ready())).await;
        }
        appears(&store, "first").await;
        assert_eq!(counter(&store, "second").await, Some(1));
    }

    async fn a_handle_kept_after_the_end_is_refused(store: TestStore) {
        let kept: Arc<Mutex<Option<Db>>> = Arc::default();
        let keeping = kept.clone();
        write(&store, move |db| {
            keeping.lock().unwrap().replace(db);
            async { Ok(()) }
        }).await.unwrap();
        let db = kept.lock().unwrap().take().unwrap();
        let late = db.exec(INSERT_COUNTER, &args!["late", 1_i64]).await;
        assert!(matches!(late, Err(StoreError::Other(_))));
        add_counter(&store, "after", 1).await;
        assert_eq!(counter(&store, "late").await, None);
    }

    async fn only_its_own_handle_works_inside_a_transaction(store: TestStore) {
        let inner = store.reader();
        let outcome = write(&store, move |_| {
            let inner = inner.clone();
            async move { inner.row(GET_COUNTER, &args!["a"]).await.map(drop) }
        }).await;
        assert!(matches!(outcome, Err(StoreError::Other(_))));
        let nested = (*store).clone();
        let outcome = write(&store, move |_| {
            let nested = nested.clone();
            async move { write(&nested, |db| async move { db.exec(INSERT_COUNTER, &args!["x", 1_i64]).await }).await }
        }).await;
        assert!(matches!(outcome, Err(StoreError::Other(_))));
        assert_eq!(counter(&store, "x").await, None);
    }

    async fn a_reader_cannot_write(store: TestStore) {
        let exec = store.reader().exec(INSERT_COUNTER, &args!["a", 1_i64]).await;
        assert!(matches!(exec, Err(StoreError::Other(_))));
        let insert = sql!("INSERT INTO counters VALUES ('a', 1) RETURNING value");
        assert!(store.reader().rows(insert, &[]).await.is_err());
        assert_eq!(counter(&store, "a").await, None);
    }

    async fn a_closed_store_refuses_politely(store: TestStore) {
        add_counter(&store, "a", 1).await;
        store.ping().await.unwrap();
        store.close().await;
        store.close().await;
        let unavailable = |error| assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        unavailable(store.ping().await.unwrap_err());
        unavailable(store.reader().row(GET_COUNTER, &args!["a"]).await.map(drop).unwrap_err());
        unavailable(write(&store, |_| async { Ok(()) }).await.unwrap_err());
    }
}

#[tokio::test]
async fn awaiting_something_else_fails_on_sqlite_instead_of_hanging() {
    let store = crate::tables(ostiary_store::seam::Engine::Sqlite).await.unwrap();
    let outcome = write(&store, |db| async move {
        db.exec(INSERT_COUNTER, &args!["lost", 1_i64]).await?;
        pending::<()>().await;
        Ok(())
    })
    .await;
    assert!(matches!(outcome, Err(StoreError::Other(_))));
    assert_eq!(counter(&store, "lost").await, None);
    add_counter(&store, "after", 1).await;
}
