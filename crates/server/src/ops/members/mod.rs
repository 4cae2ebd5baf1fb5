//! Creating, reading, changing, deleting and reactivating members (spec 01a §4).

mod address;
mod create;
pub mod email_update;
mod factors;
mod removal;
mod update;

pub use address::{Unlink, unlink_retired_email};
pub use create::{Create, create};
pub(super) use factors::set_phone;
pub use removal::{delete, reactivate};
pub use update::{Update, delete_external_id, update};

use crate::cx::{Cx, Result};
use crate::ops::lookup;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::MemberId;
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::organization::Organization;
use ostiary_store::{members, organizations};

/// By what a member is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberKey {
    /// Id or external id.
    Id(String),
    /// The current address.
    Email(String),
}

impl MemberKey {
    /// Exactly one must be given.
    pub fn exactly_one(id: Option<String>, email_address: Option<String>) -> Result<Self> {
        match (id, email_address) {
            (Some(id), None) => Ok(MemberKey::Id(id)),
            (None, Some(email_address)) => Ok(MemberKey::Email(email_address)),
            _ => Err(ErrorType::InvalidMemberGetFields.into()),
        }
    }
}

/// A member that is not deleted, and its organization, which is named by any identifier.
pub async fn get(cx: &Cx, organization: &str, key: &MemberKey) -> Result<(Organization, Member)> {
    let reader = cx.reader();
    let organization = lookup::get_organization(&reader, cx, organization).await?;
    let member = match key {
        MemberKey::Id(id) => lookup::get_member(&reader, cx, &organization, id).await?,
        MemberKey::Email(address) => {
            let email = lookup::email(address)?;
            let found = members::find_by_email(&reader, cx.scope(), organization.id, email.as_str()).await?;
            found.ok_or(ErrorType::MemberNotFound)?
        }
    };
    Ok((organization, member))
}

/// A member of any organization, by id alone. The name of the call warns callers: it does not say in which organization
/// they expect the member.
pub async fn dangerously_get(cx: &Cx, id: &str, include_deleted: bool) -> Result<(Organization, Member)> {
    let id = MemberId::parse(id, cx.project.kind()).map_err(|error| error.into_error("member_id"))?;
    let reader = cx.reader();
    let member = members::find_anywhere(&reader, cx.scope(), id)
        .await?
        .filter(|member| include_deleted || member.status != MemberStatus::Deleted)
        .ok_or(ErrorType::MemberNotFound)?;
    let organization = organizations::find(&reader, cx.scope(), member.organization_id).await?;
    let organization = organization.ok_or_else(|| Error::from(ErrorType::MemberNotFound))?;
    Ok((organization, member))
}

/// The member with an address, for a sign-in page that chooses its next step.
pub async fn find_for_login(cx: &Cx, organization: &str, email_address: &str) -> Result<Option<Member>> {
    let reader = cx.reader();
    let email = lookup::email(email_address)?;
    let organization = lookup::get_organization(&reader, cx, organization).await?;
    Ok(members::find_by_email(&reader, cx.scope(), organization.id, email.as_str()).await?)
}
