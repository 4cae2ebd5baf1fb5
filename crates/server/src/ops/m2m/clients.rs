//! Creating, reading, changing and deleting M2M clients (spec 03c §2).

use super::secret::{self, SecretHash};
use super::{get, parse_id};
use crate::cx::{Cx, Result};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::IdError;
use ostiary_core::m2m::{M2mClient, M2mClientChange, M2mClientId, M2mClientStatus, last_four};
use ostiary_proto::random;
use ostiary_store::m2m_clients::{self, DayOfUse};
use ostiary_store::seam::Db;
use serde_json::Map;
use std::sync::Arc;

/// A client to be created.
#[derive(Clone, Default)]
pub struct NewClient {
    /// The id that it brings along; one is made when absent.
    pub id: Option<String>,
    /// The secret that it brings along; one is made when absent.
    pub secret: Option<String>,
    /// Everything else.
    pub change: M2mClientChange,
}

/// A client with a secret, which cannot be read again.
pub struct ClientAndSecret {
    /// The client.
    pub client: M2mClient,
    /// The secret.
    pub secret: String,
}

/// A client that was judged and is ready to be stored.
pub(super) struct Prepared {
    pub(super) client: M2mClient,
    pub(super) hash: SecretHash,
}

/// Creates a client.
pub async fn create(cx: &Cx, new: NewClient) -> Result<ClientAndSecret> {
    let client = build(cx, &new)?;
    let (secret, hash) = match new.secret {
        Some(secret) => {
            let hash = secret::hash_supplied(cx, &secret, &client.name).await?;
            (secret, hash)
        }
        None => secret::generate(cx),
    };
    let client = M2mClient { secret_last_four: last_four(&secret), ..client };
    let client = cx.write(Prepared { client, hash }, create_in_transaction).await?;
    Ok(ClientAndSecret { client, secret })
}

/// The client that is to be, without a secret.
pub(super) fn build(cx: &Cx, new: &NewClient) -> Result<M2mClient> {
    let list_key = random::uuid(cx.app.random.as_ref());
    let id = match &new.id {
        None => M2mClientId::generated(list_key, cx.project.kind()),
        Some(id) => M2mClientId::parse(id, cx.project.kind()).map_err(|error| match error {
            IdError::Malformed => ErrorType::M2mClientInvalidClientId.into(),
            wrong_environment => wrong_environment.into_error("client_id"),
        })?,
    };
    let blank = M2mClient {
        id,
        name: String::new(),
        description: String::new(),
        status: M2mClientStatus::Active,
        scopes: Vec::new(),
        trusted_metadata: Map::new(),
        secret_last_four: String::new(),
        next_secret_last_four: None,
        created_at: cx.now,
        list_key,
        version: 0,
    };
    new.change.apply(&blank)
}

pub(super) async fn create_in_transaction(tx: Db, cx: Cx, prepared: Arc<Prepared>) -> Result<M2mClient> {
    if let Some(most) = cx.project.environment.settings.m2m_clients_max
        && m2m_clients::count_exclusively(&tx, cx.scope()).await? >= most
    {
        return Err(ErrorType::TooManyM2mClients.into());
    }
    m2m_clients::insert(&tx, cx.scope(), &prepared.client, &prepared.hash.to_text()).await?;
    Ok(prepared.client.clone())
}

/// The client with this id.
pub async fn find(cx: &Cx, id: &str) -> Result<M2mClient> {
    get(&cx.reader(), cx, &parse_id(cx, id)?).await
}

/// How many tokens a client got on each day since this one, and when the last.
pub async fn uses(cx: &Cx, id: &str, since_day: i64) -> Result<Vec<DayOfUse>> {
    let (reader, id) = (cx.reader(), parse_id(cx, id)?);
    get(&reader, cx, &id).await?;
    Ok(m2m_clients::uses(&reader, cx.scope(), &id, since_day).await?)
}

/// Changes a client. Fields that are not given stay as they are; id and secrets always do. Tokens that it has stay
/// valid.
pub async fn update(cx: &Cx, id: &str, change: M2mClientChange) -> Result<M2mClient> {
    cx.write((parse_id(cx, id)?, change), update_in_transaction).await
}

async fn update_in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<(M2mClientId, M2mClientChange)>,
) -> Result<M2mClient> {
    let (id, change) = &*input;
    let next = change.apply(&get(&tx, &cx, id).await?)?;
    if m2m_clients::update(&tx, cx.scope(), &next).await? {
        Ok(next)
    } else {
        Err(ErrorType::M2mClientNotFound.into())
    }
}

/// Deletes a client for good; its id may be used again at once. Tokens that it has stay valid.
pub async fn delete(cx: &Cx, id: &str) -> Result<M2mClientId> {
    cx.write(parse_id(cx, id)?, delete_in_transaction).await
}

async fn delete_in_transaction(tx: Db, cx: Cx, id: Arc<M2mClientId>) -> Result<M2mClientId> {
    if m2m_clients::delete(&tx, cx.scope(), &id).await? {
        Ok(M2mClientId::clone(&id))
    } else {
        Err(Error::from(ErrorType::M2mClientNotFound))
    }
}
