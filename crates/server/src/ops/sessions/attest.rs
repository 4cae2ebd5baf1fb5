//! Signing in with a token of a system that the project trusts (spec 01b §7, attest).

use crate::cx::{Cx, Result};
use crate::ops::login::{self, Credentials, Login};
use crate::ops::sessions::render::Rendered;
use crate::ops::{lookup, organizations as organization_ops, provisioning, trusted_keys};
use ostiary_core::email::EmailAddress;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::factor::{Factor, Proof};
use ostiary_core::ids::{IdError, OrganizationId, TrustedTokenProfileId};
use ostiary_core::member::{Member, MemberStatus, valid_member_external_id};
use ostiary_core::organization::{Organization, OrganizationChange};
use ostiary_core::time::Timestamp;
use ostiary_core::trusted_token::{Attribute, TrustedTokenProfile};
use ostiary_proto::hash::sha256;
use ostiary_proto::jose::{self, Claims};
use ostiary_store::seam::Db;
use ostiary_store::{members, organizations, trusted_tokens};
use serde_json::Value;
use std::sync::Arc;

/// The longest claim that names something, in bytes (chosen).
const CLAIM_BYTES_MAX: usize = 256;

/// A token to sign in with.
pub struct Attest {
    /// The profile, by id.
    pub profile: String,
    /// The token.
    pub token: String,
    /// The organization by any identifier, where the token names none.
    pub organization: Option<String>,
    /// A session to which the token is added, and the arguments of the session to be.
    pub credentials: Credentials,
}

/// What a token says, checked.
struct Said {
    profile: TrustedTokenProfile,
    email: EmailAddress,
    token_id: String,
    organization: Option<String>,
    external_member_id: Option<String>,
    role_ids: Vec<String>,
    expires_at: Timestamp,
}

/// Signs a member in with a token. There is no second factor, and nothing of the organization's rules counts: the
/// project trusts the other system with that.
///
/// # Errors
/// `trusted_token_profile_not_found`, `invalid_trusted_auth_token` for a signature, an end, or a second use,
/// `jwt_invalid_issuer`, `jwt_invalid_audience`, `jwt_invalid_claims`, and those of finding organization and member.
pub async fn attest(cx: &Cx, input: Attest) -> Result<Arc<Rendered>> {
    let id = TrustedTokenProfileId::parse(&input.profile, cx.project.kind());
    let id = id.map_err(|error| match error {
        IdError::Malformed => ErrorType::TrustedTokenProfileNotFound.into(),
        wrong_environment => wrong_environment.into_error("profile_id"),
    })?;
    let profile = trusted_tokens::find(&cx.reader(), cx.scope(), id).await?;
    let profile = profile.ok_or(ErrorType::TrustedTokenProfileNotFound)?;
    let claims = trusted_keys::verify(cx, &profile, &input.token).await?;
    let said = read(cx, profile, &claims)?;
    let suffix = organization_ops::random_suffix(cx);
    let login = cx.write((input, said, suffix), attest_in_transaction).await?;
    login.session(cx)
}

fn read(cx: &Cx, profile: TrustedTokenProfile, claims: &Claims) -> Result<Said> {
    jose::check_issuer(claims, &profile.issuer).map_err(|_| ErrorType::JwtInvalidIssuer)?;
    jose::check_audience(claims, &profile.audience).map_err(|_| ErrorType::JwtInvalidAudience)?;
    jose::check_times(claims, cx.now.seconds())
        .map_err(|error| ErrorType::InvalidTrustedAuthToken.with_message(format!("{error}.")))?;
    let expires_at = claims.get("exp").and_then(Value::as_f64).unwrap_or_default().ceil();
    let text = |attribute| match profile.claim(claims, attribute) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= CLAIM_BYTES_MAX => {
            Ok(Some(text.clone()))
        }
        // Ids are numbers in some systems.
        Some(Value::Number(number)) if number.is_u64() => Ok(Some(number.to_string())),
        Some(_) => Err(match attribute {
            Attribute::OrganizationId => Error::from(ErrorType::InvalidTokenOrganizationIdClaim),
            _ => invalid_claims("A claim of the token has a value that cannot be used."),
        }),
    };
    let missing = |name: &str| invalid_claims(&format!("The token says nothing of {name}."));
    let email = text(Attribute::Email)?.ok_or_else(|| missing("email"))?;
    let email =
        EmailAddress::parse(&email).ok_or_else(|| invalid_claims("The token's email is not valid."))?;
    let role_ids = match profile.claim(claims, Attribute::RoleIds) {
        None => Vec::new(),
        Some(roles) => serde_json::from_value(roles.clone())
            .map_err(|_| invalid_claims("The token's role_ids must be a list of strings."))?,
    };
    Ok(Said {
        email,
        token_id: text(Attribute::TokenId)?.ok_or_else(|| missing("token_id"))?,
        organization: text(Attribute::OrganizationId)?,
        external_member_id: text(Attribute::ExternalMemberId)?,
        role_ids,
        // Beyond this year nobody waits for a token to end.
        expires_at: Timestamp::from_micros(
            (expires_at.min(253_402_300_799.0) as i64).saturating_mul(1_000_000),
        ),
        profile,
    })
}

