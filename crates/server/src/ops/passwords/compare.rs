//! Comparing a password that was entered with the stored one.

use super::check;
use super::stored::{self, Known};
use crate::cx::{Cx, Result};
use ostiary_core::ids::MemberPasswordId;
use ostiary_core::password::{Password, judge};
use ostiary_core::time::Timestamp;
use ostiary_proto::password_hash::{Argon2Params, Memory, PasswordHash};
use ostiary_store::passwords::{self, PasswordOwner};
use ostiary_store::seam::Db;

/// What an entered password is compared with.
pub(super) enum Against {
    /// The password of who signs in.
    Own(Known),
    /// Somebody else's, in vain: who signs in has none, and nobody shall learn that. None when nobody has a password.
    Decoy(Option<PasswordHash>),
}

impl Against {
    /// The password of who signs in, or (on the browser API, which keeps to itself whether there is one) a decoy: since
    /// decoys are chosen among the passwords that there are, imported ones with costs of their own included, how long an
    /// answer takes says nothing about an address.
    pub(super) async fn of(db: &Db, cx: &Cx, known: Option<Known>, who: &str) -> Result<Against> {
        match known {
            Some(known) => Ok(Against::Own(known)),
            None => Ok(Against::Decoy(stored::decoy(db, cx, who).await?)),
        }
    }
}

/// How long a password that was not among breached ones is not looked up again, in minutes (chosen).
const BREACH_CHECK_MINUTES: i64 = 24 * 60;

/// A password that was entered and is the stored one.
pub(super) struct Right {
    pub(super) id: MemberPasswordId,
    /// Its hash by the scheme of this server, where the stored one is of another.
    new_hash: Option<PasswordHash>,
    needs_reset: bool,
    is_weak: bool,
    is_breached: Option<bool>,
}

/// What the password may still be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Everything.
    Anything,
    /// Setting a better one.
    Change,
    /// Nothing: it must be reset by mail.
    Nothing,
}

impl Right {
    pub(super) fn allows(&self) -> Use {
        if self.needs_reset || self.is_breached == Some(true) {
            Use::Nothing
        } else if self.is_weak {
            Use::Change
        } else {
            Use::Anything
        }
    }
}

/// Compares outside of any transaction; `None` when the password is wrong.
pub(super) async fn compare(
    cx: &Cx,
    against: &Against,
    password: &Password,
    email_address: &str,
) -> Result<Option<Right>> {
    let known = match against {
        Against::Own(known) => known,
        Against::Decoy(decoy) => {
            work_in_vain(cx, decoy.clone(), password).await?;
            return Ok(None);
        }
    };
    let Some((new_hash, is_weak)) = verify(cx, known, password, email_address).await? else {
        return Ok(None);
    };
    let is_breached =
        if is_breach_check_due(cx, known) { check::is_breached(cx, password).await } else { None };
    Ok(Some(Right { id: known.id, new_hash, needs_reset: known.needs_reset, is_weak, is_breached }))
}

/// How much work it is to find out that a password is not the one of a hash, and to replace the hash when it is and is
/// not of this server's scheme.
fn work_micros(params: &Argon2Params, hash: &PasswordHash) -> u64 {
    hash.work_micros() + if hash.is_current(params) { 0 } else { params.work_micros() }
}

/// Does what [`verify`] does for a wrong password. That the password may be the one of the decoy, nobody learns.
async fn work_in_vain(cx: &Cx, decoy: Option<PasswordHash>, password: &Password) -> Result<()> {
    let Some(hash) = decoy else {
        stored::hash(cx, password.clone(), false).await?;
        return Ok(());
    };
    let work = work_micros(&cx.app.hashing.params(), &hash);
    let password = password.clone();
    let job = move |memory: &mut Memory| {
        std::hint::black_box(hash.verify(password.as_bytes(), memory));
    };
    cx.app.hashing.run(work, job).await
}

/// Verifies, and in the same turn hashes anew what is not of this server's scheme, and judges what the policy wants
/// judged.
async fn verify(
    cx: &Cx,
    known: &Known,
    password: &Password,
    email_address: &str,
) -> Result<Option<(Option<PasswordHash>, bool)>> {
    let (params, policy) =
        (cx.app.hashing.params(), cx.project.environment.settings.password_strength_config);
    let is_current = known.hash.is_current(&params);
    let work = work_micros(&params, &known.hash);
    let (hash, random) = (known.hash.clone(), cx.app.random.clone());
    let (password, email_address) = (password.clone(), email_address.to_owned());
    let job = move |memory: &mut Memory| {
        if !hash.verify(password.as_bytes(), memory) {
            return None;
        }
        let new_hash = (!is_current)
            .then(|| PasswordHash::create(&params, password.as_bytes(), random.as_ref(), memory));
        let is_weak = policy.validate_on_authentication
            && !judge(&policy, &password, &[&email_address], false).is_strong();
        Some((new_hash, is_weak))
    };
    cx.app.hashing.run(work, job).await
}

fn is_breach_check_due(cx: &Cx, known: &Known) -> bool {
    let is_fresh = |checked_at: Timestamp| checked_at.plus_minutes(BREACH_CHECK_MINUTES) > cx.now;
    let policy = cx.project.environment.settings.password_strength_config;
    policy.check_breach_on_authentication
        && !known.needs_reset
        && !known.breach_checked_at.is_some_and(is_fresh)
}

/// Whether the password that was compared is still the one of this owner, inside of a transaction.
pub(super) async fn is_still(tx: &Db, cx: &Cx, owner: &PasswordOwner, right: &Right) -> Result<bool> {
    let stored = passwords::find(tx, cx.scope(), owner).await?;
    Ok(stored.is_some_and(|stored| stored.id == right.id))
}

/// Writes down what was found out about a password while it was compared.
pub(super) async fn note(tx: &Db, cx: &Cx, right: &Right) -> Result<()> {
    if let Some(hash) = &right.new_hash {
        let sealed = stored::seal(cx, right.id, hash);
        passwords::replace_hash(tx, cx.scope(), right.id, &sealed).await?;
    }
    match right.is_breached {
        Some(true) => passwords::require_reset(tx, cx.scope(), right.id).await?,
        Some(false) => passwords::note_breach_check(tx, cx.scope(), right.id, cx.now).await?,
        None => {}
    }
    Ok(())
}
