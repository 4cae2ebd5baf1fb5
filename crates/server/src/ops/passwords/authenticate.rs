//! Signing in to one organization with a password.

use super::compare::{self, Against, Right, Use};
use super::stored;
use super::{are_shared, wrong};
use crate::cx::{Cx, Result};
use crate::ops::locks::{self, Attempt};
use crate::ops::login::{self, Authenticated, Credentials, Login};
use crate::ops::lookup;
use ostiary_core::email::EmailAddress;
use ostiary_core::error::ErrorType;
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::organization::Organization;
use ostiary_core::password::Password;
use ostiary_store::seam::Db;
use ostiary_store::{discovery_locks, members, passwords};
use std::sync::Arc;

/// A password that was entered.
pub struct Authenticate {
    /// The organization by any identifier.
    pub organization: String,
    /// The member's address.
    pub email_address: String,
    /// The password.
    pub password: Password,
    /// What else the caller has.
    pub credentials: Credentials,
}

/// Signs a member in. Browsers do not learn whether it was the address or the password that was wrong.
pub async fn authenticate(cx: &Cx, input: Authenticate) -> Result<Authenticated> {
    let candidate = find_candidate(cx, &input.organization, &input.email_address).await?;
    let email = candidate.email.as_str();
    let right = compare::compare(cx, &candidate.against, &input.password, email).await?;
    let attempt = cx.write((candidate, right, input.credentials), in_transaction).await?;
    attempt.into_result()?.complete(cx)
}

async fn in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<(Candidate, Option<Right>, Credentials)>,
) -> Result<Attempt<Login>> {
    let (candidate, right, credentials) = &*input;
    let (organization, member, right) = match attempt(&tx, &cx, candidate, right.as_ref()).await? {
        Attempt::Passed(passed) => passed,
        Attempt::Refused(error) => return Ok(Attempt::Refused(error)),
    };
    compare::note(&tx, &cx, right).await?;
    if right.allows() != Use::Anything {
        return Ok(Attempt::Refused(ErrorType::MemberResetPassword.into()));
    }
    let factor = stored::factor(&cx, right.id, None);
    let login = login::finish(&tx, &cx, organization, member, vec![factor], credentials).await?;
    Ok(Attempt::Passed(login))
}

/// Who might be signing in, as far as it is known before the password is compared.
pub(super) struct Candidate {
    pub(super) organization: Organization,
    pub(super) email: EmailAddress,
    member: Option<Member>,
    pub(super) against: Against,
}

/// Finds member and password. On the server API what is missing is an error at once; in browsers it is found out, with
/// as much work and as many attempts, that the password is wrong.
pub(super) async fn find_candidate(cx: &Cx, organization: &str, email_address: &str) -> Result<Candidate> {
    cx.app.hashing.refuse_when_full()?;
    let reader = cx.reader();
    let email = lookup::email(email_address)?;
    let organization = lookup::get_organization(&reader, cx, organization).await?;
    let member = members::find_by_email(&reader, cx.scope(), organization.id, email.as_str()).await?;
    let known = match &member {
        Some(member) => {
            member.refuse_if_locked(cx.now)?;
            if are_shared(cx) {
                locks::refuse_locked_address(&reader, cx, email.as_str()).await?;
            }
            stored::find(&reader, cx, &stored::owner_of(cx, member)).await?
        }
        None => {
            let stranger = locks::stranger_in(organization.id, email.as_str());
            locks::refuse_locked_address(&reader, cx, &stranger).await?;
            None
        }
    };
    if cx.is_backend && member.is_none() {
        return Err(ErrorType::MemberNotFound.into());
    }
    if cx.is_backend && known.is_none() {
        return Err(ErrorType::MemberPasswordNotFound.into());
    }
    let who = locks::stranger_in(organization.id, email.as_str());
    let against = Against::of(&reader, cx, known, &who).await?;
    Ok(Candidate { organization, email, member, against })
}

/// Judges the attempt: the member must still be the one that was found, unlocked, and have the password that was
/// compared. Attempts of one member are judged one after the other, and a locked member learns nothing of the password.
pub(super) async fn attempt<'a>(
    tx: &Db,
    cx: &Cx,
    candidate: &Candidate,
    right: Option<&'a Right>,
) -> Result<Attempt<(Organization, Member, &'a Right)>> {
    let Some(found) = &candidate.member else {
        let stranger = locks::stranger_in(candidate.organization.id, candidate.email.as_str());
        locks::refuse_locked_address(tx, cx, &stranger).await?;
        return locks::refuse_address(tx, cx, &stranger, wrong()).await;
    };
    members::hold(tx, cx.scope(), found.id).await?;
    let organization = stored::again(tx, cx, &candidate.organization).await?;
    let email = candidate.email.as_str();
    let member = members::find(tx, cx.scope(), organization.id, found.id)
        .await?
        .filter(|member| member.status != MemberStatus::Deleted && member.email_address == email);
    let Some(member) = member else { return Ok(Attempt::Refused(wrong())) };
    member.refuse_if_locked(cx.now)?;
    let owner = stored::owner_of(cx, &member);
    if are_shared(cx) {
        // One password with many doors: what is tried at all of them is counted together.
        passwords::hold(tx, cx.scope(), &owner).await?;
        locks::refuse_locked_address(tx, cx, email).await?;
    }
    match right {
        Some(right) if compare::is_still(tx, cx, &owner, right).await? => {
            if are_shared(cx) {
                discovery_locks::forget(tx, cx.scope(), email).await?;
            }
            Ok(Attempt::Passed((organization, member, right)))
        }
        _ if are_shared(cx) => {
            locks::refuse_address::<()>(tx, cx, email, wrong()).await?;
            locks::refuse_member(tx, cx, &member, wrong()).await
        }
        _ => locks::refuse_member(tx, cx, &member, wrong()).await,
    }
}
