//! Who may call a route (spec 03a §8): declared in the route table, checked here before any handler runs.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::routes::Surface;
use crate::ops::actor::Actor;
use crate::ops::lookup;
use ostiary_core::error::ErrorType;
use ostiary_core::project::KeyScope;

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
    /// A permission on a member whom only the handler can find, from what it is given: a session or a password.
    PerTarget,
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
            Surface::Backend | Surface::Public | Surface::OAuth | Surface::Management => Ok(()),
        };
    };
    let actor = Actor::find(&call.cx, credential).await?;
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
        | Access::PerTarget
        // The key of an operator is asked before there is a call of this kind.
        | Access::Operator
        | Access::OperatorWith(_) => {}
    }
    call.actor = Some(actor);
    Ok(())
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
