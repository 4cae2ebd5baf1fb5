//! The session check: the call that applications make on each of their own requests.
//!
//! One indexed statement says whether the session lives and which versions are current. If an answer for these
//! versions was signed a moment ago it is given again; otherwise session, member and organization are read and a new
//! token is signed. Where answers are never given again, that is read at once. Nothing is written unless the caller asks for a longer life or other claims.

use super::cache::SessionCache;
use super::render::{Rendered, Versions, render, roles_of};
use super::tokens::{self, SessionCredential};
use crate::cx::{Cx, Result};
use crate::ops::lookup;
use crate::telemetry::SessionOutcome;
use ostiary_core::error::ErrorType;
use ostiary_core::ids::{OrganizationId, SessionId};
use ostiary_core::rbac::{self, Role};
use ostiary_core::session::SessionArguments;
use ostiary_core::time::MINUTE;
use ostiary_proto::hash::sha256;
use ostiary_store::seam::Db;
use ostiary_store::sessions::{self, FullSession, SessionState};
use std::sync::Arc;

/// A question whether the member may do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCheck {
    /// The organization in which it would be done, by any identifier.
    pub organization: String,
    /// On what.
    pub resource_id: String,
    /// What.
    pub action: String,
}

/// A session check.
#[derive(Clone, Debug)]
pub struct Check {
    /// The credential.
    pub credential: SessionCredential,
    /// A wish for another length or other claims.
    pub arguments: SessionArguments,
    /// What the member wants to do.
    pub authorization: Option<AuthorizationCheck>,
}

/// A session that passed.
pub struct Checked {
    /// The answer.
    pub rendered: Arc<Rendered>,
    /// The roles that allow what was asked.
    pub granting_roles: Option<Vec<String>>,
}

/// Checks a session and counts how that went.
pub async fn authenticate(cx: &Cx, check: Check) -> Result<Checked> {
    let result = find_and_judge(cx, check).await;
    cx.app.metrics.session_authenticated(match &result {
        Ok(_) => SessionOutcome::Accepted,
        Err(error) => match error.kind {
            ErrorType::UnableToParseSessionJwt => SessionOutcome::InvalidJwt,
            ErrorType::SessionAuthorizationError | ErrorType::SessionAuthorizationTenancyError => {
                SessionOutcome::Forbidden
            }
            _ => SessionOutcome::NotFound,
        },
    });
    result
}

/// Checks a session; `session_not_found` when it is unknown, ended, revoked, or its member is not active any more.
async fn find_and_judge(cx: &Cx, check: Check) -> Result<Checked> {
    let duration = check.arguments.duration(cx.project.environment.settings.session_duration_minutes_max)?;
    let reader = cx.reader();
    let key = Key::of(cx, &check.credential)?;
    match find_kept(&reader, cx, &key).await? {
        Some(kept) if is_applied(&cx.app.session_cache, cx, &kept, duration, &check.arguments)? => {
            let Rendered { session, organization_roles, roles, .. } = &*kept;
            let asked = check.authorization.as_ref();
            let own = session.organization_id;
            let granting_roles = authorize(&reader, cx, own, organization_roles, roles, asked).await?;
            Ok(Checked { rendered: kept, granting_roles })
        }
        _ => renew(&reader, cx, Renewal { key, duration, check }).await,
    }
}

/// A session that is to be read, and changed where the check asks for that.
#[derive(Clone)]
struct Renewal {
    key: Key,
    duration: Option<i64>,
    check: Check,
}

/// What a session is looked up by.
#[derive(Clone, Copy)]
enum Key {
    Id(SessionId),
    TokenHash([u8; 32]),
}

impl Key {
    fn of(cx: &Cx, credential: &SessionCredential) -> Result<Self> {
        Ok(match credential {
            SessionCredential::Token(token) => Key::TokenHash(sha256(token.as_bytes())),
            SessionCredential::Jwt(jwt) => Key::Id(tokens::session_of_jwt(cx, jwt)?),
        })
    }

    async fn get_state(&self, db: &Db, cx: &Cx) -> Result<SessionState> {
        let found = match self {
            Key::Id(id) => sessions::find_state(db, cx.scope(), *id, cx.now).await?,
            Key::TokenHash(hash) => sessions::find_state_by_token(db, cx.scope(), hash, cx.now).await?,
        };
        found.ok_or_else(|| ErrorType::SessionNotFound.into())
    }

    async fn get_full(&self, db: &Db, cx: &Cx) -> Result<FullSession> {
        let found = match self {
            Key::Id(id) => sessions::find_full(db, cx.scope(), *id, cx.now).await?,
            Key::TokenHash(hash) => sessions::find_full_by_token(db, cx.scope(), hash, cx.now).await?,
        };
        found.ok_or_else(|| ErrorType::SessionNotFound.into())
    }
}

