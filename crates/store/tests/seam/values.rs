//! Values arrive as they were sent.

use ostiary_store::seam::{Arg, Row, Sql, SqlBuilder, StoreError, args, sql};
use ostiary_store::testing::TestStore;
use uuid::Uuid;

use crate::{exec, on_both_engines, write};

const INSERT: Sql = sql!(
    "INSERT INTO every_type (position, text_value, int_value, bool_value, bytes_value, uuid_value) ",
    "VALUES ($1, $2, $3, $4, $5, $6)"
);
const SELECT: Sql = sql!(
    "SELECT text_value, int_value, bool_value, bytes_value, uuid_value FROM every_type ",
    "WHERE position = $1"
);

const SOME_UUID: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);

async fn stored(store: &TestStore, position: i64, values: [Arg<'static>; 5]) -> Row {
    write(store, move |db| async move {
        let [text, int, bool, bytes, uuid] = values;
        db.exec(INSERT, &args![position, text, int, bool, bytes, uuid]).await
    })
    .await
    .unwrap();
    store.reader().row(SELECT, &args![position]).await.unwrap().unwrap()
}

on_both_engines! {
    async fn every_type_survives_a_round_trip(store: TestStore) {
        let cases: [(&str, i64, bool, &[u8], Uuid); 4] = [
            ("Zoë <zoe@example.com> 🦉", i64::MAX, true, &[0, 1, 255], SOME_UUID),
            ("", i64::MIN, false, &[], Uuid::nil()),
            // Text that looks like other types stays text, and so do bytes.
            ("1e3", 0, false, b"1e3", Uuid::max()),
            ("  '; DROP TABLE every_type; -- $1", 1, true, b"123", SOME_UUID),
        ];
        for (position, (text, int, bool, bytes, uuid)) in cases.into_iter().enumerate() {
            let position = position as i64;
            let row = stored(&store, position, args![text, int, bool, bytes, uuid]).await;
            assert_eq!(row.len(), 5);
            assert_eq!(row.get::<&str>(0).unwrap(), text);
            assert_eq!(row.get::<String>(0).unwrap(), text);
            assert_eq!(row.get::<i64>(1).unwrap(), int);
            assert_eq!(row.get::<bool>(2).unwrap(), bool);
            assert_eq!(row.get::<&[u8]>(3).unwrap(), bytes);
            assert_eq!(row.get::<Vec<u8>>(3).unwrap(), bytes);
            assert_eq!(row.get::<Uuid>(4).unwrap(), uuid);
            assert_eq!(row.get::<Option<Uuid>>(4).unwrap(), Some(uuid));
        }
    }

    async fn null_survives_in_every_type(store: TestStore) {
        let none: Option<&str> = None;
        let row = stored(&store, 1, args![none, Arg::Null, Arg::Null, Arg::Null, Arg::Null]).await;
        assert_eq!(row.get::<Option<String>>(0).unwrap(), None);
        assert_eq!(row.get::<Option<i64>>(1).unwrap(), None);
        assert_eq!(row.get::<Option<bool>>(2).unwrap(), None);
        assert_eq!(row.get::<Option<Vec<u8>>>(3).unwrap(), None);
        assert_eq!(row.get::<Option<Uuid>>(4).unwrap(), None);
    }

    async fn composed_statements_take_every_type(store: TestStore) {
        write(&store, |db| async move {
            let mut insert = SqlBuilder::new(sql!(
                "INSERT INTO every_type (position, text_value, int_value, bool_value, bytes_value, uuid_value) VALUES ("
            ));
            insert.bind_list([Arg::Int(1), Arg::Text("a"), Arg::Null, Arg::Bool(true), Arg::Bytes(b"b"), Arg::Uuid(SOME_UUID)]);
            insert.push(sql!(")"));
            assert_eq!(db.exec_built(&insert).await?, 1);
            Ok(())
        })
        .await
        .unwrap();
        let mut select = SqlBuilder::new(sql!("SELECT position FROM every_type WHERE text_value IN ("));
        select.bind_list(["z", "a"]).push(sql!(") AND bool_value = ")).bind(true);
        select.push(sql!(" AND uuid_value = ")).bind(SOME_UUID);
        select.push(sql!(" AND bytes_value = ")).bind(b"b").push(sql!(" AND int_value IS NULL LIMIT ")).bind(5_i64);
        for reader in [store.reader(), store.reader().long()] {
            assert_eq!(reader.rows_built(&select).await.unwrap().len(), 1);
            assert_eq!(reader.row_built(&select).await.unwrap().unwrap().get::<i64>(0).unwrap(), 1);
        }
        let mut nothing = SqlBuilder::new(sql!("SELECT position FROM every_type WHERE position IN ("));
        nothing.bind_list::<i64>([]).push(sql!(")"));
        assert!(store.reader().row_built(&nothing).await.unwrap().is_none());
    }

    async fn fixed_bytes_must_have_their_length(store: TestStore) {
        let row = stored(&store, 1, args!["", 0_i64, false, &[7_u8; 32], Uuid::nil()]).await;
        assert_eq!(row.get::<[u8; 32]>(3).unwrap(), [7; 32]);
        assert!(matches!(row.get::<[u8; 16]>(3), Err(StoreError::Corrupt { .. })));
    }

    async fn a_column_of_another_type_is_corrupt(store: TestStore) {
        let row = stored(&store, 1, args!["text", 2_i64, Arg::Null, b"bytes", SOME_UUID]).await;
        let corrupt = |error: StoreError| assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        corrupt(row.get::<i64>(0).unwrap_err());
        corrupt(row.get::<Vec<u8>>(0).unwrap_err());
        corrupt(row.get::<Uuid>(0).unwrap_err());
        corrupt(row.get::<String>(1).unwrap_err());
        // Neither a number nor NULL is a boolean.
        corrupt(row.get::<bool>(1).unwrap_err());
        corrupt(row.get::<bool>(2).unwrap_err());
        corrupt(row.get::<String>(3).unwrap_err());
        corrupt(row.get::<Uuid>(3).unwrap_err());
        corrupt(row.get::<String>(4).unwrap_err());
        corrupt(row.get::<String>(5).unwrap_err());
    }

    async fn a_parameter_may_stand_in_several_places_and_in_any_order(store: TestStore) {
        const SWAPPED: Sql = sql!(
            "SELECT position FROM every_type WHERE text_value = $3 AND int_value = $1 AND int_value < $2 AND int_value <= $1"
        );
        stored(&store, 9, args!["x", 1_i64, Arg::Null, Arg::Null, Arg::Null]).await;
        let rows = store.reader().rows(SWAPPED, &args![1_i64, 2_i64, "x"]).await.unwrap();
        assert_eq!(rows.len(), 1);
    }

    async fn parameters_and_values_must_match(store: TestStore) {
        let select = |args: Vec<Arg<'static>>| {
            let reader = store.reader();
            async move { reader.rows(sql!("SELECT 1 FROM counters WHERE name = $1"), &args).await }
        };
        assert!(matches!(select(vec![]).await, Err(StoreError::Other(_))));
        assert!(matches!(select(args!["a", "b"].to_vec()).await, Err(StoreError::Other(_))));
        assert!(matches!(select(args!["a"].to_vec()).await, Ok(rows) if rows.is_empty()));
        let gap = sql!("SELECT 1 FROM counters WHERE name = $1 AND value = $3");
        assert!(store.reader().rows(gap, &args!["a", 1_i64]).await.is_err());
    }

    async fn text_with_nul_is_refused(store: TestStore) {
        let found = store.reader().row(crate::GET_COUNTER, &args!["a\0b"]).await;
        assert!(matches!(found, Err(StoreError::NulInText)));
    }

    async fn rows_come_in_order_and_the_first_alone(store: TestStore) {
        for position in [3, 1, 2] {
            stored(&store, position, [Arg::Null; 5]).await;
        }
        const LIST: Sql = sql!("SELECT position FROM every_type ORDER BY position LIMIT $1");
        let rows = store.reader().rows(LIST, &args![2_i64]).await.unwrap();
        let positions: Vec<i64> = rows.iter().map(|row| row.get(0).unwrap()).collect();
        assert_eq!(positions, [1, 2]);
        let first = store.reader().row(LIST, &args![3_i64]).await.unwrap().unwrap();
        assert_eq!(first.get::<i64>(0).unwrap(), 1);
        assert!(store.reader().row(LIST, &args![0_i64]).await.unwrap().is_none());
    }

    async fn changed_rows_are_counted_without_those_that_cascade(store: TestStore) {
        crate::add_counter(&store, "a", 1).await;
        crate::add_counter(&store, "b", 1).await;
        for sql in [sql!("INSERT INTO letters VALUES (1, 'a')"), sql!("INSERT INTO letters VALUES (2, 'a')")] {
            assert_eq!(exec(&store, sql, &[]).await.unwrap(), 1);
        }
        // A row that already has the value is found, hence counted.
        let update = sql!("UPDATE counters SET value = 1");
        assert_eq!(exec(&store, update, &[]).await.unwrap(), 2);
        assert_eq!(exec(&store, sql!("UPDATE counters SET value = 1 WHERE name = 'c'"), &[]).await.unwrap(), 0);
        assert_eq!(exec(&store, sql!("DELETE FROM counters WHERE name = 'a'"), &[]).await.unwrap(), 1);
        assert!(store.reader().row(sql!("SELECT id FROM letters"), &[]).await.unwrap().is_none());
    }

    async fn returning_gives_what_was_written(store: TestStore) {
        const UPSERT: Sql = sql!(
            "INSERT INTO counters (name, value) VALUES ($1, $2) ",
            "ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value RETURNING value, value > 5"
        );
        let upsert = |value: i64| {
            write(&store, move |db| async move {
                let row = db.row(UPSERT, &args!["a", value]).await?.expect("RETURNING");
                Ok((row.get::<i64>(0)?, row.get::<bool>(1)?))
            })
        };
        assert_eq!(upsert(4).await.unwrap(), (4, false));
        assert_eq!(upsert(4).await.unwrap(), (8, true));
        const ALL: Sql = sql!("UPDATE counters SET value = value + 1 RETURNING name");
        crate::add_counter(&store, "b", 1).await;
        write(&store, |db| async move { db.row(ALL, &[]).await }).await.unwrap();
        assert_eq!(crate::counter(&store, "a").await, Some(9));
        assert_eq!(crate::counter(&store, "b").await, Some(2));
    }
}
