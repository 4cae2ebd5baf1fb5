//! Finding organizations and members by any of the identifiers that a request may use (spec 01a §2).

use crate::cx::{Cx, Result};
use ostiary_core::email::EmailAddress;
use ostiary_core::error::ErrorType;
use ostiary_core::ids::{IdError, MemberId, OrganizationId};
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::organization::Organization;
use ostiary_store::seam::Db;
use ostiary_store::{members, organizations};

/// The longest identifier that is looked up.
const IDENTIFIER_BYTES_MAX: usize = 256;

/// The organization that a request names by id, slug or external id, in this order.
pub async fn get_organization(db: &Db, cx: &Cx, identifier: &str) -> Result<Organization> {
    find_organization(db, cx, identifier).await?.ok_or_else(|| ErrorType::OrganizationNotFound.into())
}

/// Like [`get_organization`]; `None` when there is none.
pub async fn find_organization(db: &Db, cx: &Cx, identifier: &str) -> Result<Option<Organization>> {
    if identifier.is_empty() || identifier.len() > IDENTIFIER_BYTES_MAX {
        return Err(ErrorType::InvalidOrganizationId.into());
    }
    let scope = cx.scope();
    match OrganizationId::parse(identifier, scope.kind) {
        Ok(id) => Ok(organizations::find(db, scope, id).await?),
        Err(IdError::Malformed) => match organizations::find_by_slug(db, scope, identifier).await? {
            Some(found) => Ok(Some(found)),
            None => Ok(organizations::find_by_external_id(db, scope, identifier).await?),
        },
        Err(wrong_environment) => Err(wrong_environment.into_error("organization_id")),
    }
}

/// The member of an organization that a request names by id or external id; deleted members are not found.
pub async fn get_member(db: &Db, cx: &Cx, organization: &Organization, identifier: &str) -> Result<Member> {
    let member = get_member_in_any_status(db, cx, organization, identifier).await?;
    if member.status == MemberStatus::Deleted {
        return Err(ErrorType::MemberNotFound.into());
    }
    Ok(member)
}

/// Like [`get_member`], but finds deleted members too (by id only).
pub async fn get_member_in_any_status(
    db: &Db,
    cx: &Cx,
    organization: &Organization,
    identifier: &str,
) -> Result<Member> {
    let scope = cx.scope();
    if identifier.is_empty() || identifier.len() > IDENTIFIER_BYTES_MAX {
        return Err(ErrorType::MemberNotFound.into());
    }
    let found = match MemberId::parse(identifier, scope.kind) {
        Ok(id) => members::find(db, scope, organization.id, id).await?,
        Err(IdError::Malformed) => {
            members::find_by_external_id(db, scope, organization.id, identifier).await?
        }
        Err(wrong_environment) => return Err(wrong_environment.into_error("member_id")),
    };
    found.ok_or_else(|| ErrorType::MemberNotFound.into())
}

/// Whether an id or external id means this member of an organization.
pub async fn names_member(
    cx: &Cx,
    organization: OrganizationId,
    identifier: &str,
    member: MemberId,
) -> Result<bool> {
    match MemberId::parse(identifier, cx.scope().kind) {
        Ok(id) => Ok(id == member),
        Err(_) if identifier.is_empty() || identifier.len() > IDENTIFIER_BYTES_MAX => Ok(false),
        Err(_) => {
            let found =
                members::find_by_external_id(&cx.reader(), cx.scope(), organization, identifier).await?;
            Ok(found.is_some_and(|found| found.id == member))
        }
    }
}

/// An email address from a request.
pub fn email(text: &str) -> Result<EmailAddress> {
    EmailAddress::parse(text).ok_or_else(|| ErrorType::InvalidEmail.into())
}
