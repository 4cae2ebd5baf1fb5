//! One-time codes: making, hashing and checking them (spec 01b §3, spec 06 R-36).

use crate::cx::{Cx, Result};
use crate::ops::locks::Attempt;
use ostiary_core::error::ErrorType;
use ostiary_core::ids::OrganizationId;
use ostiary_proto::hash::{constant_time_eq, hmac_sha256};
use ostiary_proto::random;
use ostiary_store::otp_codes::{self, OtpCode};
use ostiary_store::seam::Db;
use uuid::Uuid;

/// How often one code may be tried (chosen).
pub const ATTEMPTS_MAX: i64 = 5;
/// The shortest and the longest life of a code, in minutes.
pub const EXPIRATION_MINUTES: std::ops::RangeInclusive<i64> = 2..=15;
/// The life of a code when the call names none, in minutes.
pub const EXPIRATION_MINUTES_DEFAULT: i64 = 10;

/// The life of a code as wished, in minutes.
pub fn expiration_minutes(wished: Option<i64>) -> Result<i64> {
    let minutes = wished.unwrap_or(EXPIRATION_MINUTES_DEFAULT);
    if EXPIRATION_MINUTES.contains(&minutes) {
        Ok(minutes)
    } else {
        Err(ErrorType::InvalidExpirationOtp.into())
    }
}

/// Six digits; anything else is refused before a lookup.
pub fn check_format(code: &str) -> Result<()> {
    if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(())
    } else {
        Err(ErrorType::InvalidCode.into())
    }
}

/// A code has a million values, so its hash is keyed: a copy of the database does not reveal it.
fn hash(cx: &Cx, code_id: Uuid, code: &str) -> [u8; 32] {
    hmac_sha256(&cx.app.code_key, &[code_id.as_bytes(), code.as_bytes()])
}

/// A code that was just made.
pub struct NewCode {
    /// The digits, for the message.
    pub digits: String,
    /// What is kept of it.
    pub stored: OtpCode,
}

/// Makes a new code.
pub fn make(cx: &Cx, minutes: i64) -> NewCode {
    of_digits(cx, random::one_time_code(cx.app.random.as_ref()), minutes)
}

/// A code with these digits.
pub fn of_digits(cx: &Cx, digits: String, minutes: i64) -> NewCode {
    let code_id = random::uuid(cx.app.random.as_ref());
    let stored = OtpCode {
        code_id,
        code_hash: hash(cx, code_id, &digits),
        attempts: 0,
        expires_at: cx.now.plus_minutes(minutes),
        used_at: None,
    };
    NewCode { digits, stored }
}

/// Judges an attempt, which was counted before. Whether the code was used or has expired shows in using it up.
pub fn judge(cx: &Cx, stored: &OtpCode, code: &str) -> std::result::Result<(), ErrorType> {
    if !constant_time_eq(&stored.code_hash, &hash(cx, stored.code_id, code)) {
        return Err(ErrorType::OtpCodeNotFound);
    }
    if stored.attempts > ATTEMPTS_MAX { Err(ErrorType::UnableToAuthOtpCode) } else { Ok(()) }
}

/// Makes a new code for an address; the earlier one is void. Gives the code, for the mail.
pub async fn issue(
    tx: &Db,
    cx: &Cx,
    organization: Option<OrganizationId>,
    email_address: &str,
    minutes: i64,
) -> Result<String> {
    let new = make(cx, minutes);
    otp_codes::replace(tx, cx.scope(), organization, email_address, &new.stored, cx.now).await?;
    Ok(new.digits)
}

/// Tries a code. Wrong, or none outstanding: `otp_code_not_found`; right but used, expired or tried too often:
/// `unable_to_auth_otp_code`. The attempt is counted either way, before the comparison.
pub async fn attempt(
    tx: &Db,
    cx: &Cx,
    organization: Option<OrganizationId>,
    email_address: &str,
    code: &str,
) -> Result<Attempt<()>> {
    let refused = |kind: ErrorType| Ok(Attempt::Refused(kind.into()));
    let Some(stored) = otp_codes::attempt(tx, cx.scope(), organization, email_address).await? else {
        return refused(ErrorType::OtpCodeNotFound);
    };
    if let Err(kind) = judge(cx, &stored, code) {
        return refused(kind);
    }
    let consumed =
        otp_codes::consume(tx, cx.scope(), organization, email_address, stored.code_id, cx.now).await?;
    if consumed { Ok(Attempt::Passed(())) } else { refused(ErrorType::UnableToAuthOtpCode) }
}
