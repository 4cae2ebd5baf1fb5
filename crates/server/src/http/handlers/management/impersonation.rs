//! `/admin/v1/projects/{project_slug}/environments/{environment_slug}/…impersonation…`

use crate::cx::Result;
use crate::http::operator_call::OperatorCall;
use crate::http::reply::Reply;
use crate::ops::impersonation::{self, Record, Wish};
use crate::wire::Object;
use ostiary_core::error::ErrorType;
use ostiary_core::time::Timestamp;
use serde_json::{Value, json};

/// `POST …/members/{member_id}/impersonation_tokens`
pub async fn create_token(call: OperatorCall) -> Result<Reply> {
    let wish = Wish {
        member: call.param("member_id")?.to_owned(),
        impersonator_email: call.fields.required("impersonator_email")?.to_owned(),
        reason: call.fields.text("reason")?.unwrap_or_default().to_owned(),
    };
    let issued = impersonation::issue(&call.operator, &call.place()?, wish).await?;
    Ok(Object::new()
        .field("token", &issued.token)
        .field("url", &issued.url)
        .field("expires_at", &issued.expires_at)
        .into())
}

fn wire(record: &Record) -> Value {
    json!({
        "organization_id": record.organization_id,
        "member_id": record.member_id,
        "impersonator_id": record.impersonator_id,
        "impersonator_email_address": record.impersonator_email_address,
        "reason": record.reason,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "used_at": record.used_at,
        "member_session_id": record.session_id,
    })
}

/// `GET …/impersonations?before=`
pub async fn list(call: OperatorCall) -> Result<Reply> {
    let before = match call.query.nonempty("before")? {
        None => None,
        Some(text) => Some(Timestamp::parse_rfc3339(&text).ok_or_else(|| {
            ErrorType::InvalidArgument.with_message("before must be a time such as 2026-01-31T12:00:00Z.")
        })?),
    };
    let records = impersonation::records(&call.operator, &call.place()?, before).await?;
    let records: Vec<Value> = records.iter().map(wire).collect();
    Ok(Object::new().field("impersonations", &records).into())
}
