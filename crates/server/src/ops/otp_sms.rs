//! One-time codes by text message, as a second factor (spec 01b §4, 01c §3).

use crate::cx::{Cx, Result};
use crate::ops::locks::{self, Attempt};
use crate::ops::login::Credentials;
use crate::ops::second_factor::{Completed, Holder};
use crate::ops::sessions::render::Rendered;
use crate::ops::{codes, limits, lookup, phones, provisioning};
use ostiary_core::error::ErrorType;
use ostiary_core::factor::Proof;
use ostiary_core::locale::SmsLocale;
use ostiary_core::member::Member;
use ostiary_core::mfa::{self, SmsTarget, Wishes};
use ostiary_core::organization::{MfaMethod, Organization};
use ostiary_store::seam::Db;
use ostiary_store::sms_codes;
use std::sync::Arc;

/// A wish to be sent a code.
pub struct Send {
    /// The organization by any identifier.
    pub organization: String,
    /// The member by id or external id.
    pub member: String,
    /// A number for a member who has none that is proven.
    pub phone_number: Option<String>,
    /// The language of the message.
    pub locale: SmsLocale,
    /// What the caller has.
    pub credentials: Credentials,
}

/// Sends a code to the member's number, or to a new one, which is the member's from then on.
pub async fn send(cx: &Cx, input: Send) -> Result<(Organization, Member)> {
    let sent = cx.write(input, send_in_transaction).await?;
    cx.app.outbox_wake.notify_one();
    Ok(sent)
}

async fn send_in_transaction(tx: Db, cx: Cx, input: Arc<Send>) -> Result<(Organization, Member)> {
    let mut holder = Holder::find(&tx, &cx, &input.organization, &input.member, &input.credentials).await?;
    let wished = input.phone_number.as_deref().map(|text| phones::parse(&cx, text)).transpose()?;
    let phone = match mfa::sms_target(holder.member.mfa_phone.as_ref(), wished)? {
        SmsTarget::Own(phone) if phone.verified => {
            holder.may_use(MfaMethod::SmsOtp)?;
            phone
        }
        SmsTarget::Own(phone) => {
            holder.may_enrol(MfaMethod::SmsOtp)?;
            phone
        }
        SmsTarget::Link(number) => {
            holder.may_enrol(MfaMethod::SmsOtp)?;
            limits::check_new_phone(&tx, &cx, holder.member.id).await?;
            let phone = phones::new_phone(&cx, &number);
            holder.member.mfa_phone = Some(phone.clone());
            holder.member.touch(cx.now);
            provisioning::save_member(&tx, &cx, &holder.member).await?;
            phone
        }
    };
    phones::send_code(&tx, &cx, &holder.member, &phone, input.locale).await?;
    Ok((holder.organization, holder.member))
}

/// A code that was entered.
pub struct Authenticate {
    /// The organization by any identifier.
    pub organization: String,
    /// The member by id or external id.
    pub member: String,
    /// The code.
    pub code: String,
    /// What else is to change.
    pub wishes: Wishes,
    /// The session or intermediate session that the factor is added to.
    pub credentials: Credentials,
}

/// Proves control of the member's phone with a six-digit code.
pub async fn authenticate(cx: &Cx, input: Authenticate) -> Result<Arc<Rendered>> {
    codes::check_format(&input.code)?;
    cx.write(input, authenticate_in_transaction).await?.into_result()?.render(cx)
}

async fn authenticate_in_transaction(tx: Db, cx: Cx, input: Arc<Authenticate>) -> Result<Attempt<Completed>> {
    let holder = Holder::find(&tx, &cx, &input.organization, &input.member, &input.credentials).await?;
    let Some(phone) = holder.member.mfa_phone.clone() else {
        return Err(ErrorType::OtpCodeNotFound.into());
    };
    if phone.verified {
        holder.may_use(MfaMethod::SmsOtp)?;
    } else {
        holder.may_enrol(MfaMethod::SmsOtp)?;
    }
    let stored = sms_codes::attempt(&tx, cx.scope(), holder.member.id).await?;
    // A code proves the number that it was sent to, and no other that the member has got since.
    let judged = match stored.filter(|stored| stored.phone_id == phone.id) {
        None => Err(ErrorType::OtpCodeNotFound),
        Some(stored) => match codes::judge(&cx, &stored.code, &input.code) {
            Err(kind) => Err(kind),
            Ok(()) => {
                let id = stored.code.code_id;
                let consumed = sms_codes::consume(&tx, cx.scope(), holder.member.id, id, cx.now).await?;
                if consumed { Ok(()) } else { Err(ErrorType::UnableToAuthOtpCode) }
            }
        },
    };
    if let Err(kind) = judged {
        return locks::refuse_member(&tx, &cx, &holder.member, kind).await;
    }
    limits::note_message_used(&tx, &cx, &phone.number).await?;
    let proof = Proof::SmsOtp { phone_id: phone.id, phone_number: phone.number };
    holder.complete(&tx, &cx, proof, input.wishes, &input.credentials).await.map(Attempt::Passed)
}

/// Takes the phone number of a member away, both named by any identifier. Sessions with this factor stay; the next login
/// asks for another one where one is required (spec 01a §4).
pub async fn delete_phone(cx: &Cx, organization: String, member: String) -> Result<(Organization, Member)> {
    cx.write((organization, member), delete_phone_in_transaction).await
}

async fn delete_phone_in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<(String, String)>,
) -> Result<(Organization, Member)> {
    let organization = lookup::get_organization(&tx, &cx, &input.0).await?;
    let mut member = lookup::get_member(&tx, &cx, &organization, &input.1).await?;
    if mfa::forget_phone(&mut member).is_none() {
        return Err(ErrorType::MemberPhoneNumberNotFound.into());
    }
    sms_codes::delete(&tx, cx.scope(), member.id).await?;
    member.touch(cx.now);
    provisioning::save_member(&tx, &cx, &member).await?;
    Ok((organization, member))
}
