//! What only the embedded engine does.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::{env, fs, process};

use ostiary_store::seam::{Db, Durability, Sql, Store, StoreError, StoreOptions, args, sql};
use tokio::task::JoinSet;

use crate::{GET_COUNTER, INSERT_COUNTER, SET_COUNTER, TABLES, add_counter, counter, write};

/// A directory that is removed with the value.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(purpose: &str) -> Directory {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ostiary-test-{purpose}-{}-{number}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn open(path: &Path) -> Result<Store, StoreError> {
    let options = StoreOptions::Sqlite { path: path.to_owned(), durability: Durability::Full };
    Store::open_with(options, TABLES).await
}

async fn open_temporary() -> Store {
    Store::open_with(StoreOptions::SqliteMemory, TABLES).await.unwrap()
}

/// Occupies the writing thread until the sender is dropped, so that later writes gather.
async fn occupy(store: &Store) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (started, start) = tokio::sync::oneshot::channel();
    let hold = Arc::new(std::sync::Mutex::new(Some((started, released))));
    let store = store.clone();
    tokio::spawn(async move {
        write(&store, move |_| {
            let held = hold.lock().unwrap().take();
            async move {
                if let Some((started, released)) = held {
                    started.send(()).unwrap();
                    // Returns when the sender is gone.
                    let _ = released.recv();
                }
                Ok(())
            }
        })
        .await
    });
    start.await.unwrap();
    release
}

type Outcomes = Vec<(usize, Result<u64, StoreError>)>;

/// Queues one write per name behind an occupied thread, so that they share a transaction.
async fn write_as_a_group(
    store: &Store,
    names: &'static [&'static str],
    runs: &Arc<AtomicU32>,
    statement: fn(&str) -> Sql,
) -> Outcomes {
    let release = occupy(store).await;
    let mut writes = JoinSet::new();
    for (index, name) in names.iter().enumerate() {
        let (store, runs) = (store.clone(), runs.clone());
        writes.spawn(async move {
            let outcome = write(&store, move |db| {
                runs.fetch_add(1, Ordering::Relaxed);
                act(db, name, statement(name))
            });
            (index, outcome.await)
        });
    }
    // Every task is polled once, which queues its write, before this one is polled again.
    for _ in 0..names.len() * 4 {
        tokio::task::yield_now().await;
    }
    drop(release);
    let mut outcomes = writes.join_all().await;
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes
}

async fn act(db: Db, name: &'static str, statement: Sql) -> Result<u64, StoreError> {
    db.exec(INSERT_COUNTER, &args![name, 1_i64]).await?;
    match name {
        "panics" => panic!("a bug"),
        "waits" => std::future::pending().await,
        "refuses" => Err(StoreError::NulInText),
        _ => db.exec(statement, &args![name]).await,
    }
}

#[tokio::test]
async fn a_failing_write_does_not_harm_those_it_shares_a_commit_with() {
    let store = open_temporary().await;
    let runs = Arc::default();
    let names = &["a", "panics", "b", "waits", "a", "c", "refuses", "d"];
    let touch = |_: &str| sql!("UPDATE counters SET value = 2 WHERE name = $1");
    let outcomes = write_as_a_group(&store, names, &runs, touch).await;
    let succeeded: Vec<_> = outcomes.iter().map(|(_, outcome)| outcome.is_ok()).collect();
    assert_eq!(succeeded, [true, false, true, false, false, true, false, true]);
    // The second "a" ran in the same transaction as the first and saw it.
    assert!(matches!(&outcomes[4].1, Err(StoreError::Conflict(key)) if *key == "counters_pkey"));
    assert_eq!(runs.load(Ordering::Relaxed), 8);
    for name in ["a", "b", "c", "d"] {
        assert_eq!(counter(&store, name).await, Some(2), "{name}");
    }
    for name in ["panics", "waits", "refuses"] {
        assert_eq!(counter(&store, name).await, None, "{name}");
    }
}

#[tokio::test]
async fn a_write_that_destroys_the_shared_transaction_fails_alone() {
    let store = open_temporary().await;
    let runs = Arc::default();
    let names = &["a", "destroys", "b"];
    let statement = |name: &str| match name {
        // As a full disk would, this takes the whole transaction with it.
        "destroys" => sql!("INSERT OR ROLLBACK INTO counters (name, value) VALUES ($1, 1)"),
        _ => sql!("UPDATE counters SET value = 2 WHERE name = $1"),
    };
    let outcomes = write_as_a_group(&store, names, &runs, statement).await;
    assert_eq!(outcomes[0].1, Ok(1));
    assert!(matches!(&outcomes[1].1, Err(StoreError::Conflict(key)) if *key == "counters_pkey"));
    assert_eq!(outcomes[2].1, Ok(1));
    // "a" and "destroys" shared a transaction, then all three got one of their own.
    assert_eq!(runs.load(Ordering::Relaxed), 5);
    assert_eq!(counter(&store, "a").await, Some(2));
    assert_eq!(counter(&store, "destroys").await, None);
}

#[tokio::test]
async fn an_orphan_found_at_commit_fails_alone() {
    let store = open_temporary().await;
    let runs = Arc::default();
    let statement = |name: &str| match name {
        "orphan" => sql!("INSERT INTO letters (id, counter) VALUES (1, $1 || '?')"),
        _ => sql!("UPDATE counters SET value = 2 WHERE name = $1"),
    };
    let outcomes = write_as_a_group(&store, &["a", "orphan", "b"], &runs, statement).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, [Ok(1), Err(StoreError::ForeignKey), Ok(1)]);
}

