//! Members.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::handlers::organizations::metadata;
use crate::http::reply::{Reply, Tokens, member_and_organization, member_id, member_roles};
use crate::ops::actor::Actor;
use crate::ops::members::{self, Create, MemberKey, Update};
use crate::ops::search;
use crate::wire::{Object, WireMember, WireOrganization};
use ostiary_core::error::ErrorType;
use ostiary_core::ids::MemberId;
use ostiary_core::member::Member;
use ostiary_core::organization::Organization;
use ostiary_core::rbac::{MEMBER_RESOURCE, MemberRole, actions_for_member_update};
use serde::Serializer;
use serde::ser::{Serialize, SerializeMap};
use serde_json::json;
use std::collections::HashMap;

fn answer(call: &Call, organization: &Organization, member: &Member) -> Reply {
    member_and_organization(&call.cx, member, organization).into()
}

/// `GET /v1/b2b/organizations/{organization_id}/member`
pub async fn get(call: Call) -> Result<Reply> {
    let key =
        MemberKey::exactly_one(call.fields.nonempty("member_id")?, call.fields.nonempty("email_address")?)?;
    let (organization, member) = members::get(&call.cx, call.param("organization_id")?, &key).await?;
    Ok(answer(&call, &organization, &member))
}

/// `GET /v1/b2b/organizations/members/dangerously_get/{member_id}`
pub async fn dangerously_get(call: Call) -> Result<Reply> {
    let include_deleted = call.fields.boolean("include_deleted")?.unwrap_or_default();
    let (organization, member) =
        members::dangerously_get(&call.cx, call.param("member_id")?, include_deleted).await?;
    Ok(answer(&call, &organization, &member))
}

/// `GET /sdk/v1/b2b/organizations/members/me`
pub async fn me(call: Call) -> Result<Reply> {
    let actor = call.actor()?;
    let key = MemberKey::Id(actor.member_id().to_string());
    let (organization, member) = members::get(&call.cx, &actor.organization_id().to_string(), &key).await?;
    let roles = member_roles(&call.cx, &member, &organization);
    let member = WireMember { member: &member, roles: &roles, now: call.cx.now };
    Ok(Object::new().field("member", &member).into())
}

/// `POST /v1/b2b/organizations/members/search` and `POST /sdk/v1/b2b/organizations/me/members/search`
pub async fn search(call: Call) -> Result<Reply> {
    let organizations = searched_organizations(&call).await?;
    let found = search::members(&call.cx, &organizations, &call.fields).await?;
    let by_id: HashMap<_, _> =
        organizations.iter().map(|organization| (organization.id, organization)).collect();
    let members: Vec<FoundMember> = found
        .entries
        .iter()
        .filter_map(|member| {
            let organization = by_id.get(&member.organization_id).copied()?;
            Some(FoundMember { member, organization, roles: member_roles(&call.cx, member, organization) })
        })
        .collect();
    let wire_members: Vec<WireMember> = members
        .iter()
        .map(|found| WireMember { member: found.member, roles: &found.roles, now: call.cx.now })
        .collect();
    Ok(Object::new()
        .field("members", &wire_members)
        .field("results_metadata", &json!({ "total": found.total, "next_cursor": found.next_cursor }))
        .field("organizations", &SeenOrganizations(&members))
        .into())
}

struct FoundMember<'a> {
    member: &'a Member,
    organization: &'a Organization,
    roles: Vec<MemberRole>,
}

/// The organizations of the members on a page, by id.
struct SeenOrganizations<'a>(&'a [FoundMember<'a>]);

impl Serialize for SeenOrganizations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let seen: HashMap<_, _> =
            self.0.iter().map(|found| (found.organization.id, found.organization)).collect();
        let mut map = serializer.serialize_map(Some(seen.len()))?;
        for (id, organization) in seen {
            map.serialize_entry(&id, &WireOrganization(organization))?;
        }
        map.end()
    }
}

