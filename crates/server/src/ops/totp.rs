//! Codes of authenticator apps, as a second factor (spec 01c §3).

use crate::cx::{Cx, Result};
use crate::ops::locks::{self, Attempt};
use crate::ops::login::Credentials;
use crate::ops::second_factor::{Completed, Holder, require_active};
use crate::ops::sessions::render::Rendered;
use crate::ops::{lookup, provisioning, recovery_codes};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::factor::Proof;
use ostiary_core::ids::TotpId;
use ostiary_core::member::Member;
use ostiary_core::mfa::{self, Wishes};
use ostiary_core::organization::{MfaMethod, Organization};
use ostiary_core::time::Timestamp;
use ostiary_pages::qr;
use ostiary_proto::random;
use ostiary_proto::totp::{DIGITS, Secret};
use ostiary_store::seam::Db;
use ostiary_store::totp::{self, TotpRegistration};
use std::sync::Arc;

/// For how long a new app may wait for its first code, in minutes.
const EXPIRATION_MINUTES: std::ops::RangeInclusive<i64> = 5..=1440;
/// The same when the call names no time.
const EXPIRATION_MINUTES_DEFAULT: i64 = 60;
/// The most characters of the project's name in an app's list, so that the QR code stays easy to read.
const ISSUER_CHARS_MAX: usize = 40;

fn seal_context(id: TotpId) -> String {
    format!("secret of {id}")
}

fn seal(cx: &Cx, id: TotpId, secret: &Secret) -> Vec<u8> {
    cx.app.master_key.seal(&seal_context(id), secret.as_bytes(), cx.app.random.as_ref())
}

fn open(cx: &Cx, registration: &TotpRegistration) -> Result<Secret> {
    cx.app
        .master_key
        .open(&seal_context(registration.id), &registration.secret_sealed)
        .map(Secret::from_bytes)
        .ok_or_else(|| Error::internal("a TOTP secret cannot be opened with this master key"))
}

fn new_id(cx: &Cx) -> TotpId {
    TotpId::new(random::uuid(cx.app.random.as_ref()), cx.project.kind())
}

/// A wish for an authenticator app.
pub struct Create {
    /// The organization by any identifier.
    pub organization: String,
    /// The member by id or external id.
    pub member: String,
    /// For how long the app may wait for its first code, in minutes.
    pub expiration_minutes: Option<i64>,
    /// What the caller has.
    pub credentials: Credentials,
}

/// An authenticator app that waits for its first code. This is the only time that the secret is shown.
pub struct Created {
    /// The organization.
    pub organization: Organization,
    /// The member.
    pub member: Member,
    /// The app's id.
    pub id: TotpId,
    /// The secret in base32.
    pub secret: String,
    /// The secret as a QR code, a PNG picture.
    pub qr_code: Vec<u8>,
    /// The codes that stand in for the app.
    pub recovery_codes: Vec<String>,
}

/// Begins to register an authenticator app; its first code completes that.
pub async fn create(cx: &Cx, input: Create) -> Result<Created> {
    let minutes = input.expiration_minutes.unwrap_or(EXPIRATION_MINUTES_DEFAULT);
    if !EXPIRATION_MINUTES.contains(&minutes) {
        return Err(ErrorType::InvalidExpiration
            .with_message("The expiration is outside the allowed range of 5 to 1440 minutes."));
    }
    let (holder, registered) = cx.write((input, minutes), create_in_transaction).await?;
    let issuer: String = cx.project.environment.name.chars().take(ISSUER_CHARS_MAX).collect();
    let uri = registered.secret.uri(&issuer, &holder.member.email_address);
    let qr_code = qr::png(&uri).ok_or_else(|| Error::internal("the address for an app is too long"))?;
    Ok(Created {
        organization: holder.organization,
        member: holder.member,
        id: registered.id,
        secret: registered.secret.to_base32(),
        qr_code,
        recovery_codes: registered.recovery_codes,
    })
}

