//! Admission: who may become a member of an organization (spec 01a §3, 01b §2 and §5).

use crate::email::EmailAddress;
use crate::error::ErrorType;
use crate::ids::OrganizationId;
use crate::organization::{Allowance, OrganizationSettings};

/// Whether the domain of the address is one that the organization lists.
fn has_allowed_domain(settings: &OrganizationSettings, email: &EmailAddress) -> bool {
    settings.email_allowed_domains.iter().any(|domain| domain == email.domain())
}

/// Whether someone with this address may become a member by asking for a login link or code.
pub fn admit_by_email(settings: &OrganizationSettings, email: &EmailAddress) -> Result<(), ErrorType> {
    match settings.email_jit_provisioning {
        Allowance::NotAllowed | Allowance::AllAllowed => Err(ErrorType::EmailJitProvisioningNotAllowed),
        Allowance::Restricted if has_allowed_domain(settings, email) => Ok(()),
        Allowance::Restricted => Err(ErrorType::InvalidEmailForJitProvisioning),
    }
}

/// Whether someone with this address may be invited.
pub fn admit_by_invite(settings: &OrganizationSettings, email: &EmailAddress) -> Result<(), ErrorType> {
    match settings.email_invites {
        Allowance::AllAllowed => Ok(()),
        Allowance::Restricted if has_allowed_domain(settings, email) => Ok(()),
        Allowance::Restricted | Allowance::NotAllowed => Err(ErrorType::InvalidEmailForInvites),
    }
}

/// Whether the organization is offered in discovery to someone who has just proven this address. Beside the domain
/// rule there must be a member with a proven address of that domain, so that nobody can list a domain of strangers
/// and wait for them (spec 01b §5).
pub fn discoverable_by_domain(
    settings: &OrganizationSettings,
    email: &EmailAddress,
    has_verified_member_of_domain: bool,
) -> bool {
    has_verified_member_of_domain && admit_by_email(settings, email).is_ok()
}

/// Refuses an address whose domain is claimed, unless this organization is one of the claimants.
pub fn respect_claims(
    claimants: &[OrganizationId],
    organization: Option<OrganizationId>,
) -> Result<(), ErrorType> {
    let is_claimant = organization.is_some_and(|id| claimants.contains(&id));
    if claimants.is_empty() || is_claimant { Ok(()) } else { Err(ErrorType::ActionNotAllowedDomainClaimed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::EnvironmentKind::Test;
    use uuid::Uuid;

    fn settings(jit: Allowance, invites: Allowance, domains: &[&str]) -> OrganizationSettings {
        OrganizationSettings {
            email_jit_provisioning: jit,
            email_invites: invites,
            email_allowed_domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            ..OrganizationSettings::default()
        }
    }

    /// W-23: each refusal names its rule.
    #[test]
    fn joining_and_inviting_follow_the_table() {
        use Allowance::{AllAllowed, NotAllowed, Restricted};
        use ErrorType::{
            EmailJitProvisioningNotAllowed, InvalidEmailForInvites, InvalidEmailForJitProvisioning,
        };
        let ada = EmailAddress::parse("ada@acme.example").unwrap();
        let acme: &[&str] = &["acme.example"];
        let other: &[&str] = &["mail.acme.example", "example"];
        for (jit, invites, domains, join, invite) in [
            (NotAllowed, AllAllowed, acme, Err(EmailJitProvisioningNotAllowed), Ok(())),
            (Restricted, NotAllowed, acme, Ok(()), Err(InvalidEmailForInvites)),
            (Restricted, Restricted, acme, Ok(()), Ok(())),
            (Restricted, Restricted, other, Err(InvalidEmailForJitProvisioning), Err(InvalidEmailForInvites)),
        ] {
            let settings = settings(jit, invites, domains);
            assert_eq!(admit_by_email(&settings, &ada), join);
            assert_eq!(admit_by_invite(&settings, &ada), invite);
            assert_eq!(discoverable_by_domain(&settings, &ada, true), join.is_ok());
            assert!(!discoverable_by_domain(&settings, &ada, false), "nobody of the domain is there yet");
        }
    }

    #[test]
    fn claimed_domains_belong_to_their_claimants() {
        let acme = OrganizationId::new(Uuid::from_u128(1), Test);
        let globex = OrganizationId::new(Uuid::from_u128(2), Test);
        assert!(respect_claims(&[], Some(acme)).is_ok());
        assert!(respect_claims(&[acme], Some(acme)).is_ok());
        assert!(respect_claims(&[acme], Some(globex)).is_err());
        assert!(respect_claims(&[acme], None).is_err());
    }
}
