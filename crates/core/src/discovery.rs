//! Discovery: which organizations a person could enter with what was just proven (spec 01b §5).

use crate::admission;
use crate::email::EmailAddress;
use crate::factor::Factor;
use crate::login::{self, MemberFacts, Verdict};
use crate::member::{Member, MemberStatus};
use crate::organization::Organization;

/// How a person stands to a discovered organization.
#[derive(Clone, Debug, PartialEq)]
pub enum Membership {
    /// A member in any status but deleted.
    Member(Box<Member>),
    /// Nobody yet, but the email domain may join.
    EligibleByEmailDomain {
        /// The domain.
        domain: String,
    },
}

impl Membership {
    /// The `membership.type` of the wire.
    pub fn wire_type(&self) -> &'static str {
        match self {
            Membership::Member(member) => match member.status {
                MemberStatus::Pending => "pending_member",
                MemberStatus::Invited => "invited_member",
                MemberStatus::Active | MemberStatus::Deleted => "active_member",
            },
            Membership::EligibleByEmailDomain { .. } => "eligible_to_join_by_email_domain",
        }
    }
}

/// An organization that a person could enter.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoveredOrganization {
    /// The organization.
    pub organization: Organization,
    /// How the person stands to it.
    pub membership: Membership,
    /// What the factors at hand are worth there.
    pub verdict: Verdict,
}

/// An organization that lists the domain of the person's address.
#[derive(Clone, Debug)]
pub struct DomainCandidate {
    /// The organization.
    pub organization: Organization,
    /// Whether a member with a proven address of that domain is there.
    pub has_verified_member_of_domain: bool,
}

/// Puts together what a person is shown: memberships first, then organizations to join, each by name.
/// `claimed_by_others` says which organizations may not have members of this domain.
pub fn discover(
    email: &EmailAddress,
    factors: &[Factor],
    memberships: Vec<(Organization, Member)>,
    candidates: Vec<DomainCandidate>,
    is_claimed_by_others: impl Fn(&Organization) -> bool,
) -> Vec<DiscoveredOrganization> {
    let mut members: Vec<DiscoveredOrganization> = memberships
        .into_iter()
        .filter(|(organization, member)| {
            member.status != MemberStatus::Deleted && !is_claimed_by_others(organization)
        })
        .map(|(organization, member)| DiscoveredOrganization {
            verdict: login::decide(&organization.settings, &MemberFacts::of(&member), factors),
            membership: Membership::Member(Box::new(member)),
            organization,
        })
        .collect();
    // Whoever joins brings the password along that counts in every organization.
    let newcomer = MemberFacts {
        password_id: factors.iter().filter(|factor| factor.is_transferable()).find_map(Factor::password_id),
        ..MemberFacts::newcomer(email.as_str())
    };
    let proves_email = factors.iter().any(|factor| factor.verified_email() == Some(email.as_str()));
    let mut eligible: Vec<DiscoveredOrganization> = candidates
        .into_iter()
        .filter(|candidate| {
            proves_email
                && members.iter().all(|known| known.organization.id != candidate.organization.id)
                && !is_claimed_by_others(&candidate.organization)
                && admission::discoverable_by_domain(
                    &candidate.organization.settings,
                    email,
                    candidate.has_verified_member_of_domain,
                )
        })
        .map(|candidate| DiscoveredOrganization {
            verdict: login::decide(&candidate.organization.settings, &newcomer, factors),
            membership: Membership::EligibleByEmailDomain { domain: email.domain().to_owned() },
            organization: candidate.organization,
        })
        .collect();
    let by_name = |a: &DiscoveredOrganization, b: &DiscoveredOrganization| {
        (&a.organization.name, a.organization.id).cmp(&(&b.organization.name, b.organization.id))
    };
    members.sort_by(by_name);
    eligible.sort_by(by_name);
    members.extend(eligible);
    members
}