struct Registered {
    id: TotpId,
    secret: Secret,
    recovery_codes: Vec<String>,
}

async fn create_in_transaction(tx: Db, cx: Cx, input: Arc<(Create, i64)>) -> Result<(Holder, Registered)> {
    let (create, minutes) = &*input;
    let holder = Holder::find(&tx, &cx, &create.organization, &create.member, &create.credentials).await?;
    holder.may_use(MfaMethod::Totp)?;
    let begun_by = create.credentials.fingerprint();
    match totp::find(&tx, cx.scope(), holder.member.id).await? {
        Some(known) if known.verified_at.is_some() => return Err(ErrorType::ActiveTotpExists.into()),
        // One that was begun in another login was given up with it, and makes way like one that has expired: the page
        // that showed its secret is gone.
        Some(known) if known.expires_at > cx.now && known.begun_by == begun_by => {
            return Err(ErrorType::PendingTotpExists.into());
        }
        _ => {}
    }
    holder.may_enrol(MfaMethod::Totp)?;
    let new = New {
        secret: Secret::generate(cx.app.random.as_ref()),
        recovery_codes: recovery_codes::generate(&cx),
        begun_by,
        expires_at: cx.now.plus_minutes(*minutes),
        verified_at: None,
    };
    let registered = register(&tx, &cx, &holder.member, new).await?;
    Ok((holder, registered))
}

struct New {
    secret: Secret,
    recovery_codes: Vec<String>,
    begun_by: Option<[u8; 32]>,
    expires_at: Timestamp,
    verified_at: Option<Timestamp>,
}

/// Writes a new app with its recovery codes in the place of one that was never proven.
async fn register(tx: &Db, cx: &Cx, member: &Member, new: New) -> Result<Registered> {
    let id = new_id(cx);
    let registration = TotpRegistration {
        id,
        secret_sealed: seal(cx, id, &new.secret),
        begun_by: new.begun_by,
        created_at: cx.now,
        expires_at: new.expires_at,
        verified_at: new.verified_at,
    };
    totp::delete(tx, cx.scope(), member.id).await?;
    provisioning::written(totp::insert(tx, cx.scope(), member.id, &registration).await?)?;
    recovery_codes::store(tx, cx, member.id, &new.recovery_codes).await?;
    Ok(Registered { id, secret: new.secret, recovery_codes: new.recovery_codes })
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

/// Proves possession of the authenticator app with a six-digit code. No code works twice.
pub async fn authenticate(cx: &Cx, input: Authenticate) -> Result<Arc<Rendered>> {
    if recovery_codes::looks_like_one(&input.code) {
        return Err(ErrorType::RecoveryCodeUsedAsTotpCode.into());
    }
    if input.code.len() != DIGITS || !input.code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ErrorType::InvalidTotpCode.into());
    }
    cx.write(input, authenticate_in_transaction).await?.into_result()?.render(cx)
}

async fn authenticate_in_transaction(tx: Db, cx: Cx, input: Arc<Authenticate>) -> Result<Attempt<Completed>> {
    let holder = Holder::find(&tx, &cx, &input.organization, &input.member, &input.credentials).await?;
    let found = totp::find(&tx, cx.scope(), holder.member.id).await?;
    let registration = found.ok_or(ErrorType::TotpNotFound)?;
    if registration.verified_at.is_some() {
        holder.may_use(MfaMethod::Totp)?;
    } else {
        if registration.expires_at <= cx.now {
            return Err(ErrorType::ExpiredTotp.into());
        }
        holder.may_enrol(MfaMethod::Totp)?;
    }
    let steps = open(&cx, &registration)?.steps_of(&input.code, cx.now.seconds());
    if let Err(kind) = use_first(&tx, &cx, &holder.member, registration.id, &steps).await? {
        return locks::refuse_member(&tx, &cx, &holder.member, kind).await;
    }
    let proof = Proof::Totp { totp_id: registration.id };
    holder.complete(&tx, &cx, proof, input.wishes, &input.credentials).await.map(Attempt::Passed)
}

