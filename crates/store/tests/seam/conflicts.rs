//! A violated constraint has the same name on both engines.

use ostiary_store::seam::{Sql, StoreError, UniqueKey, args, sql};
use ostiary_store::testing::TestStore;

use crate::{add_counter, counter, exec, on_both_engines, write};

const ADD: Sql =
    sql!("INSERT INTO guests (house, number, email, room, badge, left_at) VALUES ($1, $2, $3, $4, $5, $6)");

/// House, number, email, room, badge, left at.
type Guest = (i64, i64, &'static str, Option<i64>, Option<&'static str>, Option<i64>);

async fn add(store: &TestStore, guest: Guest) -> Result<u64, StoreError> {
    let (house, number, email, room, badge, left_at) = guest;
    write(
        store,
        move |db| async move { db.exec(ADD, &args![house, number, email, room, badge, left_at]).await },
    )
    .await
}

fn conflict(key: &'static str) -> Result<u64, StoreError> {
    Err(StoreError::Conflict(UniqueKey::new(key)))
}

on_both_engines! {
    async fn each_kind_of_unique_key_is_named(store: TestStore) {
        add(&store, (1, 1, "ada@example.com", Some(5), Some("red"), None)).await.unwrap();
        let again: [(Guest, &str); 6] = [
            ((2, 1, "ada@example.com", None, None, None), "guests_email_key"),
            ((1, 1, "other@example.com", None, None, None), "guests_pkey"),
            ((1, 2, "other@example.com", Some(5), None, None), "guests_room_key"),
            ((1, 2, "ADA@example.com", None, None, None), "guests_folded_email_key"),
            ((1, 2, "other@example.com", None, Some("red"), None), "guests_badge_key"),
            ((1, 2, "other@example.com", Some(5), None, None), "guests_room_key"),
        ];
        for (guest, key) in again {
            assert_eq!(add(&store, guest).await, conflict(key), "{guest:?}");
        }
        // Not covered by the partial index, and another house.
        add(&store, (1, 3, "b@example.com", Some(5), None, Some(7))).await.unwrap();
        add(&store, (2, 3, "ADA@example.com", Some(5), None, None)).await.unwrap();
    }

    async fn a_simple_primary_key_and_an_update_are_named_too(store: TestStore) {
        add_counter(&store, "a", 1).await;
        add_counter(&store, "b", 1).await;
        let insert = sql!("INSERT INTO counters VALUES ('a', 2)");
        assert_eq!(exec(&store, insert, &[]).await, conflict("counters_pkey"));
        let update = sql!("UPDATE counters SET name = 'b' WHERE name = 'a'");
        let error = exec(&store, update, &[]).await.unwrap_err();
        assert!(error.conflict().is_some_and(|key| *key == "counters_pkey"));
    }

    async fn a_missing_or_needed_reference_is_a_foreign_key_error(store: TestStore) {
        let refused = [
            sql!("INSERT INTO keys VALUES (9, 7, 7)"),
            sql!("DELETE FROM guests WHERE house = 1"),
            sql!("DELETE FROM guests WHERE house = 2"),
            sql!("UPDATE guests SET number = 9 WHERE house = 1"),
        ];
        add(&store, (1, 1, "a@example.com", None, None, None)).await.unwrap();
        add(&store, (2, 1, "b@example.com", None, None, None)).await.unwrap();
        exec(&store, sql!("INSERT INTO keys VALUES (1, 1, 1)"), &[]).await.unwrap();
        exec(&store, sql!("INSERT INTO safes VALUES (1, 2, 1)"), &[]).await.unwrap();
        for sql in refused {
            assert_eq!(exec(&store, sql, &[]).await, Err(StoreError::ForeignKey), "{sql:?}");
        }
        // Also when the statement returns rows, of which only the first is wanted.
        let insert = sql!("INSERT INTO keys VALUES (2, 7, 7), (3, 7, 7) RETURNING id");
        let error = write(&store, move |db| async move { db.row(insert, &[]).await.map(drop) }).await;
        assert_eq!(error, Err(StoreError::ForeignKey));
    }

    async fn a_deferred_foreign_key_is_checked_at_the_end(store: TestStore) {
        let orphan = sql!("INSERT INTO letters VALUES (1, 'later')");
        assert_eq!(exec(&store, orphan, &[]).await, Err(StoreError::ForeignKey));
        write(&store, move |db| async move {
            db.exec(orphan, &[]).await?;
            db.exec(crate::INSERT_COUNTER, &args!["later", 1_i64]).await
        })
        .await
        .unwrap();
        assert_eq!(counter(&store, "later").await, Some(1));
    }

    async fn other_constraints_are_plain_errors(store: TestStore) {
        for sql in [sql!("INSERT INTO counters VALUES ('a', -1)"), sql!("INSERT INTO counters VALUES ('a', NULL)")] {
            assert!(matches!(exec(&store, sql, &[]).await, Err(StoreError::Other(_))), "{sql:?}");
        }
    }

    async fn an_expected_conflict_is_survived_by_asking_for_it(store: TestStore) {
        add_counter(&store, "a", 1).await;
        let insert = sql!("INSERT INTO counters VALUES ('a', 2) ON CONFLICT DO NOTHING");
        write(&store, move |db| async move {
            assert_eq!(db.exec(insert, &[]).await?, 0);
            db.exec(crate::SET_COUNTER, &args!["a", 3_i64]).await
        })
        .await
        .unwrap();
        assert_eq!(counter(&store, "a").await, Some(3));
    }
}
