//! The keys of trusted token profiles: files that are parsed, and key sets that are fetched and kept for a while.

use crate::cx::{Cx, Result};
use crate::fetch::Fetch;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::time::{MINUTE, Timestamp};
use ostiary_core::trusted_token::{PublicKeyType, TrustedTokenProfile};
use ostiary_proto::jose::{self, Claims, ForeignKey, JwtError};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use url::Url;

/// For how long a key set is taken as it was fetched, in minutes (chosen).
const FRESH_MINUTES: i64 = 15;
/// For how long it is taken when it cannot be fetched again, in minutes (chosen).
const STALE_MINUTES: i64 = 24 * 60;
/// How soon a key set is fetched again because of a key that it does not have, or because it could not be fetched, in
/// minutes (spec 05a §8): nobody makes this server ask somebody else by sending tokens.
const RETRY_MINUTES: i64 = 1;
/// The most key sets that are kept.
const KEPT_MAX: usize = 1000;

#[derive(Clone)]
struct Kept {
    keys: Arc<Vec<ForeignKey>>,
    /// When the keys were fetched; none while they never were.
    fetched_at: Option<Timestamp>,
    tried_at: Timestamp,
}

/// The key sets of all profiles, in memory.
#[derive(Default)]
pub struct KeySets {
    kept: Mutex<HashMap<String, Kept>>,
}

impl KeySets {
    fn find(&self, url: &str) -> Option<Kept> {
        self.kept.lock().get(url).cloned()
    }

    fn keep(&self, url: &str, set: Kept) {
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(url.to_owned(), set);
    }
}

/// Checks the signature of a token by the keys of a profile and gives its claims.
///
/// # Errors
/// `invalid_trusted_auth_token`; `server_unavailable` when the keys cannot be fetched.
pub async fn verify(cx: &Cx, profile: &TrustedTokenProfile, token: &str) -> Result<Claims> {
    let verified = match profile.public_key_type {
        PublicKeyType::Pem => {
            let keys: Vec<ForeignKey> =
                profile.pem_files.iter().filter_map(|file| ForeignKey::of_pem(&file.public_key)).collect();
            jose::verify_foreign(token, &keys)
        }
        PublicKeyType::Jwk => {
            let keys = fetched(cx, &profile.jwks_url, false).await?;
            match jose::verify_foreign(token, &keys) {
                // The other side may have a newer key.
                Err(JwtError::UnknownKey) => {
                    jose::verify_foreign(token, &fetched(cx, &profile.jwks_url, true).await?)
                }
                verified => verified,
            }
        }
    };
    verified.map_err(|error| ErrorType::InvalidTrustedAuthToken.with_message(format!("{}.", sentence(error))))
}

fn sentence(error: JwtError) -> String {
    match error {
        JwtError::Algorithm => "the token must be signed with RS256 or ES256".to_owned(),
        other => other.to_string(),
    }
}

async fn fetched(cx: &Cx, url: &str, wants_newer: bool) -> Result<Arc<Vec<ForeignKey>>> {
    let sets = &cx.app.key_sets;
    let kept = sets.find(url);
    let age_of = |time: Timestamp| (cx.now.micros() - time.micros()).max(0) / MINUTE;
    if let Some(kept) = &kept {
        let is_fresh = kept.fetched_at.is_some_and(|time| age_of(time) < FRESH_MINUTES);
        if (is_fresh && !wants_newer) || age_of(kept.tried_at) < RETRY_MINUTES {
            return usable(kept, &age_of);
        }
    }
    let set = match fetch(cx.app.options.fetch.as_ref(), url).await {
        Ok(keys) => Kept { keys: Arc::new(keys), fetched_at: Some(cx.now), tried_at: cx.now },
        Err(reason) => {
            tracing::warn!(jwks.url = url, error.reason = reason, "the keys of a profile cannot be fetched");
            let before = kept.unwrap_or(Kept { keys: Arc::default(), fetched_at: None, tried_at: cx.now });
            Kept { tried_at: cx.now, ..before }
        }
    };
    sets.keep(url, set.clone());
    usable(&set, &age_of)
}

fn usable(kept: &Kept, age_of: &impl Fn(Timestamp) -> i64) -> Result<Arc<Vec<ForeignKey>>> {
    match kept.fetched_at {
        Some(time) if age_of(time) < STALE_MINUTES => Ok(kept.keys.clone()),
        _ => Err(Error {
            retry_after_seconds: Some(60),
            ..ErrorType::ServerUnavailable
                .with_message("The keys of the profile cannot be fetched. Try again shortly.")
        }),
    }
}

async fn fetch(fetch: &dyn Fetch, url: &str) -> std::result::Result<Vec<ForeignKey>, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let answer = fetch.get(&url, None).await.map_err(|error| error.0)?;
    if answer.status != 200 {
        return Err(format!("the answer has the status {}", answer.status));
    }
    let document = serde_json::from_slice(&answer.body).map_err(|_| "the answer is not JSON".to_owned())?;
    ForeignKey::of_jwks(&document).ok_or_else(|| "the answer is not a key set".to_owned())
}
