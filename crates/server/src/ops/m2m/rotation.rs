//! Rotating the secret of a client: both secrets work from the start to the completion, so that callers can change over
//! one by one (spec 03c §2).

use super::clients::ClientAndSecret;
use super::{get, parse_id, secret};
use crate::cx::{Cx, Result};
use ostiary_core::error::ErrorType;
use ostiary_core::m2m::{M2mClient, M2mClientId, last_four};
use ostiary_store::m2m_clients;
use ostiary_store::seam::Db;
use std::sync::Arc;

/// Makes the next secret. Of several callers only one starts; the others hear that it has begun.
pub async fn start(cx: &Cx, id: &str) -> Result<ClientAndSecret> {
    let (secret, hash) = secret::generate(cx);
    let input = Start { id: parse_id(cx, id)?, hash: hash.to_text(), last_four: last_four(&secret) };
    let client = cx.write(input, start_in_transaction).await?;
    Ok(ClientAndSecret { client, secret })
}

struct Start {
    id: M2mClientId,
    hash: String,
    last_four: String,
}

async fn start_in_transaction(tx: Db, cx: Cx, input: Arc<Start>) -> Result<M2mClient> {
    let Start { id, hash, last_four } = &*input;
    let started = m2m_clients::start_rotation(&tx, cx.scope(), id, hash, last_four, cx.now).await?;
    finish(tx, cx, id, started, ErrorType::M2mClientAlreadyRotatingSecret).await
}

/// Discards the next secret; the current one goes on working.
pub async fn cancel(cx: &Cx, id: &str) -> Result<M2mClient> {
    cx.write(parse_id(cx, id)?, cancel_in_transaction).await
}

async fn cancel_in_transaction(tx: Db, cx: Cx, id: Arc<M2mClientId>) -> Result<M2mClient> {
    let cancelled = m2m_clients::cancel_rotation(&tx, cx.scope(), &id).await?;
    finish(tx, cx, &id, cancelled, ErrorType::M2mClientNotRotatingSecret).await
}

/// Makes the next secret the current one; the old one stops working at once.
pub async fn complete(cx: &Cx, id: &str) -> Result<M2mClient> {
    cx.write(parse_id(cx, id)?, complete_in_transaction).await
}

async fn complete_in_transaction(tx: Db, cx: Cx, id: Arc<M2mClientId>) -> Result<M2mClient> {
    let completed = m2m_clients::complete_rotation(&tx, cx.scope(), &id).await?;
    finish(tx, cx, &id, completed, ErrorType::M2mClientNotRotatingSecret).await
}

/// The client after a step, or why the step was not taken: there is no such client, or it stands elsewhere.
async fn finish(
    tx: Db,
    cx: Cx,
    id: &M2mClientId,
    was_taken: bool,
    otherwise: ErrorType,
) -> Result<M2mClient> {
    let client = get(&tx, &cx, id).await?;
    if was_taken { Ok(client) } else { Err(otherwise.into()) }
}
