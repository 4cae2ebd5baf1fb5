//! Codes of authenticator apps.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::handlers::second_factor::{at_most_one_credential, exactly_one_credential, wishes};
use crate::http::reply::{Reply, full_session, member_and_organization};
use crate::ops::totp::{self, Authenticate, Create, Migrate};
use crate::wire::Object;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// `POST totp`
pub async fn create(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = Create {
        organization: fields.required("organization_id")?.to_owned(),
        member: fields.required("member_id")?.to_owned(),
        expiration_minutes: fields.integer("expiration_minutes")?,
        credentials: at_most_one_credential(&call).await?,
    };
    let created = totp::create(&call.cx, input).await?;
    let qr_code = format!("data:image/png;base64,{}", STANDARD.encode(&created.qr_code));
    Ok(member_and_organization(&call.cx, &created.member, &created.organization)
        .field("totp_registration_id", &created.id)
        .plain("secret", &created.secret)
        .plain("qr_code", &qr_code)
        .field("recovery_codes", &created.recovery_codes)
        .into())
}

/// `POST totp/authenticate`
pub async fn authenticate(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = Authenticate {
        organization: fields.required("organization_id")?.to_owned(),
        member: fields.required("member_id")?.to_owned(),
        code: fields.required("code")?.to_owned(),
        wishes: wishes(fields)?,
        credentials: exactly_one_credential(&call).await?,
    };
    Ok(full_session(totp::authenticate(&call.cx, input).await?, Object::new()))
}

/// `POST /v1/b2b/totp/migrate`
pub async fn migrate(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = Migrate {
        organization: fields.required("organization_id")?.to_owned(),
        member: fields.required("member_id")?.to_owned(),
        secret: fields.required("secret")?.to_owned(),
        recovery_codes: fields.texts("recovery_codes")?.unwrap_or_default(),
    };
    let migrated = totp::migrate(&call.cx, input).await?;
    Ok(member_and_organization(&call.cx, &migrated.member, &migrated.organization)
        .field("totp_registration_id", &migrated.id)
        .field("recovery_codes", &migrated.recovery_codes)
        .into())
}

/// `DELETE /v1/b2b/organizations/{organization_id}/members/{member_id}/totp` and
/// `DELETE /sdk/v1/b2b/organizations/members/totp/{member_id}`
pub async fn delete(call: Call) -> Result<Reply> {
    let member = call.param("member_id")?.to_owned();
    let (organization, member) = totp::delete(&call.cx, call.organization()?, member).await?;
    Ok(member_and_organization(&call.cx, &member, &organization).into())
}

/// `DELETE /sdk/v1/b2b/organizations/members/deleteTOTP`: the own one.
pub async fn delete_own(call: Call) -> Result<Reply> {
    let member = call.actor()?.member_id().to_string();
    let (organization, member) = totp::delete(&call.cx, call.organization()?, member).await?;
    Ok(member_and_organization(&call.cx, &member, &organization).into())
}
