//! What calls about second factors share: who asks, and how a completed one ends in a session (spec 01c §3).

use crate::cx::{Cx, Result};
use crate::ops::login::{self, Credentials, Outcome};
use crate::ops::sessions::render::{Rendered, render};
use crate::ops::{lookup, provisioning};
use ostiary_core::error::ErrorType;
use ostiary_core::factor::{Factor, Proof};
use ostiary_core::login::MemberFacts;
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::mfa::{self, Wishes};
use ostiary_core::organization::{MfaMethod, Organization};
use ostiary_core::session::Session;
use ostiary_store::seam::Db;
use std::sync::Arc;

/// The member that a call is about.
pub struct Holder {
    /// The organization.
    pub organization: Organization,
    /// The member.
    pub member: Member,
    /// What was proven in the session or intermediate session that the call brings; none when it brings none.
    pub proven: Option<Vec<Factor>>,
}

impl Holder {
    /// Finds the member and judges what the call brings along: it must be this member's and hold a first factor. Whether
    /// the member is locked is told to those only who have proven that much, or hold the secret key.
    pub async fn find(
        tx: &Db,
        cx: &Cx,
        organization: &str,
        member: &str,
        credentials: &Credentials,
    ) -> Result<Holder> {
        let organization = lookup::get_organization(tx, cx, organization).await?;
        let member = lookup::get_member(tx, cx, &organization, member).await?;
        let proven = login::first_factors(tx, cx, &organization, &member, credentials).await?;
        member.refuse_if_locked(cx.now)?;
        require_active(&member)?;
        Ok(Holder { organization, member, proven })
    }

    /// Refuses a method that the organization does not allow.
    pub fn may_use(&self, method: MfaMethod) -> Result<()> {
        Ok(mfa::may_use(&self.organization.settings, &MemberFacts::of(&self.member), method)?)
    }

    /// Refuses to add a factor beside one that the call has not proven.
    pub fn may_enrol(&self, method: MfaMethod) -> Result<()> {
        let facts = MemberFacts::of(&self.member);
        Ok(mfa::may_enrol(&self.organization.settings, &facts, self.proven.as_deref(), method)?)
    }

    /// Notes that the factor was completed and gives the session.
    pub async fn complete(
        self,
        tx: &Db,
        cx: &Cx,
        proof: Proof,
        wishes: Wishes,
        credentials: &Credentials,
    ) -> Result<Completed> {
        let mut member = self.member;
        let before = member.clone();
        mfa::complete(&mut member, self.organization.settings.mfa_policy, &proof, wishes);
        if member != before {
            member.touch(cx.now);
            provisioning::save_member(tx, cx, &member).await?;
        }
        let factor = Factor::new(proof, cx.now);
        let login = login::finish(tx, cx, self.organization, member, vec![factor], credentials).await?;
        match login.outcome {
            Outcome::Session { session, token } => {
                Ok(Completed { member: login.member, organization: login.organization, session, token })
            }
            // Nothing but a first factor can be missing here, and it is asked for before.
            Outcome::Intermediate(_) => Err(ErrorType::PrimaryAuthenticationNotMet.into()),
        }
    }
}

/// Refuses to give second factors to members who have never signed in (spec 01c §3).
pub fn require_active(member: &Member) -> Result<()> {
    if member.status == MemberStatus::Active {
        Ok(())
    } else {
        Err(ErrorType::ActionAvailableOnlyForActiveMembers.into())
    }
}

/// A session that a second factor completed or was added to.
pub struct Completed {
    member: Member,
    organization: Organization,
    session: Session,
    token: String,
}

impl Completed {
    /// Signs the session token; after the commit, like [`login::Login::complete`].
    pub fn render(self, cx: &Cx) -> Result<Arc<Rendered>> {
        render(cx, &self.session, &self.member, &self.organization, self.token)
    }
}
