//! `/admin/v1/projects/{project_slug}/environments/{environment_slug}/members/{member_id}/unlock`

use crate::cx::Result;
use crate::http::operator_call::OperatorCall;
use crate::http::reply::Reply;
use crate::ops::unlock;
use crate::wire::Object;

/// `POST …/members/{member_id}/unlock`
pub async fn unlock(call: OperatorCall) -> Result<Reply> {
    let member = call.param("member_id")?;
    let (organization, member) = unlock::by_operator(&call.operator, &call.place()?, member).await?;
    Ok(Object::new()
        .field("organization_id", &organization.id)
        .field("member_id", &member.id)
        .field("is_locked", &member.lock_at(call.operator.now).is_some())
        .into())
}
