//! Keeping passwords: whose they are, sealing their hashes, setting and removing them.

use super::are_shared;
use crate::cx::{Cx, Result};
use crate::ops::login::Credentials;
use crate::ops::{lookup, provisioning};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::factor::{Factor, Proof};
use ostiary_core::ids::{IdError, MemberPasswordId};
use ostiary_core::member::Member;
use ostiary_core::organization::Organization;
use ostiary_core::password::Password;
use ostiary_core::time::Timestamp;
use ostiary_proto::hash::hmac_sha256;
use ostiary_proto::password_hash::{Memory, PasswordHash};
use ostiary_proto::random;
use ostiary_store::passwords::{self, PasswordOwner, StoredPassword};
use ostiary_store::seam::Db;
use ostiary_store::{members, organizations, sessions};
use std::sync::Arc;
use uuid::Uuid;

/// A stored password with its hash in the open.
pub(super) struct Known {
    pub(super) id: MemberPasswordId,
    pub(super) hash: PasswordHash,
    pub(super) needs_reset: bool,
    pub(super) breach_checked_at: Option<Timestamp>,
    pub(super) set_at: Timestamp,
}

/// A password that is ready to be set.
#[derive(Clone)]
pub(super) struct NewPassword {
    pub(super) id: MemberPasswordId,
    hash_sealed: Vec<u8>,
    breach_checked_at: Option<Timestamp>,
}

/// Whose the password of a member is.
pub(super) fn owner_of(cx: &Cx, member: &Member) -> PasswordOwner {
    if are_shared(cx) {
        PasswordOwner::Address(member.email_address.clone())
    } else {
        PasswordOwner::Member(member.id)
    }
}

/// The factor of a password that was entered, or (with the address that a mailed link has proven) set.
pub(super) fn factor(cx: &Cx, password_id: MemberPasswordId, verified_email: Option<&str>) -> Factor {
    let verified_email = verified_email.map(str::to_owned);
    Factor::new(Proof::Password { password_id, is_shared: are_shared(cx), verified_email }, cx.now)
}

/// The hash opens only under the id of its row, so that a row that was copied is worth nothing.
fn context(id: MemberPasswordId) -> String {
    format!("password {id}")
}

pub(super) fn seal(cx: &Cx, id: MemberPasswordId, hash: &PasswordHash) -> Vec<u8> {
    cx.app.master_key.seal(&context(id), hash.to_string().as_bytes(), cx.app.random.as_ref())
}

pub(super) async fn find(db: &Db, cx: &Cx, owner: &PasswordOwner) -> Result<Option<Known>> {
    let Some(stored) = passwords::find(db, cx.scope(), owner).await? else { return Ok(None) };
    let hash = open(cx, &stored)?;
    Ok(Some(Known {
        id: stored.id,
        hash,
        needs_reset: stored.needs_reset,
        breach_checked_at: stored.breach_checked_at,
        set_at: stored.set_at,
    }))
}

fn open(cx: &Cx, stored: &StoredPassword) -> Result<PasswordHash> {
    cx.app
        .master_key
        .open(&context(stored.id), &stored.hash_sealed)
        .and_then(|text| String::from_utf8(text).ok())
        .and_then(|text| PasswordHash::parse(&text))
        .ok_or_else(|| Error::internal("a stored password cannot be read with this master key"))
}

/// Some password's hash of the environment, for whoever has none; none when nobody has. `who` always leads to the same
/// one, which a key chooses, so that nobody knows to which.
pub(super) async fn decoy(db: &Db, cx: &Cx, who: &str) -> Result<Option<PasswordHash>> {
    let key = cx.app.master_key.derive("password decoys");
    let digest = hmac_sha256(&key, &[who.as_bytes()]);
    let number = Uuid::from_slice(&digest[..16]).map_err(Error::internal)?;
    let found = passwords::find_any(db, cx.scope(), number).await?;
    found.map(|stored| open(cx, &stored)).transpose()
}

/// Hashes a password that is to be set; outside of transactions.
pub(super) async fn hash(cx: &Cx, password: Password, breach_checked: bool) -> Result<NewPassword> {
    let (params, random) = (cx.app.hashing.params(), cx.app.random.clone());
    let create = move |memory: &mut Memory| {
        PasswordHash::create(&params, password.as_bytes(), random.as_ref(), memory)
    };
    let hash = cx.app.hashing.run(params.work_micros(), create).await?;
    Ok(NewPassword { breach_checked_at: breach_checked.then_some(cx.now), ..import(cx, &hash) })
}

/// A password of which only the hash is known.
pub(super) fn import(cx: &Cx, hash: &PasswordHash) -> NewPassword {
    let id = MemberPasswordId::new(random::uuid(cx.app.random.as_ref()), cx.project.kind());
    NewPassword { id, hash_sealed: seal(cx, id, hash), breach_checked_at: None }
}

pub(super) async fn put(tx: &Db, cx: &Cx, owner: &PasswordOwner, new: &NewPassword) -> Result<()> {
    let stored = StoredPassword {
        id: new.id,
        hash_sealed: new.hash_sealed.clone(),
        needs_reset: false,
        breach_checked_at: new.breach_checked_at,
        set_at: cx.now,
    };
    passwords::put(tx, cx.scope(), owner, &stored).await?;
    if let PasswordOwner::Address(address) = owner {
        passwords::set_id_of_memberships(tx, cx.scope(), address, Some(new.id), cx.now).await?;
    }
    Ok(())
}

