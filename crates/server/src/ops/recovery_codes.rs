//! Recovery codes: they stand in for an authenticator app that is lost (spec 01c §3).
//!
//! Codes are found by a keyed hash, and sealed beside it, because the contract lets their owner read them again.

use crate::cx::{Cx, Result};
use crate::ops::locks::{self, Attempt};
use crate::ops::login::Credentials;
use crate::ops::lookup;
use crate::ops::second_factor::{Completed, Holder};
use crate::ops::sessions::render::Rendered;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::factor::{Factor, Proof};
use ostiary_core::ids::{MemberId, RecoveryCodeId, TotpId};
use ostiary_core::login::MemberFacts;
use ostiary_core::member::Member;
use ostiary_core::mfa::{self, Wishes};
use ostiary_core::organization::{MfaMethod, Organization};
use ostiary_proto::hash::hmac_sha256;
use ostiary_proto::{random, totp};
use ostiary_store::recovery_codes::{self, RecoveryCode};
use ostiary_store::seam::Db;
use std::collections::HashSet;
use std::sync::Arc;

/// How many codes a set has (chosen).
const CODES: usize = 10;
/// The most codes of an imported set (chosen).
const IMPORTED_CODES_MAX: usize = 100;
/// The longest code, in characters without hyphens and spaces (chosen).
const CODE_CHARS_MAX: usize = 128;
/// Characters of our own codes, without hyphens.
const OWN_CODE_CHARS: usize = 12;

/// A new set of codes.
pub fn generate(cx: &Cx) -> Vec<String> {
    (0..CODES).map(|_| random::recovery_code(cx.app.random.as_ref())).collect()
}

/// A set of codes from elsewhere: each well formed and different from the others.
pub fn valid_import(codes: &[String]) -> Result<Vec<String>> {
    let mut seen = HashSet::new();
    let is_valid =
        |code: &String| normalize(code).is_some_and(|normal| !is_totp_code(&normal) && seen.insert(normal));
    if codes.len() > IMPORTED_CODES_MAX || !codes.iter().all(is_valid) {
        return Err(ErrorType::InvalidRecoveryCode.into());
    }
    Ok(codes.to_vec())
}

/// A code as it is compared: people type it in any letter case, with or without its hyphens. `None` when it cannot be
/// a code.
fn normalize(code: &str) -> Option<String> {
    let normal: String = code
        .chars()
        .filter(|character| !character.is_whitespace() && *character != '-')
        .map(|character| character.to_ascii_lowercase())
        .collect();
    let is_plausible =
        (1..=CODE_CHARS_MAX).contains(&normal.len()) && normal.bytes().all(|b| b.is_ascii_graphic());
    is_plausible.then_some(normal)
}

