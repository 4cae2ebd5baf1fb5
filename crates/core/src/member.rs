//! Members: a person in one organization (spec 01a §4).

use crate::email::EmailAddress;
use crate::error::{Error, ErrorType};
use crate::ids::{EmailId, MemberId, MemberPasswordId, OrganizationId, PhoneId, TotpId};
use crate::organization::{MfaMethod, Organization};
use crate::rbac::{self, EmailImplicitRole, MemberRole, RoleFacts};
use crate::slug::is_valid_external_id;
use crate::time::Timestamp;
use crate::wire_enum;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most characters of a member's name (chosen).
pub const NAME_CHARS_MAX: usize = 256;
/// How many earlier addresses a member keeps (chosen); beyond that the oldest is free for others again.
pub const RETIRED_EMAILS_MAX: usize = 50;

wire_enum! {
    /// Where a member stands.
    MemberStatus {
        /// Asked for a first login link or code and has not used it yet.
        Pending = "pending",
        /// Was invited and has not signed in yet.
        Invited = "invited",
        /// May sign in.
        Active = "active",
        /// Was removed; may be reactivated.
        Deleted = "deleted",
    }
}

/// An address that a member had before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredEmail {
    /// The address's id.
    pub email_id: EmailId,
    /// The address.
    pub email_address: String,
}

/// What becomes of an address that a member leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldEmail {
    /// It stays the member's, so that nobody else can take it.
    Retire,
    /// It is free for others.
    Forget,
}

/// The phone number of a member that serves as a second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MfaPhone {
    /// Its id.
    pub id: PhoneId,
    /// The number in E.164 form.
    pub number: String,
    /// Whether a code sent to it was entered.
    pub verified: bool,
}

/// The time during which a member cannot sign in after too many failures (spec 01d §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A member of an organization.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The member's id.
    pub id: MemberId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The id of the current address.
    pub email_id: EmailId,
    /// The current address, in lower case.
    pub email_address: String,
    /// Whether control of the address was proven.
    pub email_verified: bool,
    /// Where the member stands.
    pub status: MemberStatus,
    /// The name, or empty.
    pub name: String,
    /// The application's own id, unique in the organization.
    pub external_id: Option<String>,
    /// Exempt from restrictions of first and second factor methods.
    pub is_breakglass: bool,
    /// Needs a second factor even where the organization requires none.
    pub mfa_enrolled: bool,
    /// The phone number for second factors.
    pub mfa_phone: Option<MfaPhone>,
    /// The second factor that is offered first.
    pub default_mfa_method: Option<MfaMethod>,
    /// The password, if one is set.
    pub password_id: Option<MemberPasswordId>,
    /// The authenticator app, if one is registered and proven.
    pub totp_id: Option<TotpId>,
    /// Roles that were assigned to the member itself.
    pub direct_roles: Vec<String>,
    /// Data of the application that only its backend may change.
    pub trusted_metadata: Map<String, Value>,
    /// Data of the application that members may change themselves.
    pub untrusted_metadata: Map<String, Value>,
    /// Earlier addresses.
    pub retired_emails: Vec<RetiredEmail>,
    /// Failures since the last success.
    pub failed_attempts: i64,
    /// The lock, if there is one; it may have ended.
    pub lock: Option<Lock>,
    /// When the member was created.
    pub created_at: Timestamp,
    /// When the member last changed.
    pub updated_at: Timestamp,
    /// Grows with every change; cached answers are valid for one version.
    pub version: i64,
}