/// Sets the password of a member and gives the member as it is then. All sessions that rest on the old one end: those of
/// the member, or those of every member with the address. The caller's own session is left to the caller.
pub(super) async fn replace(
    tx: &Db,
    cx: &Cx,
    member: Member,
    new: &NewPassword,
    credentials: &Credentials,
) -> Result<Member> {
    let own = match credentials.session {
        Some(id) => {
            let owner = sessions::owner(tx, cx.scope(), id).await?;
            owner.filter(|(owner, _)| *owner == member.id).map(|_| id)
        }
        None => None,
    };
    match owner_of(cx, &member) {
        PasswordOwner::Address(address) => {
            sessions::delete_others_of_address(tx, cx.scope(), &address, own).await?;
        }
        PasswordOwner::Member(id) => sessions::delete_others_of_member(tx, cx.scope(), id, own).await?,
    }
    set_first(tx, cx, member, new).await
}

/// Sets the password of a member that had none, and gives the member as it is then.
pub(super) async fn set_first(tx: &Db, cx: &Cx, mut member: Member, new: &NewPassword) -> Result<Member> {
    let owner = owner_of(cx, &member);
    put(tx, cx, &owner, new).await?;
    match owner {
        PasswordOwner::Address(_) => {
            // The row was written together with those of the other memberships.
            let found = members::find(tx, cx.scope(), member.organization_id, member.id).await?;
            found.ok_or_else(|| ErrorType::MemberNotFound.into())
        }
        PasswordOwner::Member(_) => {
            member.password_id = Some(new.id);
            member.touch(cx.now);
            provisioning::save_member(tx, cx, &member).await?;
            Ok(member)
        }
    }
}

/// Lets a member that is about to be written with its address have the password of that address, where passwords are
/// shared.
pub async fn link_to_shared(tx: &Db, cx: &Cx, member: &mut Member) -> Result<()> {
    if are_shared(cx) {
        let stored = passwords::find(tx, cx.scope(), &owner_of(cx, member)).await?;
        member.password_id = stored.map(|stored| stored.id);
    }
    Ok(())
}

/// A member was removed, or has changed its address on somebody else's word: its own password is gone (spec 01a §4).
pub async fn drop_own(tx: &Db, cx: &Cx, before: &Member) -> Result<()> {
    if let Some(id) = before.password_id.filter(|_| !are_shared(cx)) {
        passwords::delete(tx, cx.scope(), id).await?;
    }
    Ok(())
}

/// A member no longer has an address: its shared password is gone when nobody has the address any more. To be called
/// after the member was written.
pub async fn release_address(tx: &Db, cx: &Cx, email_address: &str) -> Result<()> {
    if are_shared(cx) {
        passwords::delete_of_unused_address(tx, cx.scope(), email_address).await?;
    }
    Ok(())
}

/// An organization is about to be deleted: shared passwords of addresses that nobody else has are gone.
pub async fn leave_organization(tx: &Db, cx: &Cx, organization: &Organization) -> Result<()> {
    if are_shared(cx) {
        passwords::delete_of_addresses_used_here_only(tx, cx.scope(), organization.id).await?;
    }
    Ok(())
}

/// Removes the password of a member, which is named by the password's id.
pub async fn delete(cx: &Cx, organization: String, password_id: String) -> Result<(Organization, Member)> {
    if are_shared(cx) {
        return Err(ErrorType::CrossOrgPasswordsEnabled.into());
    }
    cx.write((organization, password_id), delete_in_transaction).await
}

async fn delete_in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<(String, String)>,
) -> Result<(Organization, Member)> {
    let (organization, mut member) = find_owner(&tx, &cx, &input.0, &input.1).await?;
    if let Some(id) = member.password_id.take() {
        passwords::delete(&tx, cx.scope(), id).await?;
    }
    member.touch(cx.now);
    provisioning::save_member(&tx, &cx, &member).await?;
    Ok((organization, member))
}

/// The member of an organization whose password has this id.
pub async fn find_owner(
    db: &Db,
    cx: &Cx,
    organization: &str,
    password_id: &str,
) -> Result<(Organization, Member)> {
    let id = MemberPasswordId::parse(password_id, cx.project.kind()).map_err(|error| match error {
        IdError::Malformed => ErrorType::InvalidPasswordId.into(),
        other => other.into_error("member_password_id"),
    })?;
    let organization = lookup::get_organization(db, cx, organization).await?;
    let owner = passwords::find_owner(db, cx.scope(), id).await?;
    let member = match owner {
        Some(owner) => members::find(db, cx.scope(), organization.id, owner).await?,
        None => None,
    };
    Ok((organization, member.ok_or(ErrorType::MemberPasswordNotFound)?))
}

/// An organization again, inside of a transaction.
pub(super) async fn again(tx: &Db, cx: &Cx, organization: &Organization) -> Result<Organization> {
    let found = organizations::find(tx, cx.scope(), organization.id).await?;
    found.ok_or_else(|| ErrorType::OrganizationNotFound.into())
}
