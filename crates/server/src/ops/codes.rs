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

/// Makes a new code for an address; the earlier one is void. Gives the code, for the mail.
pub async fn issue(
    tx: &Db,
    cx: &Cx,
    organization: Option<OrganizationId>,
    email_address: &str,
    minutes: i64,
) -> Result<String> {
    let code = random::one_time_code(cx.app.random.as_ref());
    let code_id = random::uuid(cx.app.random.as_ref());
    let stored = OtpCode {
        code_id,
        code_hash: hash(cx, code_id, &code),
        attempts: 0,
        expires_at: cx.now.plus_minutes(minutes),
        used_at: None,
    };
    otp_codes::replace(tx, cx.scope(), organization, email_address, &stored, cx.now).await?;
    Ok(code)
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
    if !constant_time_eq(&stored.code_hash, &hash(cx, stored.code_id, code)) {
        return refused(ErrorType::OtpCodeNotFound);
    }
    let consumed = stored.attempts <= ATTEMPTS_MAX
        && otp_codes::consume(tx, cx.scope(), organization, email_address, stored.code_id, cx.now).await?;
    if consumed { Ok(Attempt::Passed(())) } else { refused(ErrorType::UnableToAuthOtpCode) }
}
