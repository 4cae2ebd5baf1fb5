//! Passwords (spec 01c §1 and §2).
//!
//! A project has passwords of one of two kinds. By default each belongs to one member. With
//! `cross_org_passwords_enabled` a password belongs to an address and counts in every organization in which a member has
//! that address; then there is discovery by password, too.
//!
//! All operations go the same way: load, compare or hash in the pool of [`crate::hashing`] outside of any transaction,
//! then in one transaction look again, decide, write. A password that is set anew gets another id, so a comparison
//! that has been overtaken by a reset is noticed there.

pub mod authenticate;
pub mod check;
mod compare;
pub mod discovery;
pub mod existing;
pub mod migrate;
pub mod require_reset;
pub mod reset_by_email;
pub mod reset_by_session;
mod stored;

pub use stored::{delete, drop_own, find_owner, leave_organization, link_to_shared, release_address};

use crate::cx::Cx;
use ostiary_core::error::{Error, ErrorType};

/// Whether passwords belong to addresses and count in every organization.
fn are_shared(cx: &Cx) -> bool {
    cx.project.environment.settings.cross_org_passwords_enabled
}

/// Refuses a call that is for shared passwords only.
fn require_shared(cx: &Cx) -> Result<(), Error> {
    if are_shared(cx) { Ok(()) } else { Err(ErrorType::CrossOrgPasswordsNotEnabled.into()) }
}

/// The password is wrong, or (in browsers, which shall not tell) there is none, or nobody has that address.
fn wrong() -> Error {
    ErrorType::UnauthorizedCredentials.with_message("The email address or the password is not correct.")
}
