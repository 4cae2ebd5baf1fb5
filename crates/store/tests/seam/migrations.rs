//! A database is brought up to date once, wholly, and never from a newer version.

use ostiary_store::migrate::Migration;
use ostiary_store::seam::{Durability, Engine, Store, StoreError, StoreOptions, sql};
use ostiary_store::testing::Schema;
use tokio::task::JoinSet;

use crate::exec;
use crate::sqlite::Directory;

const FIRST: Migration = Migration::shared(
    1,
    "first",
    "CREATE TABLE houses (id BIGINT PRIMARY KEY, name TEXT NOT NULL); INSERT INTO houses VALUES (1, 'Usher');
     CREATE TABLE rooms (id BIGINT PRIMARY KEY, house BIGINT NOT NULL REFERENCES houses (id) ON DELETE CASCADE);
     INSERT INTO rooms VALUES (1, 1);",
);
const SECOND: Migration = Migration::per_engine(
    2,
    "second",
    "ALTER TABLE houses ADD COLUMN engine TEXT; UPDATE houses SET engine = 'Sqlite'",
    "ALTER TABLE houses ADD COLUMN engine TEXT; UPDATE houses SET engine = 'Postgres'",
);
const BROKEN: Migration = Migration::shared(
    3,
    "broken",
    "CREATE TABLE half (id BIGINT PRIMARY KEY); INSERT INTO nowhere VALUES (1)",
);

/// A database that several stores open, one after the other or at once.
enum Place {
    Sqlite(Directory),
    Postgres(Schema),
}

impl Place {
    async fn all() -> Vec<Place> {
        let sqlite = Place::Sqlite(Directory::new("migrations"));
        [sqlite].into_iter().chain(Schema::create().await.map(Place::Postgres)).collect()
    }

    fn options(&self) -> StoreOptions {
        match self {
            Place::Sqlite(directory) => {
                StoreOptions::Sqlite { path: directory.file("ostiary.db"), durability: Durability::None }
            }
            Place::Postgres(schema) => schema.options(),
        }
    }

    async fn open(&self, migrations: &[Migration]) -> Result<Store, StoreError> {
        Store::open_with(self.options(), migrations).await
    }
}

async fn houses(store: &Store) -> Vec<String> {
    let rows = store.reader().rows(sql!("SELECT engine FROM houses ORDER BY id"), &[]).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

async fn applied(store: &Store) -> Vec<(i64, String)> {
    let select = sql!("SELECT version, name FROM schema_migrations WHERE applied_at > 0 ORDER BY version");
    let rows = store.reader().rows(select, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0).unwrap(), row.get(1).unwrap())).collect()
}

#[tokio::test]
async fn steps_are_applied_once_in_order_and_in_the_engines_dialect() {
    for place in Place::all().await {
        let store = place.open(&[FIRST]).await.unwrap();
        assert_eq!(applied(&store).await.len(), 1);
        store.close().await;
        for _ in 0..2 {
            let store = place.open(&[FIRST, SECOND]).await.unwrap();
            assert_eq!(applied(&store).await, [(1, "first".to_owned()), (2, "second".to_owned())]);
            assert_eq!(houses(&store).await, [format!("{:?}", store.engine())]);
            store.close().await;
        }
    }
}

#[tokio::test]
async fn a_step_that_fails_leaves_nothing_behind() {
    for place in Place::all().await {
        let Err(StoreError::Other(text)) = place.open(&[FIRST, SECOND, BROKEN]).await.map(drop) else {
            panic!("a broken step must not open");
        };
        assert!(text.contains("migration 3 (broken) failed") && text.contains("nowhere"), "{text}");
        let store = place.open(&[FIRST, SECOND]).await.unwrap();
        let half = store.reader().rows(sql!("SELECT id FROM half"), &[]).await;
        assert!(matches!(half, Err(StoreError::Other(_))));
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_not_opened() {
    for place in Place::all().await {
        place.open(&[FIRST, SECOND]).await.unwrap().close().await;
        let Err(StoreError::Other(text)) = place.open(&[FIRST]).await.map(drop) else {
            panic!("an older program must not open a newer database");
        };
        assert!(text.contains("at migration 2, this program knows only 1"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_migrate_once() {
    for place in Place::all().await {
        let mut nodes = JoinSet::new();
        for _ in 0..8 {
            let options = place.options();
            nodes.spawn(async move { Store::open_with(options, &[FIRST, SECOND]).await });
        }
        for store in nodes.join_all().await {
            let store = store.unwrap();
            assert_eq!(houses(&store).await.len(), 1);
            assert_eq!(applied(&store).await.len(), 2);
        }
    }
}

/// SQLite alters some tables only by building them anew, during which references dangle.
#[tokio::test]
async fn sqlite_may_rebuild_a_table_that_others_refer_to() {
    const REBUILD: Migration = Migration::shared(
        2,
        "rebuild",
        "CREATE TABLE new_houses (id BIGINT PRIMARY KEY, name TEXT);
         INSERT INTO new_houses SELECT id, name FROM houses;
         DROP TABLE houses;
         ALTER TABLE new_houses RENAME TO houses;",
    );
    const DANGLING: Migration = Migration::shared(3, "dangling", "DELETE FROM houses");
    for place in Place::all().await.into_iter().take(1) {
        let store = place.open(&[FIRST, REBUILD]).await.unwrap();
        assert_eq!(store.engine(), Engine::Sqlite);
        let rooms = store.reader().rows(sql!("SELECT id FROM rooms"), &[]).await.unwrap();
        assert_eq!(rooms.len(), 1);
        // Checked again afterwards.
        let orphan = exec(&store, sql!("INSERT INTO rooms VALUES (2, 7)"), &[]).await;
        assert_eq!(orphan, Err(StoreError::ForeignKey));
        store.close().await;
        let dangling = place.open(&[FIRST, REBUILD, DANGLING]).await.map(drop);
        assert!(matches!(dangling, Err(StoreError::Other(text)) if text.contains("migration 3 (dangling)")));
    }
}

#[tokio::test]
async fn the_migrations_of_the_product_apply_on_every_engine() {
    for store in ostiary_store::testing::stores().await {
        store.ping().await.unwrap();
        assert_eq!(applied(&store).await[0], (1, "initial".to_owned()));
    }
}
