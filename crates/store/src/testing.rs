//! Throw-away databases for the tests of this crate and of those above it.
//!
//! SQLite is always there. PostgreSQL is when `OSTIARY_TEST_POSTGRES_URL` is set, which
//! `scripts/with-postgres.sh` does; every test gets a schema of its own there, so tests can run side
//! by side and leave nothing behind.

use std::hash::{BuildHasher, RandomState};
use std::ops::Deref;
use std::{env, process, thread};

use crate::migrate::{MIGRATIONS, Migration};
use crate::seam::{self, Engine, Store, StoreOptions};

/// The variable with the address of a PostgreSQL server on which tests may create schemas.
pub const POSTGRES_URL_VARIABLE: &str = "OSTIARY_TEST_POSTGRES_URL";

/// Connections that a test's store holds at most.
const CONNECTIONS_MAX: usize = 8;

/// A store with an empty database that disappears with it.
pub struct TestStore {
    store: Store,
    schema: Option<Schema>,
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TestStore {
    /// How another node opens the same database. None on SQLite, which has one node only.
    pub fn options_of_another_node(&self) -> Option<StoreOptions> {
        self.schema.as_ref().map(Schema::options)
    }
}

/// An empty store on this engine; None when the engine is PostgreSQL and there is no server.
pub async fn fresh(engine: Engine) -> Option<TestStore> {
    fresh_with(engine, MIGRATIONS).await
}

/// [`fresh`] with tables of the test's own.
pub async fn fresh_with(engine: Engine, migrations: &[Migration]) -> Option<TestStore> {
    let schema = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(Schema::create().await?),
    };
    let options = schema.as_ref().map_or(StoreOptions::SqliteMemory, Schema::options);
    let store = Store::open_with(options, migrations).await.expect("an empty database opens");
    Some(TestStore { store, schema })
}

/// An empty store on every engine that there is.
pub async fn stores() -> Vec<TestStore> {
    let sqlite = fresh(Engine::Sqlite).await;
    sqlite.into_iter().chain(fresh(Engine::Postgres).await).collect()
}

/// A schema on the PostgreSQL server, dropped with everything in it.
pub struct Schema {
    server: String,
    name: String,
}

impl Schema {
    /// A new one; None when there is no server.
    pub async fn create() -> Option<Schema> {
        let server = env::var(POSTGRES_URL_VARIABLE).ok()?;
        let random = RandomState::new().hash_one(process::id());
        let schema = Schema { server, name: format!("ostiary_test_{random:016x}") };
        seam::run_script(&schema.server, &format!("CREATE SCHEMA {}", schema.name))
            .await
            .expect("the test server lets its user create schemas");
        Some(schema)
    }

    /// The options of a store whose tables lie in this schema.
    pub fn options(&self) -> StoreOptions {
        StoreOptions::Postgres { url: self.url(), connections_max: CONNECTIONS_MAX }
    }

    /// The address of the server with this schema chosen; connections carry its name as theirs.
    pub fn url(&self) -> String {
        let separator = if self.server.contains('?') { '&' } else { '?' };
        let Schema { server, name } = self;
        format!("{server}{separator}application_name={name}&options=-c%20search_path%3D{name}")
    }

    /// Its name, which is also the application name of the connections.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Schema {
    /// On a thread with a runtime of its own, because the test's runtime is busy dropping this.
    fn drop(&mut self) {
        let (server, script) = (self.server.clone(), format!("DROP SCHEMA {} CASCADE", self.name));
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(seam::run_script(&server, &script)))
        });
        // A schema left behind is a nuisance on a shared server, not a failure of what was tested.
        let _ = dropping.join();
    }
}
