//! Machine-to-machine clients, the hashes of their secrets, and how many tokens they got.

use crate::rows::{Columns, to_json};
use crate::seam::{Db, Row, Sql, SqlBuilder, StoreError};
use crate::search::{self, Matching, Page};
use crate::{Scope, args, sql};
use ostiary_core::m2m::{M2mClient, M2mClientId, M2mClientStatus};
use ostiary_core::time::Timestamp;
use serde::Serialize;

/// The hashes of the secrets that work: the current one, and the next one while the secret is being rotated. Their text
/// form is the server's.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHashes {
    /// Of the current secret.
    pub current: String,
    /// Of the next secret.
    pub next: Option<String>,
}

/// A client with the hashes of its secrets, as the token endpoint needs it.
#[derive(Clone)]
pub struct ClientWithSecrets {
    /// The client.
    pub client: M2mClient,
    /// The hashes.
    pub hashes: SecretHashes,
}

/// A condition on clients. Lists mean any of their values; an empty one is satisfied by nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ClientFilter {
    /// By id.
    Ids(Vec<String>),
    /// By the whole name.
    Names(Vec<String>),
    /// Having one of these scopes.
    Scopes(Vec<String>),
}

/// How many tokens a client got on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayOfUse {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// How many tokens.
    pub tokens: i64,
    /// When it got the last of them.
    pub last_issued_at: Timestamp,
}

const COLUMNS: &str =
    "c.client_id, c.name, c.description, c.status, c.scopes, c.trusted_metadata, c.secret_last_four,
     c.next_secret_last_four, c.created_at, c.list_key, c.version";

const FIND: Sql = sql!("SELECT ", COLUMNS, " FROM m2m_clients c WHERE c.env = $1 AND c.client_id = $2");
const FIND_WITH_SECRETS: Sql = sql!(
    "SELECT ",
    COLUMNS,
    ", c.secret_hash, c.next_secret_hash FROM m2m_clients c WHERE c.env = $1 AND c.client_id = $2"
);
const ENVIRONMENTS: Sql = sql!("SELECT env FROM m2m_clients WHERE client_id = $1 ORDER BY env LIMIT 2");
const COUNT: Sql = sql!("SELECT COUNT(*) FROM m2m_clients WHERE env = $1");
/// Changes nothing, but two creators at the same time now write the same row, so that the second counts again.
const LOCK_COUNT: Sql = sql!("UPDATE environments SET version = version WHERE env = $1");
const INSERT: Sql = sql!(
    "INSERT INTO m2m_clients (env, client_id, name, description, status, scopes, trusted_metadata, secret_last_four,
         created_at, list_key, version, secret_hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
);
const UPDATE: Sql = sql!(
    "UPDATE m2m_clients SET name = $3, description = $4, status = $5, scopes = $6, trusted_metadata = $7, version = $8
     WHERE env = $1 AND client_id = $2 AND version = $8 - 1"
);
const DELETE: Sql = sql!("DELETE FROM m2m_clients WHERE env = $1 AND client_id = $2");

/// Only one of several callers starts a rotation.
const START_ROTATION: Sql = sql!(
    "UPDATE m2m_clients SET next_secret_hash = $3, next_secret_last_four = $4, rotation_started_at = $5,
         version = version + 1
     WHERE env = $1 AND client_id = $2 AND next_secret_hash IS NULL"
);
const CANCEL_ROTATION: Sql = sql!(
    "UPDATE m2m_clients SET next_secret_hash = NULL, next_secret_last_four = NULL, rotation_started_at = NULL,
         version = version + 1
     WHERE env = $1 AND client_id = $2 AND next_secret_hash IS NOT NULL"
);
const COMPLETE_ROTATION: Sql = sql!(
    "UPDATE m2m_clients SET secret_hash = next_secret_hash, secret_last_four = next_secret_last_four,
         next_secret_hash = NULL, next_secret_last_four = NULL, rotation_started_at = NULL, version = version + 1
     WHERE env = $1 AND client_id = $2 AND next_secret_hash IS NOT NULL"
);

/// Counts tokens of a client that is still there.
const ADD_USE: Sql = sql!(
    "INSERT INTO m2m_usage (env, client_id, day, tokens, last_issued_at)
     SELECT c.env, c.client_id, $3, $4, $5 FROM m2m_clients c WHERE c.env = $1 AND c.client_id = $2
     ON CONFLICT (env, client_id, day) DO UPDATE SET tokens = m2m_usage.tokens + excluded.tokens,
         last_issued_at = CASE WHEN excluded.last_issued_at > m2m_usage.last_issued_at THEN excluded.last_issued_at
             ELSE m2m_usage.last_issued_at END"
);
const USES: Sql = sql!(
    "SELECT day, tokens, last_issued_at FROM m2m_usage WHERE env = $1 AND client_id = $2 AND day >= $3
     ORDER BY day LIMIT 1000"
);
const DELETE_USES: Sql = sql!("DELETE FROM m2m_usage WHERE day < $1");