impl Member {
    /// A new member with nothing but an address.
    pub fn new(
        id: MemberId,
        organization_id: OrganizationId,
        email_id: EmailId,
        email: &EmailAddress,
        status: MemberStatus,
        now: Timestamp,
    ) -> Self {
        Member {
            id,
            organization_id,
            email_id,
            email_address: email.as_str().to_owned(),
            email_verified: false,
            status,
            name: String::new(),
            external_id: None,
            is_breakglass: false,
            mfa_enrolled: false,
            mfa_phone: None,
            default_mfa_method: None,
            password_id: None,
            totp_id: None,
            direct_roles: Vec::new(),
            trusted_metadata: Map::new(),
            untrusted_metadata: Map::new(),
            retired_emails: Vec::new(),
            failed_attempts: 0,
            lock: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// The lock that holds at this moment.
    pub fn lock_at(&self, now: Timestamp) -> Option<Lock> {
        self.lock.filter(|lock| lock.expires_at > now)
    }

    /// Refuses every attempt to sign in while the member is locked, right credentials included.
    pub fn refuse_if_locked(&self, now: Timestamp) -> Result<(), Error> {
        match self.lock_at(now) {
            None => Ok(()),
            Some(lock) => {
                let wait = lock.expires_at.seconds().saturating_sub(now.seconds()).max(1);
                Err(Error {
                    retry_after_seconds: u32::try_from(wait).ok(),
                    ..ErrorType::UserLockLimitReached.into()
                })
            }
        }
    }

    /// The domain of the current address.
    pub fn email_domain(&self) -> &str {
        self.email_address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// Gives the member another address. The old one is retired, or forgotten; one of the member's own that becomes
    /// current again is the address that it was and keeps its id instead of getting `new_id`.
    pub fn change_email(&mut self, email: &EmailAddress, new_id: EmailId, old: OldEmail) {
        let known = self.retired_emails.iter().position(|retired| retired.email_address == email.as_str());
        let email_id = known.map_or(new_id, |index| self.retired_emails.remove(index).email_id);
        let previous = RetiredEmail {
            email_id: std::mem::replace(&mut self.email_id, email_id),
            email_address: std::mem::replace(&mut self.email_address, email.as_str().to_owned()),
        };
        if old == OldEmail::Retire {
            self.retired_emails.push(previous);
            let surplus = self.retired_emails.len().saturating_sub(RETIRED_EMAILS_MAX);
            self.retired_emails.drain(..surplus);
        }
    }

    /// The retired address that a request names by id, by address, or by both, which must agree.
    pub fn find_retired_email(
        &self,
        id: Option<EmailId>,
        email: Option<&EmailAddress>,
    ) -> Option<&RetiredEmail> {
        self.retired_emails.iter().find(|retired| {
            id.is_none_or(|id| retired.email_id == id)
                && email.is_none_or(|email| retired.email_address == email.as_str())
        })
    }

    /// Every role of the member with where it comes from.
    pub fn roles(&self, organization: &Organization) -> Vec<MemberRole> {
        let implicit: Vec<EmailImplicitRole> = organization
            .settings
            .rbac_email_implicit_role_assignments
            .iter()
            .map(|assignment| EmailImplicitRole {
                domain: assignment.domain.clone(),
                role_id: assignment.role_id.clone(),
            })
            .collect();
        rbac::member_roles(&RoleFacts {
            direct: &self.direct_roles,
            // Verification is not required (spec 03a §6): an unproven address cannot sign in at all.
            email_domain: Some(self.email_domain()),
            email_implicit: &implicit,
            sso: &[],
            scim: &[],
        })
    }

    /// A first factor was accepted: pending and invited members become active, and the address is proven if the
    /// factor proves it. Failures are forgotten when the login `is_complete`, and not before: else the owner of a
    /// stolen password could guess second factors for ever. Gives whether anything changed.
    pub fn signed_in(&mut self, proven_email: Option<&str>, is_complete: bool, now: Timestamp) -> bool {
        let before = (self.status, self.email_verified, self.failed_attempts, self.lock);
        if matches!(self.status, MemberStatus::Pending | MemberStatus::Invited) {
            self.status = MemberStatus::Active;
        }
        if proven_email == Some(self.email_address.as_str()) {
            self.email_verified = true;
        }
        if is_complete {
            self.failed_attempts = 0;
            self.lock = None;
        }
        let changed = before != (self.status, self.email_verified, self.failed_attempts, self.lock);
        if changed {
            self.touch(now);
        }
        changed
    }

    /// Removes the member. Roles and factors go for good, so that whoever brings the member back says anew what it may
    /// do; addresses, names and data stay. Administrators are told so before they do it, by the official portal.
    pub fn remove(&mut self, now: Timestamp) {
        self.status = MemberStatus::Deleted;
        self.direct_roles.clear();
        self.password_id = None;
        self.totp_id = None;
        self.mfa_phone = None;
        self.default_mfa_method = None;
        self.touch(now);
    }

    /// Notes that the member changed.
    pub fn touch(&mut self, now: Timestamp) {
        self.updated_at = now;
        self.version += 1;
    }
}

/// When members are locked (spec 01d §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRules {
    /// Consecutive failures that lock a member, 1 to 100.
    pub threshold: i64,
    /// How long a lock lasts, in seconds: 5 minutes to 7 days.
    pub ttl_seconds: i64,
}

impl Default for LockRules {
    fn default() -> Self {
        LockRules { threshold: 10, ttl_seconds: 3600 }
    }
}

/// A name as it may stand in mails: at most 256 characters and no control characters; empty is allowed.
pub fn valid_member_name(name: &str) -> Result<String, Error> {
    if name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(ErrorType::InvalidName.into());
    }
    Ok(name.to_owned())
}

/// Words that stand at the place of a member id in paths, so they cannot be external ids (backend.md §2).
const RESERVED_EXTERNAL_IDS: [&str; 3] = ["passwords", "mfa_phone_numbers", "search"];

/// An external id that satisfies the rules of spec 01a §2.
pub fn valid_member_external_id(external_id: &str) -> Result<String, Error> {
    if is_valid_external_id(external_id) && !RESERVED_EXTERNAL_IDS.contains(&external_id) {
        Ok(external_id.to_owned())
    } else {
        Err(ErrorType::InvalidMemberExternalId.into())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::ids::EnvironmentKind::Test;
    use uuid::Uuid;

    pub(crate) fn ada() -> Member {
        Member::new(
            MemberId::new(Uuid::from_u128(1), Test),
            OrganizationId::new(Uuid::from_u128(2), Test),
            EmailId::new(Uuid::from_u128(3), Test),
            &EmailAddress::parse("ada@acme.example").unwrap(),
            MemberStatus::Pending,
            Timestamp::from_micros(0),
        )
    }

    #[test]
    fn first_login_activates_and_verifies() {
        let mut member = ada();
        assert!(member.signed_in(Some("ada@acme.example"), true, Timestamp::from_micros(5)));
        assert_eq!((member.status, member.email_verified, member.version), (MemberStatus::Active, true, 2));
        assert!(
            !member.signed_in(Some("ada@acme.example"), true, Timestamp::from_micros(6)),
            "a second login changes nothing"
        );
    }

    #[test]
    fn a_proof_of_another_address_does_not_verify() {
        let mut member = ada();
        member.signed_in(Some("eve@acme.example"), true, Timestamp::from_micros(5));
        assert!(!member.email_verified);
    }

    #[test]
    fn failures_are_forgotten_by_a_complete_login_only() {
        let mut member = ada();
        member.failed_attempts = 9;
        member.signed_in(Some("ada@acme.example"), false, Timestamp::from_micros(5));
        assert_eq!((member.status, member.failed_attempts), (MemberStatus::Active, 9));
        assert!(member.signed_in(None, true, Timestamp::from_micros(6)));
        assert_eq!((member.failed_attempts, member.email_verified), (0, true));
    }

    fn email(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    fn email_id(number: u128) -> EmailId {
        EmailId::new(Uuid::from_u128(number), Test)
    }

    #[test]
    fn an_address_that_comes_back_is_the_same_address() {
        let mut member = ada();
        member.change_email(&email("ada@globex.example"), email_id(4), OldEmail::Retire);
        assert_eq!((member.email_address.as_str(), member.email_id), ("ada@globex.example", email_id(4)));
        let old = RetiredEmail { email_id: email_id(3), email_address: "ada@acme.example".into() };
        assert_eq!(member.retired_emails, [old]);
        member.change_email(&email("ada@acme.example"), email_id(5), OldEmail::Forget);
        assert_eq!((member.email_address.as_str(), member.email_id), ("ada@acme.example", email_id(3)));
        assert_eq!(member.retired_emails, []);
    }

    #[test]
    fn the_oldest_retired_address_gives_way() {
        let mut member = ada();
        for number in 0..60u128 {
            let next = email(&format!("ada-{number}@acme.example"));
            member.change_email(&next, email_id(number), OldEmail::Retire);
        }
        assert_eq!(member.retired_emails.len(), RETIRED_EMAILS_MAX);
        assert_eq!(member.retired_emails[0].email_address, "ada-9@acme.example");
    }

    #[test]
    fn a_retired_address_is_found_when_all_that_is_said_of_it_agrees() {
        let mut member = ada();
        member.change_email(&email("ada@globex.example"), email_id(4), OldEmail::Retire);
        member.change_email(&email("ada@initech.example"), email_id(5), OldEmail::Retire);
        let (acme, globex) = (email("ada@acme.example"), email("ada@globex.example"));
        for (id, address, expected) in [
            (Some(email_id(3)), None, Some("ada@acme.example")),
            (None, Some(&globex), Some("ada@globex.example")),
            (Some(email_id(4)), Some(&globex), Some("ada@globex.example")),
            (Some(email_id(4)), Some(&acme), None),
            (Some(email_id(5)), None, None),
        ] {
            let found = member.find_retired_email(id, address).map(|found| found.email_address.as_str());
            assert_eq!(found, expected, "{id:?} {address:?}");
        }
    }

    #[test]
    fn a_lock_holds_until_its_last_moment() {
        let mut member = ada();
        member.lock = Some(Lock {
            created_at: Timestamp::from_micros(0),
            expires_at: Timestamp::from_micros(10_000_000),
        });
        let error = member.refuse_if_locked(Timestamp::from_micros(9_999_999)).unwrap_err();
        assert_eq!((error.kind, error.retry_after_seconds), (ErrorType::UserLockLimitReached, Some(1)));
        assert!(member.refuse_if_locked(Timestamp::from_micros(10_000_000)).is_ok());
    }

    #[test]
    fn words_of_paths_are_no_external_ids() {
        assert!(valid_member_external_id("passwords").is_err());
        assert!(valid_member_external_id("crm|42").is_ok());
    }
}
