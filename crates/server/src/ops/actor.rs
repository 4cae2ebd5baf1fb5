//! The member on whose behalf a call runs, and what its roles allow (spec 03a §8).

use crate::cx::{Cx, Result};
use crate::ops::sessions::check::{self, Check};
use crate::ops::sessions::render::Rendered;
use crate::ops::sessions::tokens::SessionCredential;
use ostiary_core::error::ErrorType;
use ostiary_core::ids::{MemberId, OrganizationId};
use ostiary_core::organization::Organization;
use ostiary_core::rbac::{self, Permission};
use ostiary_core::session::SessionArguments;
use std::sync::Arc;

/// A member with a living session.
#[derive(Clone)]
pub struct Actor {
    session: Arc<Rendered>,
}

impl Actor {
    /// The member of a session; `session_not_found` when the session is over.
    pub async fn find(cx: &Cx, credential: SessionCredential) -> Result<Actor> {
        let check = Check { credential, arguments: SessionArguments::default(), authorization: None };
        Ok(Actor { session: check::authenticate(cx, check).await?.rendered })
    }

    /// The session.
    pub fn session(&self) -> &Rendered {
        &self.session
    }

    /// The member.
    pub fn member_id(&self) -> MemberId {
        self.session.session.member_id
    }

    /// The organization.
    pub fn organization_id(&self) -> OrganizationId {
        self.session.session.organization_id
    }

    /// Refuses what an operator may not do in a member's place (spec 05b §6).
    ///
    /// # Errors
    /// `unauthorized_action`.
    pub fn refuse_impersonated(&self) -> Result<()> {
        match self.session.session.impersonator() {
            None => Ok(()),
            Some(_) => Err(ErrorType::UnauthorizedAction.with_message(
                "An operator acts in the member's place in this session, and may not do that.",
            )),
        }
    }

    fn refuse_closed(&self, resource: &str, action: &str) -> Result<()> {
        if rbac::is_closed_to_impersonators(resource, action) { self.refuse_impersonated() } else { Ok(()) }
    }

    /// Refuses what no role of the member allows.
    pub fn require(&self, cx: &Cx, resource: &str, action: &str) -> Result<()> {
        self.refuse_closed(resource, action)?;
        let Rendered { organization_roles, roles, .. } = &*self.session;
        let granting = rbac::allows(&cx.project.policy_index, organization_roles, roles, resource, action);
        refuse_unless(granting.is_some())
    }

    /// Refuses what no role of the member allows on another member, or on itself.
    pub fn require_on_member(&self, cx: &Cx, target_is_self: bool, action: &str) -> Result<()> {
        self.refuse_closed(rbac::MEMBER_RESOURCE, action)?;
        let Rendered { organization_roles, roles, .. } = &*self.session;
        let index = &cx.project.policy_index;
        refuse_unless(rbac::allows_on_member(index, organization_roles, roles, target_is_self, action))
    }

    /// Refuses to hand out permissions that the member does not hold itself (spec 06 R-43).
    pub fn require_all(&self, cx: &Cx, permissions: &[Permission]) -> Result<()> {
        let Rendered { organization_roles, roles, .. } = &*self.session;
        refuse_unless(rbac::covers(&cx.project.policy_index, organization_roles, roles, permissions))
    }

    /// Refuses to hand out a role whose permissions the member does not hold itself, where the project says that nobody
    /// may (spec 03a §8, escalation guards).
    pub fn require_grantable(&self, cx: &Cx, organization: &Organization, role_id: &str) -> Result<()> {
        if !cx.project.environment.settings.grant_only_held_permissions {
            return Ok(());
        }
        let roles = cx.project.policy.roles.iter().chain(&organization.custom_roles);
        roles
            .filter(|role| role.role_id == role_id)
            .try_for_each(|role| self.require_all(cx, &role.permissions))
    }
}

impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The session has its tokens in it.
        write!(f, "Actor({})", self.member_id())
    }
}

fn refuse_unless(is_allowed: bool) -> Result<()> {
    if is_allowed { Ok(()) } else { Err(ErrorType::SessionAuthorizationError.into()) }
}