const SEARCH: Sql = sql!("SELECT ", COLUMNS, " FROM m2m_clients c WHERE c.env = ");
const COUNT_FOUND: Sql = sql!("SELECT COUNT(*) FROM m2m_clients c WHERE c.env = ");

fn map(scope: Scope, row: &Row) -> Result<M2mClient, StoreError> {
    read(scope, &mut Columns::of(row))
}

fn read(scope: Scope, columns: &mut Columns<'_>) -> Result<M2mClient, StoreError> {
    let id: &str = columns.get()?;
    let id = M2mClientId::parse(id, scope.kind)
        .map_err(|_| StoreError::corrupt("an M2M client has an id that cannot be one"))?;
    Ok(M2mClient {
        id,
        name: columns.get()?,
        description: columns.get()?,
        status: columns.word(M2mClientStatus::parse)?,
        scopes: columns.json()?,
        trusted_metadata: columns.json()?,
        secret_last_four: columns.get()?,
        next_secret_last_four: columns.get()?,
        created_at: columns.time()?,
        list_key: columns.get()?,
        version: columns.get()?,
    })
}

/// The client with this id.
pub async fn find(db: &Db, scope: Scope, id: &M2mClientId) -> Result<Option<M2mClient>, StoreError> {
    let row = db.row(FIND, &args![scope.env, id.as_str()]).await?;
    row.map(|row| map(scope, &row)).transpose()
}

/// The client with this id, and the hashes of its secrets.
pub async fn find_with_secrets(
    db: &Db,
    scope: Scope,
    id: &M2mClientId,
) -> Result<Option<ClientWithSecrets>, StoreError> {
    let row = db.row(FIND_WITH_SECRETS, &args![scope.env, id.as_str()]).await?;
    row.map(|row| {
        let mut columns = Columns::of(&row);
        Ok(ClientWithSecrets {
            client: read(scope, &mut columns)?,
            hashes: SecretHashes { current: columns.get()?, next: columns.get()? },
        })
    })
    .transpose()
}

/// The numbers of the environments that have a client with this id; two at most, since more than one helps nobody. The
/// only statement here that is not bound to an environment: it finds the one of a request that names none.
pub async fn environments_of(db: &Db, client_id: &str) -> Result<Vec<i64>, StoreError> {
    db.rows(ENVIRONMENTS, &args![client_id]).await?.iter().map(|row| row.get(0)).collect()
}

/// How many clients the environment has.
pub async fn count(db: &Db, scope: Scope) -> Result<i64, StoreError> {
    db.row(COUNT, &args![scope.env]).await?.map_or(Ok(0), |row| row.get(0))
}

/// [`count`] in a transaction that adds clients: of two such transactions, the second counts what the first added.
pub async fn count_exclusively(db: &Db, scope: Scope) -> Result<i64, StoreError> {
    db.exec(LOCK_COUNT, &args![scope.env]).await?;
    count(db, scope).await
}

/// Adds a client. Its secret is not being rotated.
pub async fn insert(db: &Db, scope: Scope, client: &M2mClient, secret_hash: &str) -> Result<(), StoreError> {
    let (scopes, metadata) = (to_json(&client.scopes)?, to_json(&client.trusted_metadata)?);
    let arguments = args![
        scope.env,
        client.id.as_str(),
        &client.name,
        &client.description,
        client.status.as_str(),
        &scopes,
        &metadata,
        &client.secret_last_four,
        client.created_at.micros(),
        client.list_key,
        client.version,
        secret_hash,
    ];
    db.exec(INSERT, &arguments).await?;
    Ok(())
}

/// Writes a changed client; its secrets stay. `false` when it is gone or another change came first.
pub async fn update(db: &Db, scope: Scope, client: &M2mClient) -> Result<bool, StoreError> {
    let (scopes, metadata) = (to_json(&client.scopes)?, to_json(&client.trusted_metadata)?);
    let arguments = args![
        scope.env,
        client.id.as_str(),
        &client.name,
        &client.description,
        client.status.as_str(),
        &scopes,
        &metadata,
        client.version,
    ];
    Ok(db.exec(UPDATE, &arguments).await? > 0)
}

