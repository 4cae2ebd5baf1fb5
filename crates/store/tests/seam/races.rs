//! Many callers at once.

use std::sync::Arc;

use ostiary_store::seam::{Sql, StoreError, args, sql};
use ostiary_store::testing::TestStore;
use tokio::task::JoinSet;

use crate::{GET_COUNTER, INSERT_COUNTER, SET_COUNTER, add_counter, counter, on_both_engines, write};

const CALLERS: i64 = 50;

/// Runs a function in as many tasks as there are callers.
async fn at_once<T: Send + 'static, Fut>(callers: i64, call: impl Fn(i64) -> Fut) -> Vec<T>
where
    Fut: Future<Output = T> + Send + 'static,
{
    let tasks: JoinSet<T> = (0..callers).map(call).collect();
    tasks.join_all().await
}

on_both_engines! {
    async fn a_conditional_update_has_one_winner(store: TestStore) {
        const CONSUME: Sql = sql!("UPDATE counters SET value = 1 WHERE name = $1 AND value = 0");
        add_counter(&store, "code", 0).await;
        let store = Arc::new(store);
        let won = at_once(CALLERS, |_| {
            let store = store.clone();
            async move {
                write(&store, |db| async move { db.exec(CONSUME, &args!["code"]).await }).await.unwrap()
            }
        })
        .await;
        assert_eq!(won.iter().sum::<u64>(), 1);
    }

    async fn no_increment_by_reading_and_writing_is_lost(store: TestStore) {
        add_counter(&store, "attempts", 0).await;
        let store = Arc::new(store);
        let outcomes = at_once(CALLERS, |_| {
            let store = store.clone();
            async move {
                write(&store, |db| async move {
                    let row = db.row(GET_COUNTER, &args!["attempts"]).await?.expect("added above");
                    db.exec(SET_COUNTER, &args!["attempts", row.get::<i64>(0)? + 1]).await
                })
                .await
            }
        })
        .await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(counter(&store, "attempts").await, Some(CALLERS));
    }

    async fn a_unique_key_is_given_once(store: TestStore) {
        let store = Arc::new(store);
        let outcomes = at_once(CALLERS, |_| {
            let store = store.clone();
            async move {
                write(&store, |db| async move {
                    // Under PostgreSQL's snapshot this sees nobody, and the key still holds.
                    if db.row(GET_COUNTER, &args!["slug"]).await?.is_some() {
                        return Ok(false);
                    }
                    db.exec(INSERT_COUNTER, &args!["slug", 1_i64]).await.map(|_| true)
                })
                .await
            }
        })
        .await;
        let won = outcomes.iter().filter(|outcome| **outcome == Ok(true)).count();
        let expected = |outcome: &Result<bool, StoreError>| match outcome {
            Ok(_) => true,
            Err(error) => error.conflict().is_some_and(|key| *key == "counters_pkey"),
        };
        assert_eq!(won, 1);
        assert!(outcomes.iter().all(expected), "{outcomes:?}");
    }

    async fn crossing_transactions_both_happen(store: TestStore) {
        add_counter(&store, "left", 0).await;
        add_counter(&store, "right", 0).await;
        const ADD: Sql = sql!("UPDATE counters SET value = value + 2 WHERE name = $1");
        let store = Arc::new(store);
        // PostgreSQL takes a second to notice each deadlock, so these callers are few.
        let outcomes = at_once(4, |caller| {
            let store = store.clone();
            async move {
                let [first, second] = if caller % 2 == 0 { ["left", "right"] } else { ["right", "left"] };
                write(&store, move |db| async move {
                    db.exec(ADD, &args![first]).await?;
                    db.exec(ADD, &args![second]).await
                })
                .await
            }
        })
        .await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(counter(&store, "left").await, Some(8));
        assert_eq!(counter(&store, "right").await, Some(8));
    }
}
