//! The end of every login: the one place where sessions and intermediate sessions come from.
//!
//! An operation proves something (a link was followed, a code was right) and calls [`finish`] within its transaction.
//! `finish` gathers what else the caller has, asks [`ostiary_core::login::decide`], and writes a session or an
//! intermediate session. [`Login::complete`] signs the session token after the commit.

use crate::cx::{Cx, Result};
use crate::ops::sessions::{self, render::Rendered};
use crate::ops::{phones, provisioning};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::factor::{self, Factor};
use ostiary_core::ids::SessionId;
use ostiary_core::locale::SmsLocale;
use ostiary_core::login::{self, MemberFacts, MfaRequired, Verdict};
use ostiary_core::member::Member;
use ostiary_core::organization::{AuthMethod, Organization};
use ostiary_core::session::{
    DURATION_MINUTES_DEFAULT, IMPERSONATION_MINUTES, INTERMEDIATE_MINUTES, Session, SessionArguments,
};
use ostiary_core::time::Timestamp;
use ostiary_proto::hash::sha256;
use ostiary_store::intermediate_sessions::{self, IntermediateSession};
use ostiary_store::seam::Db;
use ostiary_store::sessions::{FullSession, delete_others_of_member, find_full, insert, update};
use std::sync::Arc;

/// What a caller may bring along to an authenticating call.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// A living session, found before the transaction.
    pub session: Option<SessionId>,
    /// An intermediate session token.
    pub intermediate_session_token: Option<String>,
    /// Length and claims of the session to be.
    pub arguments: SessionArguments,
    /// The language of a text message that the login may cause.
    pub locale: SmsLocale,
}

impl Credentials {
    /// Tells one login from another; none when the caller brings nothing along.
    pub fn fingerprint(&self) -> Option<[u8; 32]> {
        match (&self.intermediate_session_token, self.session) {
            (Some(token), _) => Some(sha256(token.as_bytes())),
            (None, Some(session)) => Some(sha256(session.to_string().as_bytes())),
            (None, None) => None,
        }
    }
}

/// A login whose transaction is done.
pub struct Login {
    /// The member.
    pub member: Member,
    /// The organization.
    pub organization: Organization,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a login.
pub enum Outcome {
    /// A full session.
    Session {
        /// The session.
        session: Session,
        /// Its token.
        token: String,
    },
    /// Something is missing.
    Intermediate(Intermediate),
}

/// An intermediate session and what is missing for a full one.
#[derive(Clone, Debug, PartialEq)]
pub struct Intermediate {
    /// Its token.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The first factors of which one is missing.
    pub primary_required: Option<Vec<AuthMethod>>,
    /// The second factor that is missing.
    pub mfa_required: Option<MfaRequired>,
    /// Whether a text message with a code for it is on its way.
    pub sms_was_sent: bool,
}

/// A login as it is answered: with a signed session token when there is a session.
pub struct Authenticated {
    /// The member.
    pub member: Member,
    /// The organization.
    pub organization: Organization,
    /// The session with its tokens, or what is missing.
    pub result: std::result::Result<Arc<Rendered>, Intermediate>,
}

impl Login {
    /// Signs the session token and wakes the sender of messages; after the commit, since signing is slow, a transaction
    /// holds a connection, and what is not committed cannot be sent.
    pub fn complete(self, cx: &Cx) -> Result<Authenticated> {
        let result = match self.outcome {
            Outcome::Session { session, token } => {
                Ok(sessions::render::render(cx, &session, &self.member, &self.organization, token)?)
            }
            Outcome::Intermediate(intermediate) => {
                if intermediate.sms_was_sent {
                    cx.app.outbox_wake.notify_one();
                }
                Err(intermediate)
            }
        };
        Ok(Authenticated { member: self.member, organization: self.organization, result })
    }

