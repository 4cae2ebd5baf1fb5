//! Keys of operators: made by the command line and by `ostiary dev`, checked by every call of the management API.

use crate::app::App;
use crate::cx::Result;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::project::{KeyScope, validate_name};
use ostiary_proto::hash::{constant_time_eq, sha256};
use ostiary_proto::random;
use ostiary_store::management_keys::{self, ManagementKey};
use std::sync::Arc;
use uuid::Uuid;

/// What the ids of operators' keys begin with (spec 05a §1).
const ID_PREFIX: &str = "workspace-key-prod-";

/// A key that was made, with its secret, which cannot be read again.
#[derive(Clone, Debug)]
pub struct CreatedKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// The id of a key as it travels.
pub fn id_text(key: &ManagementKey) -> String {
    format!("{ID_PREFIX}{}", key.id)
}

fn parse_id(text: &str) -> Option<Uuid> {
    let uuid = text.strip_prefix(ID_PREFIX)?;
    Uuid::try_parse(uuid).ok().filter(|parsed| parsed.to_string() == uuid)
}

/// Makes a key.
pub async fn create(app: &Arc<App>, name: &str, scopes: &[KeyScope]) -> Result<CreatedKey> {
    validate_name(name)?;
    let secret = random::token(app.random.as_ref());
    let key = Arc::new(ManagementKey {
        id: random::uuid(app.random.as_ref()),
        secret_hash: sha256(secret.as_bytes()),
        name: name.to_owned(),
        scopes: scopes.to_vec(),
        created_at: app.clock.now(),
    });
    let id = id_text(&key);
    app.store
        .write(move |tx| {
            let key = key.clone();
            async move { Ok::<_, Error>(management_keys::insert(&tx, &key).await?) }
        })
        .await?;
    Ok(CreatedKey { id, secret })
}

/// Every key, oldest first.
pub async fn list(app: &App) -> Result<Vec<ManagementKey>> {
    Ok(management_keys::list(&app.store.reader()).await?)
}

/// Deletes a key; from now on it is refused everywhere, since every call looks it up.
///
/// # Errors
/// `invalid_argument` when there is no such key.
pub async fn delete(app: &App, id: &str) -> Result<()> {
    let unknown = || ErrorType::InvalidArgument.with_message("There is no such key.");
    let id = parse_id(id).ok_or_else(unknown)?;
    let was_there = app
        .store
        .write(move |tx| async move { Ok::<_, Error>(management_keys::delete(&tx, id).await?) })
        .await?;
    if was_there { Ok(()) } else { Err(unknown()) }
}

/// The key with this id and secret. An unknown id and a wrong secret look the same.
///
/// # Errors
/// `unauthorized_credentials`.
pub async fn authenticate(app: &App, id: &str, secret: &str) -> Result<ManagementKey> {
    let found = match parse_id(id) {
        Some(id) => management_keys::find(&app.store.reader(), id).await?,
        None => None,
    };
    let hash = sha256(secret.as_bytes());
    found
        .filter(|key| constant_time_eq(&key.secret_hash, &hash))
        .ok_or_else(|| ErrorType::UnauthorizedCredentials.with_message("The management key is not correct."))
}
