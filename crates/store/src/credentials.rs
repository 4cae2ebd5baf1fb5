//! Secrets and public tokens as operators see them: with the time of their making, and deletable.

use crate::environments::touch;
use crate::rows::Columns;
use crate::seam::{Db, Row, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::ids::{PublicToken, SecretId};
use ostiary_core::time::Timestamp;

/// A secret without the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskedSecret {
    /// Its id.
    pub id: SecretId,
    /// The last characters, by which a person recognizes it.
    pub last_four: String,
    /// When it was made.
    pub created_at: Timestamp,
}

const SECRETS: Sql = sql!(
    "SELECT secret_id, last_four, created_at FROM secrets WHERE env = $1 ORDER BY created_at, secret_id"
);
const DELETE_SECRET: Sql = sql!("DELETE FROM secrets WHERE env = $1 AND secret_id = $2");
const TOKENS: Sql =
    sql!("SELECT token, created_at FROM public_tokens WHERE env = $1 ORDER BY created_at, token");
const DELETE_TOKEN: Sql = sql!("DELETE FROM public_tokens WHERE env = $1 AND token = $2");

/// The secrets of an environment, oldest first.
pub async fn secrets(db: &Db, scope: Scope) -> Result<Vec<MaskedSecret>, StoreError> {
    let map = |row: &Row| {
        let mut columns = Columns::of(row);
        Ok(MaskedSecret {
            id: SecretId::new(columns.get()?, scope.kind),
            last_four: columns.get()?,
            created_at: columns.time()?,
        })
    };
    db.rows(SECRETS, &args![scope.env]).await?.iter().map(map).collect()
}

/// Deletes a secret; `false` when there is none.
pub async fn delete_secret(db: &Db, scope: Scope, id: SecretId) -> Result<bool, StoreError> {
    touch(db, scope).await?;
    Ok(db.exec(DELETE_SECRET, &args![scope.env, id.uuid()]).await? == 1)
}

/// The public tokens of an environment with the time of their making, oldest first.
pub async fn public_tokens(db: &Db, scope: Scope) -> Result<Vec<(PublicToken, Timestamp)>, StoreError> {
    let map = |row: &Row| {
        let mut columns = Columns::of(row);
        Ok((PublicToken::new(columns.get()?, scope.kind), columns.time()?))
    };
    db.rows(TOKENS, &args![scope.env]).await?.iter().map(map).collect()
}

/// Deletes a public token; `false` when there is none.
pub async fn delete_public_token(db: &Db, scope: Scope, token: PublicToken) -> Result<bool, StoreError> {
    touch(db, scope).await?;
    Ok(db.exec(DELETE_TOKEN, &args![scope.env, token.uuid()]).await? == 1)
}