fn invalid_claims(message: &str) -> Error {
    ErrorType::JwtInvalidClaims.with_message(message)
}

async fn attest_in_transaction(tx: Db, cx: Cx, input: Arc<(Attest, Said, String)>) -> Result<Login> {
    let (attest, said, suffix) = &*input;
    let token_hash = sha256(said.token_id.as_bytes());
    let profile = said.profile.profile_id;
    if !trusted_tokens::consume(&tx, cx.scope(), profile, &token_hash, said.expires_at).await? {
        return Err(ErrorType::InvalidTrustedAuthToken.with_message("The token was used already."));
    }
    let organization = find_organization(&tx, &cx, attest, said, suffix).await?;
    let member = find_member(&tx, &cx, &organization, said).await?;
    member.refuse_if_locked(cx.now)?;
    let factor = Factor::new(Proof::TrustedAuthToken { token_id: said.token_id.clone() }, cx.now);
    login::vouch(&tx, &cx, organization, member, factor, &attest.credentials).await
}

/// The organization that the token names by our id or its external id, or the call where the token may leave it open.
/// One that is not there yet is made where the profile says so.
async fn find_organization(
    tx: &Db,
    cx: &Cx,
    attest: &Attest,
    said: &Said,
    suffix: &str,
) -> Result<Organization> {
    let named = match &attest.organization {
        Some(identifier) => Some(lookup::get_organization(tx, cx, identifier).await?),
        None => None,
    };
    let Some(claimed) = &said.organization else {
        return named
            .filter(|_| !said.profile.can_jit_provision)
            .ok_or_else(|| ErrorType::TokenMissingOrganizationIdClaim.into());
    };
    let found = match OrganizationId::parse(claimed, cx.scope().kind) {
        Ok(id) => {
            let found = organizations::find(tx, cx.scope(), id).await?;
            Some(found.ok_or(ErrorType::OrganizationNotFound)?)
        }
        Err(IdError::Malformed) => organizations::find_by_external_id(tx, cx.scope(), claimed).await?,
        Err(_) => return Err(ErrorType::InvalidTokenOrganizationIdClaim.into()),
    };
    let organization = match found {
        Some(organization) => organization,
        None if !said.profile.can_jit_provision => return Err(ErrorType::OrganizationNotFound.into()),
        None => {
            let change = OrganizationChange {
                name: Some(claimed.clone()),
                external_id: Some(claimed.clone()),
                ..OrganizationChange::default()
            };
            let organization = organization_ops::build(cx, &change, Some(suffix))?;
            organizations::insert(tx, cx.scope(), &organization).await?;
            organization
        }
    };
    if named.is_some_and(|named| named.id != organization.id) {
        return Err(ErrorType::InvalidTokenOrganizationIdClaim
            .with_message("The token is for another organization than the call."));
    }
    Ok(organization)
}

/// The member with the external id that the token says, or with its address. Somebody who is not one yet becomes one
/// where the profile says so; its address counts as unproven until its owner signs in with it.
async fn find_member(tx: &Db, cx: &Cx, organization: &Organization, said: &Said) -> Result<Member> {
    if let Some(external_id) = &said.external_member_id {
        let external_id = valid_member_external_id(external_id)?;
        let found = members::find_by_external_id(tx, cx.scope(), organization.id, &external_id).await?;
        if let Some(member) = found.filter(|member| member.status != MemberStatus::Deleted) {
            return Ok(member);
        }
    }
    let known = members::find_by_email(tx, cx.scope(), organization.id, said.email.as_str()).await?;
    if let Some(member) = known {
        // An address moves from one person to the next; an id does not (spec 06 R-19).
        let is_another = said.external_member_id.is_some()
            && member.external_id.is_some()
            && member.external_id != said.external_member_id;
        return match is_another {
            false => Ok(member),
            true => Err(invalid_claims("The address belongs to a member with another external id.")),
        };
    }
    if !said.profile.can_jit_provision {
        return Err(ErrorType::MemberNotFound.into());
    }
    provisioning::respect_claims(tx, cx, Some(organization), &said.email).await?;
    let mut member = provisioning::new_member(cx, organization, &said.email, MemberStatus::Active);
    member.external_id = said.external_member_id.as_deref().map(valid_member_external_id).transpose()?;
    member.direct_roles = provisioning::direct_roles(cx, organization, &[], &said.role_ids, None)?;
    provisioning::insert_member(tx, cx, &mut member, &said.email).await?;
    Ok(member)
}