    /// Like [`Login::complete`], for a login that others vouched for: it always is a session.
    pub fn session(self, cx: &Cx) -> Result<Arc<Rendered>> {
        self.complete(cx)?
            .result
            .map_err(|_| Error::internal("a login that others vouched for is not a session"))
    }
}

/// Judges a login of a member who has just proven `proven`, and writes what comes of it.
pub async fn finish(
    tx: &Db,
    cx: &Cx,
    organization: Organization,
    member: Member,
    proven: Vec<Factor>,
    credentials: &Credentials,
) -> Result<Login> {
    conclude(tx, cx, organization, member, proven, credentials, false).await
}

/// Like [`finish`], for a login that ends every session that the member had. The one that the caller brings along still
/// counts for what it holds; what comes of it is a new one.
pub async fn finish_anew(
    tx: &Db,
    cx: &Cx,
    organization: Organization,
    member: Member,
    proven: Vec<Factor>,
    credentials: &Credentials,
) -> Result<Login> {
    conclude(tx, cx, organization, member, proven, credentials, true).await
}

/// Gives a member a session because another system, which the project trusts, vouches for it. Nothing is judged: the
/// project has decided that this is enough, for every organization (spec 01b §7, attest and migrate).
pub async fn vouch(
    tx: &Db,
    cx: &Cx,
    organization: Organization,
    mut member: Member,
    factor: Factor,
    credentials: &Credentials,
) -> Result<Login> {
    assert!(factor.is_vouched(), "whoever proves something itself is judged");
    let duration =
        credentials.arguments.duration(cx.project.environment.settings.session_duration_minutes_max)?;
    let own_session = own_session(tx, cx, &member, credentials.session).await?;
    if member.signed_in(None, true, cx.now) {
        provisioning::save_member(tx, cx, &member).await?;
    }
    let (session, token) = match own_session {
        Some(own) => extend_session(tx, cx, own, vec![factor], duration, credentials).await?,
        None => create_session(tx, cx, &organization, &member, vec![factor], duration, credentials).await?,
    };
    Ok(Login { member, organization, outcome: Outcome::Session { session, token } })
}

/// Lets an operator act in a member's place. The session is a new one whatever the caller brings along, ends after an
/// hour, and says whose it is; nothing about the member changes (spec 05b §6).
pub async fn impersonate(
    tx: &Db,
    cx: &Cx,
    organization: Organization,
    member: Member,
    factor: Factor,
) -> Result<Login> {
    let (minutes, nothing) = (Some(IMPERSONATION_MINUTES), Credentials::default());
    let (session, token) =
        create_session(tx, cx, &organization, &member, vec![factor], minutes, &nothing).await?;
    Ok(Login { member, organization, outcome: Outcome::Session { session, token } })
}

async fn conclude(
    tx: &Db,
    cx: &Cx,
    organization: Organization,
    mut member: Member,
    proven: Vec<Factor>,
    credentials: &Credentials,
    is_anew: bool,
) -> Result<Login> {
    let duration =
        credentials.arguments.duration(cx.project.environment.settings.session_duration_minutes_max)?;
    let Brought { own_session, intermediate, mut factors } =
        bring(tx, cx, &organization, &member, credentials).await?;
    factor::merge(&mut factors, proven.iter().map(|factor| bind(factor, &member)));
    if is_anew {
        delete_others_of_member(tx, cx.scope(), member.id, None).await?;
    }

    let facts = MemberFacts { has_own_session: own_session.is_some(), ..MemberFacts::of(&member) };
    let verdict = login::decide(&organization.settings, &facts, &factors);
    let primary_is_met =
        matches!(verdict, Verdict::Session | Verdict::Intermediate { primary_required: None, .. });
    if primary_is_met {
        let proven_email = factors.iter().find_map(Factor::verified_email).map(str::to_owned);
        if member.signed_in(proven_email.as_deref(), verdict.is_session(), cx.now) {
            provisioning::save_member(tx, cx, &member).await?;
        }
    }
    let outcome = match verdict {
        Verdict::Session => {
            if let Some((token_hash, _)) = &intermediate
                && !intermediate_sessions::consume(tx, cx.scope(), token_hash, cx.now).await?
            {
                return Err(ErrorType::IntermediateSessionNotFound.into());
            }
            let (session, token) = match own_session {
                Some(own) if !is_anew => extend_session(tx, cx, own, factors, duration, credentials).await?,
                _ => create_session(tx, cx, &organization, &member, factors, duration, credentials).await?,
            };
            Outcome::Session { session, token }
        }
        Verdict::Intermediate { primary_required, mfa_required } => {
            let (token, expires_at) = match (&credentials.intermediate_session_token, &intermediate) {
                (Some(token), Some((token_hash, carried))) => {
                    let mut all = carried.factors.clone();
                    factor::merge(&mut all, factors.iter().map(Factor::unbound));
                    if all != carried.factors {
                        intermediate_sessions::set_factors(tx, cx.scope(), token_hash, &all).await?;
                    }
                    (token.clone(), carried.expires_at)
                }
                _ => {
                    let place = Some(organization.id);
                    create_intermediate(tx, cx, &member.email_address, place, factors).await?
                }
            };
            let sms_was_sent = match (&primary_required, &mfa_required) {
                (None, Some(MfaRequired { send_sms: Some(phone), .. })) => {
                    phones::send_code_if_possible(tx, cx, &member, phone, credentials.locale).await?
                }
                _ => false,
            };
            Outcome::Intermediate(Intermediate {
                token,
                expires_at,
                primary_required,
                mfa_required,
                sms_was_sent,
            })
        }
    };
    Ok(Login { member, organization, outcome })
}

/// What a caller brings along for a member.
struct Brought {
    /// The member's session.
    own_session: Option<FullSession>,
    /// The intermediate session with the hash of its token.
    intermediate: Option<([u8; 32], IntermediateSession)>,
    /// What of both counts here.
    factors: Vec<Factor>,
}

async fn bring(
    tx: &Db,
    cx: &Cx,
    organization: &Organization,
    member: &Member,
    credentials: &Credentials,
) -> Result<Brought> {
    let own_session = own_session(tx, cx, member, credentials.session).await?;
    let intermediate = match &credentials.intermediate_session_token {
        Some(token) => Some(get_intermediate(tx, cx, token).await?),
        None => None,
    };
    let mut factors = own_session.as_ref().map(|own| own.session.factors.clone()).unwrap_or_default();
    if let Some((_, carried)) = &intermediate {
        factor::merge(&mut factors, factors_for(carried, organization, member)?);
    }
    // What was proven with a password that the member no longer has is gone.
    factors.retain(|factor| factor.password_id().is_none_or(|id| member.password_id == Some(id)));
    Ok(Brought { own_session, intermediate, factors })
}

/// What a caller who goes on to a second factor has proven before: at least a first factor that counts here, in a
/// session or an intermediate session of this very member. `None` when nothing is brought along.
pub async fn first_factors(
    tx: &Db,
    cx: &Cx,
    organization: &Organization,
    member: &Member,
    credentials: &Credentials,
) -> Result<Option<Vec<Factor>>> {
    if credentials.session.is_none() && credentials.intermediate_session_token.is_none() {
        return Ok(None);
    }
    let brought = bring(tx, cx, organization, member, credentials).await?;
    if credentials.session.is_some() && brought.own_session.is_none() {
        return Err(ErrorType::MemberSessionMemberIdMismatch.into());
    }
    match login::decide(&organization.settings, &MemberFacts::of(member), &brought.factors) {
        Verdict::Intermediate { primary_required: Some(_), .. } => {
            Err(ErrorType::PrimaryAuthenticationNotMet.into())
        }
        _ => Ok(Some(brought.factors)),
    }
}

/// A factor gets the id that its address has with this member, so that sessions name it.
fn bind(factor: &Factor, member: &Member) -> Factor {
    match factor.verified_email() {
        Some(email) if email == member.email_address => factor.bound_to(member.email_id, email),
        _ => factor.clone(),
    }
}

/// The session that the caller has, if it is alive and this member's; one of somebody else is ignored (spec 01b §7). One
/// in which an operator acts in the member's place is refused, since nothing may be added to it.
async fn own_session(
    tx: &Db,
    cx: &Cx,
    member: &Member,
    session: Option<SessionId>,
) -> Result<Option<FullSession>> {
    let Some(id) = session else { return Ok(None) };
    let found = find_full(tx, cx.scope(), id, cx.now).await?;
    let own = found.filter(|found| found.session.member_id == member.id);
    if let Some(own) = &own {
        own.session.refuse_if_immutable()?;
    }
    Ok(own)
}

/// The living intermediate session with this token, and the hash of the token.
pub async fn get_intermediate(tx: &Db, cx: &Cx, token: &str) -> Result<([u8; 32], IntermediateSession)> {
    let token_hash = sha256(token.as_bytes());
    let found = intermediate_sessions::find(tx, cx.scope(), &token_hash, cx.now).await?;
    found.map(|found| (token_hash, found)).ok_or_else(|| ErrorType::IntermediateSessionNotFound.into())
}

/// What an intermediate session is worth for a member: all of it where it came about in this organization, otherwise
/// what may be carried over (spec 01b §5, transfer rule). It must be this person's.
fn factors_for(
    intermediate: &IntermediateSession,
    organization: &Organization,
    member: &Member,
) -> Result<Vec<Factor>> {
    if intermediate.email_address != member.email_address {
        return Err(ErrorType::InvalidIntermediateSessionForOrganization.into());
    }
    let same_place = intermediate.organization_id == Some(organization.id);
    Ok(intermediate
        .factors
        .iter()
        .filter(|factor| same_place || factor.is_transferable())
        .map(|factor| bind(factor, member))
        .collect())
}

/// Writes a new intermediate session and gives its token and end.
pub async fn create_intermediate(
    tx: &Db,
    cx: &Cx,
    email_address: &str,
    organization: Option<ostiary_core::ids::OrganizationId>,
    factors: Vec<Factor>,
) -> Result<(String, Timestamp)> {
    let token = cx.new_token();
    let session = IntermediateSession {
        email_address: email_address.to_owned(),
        organization_id: organization,
        // The next organization may know the address by another id.
        factors: factors.iter().map(Factor::unbound).collect(),
        created_at: cx.now,
        expires_at: cx.now.plus_minutes(INTERMEDIATE_MINUTES),
    };
    intermediate_sessions::insert(tx, cx.scope(), &sha256(token.as_bytes()), &session).await?;
    Ok((token, session.expires_at))
}

async fn create_session(
    tx: &Db,
    cx: &Cx,
    organization: &Organization,
    member: &Member,
    factors: Vec<Factor>,
    duration: Option<i64>,
    credentials: &Credentials,
) -> Result<(Session, String)> {
    let token = cx.new_token();
    let session = Session {
        id: cx.new_session_id(),
        member_id: member.id,
        organization_id: organization.id,
        factors,
        custom_claims: credentials.arguments.claims(&serde_json::Map::new())?,
        started_at: cx.now,
        last_accessed_at: cx.now,
        expires_at: cx.now.plus_minutes(duration.unwrap_or(DURATION_MINUTES_DEFAULT)),
        version: 1,
    };
    let sealed = sessions::seal_token(cx, session.id, &token);
    insert(tx, cx.scope(), &session, &sha256(token.as_bytes()), &sealed).await?;
    Ok((session, token))
}

async fn extend_session(
    tx: &Db,
    cx: &Cx,
    own: FullSession,
    factors: Vec<Factor>,
    duration: Option<i64>,
    credentials: &Credentials,
) -> Result<(Session, String)> {
    let token = sessions::open_token(cx, own.session.id, &own.token_sealed)?;
    let mut session = own.session;
    factor::merge(&mut session.factors, factors);
    session.custom_claims = credentials.arguments.claims(&session.custom_claims)?;
    if let Some(minutes) = duration {
        session.expires_at = cx.now.plus_minutes(minutes);
    }
    session.last_accessed_at = cx.now;
    session.version += 1;
    if !update(tx, cx.scope(), &session).await? {
        return Err(Error::from(ErrorType::SessionNotFound));
    }
    Ok((session, token))
}
