//! What only tests ask of a database.

use std::cell::Cell;

use super::{Backend, Sql, Store, StoreError};

tokio::task_local! {
    static STATEMENTS: Cell<usize>;
}

/// Runs a future and says how many statements it ran outside of transactions, which may run elsewhere.
pub async fn count_statements<F: Future>(future: F) -> (F::Output, usize) {
    let counted = async {
        let output = future.await;
        (output, STATEMENTS.with(Cell::get))
    };
    STATEMENTS.scope(Cell::new(0), counted).await
}

/// Counts a statement, where somebody counts.
pub(super) fn note_statement() {
    let _ = STATEMENTS.try_with(|count| count.set(count.get() + 1));
}

impl Store {
    /// Prepares a statement without running it. On SQLite the answer is the query plan, line by
    /// line, in which `SCAN` means that no index helps; on PostgreSQL, whose plans depend on the
    /// values and on statistics, it is empty.
    pub async fn prepare(&self, sql: Sql) -> Result<Vec<String>, StoreError> {
        match &*self.0 {
            Backend::Sqlite(sqlite) => sqlite.readers.plan(sql.as_str()),
            Backend::Postgres(postgres) => postgres.prepare(sql.as_str()).await.map(|()| Vec::new()),
        }
    }
}

/// Runs statements on a connection of its own to the PostgreSQL at this address.
pub(crate) async fn run_script(url: &str, script: &str) -> Result<(), StoreError> {
    super::postgres::run_script(url, script).await
}
