//! Machine-to-machine clients: managing them, rotating their secrets, giving them tokens (spec 03c).
//!
//! Getting a token costs one read and one signature. What would be written for every token, such as when a client was
//! last used, is gathered in memory ([`usage`]); so are the counts behind the limits ([`limits`]), which hold for one
//! node.

pub mod authenticate;
pub mod clients;
pub mod import;
pub mod limits;
pub mod rotation;
pub mod secret;
pub mod token;
pub mod usage;

use crate::cx::{Cx, Result};
use limits::Limits;
use ostiary_core::error::ErrorType;
use ostiary_core::ids::IdError;
use ostiary_core::m2m::{M2mClient, M2mClientId};
use ostiary_proto::seal::MasterKey;
use ostiary_store::m2m_clients;
use ostiary_store::seam::Db;
use secret::VerifiedSecrets;
use usage::Usage;

/// What requests about M2M clients share in memory.
pub struct M2m {
    /// How often clients may ask, and be wrong.
    pub limits: Limits,
    /// Tokens that are not counted in the database yet.
    pub usage: Usage,
    /// Secrets that were found to be right.
    pub verified: VerifiedSecrets,
}

impl M2m {
    /// Nothing has happened yet.
    pub fn new(master_key: &MasterKey) -> Self {
        M2m { limits: Limits::default(), usage: Usage::default(), verified: VerifiedSecrets::new(master_key) }
    }
}

/// The id that a management call names. One that cannot be an id names no client.
fn parse_id(cx: &Cx, id: &str) -> Result<M2mClientId> {
    M2mClientId::parse(id, cx.project.kind()).map_err(|error| match error {
        IdError::Malformed => ErrorType::M2mClientNotFound.into(),
        wrong_environment => wrong_environment.into_error("client_id"),
    })
}

/// The client that a management call names.
async fn get(db: &Db, cx: &Cx, id: &M2mClientId) -> Result<M2mClient> {
    let found = m2m_clients::find(db, cx.scope(), id).await?;
    found.ok_or_else(|| ErrorType::M2mClientNotFound.into())
}
