//! Names for violated unique keys.
//!
//! PostgreSQL reports the name of the violated index. SQLite reports the columns
//! (`UNIQUE constraint failed: members.organization_id, members.email`), and the name only for an
//! index on expressions (`UNIQUE constraint failed: index 'members_email_key'`). So the unique keys
//! of all tables are read once when the database is opened, and looked up by their columns.

use std::collections::HashMap;

use rusqlite::Connection;

use super::statement::plain_error;
use crate::seam::{StoreError, UniqueKey};

/// The unique keys of the schema, by the text with which SQLite reports them.
pub(super) struct UniqueKeys {
    by_columns: HashMap<String, UniqueKey>,
}

impl UniqueKeys {
    /// Reads the schema. An error when two keys of a table have the same columns in the same
    /// order (partial indexes with different conditions), because SQLite could not tell which one
    /// was violated.
    pub(super) fn read(connection: &Connection) -> Result<UniqueKeys, StoreError> {
        let mut by_columns = HashMap::new();
        for (reported, name) in read_keys(connection).map_err(|error| plain_error(&error))? {
            if let Some(other) = by_columns.insert(reported, UniqueKey::from(name.clone())) {
                return Err(StoreError::Other(format!(
                    "the unique indexes {other} and {name} have the same columns, so a conflict \
                     on SQLite could not name the right one; reorder the columns of one of them"
                )));
            }
        }
        Ok(UniqueKeys { by_columns })
    }

    /// The key that the message of a violated constraint is about.
    pub(super) fn named_by(&self, message: &str) -> Option<UniqueKey> {
        let reported = message.strip_prefix("UNIQUE constraint failed: ")?;
        let index = reported.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\''));
        match index {
            Some(name) => Some(UniqueKey::from(name.to_owned())),
            None => self.by_columns.get(reported).cloned(),
        }
    }
}

/// Pairs of `table.column, table.column` and the name of the key. Keys that have no name of their
/// own get the one that PostgreSQL would give them.
fn read_keys(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let reported = |table: &str, columns: &[String]| {
        let columns: Vec<_> = columns.iter().map(|column| format!("{table}.{column}")).collect();
        columns.join(", ")
    };
    let mut keys = Vec::new();
    let tables: Vec<String> = list(
        connection,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        &[],
    )?;
    for table in &tables {
        let primary =
            list(connection, "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk", &[table])?;
        if !primary.is_empty() {
            keys.push((reported(table, &primary), format!("{table}_pkey")));
        }
        // Indexes on expressions have a NULL column name and are reported by their own name.
        let mut indexes = connection.prepare_cached(
            "SELECT name, origin FROM pragma_index_list(?1) AS list WHERE \"unique\" AND origin <> 'pk' \
             AND NOT EXISTS (SELECT 1 FROM pragma_index_info(list.name) WHERE name IS NULL)",
        )?;
        let mut rows = indexes.query([table])?;
        while let Some(row) = rows.next()? {
            let (index, origin): (String, String) = (row.get(0)?, row.get(1)?);
            let columns =
                list(connection, "SELECT name FROM pragma_index_info(?1) ORDER BY seqno", &[&index])?;
            let name = match origin.as_str() {
                "u" => format!("{table}_{}_key", columns.join("_")),
                _ => index,
            };
            keys.push((reported(table, &columns), name));
        }
    }
    Ok(keys)
}

fn list(connection: &Connection, sql: &str, args: &[&String]) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare_cached(sql)?;
    let names = select.query_map(rusqlite::params_from_iter(args), |row| row.get(0))?;
    names.collect()
}
