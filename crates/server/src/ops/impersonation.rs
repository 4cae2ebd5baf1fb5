//! Acting in a member's place (spec 05b §6). An operator asks for a token and says why; whoever has the token gets a
//! session of one hour that says whose it is wherever it is seen. The token and what came of it stay on record.

use crate::cx::{Cx, Result};
use crate::ops::login::{self, Authenticated, Login, Outcome};
use crate::ops::lookup;
use crate::ops::magic_links::link;
use crate::ops::management::{Operator, Place, keys};
use ostiary_core::error::ErrorType;
use ostiary_core::factor::{Factor, Proof};
use ostiary_core::ids::MemberId;
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::redirect_url::{RedirectUrlType, append_query};
use ostiary_core::time::Timestamp;
use ostiary_proto::hash::sha256;
use ostiary_store::impersonations;
pub use ostiary_store::impersonations::Impersonation as Record;
use ostiary_store::seam::Db;
use ostiary_store::{members, organizations};
use std::sync::Arc;

/// For how long a token can be used, in minutes (spec 01b §7).
const TOKEN_MINUTES: i64 = 5;
/// The longest reason, in characters (chosen).
const REASON_CHARS_MAX: usize = 512;
/// For how many days tokens and their use stay on record (chosen).
pub const RECORD_DAYS: i64 = 400;
/// The most records of one answer.
const RECORDS_MAX: i64 = 1000;

/// A wish to act in a member's place.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The member, by id.
    pub member: String,
    /// The operator's own address.
    pub impersonator_email: String,
    /// Why.
    pub reason: String,
}

/// A token, which cannot be read again.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The token.
    pub token: String,
    /// Where to go with it: the application's default page for signing in. None when the environment has no such page.
    pub url: Option<String>,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// Makes a token for acting in a member's place.
///
/// # Errors
/// `invalid_impersonation_reason`, `invalid_email`, `member_not_found`, and `member_impersonation_not_allowed` when the
/// environment does not have it or the member is not active.
pub async fn issue(operator: &Operator, place: &Place, wish: Wish) -> Result<Issued> {
    let cx = operator.within(place).await?;
    let reason = wish.reason.trim();
    let is_reason = !reason.is_empty()
        && reason.chars().count() <= REASON_CHARS_MAX
        && !reason.chars().any(|character| character.is_control() && character != '\n');
    if !is_reason {
        return Err(ErrorType::InvalidImpersonationReason.into());
    }
    let email = lookup::email(&wish.impersonator_email)?;
    let id =
        MemberId::parse(&wish.member, cx.project.kind()).map_err(|error| error.into_error("member_id"))?;
    let member = members::find_anywhere(&cx.reader(), cx.scope(), id).await?;
    let member = member.ok_or(ErrorType::MemberNotFound)?;
    refuse_unless_allowed(&cx, &member)?;
    let token = cx.new_token();
    let issued = Issued {
        url: link::choose_url(&cx, None, RedirectUrlType::Login, &None)
            .ok()
            .map(|url| append_query(&url, &[("stytch_token_type", TOKEN_TYPE), ("token", &token)])),
        expires_at: cx.now.plus_minutes(TOKEN_MINUTES),
        token,
    };
    let record = Record {
        organization_id: member.organization_id,
        member_id: member.id,
        impersonator_id: keys::id_text(&operator.key),
        impersonator_email_address: email.as_str().to_owned(),
        reason: reason.to_owned(),
        created_at: cx.now,
        expires_at: issued.expires_at,
        used_at: None,
        session_id: None,
    };
    tracing::info!(
        operator.key = record.impersonator_id,
        member.id = %member.id,
        organization.id = %member.organization_id,
        "an operator asked to act in the place of a member"
    );
    cx.write((sha256(issued.token.as_bytes()), record), insert).await?;
    Ok(issued)
}

/// The `stytch_token_type` of impersonation (contract `frontend.md` §6).
const TOKEN_TYPE: &str = "multi_tenant_impersonation";

async fn insert(tx: Db, cx: Cx, input: Arc<([u8; 32], Record)>) -> Result<()> {
    let (token_hash, record) = &*input;
    Ok(impersonations::insert(&tx, cx.scope(), token_hash, record).await?)
}

fn refuse_unless_allowed(cx: &Cx, member: &Member) -> Result<()> {
    let is_on = cx.project.environment.settings.user_impersonation_enabled;
    if is_on && member.status == MemberStatus::Active {
        return Ok(());
    }
    Err(ErrorType::MemberImpersonationNotAllowed.into())
}

/// What operators did in members' places, newest first, before a time; at most 1000 records.
pub async fn records(operator: &Operator, place: &Place, before: Option<Timestamp>) -> Result<Vec<Record>> {
    let scope = operator.environment(place).await?.scope;
    // Records of this very moment are listed too.
    let before = before.unwrap_or(operator.now.plus_minutes(1));
    Ok(impersonations::list(&operator.app.store.reader(), scope, before, RECORDS_MAX).await?)
}

/// Uses a token up and gives the session. What is asked for now is whether the member may be impersonated now.
///
/// # Errors
/// `unable_to_auth_impersonation_token`, `member_impersonation_not_allowed`.
pub async fn authenticate(cx: &Cx, token: &str) -> Result<Authenticated> {
    let login = cx.write(sha256(token.as_bytes()), authenticate_in_transaction).await?;
    tracing::info!(
        member.id = %login.member.id,
        organization.id = %login.organization.id,
        "an operator acts in the place of a member"
    );
    login.complete(cx)
}

async fn authenticate_in_transaction(tx: Db, cx: Cx, token_hash: Arc<[u8; 32]>) -> Result<Login> {
    let used = impersonations::consume(&tx, cx.scope(), &token_hash, cx.now).await?;
    let used = used.ok_or(ErrorType::UnableToAuthImpersonationToken)?;
    let organization = organizations::find(&tx, cx.scope(), used.organization_id).await?;
    let member = members::find(&tx, cx.scope(), used.organization_id, used.member_id).await?;
    let (Some(organization), Some(member)) = (organization, member) else {
        return Err(ErrorType::MemberImpersonationNotAllowed.into());
    };
    refuse_unless_allowed(&cx, &member)?;
    let proof = Proof::Impersonation {
        impersonator_id: used.impersonator_id,
        impersonator_email_address: used.impersonator_email_address,
    };
    let login = login::impersonate(&tx, &cx, organization, member, Factor::new(proof, cx.now)).await?;
    if let Outcome::Session { session, .. } = &login.outcome {
        impersonations::set_session(&tx, cx.scope(), &token_hash, session.id).await?;
    }
    Ok(login)
}
