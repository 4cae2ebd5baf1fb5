//! One-time codes by mail.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::handlers::magic_links::entry;
use crate::http::reply::{Reply, authenticated};
use crate::ops::otp_email::{self, Authenticate, Send};
use crate::wire::Object;
use ostiary_core::email_template::TemplateType;

/// `POST otps/email/login_or_signup`
pub async fn login_or_signup(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = Send {
        organization: fields.required("organization_id")?.to_owned(),
        email_address: fields.required("email_address")?.to_owned(),
        mail: call.mail_wishes(&[
            ("login_template_id", TemplateType::OneTimePasscode),
            ("signup_template_id", TemplateType::OneTimePasscodeSignup),
        ])?,
        login_expiration_minutes: fields.integer("login_expiration_minutes")?,
        signup_expiration_minutes: fields.integer("signup_expiration_minutes")?,
    };
    Ok(entry(&call, otp_email::login_or_signup(&call.cx, input).await?))
}

/// `POST otps/email/authenticate`
pub async fn authenticate(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    fields.locale()?;
    let input = Authenticate {
        organization: fields.required("organization_id")?.to_owned(),
        email_address: fields.required("email_address")?.to_owned(),
        code: fields.required("code")?.to_owned(),
        credentials: call.credentials().await?,
    };
    let login = otp_email::authenticate(&call.cx, input).await?;
    let extra = Object::new().field("method_id", &login.member.email_id);
    Ok(authenticated(&call.cx, login, extra))
}