fn is_totp_code(normal: &str) -> bool {
    normal.len() == totp::DIGITS && normal.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text has the form of one of our recovery codes.
pub fn looks_like_one(text: &str) -> bool {
    normalize(text).is_some_and(|normal| {
        normal.len() == OWN_CODE_CHARS && normal.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn hash(cx: &Cx, member: MemberId, normal: &str) -> [u8; 32] {
    hmac_sha256(&cx.app.code_key, &[b"recovery code", member.uuid().as_bytes(), normal.as_bytes()])
}

fn seal_context(member: MemberId) -> String {
    format!("recovery code of {member}")
}

/// Replaces the set of a member, who must have an authenticator app.
pub async fn store(tx: &Db, cx: &Cx, member: MemberId, codes: &[String]) -> Result<()> {
    let context = seal_context(member);
    let kept = codes.iter().map(|code| {
        let normal = normalize(code).ok_or(ErrorType::InvalidRecoveryCode)?;
        Ok(RecoveryCode {
            hash: hash(cx, member, &normal),
            sealed: cx.app.master_key.seal(&context, code.as_bytes(), cx.app.random.as_ref()),
        })
    });
    let kept = kept.collect::<Result<Vec<_>>>()?;
    Ok(recovery_codes::replace(tx, cx.scope(), member, &kept).await?)
}

/// Whose codes are read or replaced, and by whom.
pub struct Owner {
    /// The organization by any identifier.
    pub organization: String,
    /// The member by id or external id.
    pub member: String,
    /// What the member has proven, when it asks itself; none for a backend.
    pub proven: Option<Vec<Factor>>,
}

/// The codes of a member.
pub struct Codes {
    /// The organization.
    pub organization: Organization,
    /// The member.
    pub member: Member,
    /// The codes that were not used, in the order in which they were given.
    pub codes: Vec<String>,
}

/// Finds the owner, who must have a proven authenticator app. A session shows codes only after a second factor: else one
/// without could read them and pass for one with it.
async fn find_owner(db: &Db, cx: &Cx, owner: &Owner) -> Result<(Organization, Member)> {
    let organization = lookup::get_organization(db, cx, &owner.organization).await?;
    let member = lookup::get_member(db, cx, &organization, &owner.member).await?;
    if member.totp_id.is_none() {
        return Err(ErrorType::RecoveryCodesNotFound.into());
    }
    if let Some(proven) = &owner.proven
        && !mfa::proves_own(&organization.settings, &MemberFacts::of(&member), proven)
    {
        return Err(ErrorType::InsufficientFactors.into());
    }
    Ok((organization, member))
}

/// Reads the codes of a member again.
pub async fn get(cx: &Cx, owner: Owner) -> Result<Codes> {
    let reader = cx.reader();
    let (organization, member) = find_owner(&reader, cx, &owner).await?;
    let context = seal_context(member.id);
    let open = |sealed: &Vec<u8>| {
        let code = cx.app.master_key.open(&context, sealed).and_then(|code| String::from_utf8(code).ok());
        code.ok_or_else(|| Error::internal("a recovery code cannot be opened with this master key"))
    };
    let sealed = recovery_codes::list(&reader, cx.scope(), member.id).await?;
    let codes = sealed.iter().map(open).collect::<Result<Vec<_>>>()?;
    Ok(Codes { organization, member, codes })
}

/// Replaces the codes of a member by new ones.
pub async fn rotate(cx: &Cx, owner: Owner) -> Result<Codes> {
    cx.write(owner, rotate_in_transaction).await
}

async fn rotate_in_transaction(tx: Db, cx: Cx, owner: Arc<Owner>) -> Result<Codes> {
    let (organization, member) = find_owner(&tx, &cx, &owner).await?;
    let codes = generate(&cx);
    store(&tx, &cx, member.id, &codes).await?;
    Ok(Codes { organization, member, codes })
}

/// A code that was entered.
pub struct Recover {
    /// The organization by any identifier.
    pub organization: String,
    /// The member by id or external id.
    pub member: String,
    /// The code.
    pub code: String,
    /// The session or intermediate session that the factor is added to.
    pub credentials: Credentials,
}

/// Uses up a recovery code in place of a code of the authenticator app. Gives the session and how many codes are left.
pub async fn recover(cx: &Cx, input: Recover) -> Result<(Arc<Rendered>, i64)> {
    let normal = normalize(&input.code).ok_or(ErrorType::InvalidRecoveryCode)?;
    if is_totp_code(&normal) {
        return Err(ErrorType::TotpCodeUsedAsRecoveryCode.into());
    }
    let (completed, remaining) = cx.write((input, normal), recover_in_transaction).await?.into_result()?;
    Ok((completed.render(cx)?, remaining))
}

async fn recover_in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<(Recover, String)>,
) -> Result<Attempt<(Completed, i64)>> {
    let (Recover { organization, member, credentials, .. }, normal) = &*input;
    let holder = Holder::find(&tx, &cx, organization, member, credentials).await?;
    let id = holder.member.id;
    let totp_id = holder.member.totp_id.ok_or(ErrorType::NoActiveRecoveryCodeBackedFactor)?;
    holder.may_use(MfaMethod::Totp)?;
    if recovery_codes::count(&tx, cx.scope(), id).await? == 0 {
        return Err(ErrorType::RecoveryCodesNotFound.into());
    }
    if !recovery_codes::consume(&tx, cx.scope(), id, &hash(&cx, id, normal)).await? {
        let refusal = ErrorType::UnableToAuthenticateRecoveryCode;
        return locks::refuse_member(&tx, &cx, &holder.member, refusal).await;
    }
    let remaining = recovery_codes::count(&tx, cx.scope(), id).await?;
    let proof = Proof::RecoveryCode { recovery_code_id: id_of_set(totp_id, &cx) };
    let completed = holder.complete(&tx, &cx, proof, Wishes::default(), credentials).await?;
    Ok(Attempt::Passed((completed, remaining)))
}

/// A set has the id of the app that it stands in for, so that a session shows which app that was.
fn id_of_set(totp_id: TotpId, cx: &Cx) -> RecoveryCodeId {
    RecoveryCodeId::new(totp_id.uuid(), cx.project.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        for (typed, expected) in [
            ("k3vq-08mz-t1xd", Some("k3vq08mzt1xd")),
            (" K3VQ 08mz T1XD ", Some("k3vq08mzt1xd")),
            ("#Old/Code", Some("#old/code")),
            ("", None),
            (" - ", None),
            ("k3vq\u{0}", None),
            ("ｋ３ｖｑ", None),
        ] {
            assert_eq!(normalize(typed).as_deref(), expected, "{typed:?}");
        }
        assert_eq!(normalize(&"x".repeat(129)), None);
    }

    #[test]
    fn codes_of_the_two_kinds_are_told_apart() {
        assert!(looks_like_one("k3vq-08mz-t1xd") && looks_like_one("K3VQ08MZT1XD"));
        for other in ["123456", "k3vq-08mz", "k3vq-08mz-t1x!"] {
            assert!(!looks_like_one(other), "{other}");
        }
    }

    #[test]
    fn imported_codes_are_well_formed_and_different() {
        let texts = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
        assert!(valid_import(&texts(&["ABCD-1", "abcd-2"])).is_ok());
        for wrong in [&["abcd", "AB-CD"][..], &["abcd", ""], &["123456"]] {
            assert!(valid_import(&texts(wrong)).is_err(), "{wrong:?}");
        }
        assert!(valid_import(&vec!["a".to_owned(); 101]).is_err());
    }
}
