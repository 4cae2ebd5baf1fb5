//! Phone numbers of members, and the codes that are sent to them (spec 01b §4).

use crate::cx::{Cx, Result};
use crate::ops::{codes, limits, mail};
use ostiary_core::error::ErrorType;
use ostiary_core::ids::{EnvironmentKind, PhoneId};
use ostiary_core::locale::SmsLocale;
use ostiary_core::member::{Member, MfaPhone};
use ostiary_core::phone::{self, PhoneNumber};
use ostiary_proto::random;
use ostiary_store::seam::Db;
use ostiary_store::sms_codes::{self, SmsCode};

/// How long a code is good, in minutes.
pub const CODE_MINUTES: i64 = 2;
/// A number for tests: nothing is ever sent there, and its code is always [`SANDBOX_CODE`]. It works for the secret-key
/// API of test environments (spec 01d §5).
const SANDBOX_NUMBER: &str = "+10000000000";
const SANDBOX_CODE: &str = "000000";

/// A number from a request that messages may be sent to.
pub fn parse(cx: &Cx, text: &str) -> Result<PhoneNumber> {
    let number = PhoneNumber::parse(text).ok_or(ErrorType::InvalidPhoneNumber)?;
    refuse_foreign(cx, &number)?;
    Ok(number)
}

/// A phone of a member who has none; unproven until a code is entered.
pub fn new_phone(cx: &Cx, number: &PhoneNumber) -> MfaPhone {
    MfaPhone {
        id: PhoneId::new(random::uuid(cx.app.random.as_ref()), cx.project.kind()),
        number: number.as_str().to_owned(),
        verified: false,
    }
}

fn is_sandbox(cx: &Cx, number: &str) -> bool {
    cx.is_backend && cx.project.kind() == EnvironmentKind::Test && number == SANDBOX_NUMBER
}

/// Refuses numbers of countries that the project does not send to. Asked before every message and not only when a
/// number is set, since the list may have become shorter.
fn refuse_foreign(cx: &Cx, number: &PhoneNumber) -> Result<()> {
    let countries = &cx.project.environment.settings.allowed_phone_countries;
    let countries: Vec<&str> = countries.iter().map(String::as_str).collect();
    if is_sandbox(cx, number.as_str()) || phone::is_allowed(number, &countries) {
        Ok(())
    } else {
        Err(ErrorType::InvalidPhoneNumberCountryCode.into())
    }
}

/// Sends a code to a member's phone; the earlier one is void.
pub async fn send_code(tx: &Db, cx: &Cx, member: &Member, phone: &MfaPhone, locale: SmsLocale) -> Result<()> {
    let number = PhoneNumber::parse(&phone.number).ok_or(ErrorType::InvalidPhoneNumber)?;
    refuse_foreign(cx, &number)?;
    let is_sandbox = is_sandbox(cx, number.as_str());
    let new = if is_sandbox {
        codes::of_digits(cx, SANDBOX_CODE.to_owned(), CODE_MINUTES)
    } else {
        codes::make(cx, CODE_MINUTES)
    };
    let sms = SmsCode { phone_id: phone.id, code: new.stored };
    sms_codes::replace(tx, cx.scope(), member.id, &sms, cx.now).await?;
    if !is_sandbox {
        limits::check_message(tx, cx, member.id, &number).await?;
        mail::post_text(tx, cx, number.as_str(), locale, &new.digits, CODE_MINUTES).await?;
    }
    Ok(())
}

/// Sends a code that nobody asked for explicitly. Gives whether it was sent: a number that no message may be sent to, or
/// that got too many, is no reason to refuse the login.
pub async fn send_code_if_possible(
    tx: &Db,
    cx: &Cx,
    member: &Member,
    phone: &MfaPhone,
    locale: SmsLocale,
) -> Result<bool> {
    match send_code(tx, cx, member, phone, locale).await {
        Ok(()) => Ok(true),
        Err(error)
            if matches!(
                error.kind,
                ErrorType::InvalidPhoneNumberCountryCode
                    | ErrorType::TooManyRequests
                    | ErrorType::TooFewTokensAuthenticated
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
