//! The addresses of members: changing the own one, and letting go of retired ones.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::reply::{Reply, member_and_organization};
use crate::ops::members::email_update::{self, Delivery, Start};
use crate::ops::members::{self, Unlink};
use ostiary_core::email_template::TemplateType;
use ostiary_core::error::ErrorType;

/// The member of the path; in a browser's call about itself the acting one.
fn named_member(call: &Call) -> Result<String> {
    match call.param("member_id") {
        Ok(id) => Ok(id.to_owned()),
        Err(_) => Ok(call.actor()?.member_id().to_string()),
    }
}

/// `POST …/members/{member_id}/start_email_update` of both surfaces, and
/// `POST /sdk/v1/b2b/organizations/members/start_email_update`
pub async fn start_update(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let delivery = match fields.nonempty("delivery_method")? {
        None => Delivery::MagicLink,
        Some(text) => Delivery::parse(&text).ok_or_else(|| {
            ErrorType::InvalidArgument.with_message("delivery_method must be EMAIL_MAGIC_LINK or EMAIL_OTP.")
        })?,
    };
    let kind = match delivery {
        Delivery::MagicLink => TemplateType::Login,
        Delivery::Otp => TemplateType::OneTimePasscode,
    };
    let input = Start {
        organization: call.organization()?,
        member: named_member(&call)?,
        email_address: fields.required("email_address")?.to_owned(),
        delivery,
        login_redirect_url: fields.nonempty("login_redirect_url")?,
        mail: call.mail_wishes(&[("login_template_id", kind)])?,
    };
    let (organization, member) = email_update::start(&call.cx, input).await?;
    Ok(member_and_organization(&call.cx, &member, &organization).into())
}

/// `POST …/members/{member_id}/unlink_retired_email` of both surfaces, and
/// `POST /sdk/v1/b2b/organizations/members/unlink_retired_email`
pub async fn unlink_retired(call: Call) -> Result<Reply> {
    let input = Unlink {
        organization: call.organization()?,
        member: named_member(&call)?,
        email_id: call.fields.nonempty("email_id")?,
        email_address: call.fields.nonempty("email_address")?,
    };
    let (organization, member) = members::unlink_retired_email(&call.cx, input).await?;
    let answer = member_and_organization(&call.cx, &member, &organization);
    Ok(if call.is_browser() { answer } else { answer.field("organization_id", &organization.id) }.into())
}
