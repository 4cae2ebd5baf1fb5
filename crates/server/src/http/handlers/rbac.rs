//! The policy, from which the official SDKs answer authorization checks by themselves (contract `backend.md` §5).

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::ops::lookup;
use crate::wire::Object;
use serde_json::json;

/// `GET /v1/b2b/rbac/policy`
pub async fn policy(call: Call) -> Result<Reply> {
    Ok(Object::new().field("policy", &call.cx.project.policy).into())
}

/// `GET /v1/b2b/rbac/organizations/{organization_id}`: an organization without roles of its own has an empty list,
/// since some SDKs cannot read `null`.
pub async fn organization_policy(call: Call) -> Result<Reply> {
    let id = call.param("organization_id")?;
    let organization = lookup::get_organization(&call.cx.reader(), &call.cx, id).await?;
    Ok(Object::new().field("org_policy", &json!({ "roles": organization.custom_roles })).into())
}
