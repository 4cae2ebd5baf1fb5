//! Signed session tokens that may be answered again.
//!
//! Signing costs ten times what the rest of a session check does. So an answer that was just signed is kept for a few
//! seconds and given again, but only after the database has said, for this very request, that the session is alive and
//! that session, member, organization and project still have the versions for which it was signed. A revoked session
//! is therefore refused by the next call, and a changed role shows in it.

use super::render::Rendered;
use ostiary_core::ids::SessionId;
use ostiary_core::time::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How many parts the cache has, so that threads seldom meet at one lock.
const SHARDS: usize = 16;
/// The most answers in one part: 16 times this many sessions are served without signing anew. An answer takes about
/// 6 kB.
const ANSWERS_PER_SHARD_MAX: usize = 512;
/// The most verified tokens remembered in one part, at about 100 bytes each.
const JWTS_PER_SHARD_MAX: usize = 2048;

#[derive(Default)]
struct Shard {
    answers: HashMap<(i64, Uuid), Arc<Rendered>>,
    jwts: HashMap<[u8; 32], VerifiedJwt>,
}

/// A signed token whose signature, issuer and audience were right.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedJwt {
    /// The version of the project under which it was verified.
    pub project_version: i64,
    /// The session that it names.
    pub session: SessionId,
    /// When the key that signed it is no longer accepted.
    pub accepted_until: Timestamp,
}

/// Answers that were just signed, and signed tokens that were just verified.
pub struct SessionCache {
    reuse_micros: i64,
    shards: [Mutex<Shard>; SHARDS],
}

impl SessionCache {
    /// A cache that gives answers again for this long; zero switches it off.
    pub fn new(reuse: Duration) -> Self {
        SessionCache {
            reuse_micros: i64::try_from(reuse.as_micros()).unwrap_or(0),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Whether answers are given again at all.
    pub fn is_on(&self) -> bool {
        self.reuse_micros > 0
    }

    /// For how long an answer may be given again, in microseconds.
    pub fn reuse_micros(&self) -> i64 {
        self.reuse_micros
    }

    /// The part for a key whose last byte is as good as random: a version 4 UUID or a hash.
    fn shard(&self, key: &[u8]) -> &Mutex<Shard> {
        &self.shards[usize::from(key[key.len() - 1]) % SHARDS]
    }

    /// The answer for a session, if it is recent enough. The caller compares the versions.
    pub fn find(&self, env: i64, session: Uuid, now: Timestamp) -> Option<Arc<Rendered>> {
        let shard = self.shard(session.as_bytes()).lock();
        let rendered = shard.answers.get(&(env, session))?;
        self.is_fresh(rendered, now).then(|| rendered.clone())
    }

    fn is_fresh(&self, rendered: &Rendered, now: Timestamp) -> bool {
        let age = now.micros() - rendered.signed_at.micros();
        (0..self.reuse_micros).contains(&age)
    }

    /// Keeps an answer. When the part is full, what is no longer fresh makes room, and if all is fresh, everything
    /// does.
    pub fn keep(&self, env: i64, session: Uuid, rendered: &Arc<Rendered>, now: Timestamp) {
        if !self.is_on() {
            return;
        }
        let mut shard = self.shard(session.as_bytes()).lock();
        if shard.answers.len() >= ANSWERS_PER_SHARD_MAX {
            shard.answers.retain(|_, kept| self.is_fresh(kept, now));
            if shard.answers.len() >= ANSWERS_PER_SHARD_MAX {
                shard.answers.clear();
            }
        }
        shard.answers.insert((env, session), rendered.clone());
    }

    /// The session of a signed token that was verified before and would be again.
    pub fn verified_jwt(&self, hash: &[u8; 32], project_version: i64, now: Timestamp) -> Option<SessionId> {
        let shard = self.shard(hash).lock();
        let known = shard.jwts.get(hash)?;
        (known.project_version == project_version && known.accepted_until > now).then_some(known.session)
    }

    /// Remembers that a signed token was verified. The hash covers the signature, so nothing but the same token finds
    /// it again.
    pub fn remember_jwt(&self, hash: [u8; 32], verified: VerifiedJwt) {
        let mut shard = self.shard(&hash).lock();
        if shard.jwts.len() >= JWTS_PER_SHARD_MAX {
            shard.jwts.clear();
        }
        shard.jwts.insert(hash, verified);
    }
}
