//! Recovery codes.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::handlers::second_factor::exactly_one_credential;
use crate::http::reply::{Reply, full_session, member_and_organization};
use crate::ops::recovery_codes::{self, Codes, Owner, Recover};
use crate::wire::Object;

/// `GET /v1/b2b/recovery_codes/{organization_id}/{member_id}` and `GET /sdk/v1/b2b/recovery_codes`
pub async fn get(call: Call) -> Result<Reply> {
    let codes = recovery_codes::get(&call.cx, owner(&call)?).await?;
    Ok(answer(&call, &codes))
}

/// `POST recovery_codes/rotate`
pub async fn rotate(call: Call) -> Result<Reply> {
    let codes = recovery_codes::rotate(&call.cx, owner(&call)?).await?;
    Ok(answer(&call, &codes))
}

/// Whose codes: the member's own in browsers, the named member's on the server API.
fn owner(call: &Call) -> Result<Owner> {
    if call.is_browser() {
        let actor = call.actor()?;
        actor.refuse_impersonated()?;
        return Ok(Owner {
            organization: actor.organization_id().to_string(),
            member: actor.member_id().to_string(),
            proven: Some(actor.session().session.factors.clone()),
        });
    }
    let member = match call.param("member_id") {
        Ok(member) => member,
        Err(_) => call.fields.required("member_id")?,
    };
    Ok(Owner { organization: call.organization()?, member: member.to_owned(), proven: None })
}

fn answer(call: &Call, found: &Codes) -> Reply {
    let object = if call.is_browser() {
        Object::new()
    } else {
        member_and_organization(&call.cx, &found.member, &found.organization)
    };
    object.field("recovery_codes", &found.codes).into()
}

/// `POST recovery_codes/recover`
pub async fn recover(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = Recover {
        organization: fields.required("organization_id")?.to_owned(),
        member: fields.required("member_id")?.to_owned(),
        code: fields.required("recovery_code")?.to_owned(),
        credentials: exactly_one_credential(&call).await?,
    };
    let (session, remaining) = recovery_codes::recover(&call.cx, input).await?;
    Ok(full_session(session, Object::new().field("recovery_codes_remaining", &remaining)))
}
