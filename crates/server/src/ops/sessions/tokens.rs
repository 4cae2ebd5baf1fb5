//! The two forms of a session's credential: the opaque token and the signed one.

use crate::cx::{Cx, Result};
use crate::ops::sessions::cache::VerifiedJwt;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::SessionId;
use ostiary_proto::hash::sha256;
use ostiary_proto::jose::{self, JwtError};
use ostiary_store::seam::Db;
use ostiary_store::sessions;

/// A session's credential as a request carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionCredential {
    /// The opaque token.
    Token(String),
    /// The signed token; it may be past its end, since the session behind it is looked up.
    Jwt(String),
}

/// The longest opaque token that is looked up, in bytes.
const TOKEN_BYTES_MAX: usize = 256;

impl SessionCredential {
    /// Exactly one of the two must be given.
    pub fn exactly_one(token: Option<String>, jwt: Option<String>) -> Result<Self> {
        Self::at_most_one(token, jwt)?.ok_or_else(|| ErrorType::NoSessionArguments.into())
    }

    /// At most one of the two may be given.
    pub fn at_most_one(token: Option<String>, jwt: Option<String>) -> Result<Option<Self>> {
        match (token, jwt) {
            (Some(_), Some(_)) => Err(ErrorType::TooManySessionArguments.into()),
            (Some(token), None) => Ok(Some(SessionCredential::Token(token))),
            (None, Some(jwt)) => Ok(Some(SessionCredential::Jwt(jwt))),
            (None, None) => Ok(None),
        }
    }
}

fn context(id: SessionId) -> String {
    format!("token of {id}")
}

/// Encrypts a session's token, so that a caller who has only the signed one can be answered with the same.
pub fn seal_token(cx: &Cx, id: SessionId, token: &str) -> Vec<u8> {
    cx.app.master_key.seal(&context(id), token.as_bytes(), cx.app.random.as_ref())
}

/// Decrypts what [`seal_token`] made.
pub fn open_token(cx: &Cx, id: SessionId, sealed: &[u8]) -> Result<String> {
    cx.app
        .master_key
        .open(&context(id), sealed)
        .and_then(|token| String::from_utf8(token).ok())
        .ok_or_else(|| Error::internal("a session token cannot be opened with this master key"))
}

/// The session that a signed token names. Signature, issuer and audience must be right; the end of the token does not
/// matter, because the session itself is looked up afterwards.
pub fn session_of_jwt(cx: &Cx, jwt: &str) -> Result<SessionId> {
    let hash = sha256(jwt.as_bytes());
    if let Some(id) = cx.app.session_cache.verified_jwt(&hash, cx.project.environment.version, cx.now) {
        return Ok(id);
    }
    let unreadable = || Error::from(ErrorType::UnableToParseSessionJwt);
    let mut accepted_until = cx.now;
    let key = |kid: &str| {
        let (key, until) = cx.project.keys.verifying_key(kid, cx.now)?;
        accepted_until = until;
        Some(key)
    };
    let claims = jose::verify(jwt, key).map_err(|_: JwtError| unreadable())?;
    jose::check_issuer(&claims, &cx.project.issuer).map_err(|_| unreadable())?;
    jose::check_audience(&claims, &cx.project.id().to_string()).map_err(|_| unreadable())?;
    let id = claims
        .get("https://stytch.com/session")
        .and_then(|session| session.get("id"))
        .and_then(|id| id.as_str())
        .and_then(|id| SessionId::parse(id, cx.project.kind()).ok())
        .ok_or_else(unreadable)?;
    cx.app.session_cache.remember_jwt(
        hash,
        VerifiedJwt { project_version: cx.project.environment.version, session: id, accepted_until },
    );
    Ok(id)
}

/// The living session behind a credential; `session_not_found` when there is none.
pub async fn find_session(db: &Db, cx: &Cx, credential: &SessionCredential) -> Result<SessionId> {
    let state = match credential {
        SessionCredential::Token(token) if token.len() <= TOKEN_BYTES_MAX => {
            sessions::find_state_by_token(db, cx.scope(), &sha256(token.as_bytes()), cx.now).await?
        }
        SessionCredential::Token(_) => None,
        SessionCredential::Jwt(jwt) => {
            let id = session_of_jwt(cx, jwt)?;
            sessions::find_state(db, cx.scope(), id, cx.now).await?
        }
    };
    state.map(|state| state.session_id).ok_or_else(|| ErrorType::SessionNotFound.into())
}
