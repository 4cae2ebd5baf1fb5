//! What an administrator may say about second factors of a member.

use crate::cx::{Cx, Result};
use crate::ops::phones;
use ostiary_core::error::ErrorType;
use ostiary_core::member::Member;
use ostiary_core::organization::MfaMethod;

/// Sets the phone number of a member, which is unproven at first. A number that is set already must be deleted before
/// another can be set; setting the same one changes nothing.
pub(in crate::ops) fn set_phone(cx: &Cx, member: &mut Member, text: &str) -> Result<()> {
    if member.mfa_phone.as_ref().is_some_and(|known| known.number == text) {
        return Ok(());
    }
    let number = phones::parse(cx, text)?;
    if member.mfa_phone.is_some() {
        return Err(ErrorType::DuplicateMemberPhoneNumberForMember.into());
    }
    member.mfa_phone = Some(phones::new_phone(cx, &number));
    Ok(())
}

/// Chooses the second factor that is offered first; the member must have one of that kind.
pub(super) fn set_default_method(member: &mut Member, text: &str) -> Result<()> {
    let method = MfaMethod::parse(text).ok_or(ErrorType::InvalidMfaDefaultMethod)?;
    let is_registered = match method {
        MfaMethod::SmsOtp => member.mfa_phone.is_some(),
        MfaMethod::Totp => member.totp_id.is_some(),
    };
    if !is_registered {
        return Err(ErrorType::DefaultMfaMemberMissingFactor.into());
    }
    member.default_mfa_method = Some(method);
    Ok(())
}