/// Where to search: in browsers the own organization, on the server API those that are named. A member may name its
/// own only, by whatever identifier.
async fn searched_organizations(call: &Call) -> Result<Vec<Organization>> {
    if call.is_browser() {
        return search::named_organizations(&call.cx, &[call.organization()?]).await;
    }
    let identifiers = call.fields.texts("organization_ids")?;
    let identifiers = identifiers.ok_or(ErrorType::MemberSearchMissingOrganizationId)?;
    let named = search::named_organizations(&call.cx, &identifiers).await;
    let Some(actor) = &call.actor else { return named };
    match named {
        Ok(named) if named.iter().all(|organization| organization.id == actor.organization_id()) => Ok(named),
        Err(error) if error.kind != ErrorType::OrganizationNotFound => Err(error),
        _ => Err(ErrorType::SessionAuthorizationTenancyError.into()),
    }
}

/// `POST /sdk/v1/b2b/organizations/members/search`: what a sign-in page may know of a member by its address.
pub async fn find_for_login(call: Call) -> Result<Reply> {
    let organization = call.fields.required("organization_id")?;
    let email_address = call.fields.required("email_address")?;
    let found = members::find_for_login(&call.cx, organization, email_address).await?;
    let member = found.map(|member| {
        json!({
            "status": member.status,
            "name": member.name,
            "member_password_id": member.password_id.map(|id| id.to_string()).unwrap_or_default(),
        })
    });
    Ok(Object::new().field("member", &member).into())
}

/// `POST /v1/b2b/organizations/{organization_id}/members` and `POST /sdk/v1/b2b/organizations/members`
pub async fn create(call: Call) -> Result<Reply> {
    require_for_creation(&call)?;
    let fields = &call.fields;
    let input = Create {
        organization: call.organization()?,
        email_address: fields.required("email_address")?.to_owned(),
        name: fields.string("name")?,
        external_id: fields.string("external_id")?,
        trusted_metadata: metadata(fields, "trusted_metadata")?,
        untrusted_metadata: metadata(fields, "untrusted_metadata")?,
        as_pending: fields.boolean("create_member_as_pending")?.unwrap_or_default(),
        is_breakglass: fields.boolean("is_breakglass")?.unwrap_or_default(),
        mfa_phone_number: fields.nonempty("mfa_phone_number")?,
        mfa_enrolled: fields.boolean("mfa_enrolled")?.unwrap_or_default(),
        roles: fields.texts("roles")?,
        actor: call.actor.clone(),
    };
    let (organization, member) = members::create(&call.cx, input).await?;
    Ok(answer(&call, &organization, &member))
}

