//! Who may call a route (spec 03a §8): declared in the route table, checked here before any handler runs.

use crate::cx::{Cx, Result};
use crate::http::call::Call;
use crate::http::routes::Surface;
use crate::ops::lookup;
use crate::ops::sessions::check::{self, Check};
use crate::ops::sessions::render::Rendered;
use crate::ops::sessions::tokens::SessionCredential;
use ostiary_core::error::ErrorType;
use ostiary_core::ids::{MemberId, OrganizationId};
use ostiary_core::project::KeyScope;
use ostiary_core::rbac;
use ostiary_core::session::SessionArguments;
use std::sync::Arc;

/// What a caller needs beside the credentials of the surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No credentials at all.
    Open,
    /// The secret key, or the public token; a member session does not matter.
    Project,
    /// The browser API: any member session.
    Member,
    /// A permission, for callers with a member session: always in browsers, on the server API when the member-session
    /// header is there.
    Permission(&'static str, &'static str),
    /// A permission on a member, which members may hold for themselves (`stytch.self`).
    OnMember(&'static str),
    /// A permission on the acting member itself.
    OnSelf(&'static str),
    /// The management API: any key of an operator.
    Operator,
    /// The management API: a key with this scope.
    OperatorWith(KeyScope),
    /// Each given field needs its own permission; the handler asks with [`Actor::require`] and the like.
    PerField,
}

/// The member on whose behalf a call runs.
pub struct Actor {
    session: Arc<Rendered>,
}

impl Actor {
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

    /// Refuses what no role of the member allows.
    pub fn require(&self, cx: &Cx, resource: &str, action: &str) -> Result<()> {
        let session = &self.session;
        rbac::allows(&cx.project.policy_index, &session.organization_roles, &session.roles, resource, action)
            .map(|_| ())
            .ok_or_else(|| ErrorType::SessionAuthorizationError.into())
    }

    /// Refuses what no role of the member allows on another member, or on itself.
    pub fn require_on_member(&self, cx: &Cx, target_is_self: bool, action: &str) -> Result<()> {
        let session = &self.session;
        let index = &cx.project.policy_index;
        if rbac::allows_on_member(index, &session.organization_roles, &session.roles, target_is_self, action)
        {
            Ok(())
        } else {
            Err(ErrorType::SessionAuthorizationError.into())
        }
    }
}

/// Finds the acting member of a call and refuses what its route does not allow.
pub async fn enforce(call: &mut Call) -> Result<()> {
    let access = call.route.access;
    if matches!(access, Access::Open | Access::Project) {
        return Ok(());
    }
    let Some(credential) = call.attached.clone() else {
        return match call.route.surface {
            Surface::Browser => Err(ErrorType::UserUnauthenticated.into()),
            // A backend that names no member acts with the full power of its secret key.
            Surface::Backend | Surface::Public | Surface::Management => Ok(()),
        };
    };
    let actor = find_actor(&call.cx, credential).await?;
    if call.route.surface == Surface::Backend {
        require_own_organization(call, &actor).await?;
    }
    match access {
        Access::Permission(resource, action) => actor.require(&call.cx, resource, action)?,
        Access::OnMember(action) => {
            let target = call.param("member_id").or_else(|_| call.fields.required("member_id"))?;
            let is_self = lookup::names_member(&call.cx, actor.organization_id(), target, actor.member_id());
            actor.require_on_member(&call.cx, is_self.await?, action)?;
        }
        Access::OnSelf(action) => actor.require_on_member(&call.cx, true, action)?,
        Access::Open
        | Access::Project
        | Access::Member
        | Access::PerField
        // The key of an operator is asked before there is a call of this kind.
        | Access::Operator
        | Access::OperatorWith(_) => {}
    }
    call.actor = Some(actor);
    Ok(())
}

async fn find_actor(cx: &Cx, credential: SessionCredential) -> Result<Actor> {
    let check = Check { credential, arguments: SessionArguments::default(), authorization: None };
    Ok(Actor { session: check::authenticate(cx, check).await?.rendered })
}

/// A member acts in its own organization only, whatever identifier the call uses.
async fn require_own_organization(call: &Call, actor: &Actor) -> Result<()> {
    let named = match call.param("organization_id") {
        Ok(id) => Some(id.to_owned()),
        Err(_) => call.fields.nonempty("organization_id")?,
    };
    let Some(named) = named else { return Ok(()) };
    let organization = lookup::find_organization(&call.cx.reader(), &call.cx, &named).await?;
    if organization.is_some_and(|organization| organization.id == actor.organization_id()) {
        Ok(())
    } else {
        Err(ErrorType::SessionAuthorizationTenancyError.into())
    }
}
