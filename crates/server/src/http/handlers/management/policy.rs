//! `…/rbac_policy`

use crate::cx::Result;
use crate::http::operator_call::OperatorCall;
use crate::http::reply::Reply;
use crate::ops::management::policy::{self, Document};
use crate::wire::Object;
use ostiary_core::rbac::Resource;
use serde_json::{Value, json};

/// A resource in the words of this API, which says `available_actions` where the policy says `actions`.
fn wire_resource(resource: &Resource) -> Value {
    json!({
        "resource_id": resource.resource_id,
        "description": resource.description,
        "available_actions": resource.actions,
    })
}

fn wire(document: &Document) -> Value {
    let resources = |resources: &[Resource]| resources.iter().map(wire_resource).collect::<Vec<_>>();
    json!({
        "stytch_member": {"permissions": document.stytch_member},
        "stytch_admin": {"permissions": document.stytch_admin},
        "stytch_user": null,
        "stytch_resources": resources(&policy::builtin_resources()),
        "custom_roles": document.custom_roles,
        "custom_resources": resources(&document.custom_resources),
        "custom_scopes": document.custom_scopes,
    })
}

/// `GET …/rbac_policy`
pub async fn get(call: OperatorCall) -> Result<Reply> {
    let document = policy::get(&call.operator, &call.place()?).await?;
    Ok(Object::new().field("policy", &wire(&document)).into())
}

/// `PUT …/rbac_policy`: a part that is `null` is as good as absent.
pub async fn set(call: OperatorCall) -> Result<Reply> {
    let place = call.place()?;
    let mut document = call.fields.into_map();
    document.retain(|_, part| !part.is_null());
    document.entry("custom_roles").or_insert_with(|| json!([]));
    let document = policy::set(&call.operator, &place, &Value::Object(document)).await?;
    Ok(Object::new().field("policy", &wire(&document)).into())
}
