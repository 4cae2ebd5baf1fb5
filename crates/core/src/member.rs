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

    /// A login has succeeded: pending and invited members become active, the address is proven if the factor
    /// proves it, and failures are forgotten. Gives whether anything changed.
    pub fn signed_in(&mut self, proven_email: Option<&str>, now: Timestamp) -> bool {
        let before = (self.status, self.email_verified, self.failed_attempts, self.lock);
        if matches!(self.status, MemberStatus::Pending | MemberStatus::Invited) {
            self.status = MemberStatus::Active;
        }
        if proven_email == Some(self.email_address.as_str()) {
            self.email_verified = true;
        }
        self.failed_attempts = 0;
        self.lock = None;
        let changed = before != (self.status, self.email_verified, self.failed_attempts, self.lock);
        if changed {
            self.touch(now);
        }
        changed
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
        assert!(member.signed_in(Some("ada@acme.example"), Timestamp::from_micros(5)));
        assert_eq!((member.status, member.email_verified, member.version), (MemberStatus::Active, true, 2));
        assert!(
            !member.signed_in(Some("ada@acme.example"), Timestamp::from_micros(6)),
            "a second login changes nothing"
        );
    }

    #[test]
    fn a_proof_of_another_address_does_not_verify() {
        let mut member = ada();
        member.signed_in(Some("eve@acme.example"), Timestamp::from_micros(5));
        assert!(!member.email_verified);
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
