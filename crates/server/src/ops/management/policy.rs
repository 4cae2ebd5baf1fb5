//! The RBAC policy as operators write it: the built-in part is implied (spec 05a §3).

use super::{Operator, Place};
use crate::cx::Result;
use ostiary_core::error::ErrorType;
use ostiary_core::project::Vertical;
use ostiary_core::rbac::{ADMIN_ROLE, MEMBER_ROLE, Permission, Policy, Resource, Role, Scope};
use serde_json::Value;

/// A policy in the parts of the management API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What every member may do beside the built-in permissions.
    pub stytch_member: Vec<Permission>,
    /// What administrators may do beside the built-in permissions.
    pub stytch_admin: Vec<Permission>,
    /// The project's own roles.
    pub custom_roles: Vec<Role>,
    /// The project's own resources.
    pub custom_resources: Vec<Resource>,
    /// The project's own scopes.
    pub custom_scopes: Vec<Scope>,
}

impl Document {
    fn of(written: &Policy) -> Self {
        let builtin = Policy::effective(&Policy::default());
        let permissions = |role_id: &str| {
            let role = written.roles.iter().find(|role| role.role_id == role_id);
            role.map_or(Vec::new(), |role| role.permissions.clone())
        };
        let is_own_role = |role: &&Role| role.role_id != MEMBER_ROLE && role.role_id != ADMIN_ROLE;
        let is_own_resource = |resource: &&Resource| {
            builtin.resources.iter().all(|known| known.resource_id != resource.resource_id)
        };
        let is_own_scope = |scope: &&Scope| builtin.scopes.iter().all(|known| known.scope != scope.scope);
        Document {
            stytch_member: permissions(MEMBER_ROLE),
            stytch_admin: permissions(ADMIN_ROLE),
            custom_roles: written.roles.iter().filter(is_own_role).cloned().collect(),
            custom_resources: written.resources.iter().filter(is_own_resource).cloned().collect(),
            custom_scopes: written.scopes.iter().filter(is_own_scope).cloned().collect(),
        }
    }
}

/// The resources that every project has.
pub fn builtin_resources() -> Vec<Resource> {
    Policy::effective(&Policy::default()).resources
}

/// The policy as it was written.
pub async fn get(operator: &Operator, place: &Place) -> Result<Document> {
    Ok(Document::of(&operator.environment(place).await?.policy))
}

/// How often a change is judged again after another operator's change came first.
const ATTEMPTS: usize = 5;

/// Replaces the policy; see [`crate::ops::policy::set`], which judges the document and takes roles that are gone back.
pub async fn set(operator: &Operator, place: &Place, document: &Value) -> Result<Document> {
    let environment = operator.environment(place).await?;
    let is_consumer = environment.vertical == Vertical::Consumer;
    let is_for_members = document.get("stytch_member").is_some() || document.get("stytch_admin").is_some();
    if document.get("stytch_user").is_some() || (is_consumer && is_for_members) {
        return Err(ErrorType::InvalidRoleForVertical.into());
    }
    let mut attempts = 0;
    loop {
        attempts += 1;
        operator.app.refresh_projects().await?;
        let project =
            operator.app.projects.by_env(environment.scope.env).ok_or(ErrorType::ProjectNotFound)?;
        match crate::ops::policy::set(&operator.app, &project, document).await {
            Err(error) if error.kind == ErrorType::ServerUnavailable && attempts < ATTEMPTS => {}
            result => return Ok(Document::of(&result?.written)),
        }
    }
}