/// Deletes a client. `false` when it is not there.
pub async fn delete(db: &Db, scope: Scope, id: &M2mClientId) -> Result<bool, StoreError> {
    Ok(db.exec(DELETE, &args![scope.env, id.as_str()]).await? > 0)
}

/// Adds a second secret. `false` when the client is not there or has one already.
pub async fn start_rotation(
    db: &Db,
    scope: Scope,
    id: &M2mClientId,
    secret_hash: &str,
    last_four: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let arguments = args![scope.env, id.as_str(), secret_hash, last_four, now.micros()];
    Ok(db.exec(START_ROTATION, &arguments).await? > 0)
}

/// Discards the second secret. `false` when there is none.
pub async fn cancel_rotation(db: &Db, scope: Scope, id: &M2mClientId) -> Result<bool, StoreError> {
    Ok(db.exec(CANCEL_ROTATION, &args![scope.env, id.as_str()]).await? > 0)
}

/// Puts the second secret in the place of the first, which stops working. `false` when there is none.
pub async fn complete_rotation(db: &Db, scope: Scope, id: &M2mClientId) -> Result<bool, StoreError> {
    Ok(db.exec(COMPLETE_ROTATION, &args![scope.env, id.as_str()]).await? > 0)
}

/// The clients that satisfy the filters, oldest first.
pub async fn search(
    db: &Db,
    scope: Scope,
    filters: &[ClientFilter],
    matching: Matching,
    page: Page,
) -> Result<Vec<M2mClient>, StoreError> {
    let mut search = filtered(SEARCH, scope, filters, matching);
    if let Some(after) = page.after {
        search.push(sql!(" AND (c.created_at, c.list_key) > ("));
        search.bind(after.created_at.micros()).push(sql!(", ")).bind(after.id).push(sql!(")"));
    }
    search.push(sql!(" ORDER BY c.created_at, c.list_key LIMIT ")).bind(page.rows_max);
    db.long().rows_built(&search).await?.iter().map(|row| map(scope, row)).collect()
}

/// How many clients satisfy the filters.
pub async fn count_found(
    db: &Db,
    scope: Scope,
    filters: &[ClientFilter],
    matching: Matching,
) -> Result<i64, StoreError> {
    search::count(db, &filtered(COUNT_FOUND, scope, filters, matching)).await
}

fn filtered(start: Sql, scope: Scope, filters: &[ClientFilter], matching: Matching) -> SqlBuilder<'_> {
    let mut search = SqlBuilder::new(start);
    search.bind(scope.env);
    search::push_filters(&mut search, filters, matching, push_filter);
    search
}

fn push_filter<'a>(search: &mut SqlBuilder<'a>, filter: &'a ClientFilter) {
    match filter {
        ClientFilter::Ids(ids) => {
            search.push(sql!("c.client_id IN (")).bind_list(ids).push(sql!(")"));
        }
        ClientFilter::Names(names) => {
            search.push(sql!("c.name IN (")).bind_list(names).push(sql!(")"));
        }
        ClientFilter::Scopes(scopes) => {
            search.push(sql!("("));
            for scope in scopes {
                // The column is a JSON list of texts, in which a text with its quotes stands for itself only.
                search.push(sql!("replace(c.scopes, '\"' || ")).bind(scope);
                search.push(sql!(" || '\"', '') <> c.scopes OR "));
            }
            search.push(sql!("1 = 0)"));
        }
    }
}

/// Adds to the number of tokens that a client got on a day.
pub async fn add_use(db: &Db, env: i64, client_id: &str, usage: &DayOfUse) -> Result<(), StoreError> {
    let arguments = args![env, client_id, usage.day, usage.tokens, usage.last_issued_at.micros()];
    db.exec(ADD_USE, &arguments).await?;
    Ok(())
}

/// How many tokens a client got on each day since this one (at most 1000 days).
pub async fn uses(
    db: &Db,
    scope: Scope,
    id: &M2mClientId,
    since_day: i64,
) -> Result<Vec<DayOfUse>, StoreError> {
    let rows = db.rows(USES, &args![scope.env, id.as_str(), since_day]).await?;
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            Ok(DayOfUse { day: columns.get()?, tokens: columns.get()?, last_issued_at: columns.time()? })
        })
        .collect()
}

/// Removes the counts of days before this one, in all environments.
pub async fn delete_uses(db: &Db, before_day: i64) -> Result<u64, StoreError> {
    db.exec(DELETE_USES, &args![before_day]).await
}