#[tokio::test]
async fn queued_writes_are_finished_before_the_store_closes() {
    let store = open_temporary().await;
    let release = occupy(&store).await;
    let mut writes = JoinSet::new();
    for number in 0..20_i64 {
        let store = store.clone();
        writes.spawn(async move {
            let name = format!("n{number}");
            write(&store, move |db| {
                let name = name.clone();
                async move { db.exec(INSERT_COUNTER, &args![&name, number]).await }
            })
            .await
        });
    }
    for _ in 0..80 {
        tokio::task::yield_now().await;
    }
    drop(release);
    store.close().await;
    assert_eq!(writes.join_all().await, vec![Ok(1); 20]);
}

#[tokio::test]
async fn a_reopened_file_has_everything() {
    let directory = Directory::new("reopen");
    let file = directory.file("ostiary.db");
    let store = open(&file).await.unwrap();
    add_counter(&store, "a", 1).await;
    store.close().await;
    let names = |directory: &Directory| -> Vec<_> {
        fs::read_dir(&directory.0).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(names(&directory), ["ostiary.db"], "closing leaves one file that can be copied");
    drop(store);

    let store = open(&file).await.unwrap();
    assert_eq!(counter(&store, "a").await, Some(1));
    // Dropping without closing is as safe.
    add_counter(&store, "b", 2).await;
    drop(store);
    let store = open(&file).await.unwrap();
    assert_eq!(counter(&store, "b").await, Some(2));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let directory = Directory::new("mode");
    let store = open(&directory.file("ostiary.db")).await.unwrap();
    add_counter(&store, "a", 1).await;
    let mut files = 0;
    for entry in fs::read_dir(&directory.0).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        files += 1;
    }
    assert_eq!(files, 3);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_told_plainly() {
    let directory = Directory::new("unusable");
    let Err(StoreError::Unavailable { reason }) =
        open(&directory.file("no/such/directory.db")).await.map(drop)
    else {
        panic!("there is no such directory");
    };
    assert!(reason.contains("no/such/directory.db"), "{reason}");

    let file = directory.file("letter.txt");
    fs::write(&file, "Dear Ada, this is a letter. ".repeat(100)).unwrap();
    assert!(matches!(open(&file).await.map(drop), Err(StoreError::Corrupt { .. })));
    assert!(fs::read_to_string(&file).unwrap().starts_with("Dear Ada"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_file_waits_its_turn() {
    let directory = Directory::new("shared");
    let file = directory.file("ostiary.db");
    let stores = [open(&file).await.unwrap(), open(&file).await.unwrap()];
    add_counter(&stores[0], "a", 0).await;
    let mut writes = JoinSet::new();
    for index in 0..40 {
        let store = stores[index % 2].clone();
        writes.spawn(async move {
            write(&store, |db| async move {
                let row = db.row(GET_COUNTER, &args!["a"]).await?.expect("added above");
                db.exec(SET_COUNTER, &args!["a", row.get::<i64>(0)? + 1]).await
            })
            .await
        });
    }
    assert_eq!(writes.join_all().await, vec![Ok(1); 40]);
    assert_eq!(counter(&stores[1], "a").await, Some(40));
}

#[tokio::test]
async fn a_closure_is_gone_when_its_caller_is_answered() {
    let store = open_temporary().await;
    for _ in 0..200 {
        let held = Arc::new(());
        let holding = held.clone();
        write(&store, move |_| {
            let _ = &holding;
            async { Ok(()) }
        })
        .await
        .unwrap();
        assert_eq!(Arc::strong_count(&held), 1);
    }
}

#[tokio::test]
async fn two_unique_indexes_over_the_same_columns_are_refused() {
    use ostiary_store::migrate::Migration;
    const AMBIGUOUS: &[Migration] = &[Migration::shared(
        1,
        "ambiguous",
        "CREATE TABLE t (a BIGINT, b BIGINT); CREATE UNIQUE INDEX t_one_key ON t (a) WHERE b = 1;
         CREATE UNIQUE INDEX t_two_key ON t (a) WHERE b = 2;",
    )];
    let opened = Store::open_with(StoreOptions::SqliteMemory, AMBIGUOUS).await.map(drop);
    let Err(StoreError::Other(text)) = opened else { panic!("{opened:?}") };
    assert!(text.contains("t_one_key") && text.contains("t_two_key"), "{text}");
}

#[tokio::test]
async fn double_quotes_never_make_a_string() {
    let store = open_temporary().await;
    let typo = store.reader().rows(sql!("SELECT name FROM counters WHERE name = \"a\""), &[]).await;
    assert!(matches!(typo, Err(StoreError::Other(_))));
}

#[tokio::test]
async fn reads_go_on_while_a_write_is_under_way() {
    let store = open_temporary().await;
    add_counter(&store, "a", 1).await;
    let release = occupy(&store).await;
    assert_eq!(counter(&store, "a").await, Some(1));
    // On a single-threaded runtime too.
    let long = store.reader().long();
    assert_eq!(long.rows(GET_COUNTER, &args!["a"]).await.unwrap().len(), 1);
    drop(release);
}

#[tokio::test]
async fn plans_tell_whether_an_index_helps() {
    let store = open_temporary().await;
    let plan = store.prepare(GET_COUNTER).await.unwrap().join("\n");
    assert!(plan.contains("SEARCH counters USING INDEX"), "{plan}");
    let plan = store.prepare(sql!("SELECT name FROM counters WHERE value = $1")).await.unwrap();
    assert!(plan[0].starts_with("SCAN"), "{plan:?}");
}
