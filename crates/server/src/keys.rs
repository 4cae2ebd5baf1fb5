//! The signing keys of a project environment: which signs now, which are published, when the next one is due.
//!
//! A new key is published [`PUBLISHED_BEFORE_SIGNING_MINUTES`] before it signs, so that every verifier has fetched it; a
//! replaced key is accepted for [`VERIFIES_AFTER_REPLACEMENT_MINUTES`] more (spec 01b §7: a month).

use ostiary_core::error::Error;
use ostiary_core::ids::KeyId;
use ostiary_core::time::Timestamp;
use ostiary_proto::jose::{PublicKey, SigningKey};
use ostiary_proto::random::{RandomSource, uuid};
use ostiary_proto::seal::MasterKey;
use ostiary_store::Scope;
use ostiary_store::environments::StoredSigningKey;
use serde_json::json;
use std::sync::Arc;

/// How long a key is published before it signs: the longest time for which an official SDK keeps a key set without
/// asking again for an unknown key (contract: an hour).
pub const PUBLISHED_BEFORE_SIGNING_MINUTES: i64 = 60;
/// How long a replaced key is still accepted.
pub const VERIFIES_AFTER_REPLACEMENT_MINUTES: i64 = 30 * 24 * 60;
/// After how long a key is replaced (spec 01b §7: about six months).
pub const ROTATION_MINUTES: i64 = 180 * 24 * 60;

struct RingKey {
    signing: SigningKey,
    created_at: Timestamp,
    signs_from: Timestamp,
    verifies_until: Option<Timestamp>,
}

impl RingKey {
    fn verifies_at(&self, now: Timestamp) -> bool {
        self.verifies_until.is_none_or(|until| until > now)
    }
}

/// The keys of one environment, by the time from which they sign.
pub struct KeyRing(Vec<RingKey>);

fn seal_context(scope: Scope, id: KeyId) -> String {
    format!("signing key {id} of environment {}", scope.env)
}

impl KeyRing {
    /// Opens the stored keys. Fails when the master key is not the one that sealed them.
    pub fn open(stored: Vec<StoredSigningKey>, scope: Scope, master_key: &MasterKey) -> Result<Self, Error> {
        let open = |key: StoredSigningKey| {
            let der = master_key
                .open(&seal_context(scope, key.id), &key.private_key)
                .ok_or_else(|| Error::internal("a signing key cannot be opened with this master key"))?;
            let signing = SigningKey::from_pkcs8(&key.id.to_string(), &der).map_err(Error::internal)?;
            Ok(RingKey {
                signing,
                created_at: key.created_at,
                signs_from: key.signs_from,
                verifies_until: key.verifies_until,
            })
        };
        stored.into_iter().map(open).collect::<Result<Vec<_>, Error>>().map(KeyRing)
    }

    /// The key that signs at this time: the newest one whose time has come. `None` only for an environment that was
    /// never set up.
    pub fn signing_key(&self, now: Timestamp) -> Option<&SigningKey> {
        self.0.iter().rev().find(|key| key.signs_from <= now).map(|key| &key.signing)
    }

    /// The key with this `kid`, if its tokens are accepted at this time, and until when they are.
    pub fn verifying_key(&self, kid: &str, now: Timestamp) -> Option<(Arc<PublicKey>, Timestamp)> {
        self.0.iter().find(|key| key.signing.kid() == kid && key.verifies_at(now)).map(|key| {
            let until = key.verifies_until.unwrap_or(Timestamp::from_micros(i64::MAX));
            (key.signing.public_key().clone(), until)
        })
    }

    /// The published key set (spec 01b §7, JWKS), without the fields that every answer has.
    pub fn jwks(&self, now: Timestamp) -> serde_json::Value {
        let keys: Vec<_> = self
            .0
            .iter()
            .filter(|key| key.verifies_at(now))
            .map(|key| key.signing.public_key().to_jwk())
            .collect();
        json!(keys)
    }

    /// Whether it is time for the next key.
    pub fn rotation_is_due(&self, now: Timestamp) -> bool {
        self.0.iter().all(|key| key.created_at.plus_minutes(ROTATION_MINUTES) <= now)
    }

    /// Whether there is a key at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Makes a signing key. The first key of an environment signs at once, since nobody has fetched a key set yet.
pub fn generate(
    scope: Scope,
    master_key: &MasterKey,
    random: &dyn RandomSource,
    now: Timestamp,
    is_first: bool,
) -> Result<StoredSigningKey, Error> {
    let id = KeyId::new(uuid(random), scope.kind);
    let (_, der) = SigningKey::generate(&id.to_string()).map_err(Error::internal)?;
    let signs_from = if is_first { now } else { now.plus_minutes(PUBLISHED_BEFORE_SIGNING_MINUTES) };
    Ok(StoredSigningKey {
        id,
        private_key: master_key.seal(&seal_context(scope, id), &der, random),
        created_at: now,
        signs_from,
        verifies_until: None,
    })
}
