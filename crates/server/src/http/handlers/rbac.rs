//! The policy, from which the official SDKs answer authorization checks by themselves (contract `backend.md` §5), and why
//! a check turns out as it does.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::ops::organizations;
use crate::ops::policy::{self, Explain, SetOrganizationRoles};
use crate::wire::Object;
use ostiary_core::error::ErrorType;
use ostiary_core::organization::Organization;
use serde_json::{Value, json};

/// `GET /v1/b2b/rbac/policy`
pub async fn policy(call: Call) -> Result<Reply> {
    Ok(Object::new().field("policy", &call.cx.project.policy).into())
}

/// An organization without roles of its own has an empty list, since some SDKs cannot read `null`.
fn roles_of(organization: &Organization) -> Reply {
    Object::new().field("org_policy", &json!({ "roles": organization.custom_roles })).into()
}

/// `GET /v1/b2b/rbac/organizations/{organization_id}`
pub async fn organization_policy(call: Call) -> Result<Reply> {
    let organization = organizations::get(&call.cx, call.param("organization_id")?).await?;
    Ok(roles_of(&organization))
}

/// `PUT /v1/b2b/rbac/organizations/{organization_id}`
pub async fn set_organization_policy(call: Call) -> Result<Reply> {
    let policy = call.fields.object("org_policy")?;
    let policy = policy.ok_or_else(|| ErrorType::BadRequest.with_message("org_policy is required."))?;
    let input = SetOrganizationRoles {
        organization: call.organization()?,
        roles: policy.get("roles").cloned().unwrap_or(Value::Null),
        actor: call.actor.clone(),
    };
    Ok(roles_of(&policy::set_organization_roles(&call.cx, input).await?))
}

/// `POST /v1/ostiary/policy/explain`: an endpoint of our own (`docs/rbac.md`).
pub async fn explain(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = Explain {
        organization: call.organization()?,
        member: fields.required("member_id")?.to_owned(),
        resource_id: fields.required("resource_id")?.to_owned(),
        action: fields.required("action")?.to_owned(),
        on_self: fields.boolean("on_self")?.unwrap_or_default(),
    };
    let (resource_id, action) = (input.resource_id.clone(), input.action.clone());
    let explained = policy::explain(&call.cx, input).await?;
    Ok(Object::new()
        .field("organization_id", &explained.organization.id)
        .field("member_id", &explained.member.id)
        .field("resource_id", &resource_id)
        .field("action", &action)
        .field("explanation", &explained.explanation)
        .into())
}
