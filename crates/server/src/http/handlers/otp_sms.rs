//! One-time codes by text message.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::handlers::second_factor::{at_most_one_credential, exactly_one_credential, wishes};
use crate::http::reply::{Reply, full_session, member_and_organization};
use crate::ops::otp_sms::{self, Authenticate, Send};
use crate::wire::Object;

/// `POST otps/sms/send`. A browser, which may be in the middle of a login, learns nothing of the member.
pub async fn send(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = Send {
        organization: fields.required("organization_id")?.to_owned(),
        member: fields.required("member_id")?.to_owned(),
        phone_number: fields.nonempty("mfa_phone_number")?,
        locale: fields.sms_locale()?,
        credentials: at_most_one_credential(&call).await?,
    };
    let (organization, member) = otp_sms::send(&call.cx, input).await?;
    if call.is_browser() {
        return Ok(Object::new().into());
    }
    Ok(member_and_organization(&call.cx, &member, &organization).into())
}

/// `POST otps/sms/authenticate`
pub async fn authenticate(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = Authenticate {
        organization: fields.required("organization_id")?.to_owned(),
        member: fields.required("member_id")?.to_owned(),
        code: fields.required("code")?.to_owned(),
        wishes: wishes(fields)?,
        credentials: exactly_one_credential(&call).await?,
    };
    Ok(full_session(otp_sms::authenticate(&call.cx, input).await?, Object::new()))
}

/// `DELETE /v1/b2b/organizations/{organization_id}/members/mfa_phone_numbers/{member_id}` and
/// `DELETE /sdk/v1/b2b/organizations/members/mfa_phone_numbers/{member_id}`
pub async fn delete_phone(call: Call) -> Result<Reply> {
    let member = call.param("member_id")?.to_owned();
    let (organization, member) = otp_sms::delete_phone(&call.cx, call.organization()?, member).await?;
    Ok(member_and_organization(&call.cx, &member, &organization).into())
}

/// `DELETE /sdk/v1/b2b/organizations/members/deletePhoneNumber`: the own one.
pub async fn delete_own_phone(call: Call) -> Result<Reply> {
    let member = call.actor()?.member_id().to_string();
    let (organization, member) = otp_sms::delete_phone(&call.cx, call.organization()?, member).await?;
    Ok(member_and_organization(&call.cx, &member, &organization).into())
}