/// Beside `create`, roles and exemptions need what changing them needs: otherwise whoever may create or invite members
/// could make an administrator (spec 03a §8). Trusted data comes from the backend alone.
pub fn require_for_creation(call: &Call) -> Result<()> {
    let Some(actor) = &call.actor else { return Ok(()) };
    for field in call.fields.names() {
        match field {
            "trusted_metadata" => return Err(ErrorType::CannotUpdateTrustedMetadata.into()),
            "external_id" if call.is_browser() => return Err(backend_only(field)),
            "roles" | "is_breakglass" | "external_id" => {
                if let Some(needed) = actions_for_member_update(field) {
                    actor.require(&call.cx, MEMBER_RESOURCE, needed.action)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn backend_only(field: &str) -> ostiary_core::error::Error {
    ErrorType::SessionAuthorizationError
        .with_message(format!("{field} can only be changed with the secret key."))
}

/// `PUT /v1/b2b/organizations/{organization_id}/members/{member_id}` and
/// `PUT /sdk/v1/b2b/organizations/members/{member_id}`
pub async fn update(call: Call) -> Result<Reply> {
    let organization = call.organization()?;
    let mut member = call.param("member_id")?.to_owned();
    if let Some(actor) = &call.actor {
        // The member's real id decides whether this is the acting member, since it may be named by another one.
        let (_, target) = members::get(&call.cx, &organization, &MemberKey::Id(member)).await?;
        require_for_update(&call, actor, target.id)?;
        member = target.id.to_string();
    }
    change(call, organization, member).await
}

/// `PUT /sdk/v1/b2b/organizations/members/update`: the own member. It has the fields that `stytch.self` covers; the
/// others are refused and not ignored, so that nobody believes to have changed them.
pub async fn update_self(call: Call) -> Result<Reply> {
    let actor = call.actor()?;
    let (organization, member) = (actor.organization_id().to_string(), actor.member_id().to_string());
    require_for_update(&call, actor, actor.member_id())?;
    let is_foreign =
        |field: &&str| actions_for_member_update(field).is_some_and(|needed| !needed.self_suffices);
    if let Some(field) = call.fields.names().find(is_foreign) {
        return Err(ErrorType::SessionAuthorizationError
            .with_message(format!("{field} cannot be changed here. Use the call for any member.")));
    }
    change(call, organization, member).await
}

/// Every given field needs its own permission, also one given with its present value (spec 03a §8).
fn require_for_update(call: &Call, actor: &Actor, target: MemberId) -> Result<()> {
    let is_self = target == actor.member_id();
    for field in call.fields.names() {
        match field {
            "trusted_metadata" => return Err(ErrorType::CannotUpdateTrustedMetadata.into()),
            "email_address" if is_self => return Err(ErrorType::MemberCannotUpdateTheirEmail.into()),
            "external_id" if call.is_browser() => return Err(backend_only(field)),
            _ => {}
        }
        match actions_for_member_update(field) {
            Some(needed) if needed.self_suffices => {
                actor.require_on_member(&call.cx, is_self, needed.action)?;
            }
            Some(needed) => actor.require(&call.cx, MEMBER_RESOURCE, needed.action)?,
            None => {}
        }
    }
    Ok(())
}

async fn change(call: Call, organization: String, member: String) -> Result<Reply> {
    let fields = &call.fields;
    // Sessions depend on directly assigned roles only where a connection brings the same role, and this server has no
    // connections: there is nothing to preserve.
    fields.boolean("preserve_existing_sessions")?;
    let input = Update {
        organization,
        member,
        name: fields.string("name")?,
        external_id: fields.string("external_id")?,
        trusted_metadata: metadata(fields, "trusted_metadata")?,
        untrusted_metadata: metadata(fields, "untrusted_metadata")?,
        is_breakglass: fields.boolean("is_breakglass")?,
        mfa_phone_number: fields.nonempty("mfa_phone_number")?,
        mfa_enrolled: fields.boolean("mfa_enrolled")?,
        default_mfa_method: fields.nonempty("default_mfa_method")?,
        roles: fields.texts("roles")?,
        email_address: fields.nonempty("email_address")?,
        unlink_email: fields.boolean("unlink_email")?.unwrap_or_default(),
        actor: call.actor.clone(),
    };
    let (organization, member) = members::update(&call.cx, input).await?;
    Ok(answer(&call, &organization, &member))
}

/// `DELETE /v1/b2b/organizations/{organization_id}/members/{member_id}` and
/// `DELETE /sdk/v1/b2b/organizations/members/{member_id}`: a browser that removes its own member is signed out.
pub async fn delete(call: Call) -> Result<Reply> {
    let id = members::delete(&call.cx, call.organization()?, call.param("member_id")?.to_owned()).await?;
    let is_self = call.actor.as_ref().is_some_and(|actor| actor.member_id() == id);
    let tokens = if call.is_browser() && is_self { Tokens::SignedOut } else { Tokens::Untouched };
    Ok(Reply::with_tokens(member_id(id), tokens))
}

/// `DELETE /v1/b2b/organizations/{organization_id}/members/{member_id}/external_id`
pub async fn delete_external_id(call: Call) -> Result<Reply> {
    let member = call.param("member_id")?.to_owned();
    let (organization, member) = members::delete_external_id(&call.cx, call.organization()?, member).await?;
    Ok(answer(&call, &organization, &member))
}

/// `PUT …/members/{member_id}/reactivate` of both surfaces
pub async fn reactivate(call: Call) -> Result<Reply> {
    let member = call.param("member_id")?.to_owned();
    let (organization, member) = members::reactivate(&call.cx, call.organization()?, member).await?;
    Ok(answer(&call, &organization, &member))
}