/// Takes the first of the steps that the code belongs to and that is later than all that were taken. Seldom are there
/// two: neighbouring steps share a code once in a million.
async fn use_first(
    tx: &Db,
    cx: &Cx,
    member: &Member,
    id: TotpId,
    steps: &[i64],
) -> Result<std::result::Result<(), ErrorType>> {
    for step in steps {
        if totp::use_step(tx, cx.scope(), member.id, id, *step, cx.now).await? {
            return Ok(Ok(()));
        }
    }
    let was_right = !steps.is_empty();
    Ok(Err(if was_right {
        ErrorType::TotpCodeAlreadyAuthenticated
    } else {
        ErrorType::UnableToAuthenticateTotp
    }))
}

/// An authenticator app from another system.
pub struct Migrate {
    /// The organization by any identifier.
    pub organization: String,
    /// The member by id or external id.
    pub member: String,
    /// The secret in base32.
    pub secret: String,
    /// The codes that stand in for the app; new ones when there are none.
    pub recovery_codes: Vec<String>,
}

/// An imported app.
pub struct Migrated {
    /// The organization.
    pub organization: Organization,
    /// The member.
    pub member: Member,
    /// The app's id.
    pub id: TotpId,
    /// The codes that stand in for the app.
    pub recovery_codes: Vec<String>,
}

/// Imports an authenticator app, which works at once.
pub async fn migrate(cx: &Cx, input: Migrate) -> Result<Migrated> {
    cx.write(input, migrate_in_transaction).await
}

async fn migrate_in_transaction(tx: Db, cx: Cx, input: Arc<Migrate>) -> Result<Migrated> {
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    let mut member = lookup::get_member(&tx, &cx, &organization, &input.member).await?;
    require_active(&member)?;
    let secret = Secret::parse_base32(&input.secret)
        .ok_or_else(|| ErrorType::InvalidArgument.with_message("secret must be base32 of 10 to 64 bytes."))?;
    let codes = if input.recovery_codes.is_empty() {
        recovery_codes::generate(&cx)
    } else {
        recovery_codes::valid_import(&input.recovery_codes)?
    };
    if member.totp_id.is_some() {
        return Err(ErrorType::ActiveTotpExists.into());
    }
    let new =
        New { secret, recovery_codes: codes, begun_by: None, expires_at: cx.now, verified_at: Some(cx.now) };
    let registered = register(&tx, &cx, &member, new).await?;
    let proof = Proof::Totp { totp_id: registered.id };
    mfa::complete(&mut member, organization.settings.mfa_policy, &proof, Wishes::default());
    member.touch(cx.now);
    provisioning::save_member(&tx, &cx, &member).await?;
    Ok(Migrated { organization, member, id: registered.id, recovery_codes: registered.recovery_codes })
}

/// Takes the authenticator app of a member away with its recovery codes, also one that waits for its first code; both
/// are named by any identifier. Sessions with this factor stay; the next login asks for another one where one is
/// required (spec 01a §4).
pub async fn delete(cx: &Cx, organization: String, member: String) -> Result<(Organization, Member)> {
    cx.write((organization, member), delete_in_transaction).await
}

async fn delete_in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<(String, String)>,
) -> Result<(Organization, Member)> {
    let organization = lookup::get_organization(&tx, &cx, &input.0).await?;
    let mut member = lookup::get_member(&tx, &cx, &organization, &input.1).await?;
    if !totp::delete(&tx, cx.scope(), member.id).await? {
        return Err(ErrorType::TotpNotFound.into());
    }
    let before = member.clone();
    mfa::forget_totp(&mut member);
    if member != before {
        member.touch(cx.now);
        provisioning::save_member(&tx, &cx, &member).await?;
    }
    Ok((organization, member))
}