/// The answer that was given a moment ago, if the session lives and nothing has changed since.
async fn find_kept(db: &Db, cx: &Cx, key: &Key) -> Result<Option<Arc<Rendered>>> {
    if !cx.app.session_cache.is_on() {
        return Ok(None);
    }
    let state = key.get_state(db, cx).await?;
    let kept = cx.app.session_cache.find(cx.scope().env, state.session_id.uuid(), cx.now);
    let versions = versions_of(&state, cx);
    Ok(kept.filter(|kept| kept.versions == versions))
}

fn versions_of(state: &SessionState, cx: &Cx) -> Versions {
    Versions {
        session: state.session_version,
        member: state.member_version,
        organization: state.organization_version,
        project: cx.project.environment.version,
    }
}

/// Whether an answer already has the length and the claims that are wished. The same length asked for again within the
/// time of reuse counts as applied, since callers that pass one on every request would otherwise force a signature and
/// a write each time.
fn is_applied(
    cache: &SessionCache,
    cx: &Cx,
    kept: &Rendered,
    duration: Option<i64>,
    arguments: &SessionArguments,
) -> Result<bool> {
    let length_fits = duration.is_none_or(|minutes| {
        let wished = cx.now.micros().saturating_add(minutes.saturating_mul(MINUTE));
        (0..cache.reuse_micros()).contains(&(wished - kept.session.expires_at.micros()))
    });
    let current = &kept.session.custom_claims;
    let claims_fit = arguments.custom_claims.is_none() || arguments.claims(current)? == *current;
    Ok(length_fits && claims_fit)
}

/// Permission comes first: a check that fails neither changes the session nor counts as its use (spec 03a §7).
async fn renew(db: &Db, cx: &Cx, renewal: Renewal) -> Result<Checked> {
    let changes = renewal.duration.is_some() || renewal.check.arguments.custom_claims.is_some();
    let (mut full, granting_roles) = if changes {
        cx.write(renewal, extend_in_transaction).await?
    } else {
        let full = renewal.key.get_full(db, cx).await?;
        let granting_roles = authorize_full(db, cx, &full, renewal.check.authorization.as_ref()).await?;
        (full, granting_roles)
    };
    let id = full.session.id;
    let token = tokens::open_token(cx, id, &full.token_sealed)?;
    cx.app.activity.note(cx.scope().env, id.uuid(), full.session.last_accessed_at, cx.now);
    full.session.last_accessed_at = cx.now;
    let rendered = render(cx, &full.session, &full.member, &full.organization, token)?;
    cx.app.session_cache.keep(cx.scope().env, id.uuid(), &rendered, cx.now);
    Ok(Checked { rendered, granting_roles })
}

async fn extend_in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<Renewal>,
) -> Result<(FullSession, Option<Vec<String>>)> {
    let Renewal { key, duration, check } = &*input;
    let mut full = key.get_full(&tx, &cx).await?;
    let granting_roles = authorize_full(&tx, &cx, &full, check.authorization.as_ref()).await?;
    full.session.refuse_if_immutable()?;
    if let Some(minutes) = duration {
        full.session.expires_at = cx.now.plus_minutes(*minutes);
    }
    full.session.custom_claims = check.arguments.claims(&full.session.custom_claims)?;
    full.session.version += 1;
    if sessions::update(&tx, cx.scope(), &full.session).await? {
        Ok((full, granting_roles))
    } else {
        Err(ErrorType::SessionNotFound.into())
    }
}

async fn authorize_full(
    db: &Db,
    cx: &Cx,
    full: &FullSession,
    asked: Option<&AuthorizationCheck>,
) -> Result<Option<Vec<String>>> {
    if asked.is_none() {
        return Ok(None);
    }
    let organization = &full.organization;
    let (_, roles) = roles_of(cx, &full.member, organization);
    authorize(db, cx, organization.id, &organization.custom_roles, &roles, asked).await
}

/// The roles among these that allow what is asked in the session's `own` organization; nothing when nothing is asked.
async fn authorize(
    db: &Db,
    cx: &Cx,
    own: OrganizationId,
    organization_roles: &[Role],
    roles: &[String],
    asked: Option<&AuthorizationCheck>,
) -> Result<Option<Vec<String>>> {
    let Some(asked) = asked else { return Ok(None) };
    let is_own = asked.organization == own.to_string()
        || lookup::find_organization(db, cx, &asked.organization)
            .await?
            .is_some_and(|organization| organization.id == own);
    if !is_own {
        return Err(ErrorType::SessionAuthorizationTenancyError.into());
    }
    let index = &cx.project.policy_index;
    rbac::allows(index, organization_roles, roles, &asked.resource_id, &asked.action)
        .map(Some)
        .ok_or_else(|| ErrorType::SessionAuthorizationError.into())
}
