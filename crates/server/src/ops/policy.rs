//! The policy of a project and the roles of its organizations: writing them, and explaining what they mean for a member
//! (spec 03a §4, §5).

use crate::app::App;
use crate::cx::{Cx, Result};
use crate::ops::actor::Actor;
use crate::ops::{lookup, organizations as organization_ops, provisioning};
use crate::project::Project;
use ostiary_core::error::Error;
use ostiary_core::ids::{MemberId, OrganizationId};
use ostiary_core::member::Member;
use ostiary_core::organization::Organization;
use ostiary_core::rbac::{
    self, CUSTOM_ORGANIZATION_ROLES_RESOURCE, Explanation, Policy, PolicyChange, Question, Role,
    read_organization_roles,
};
use ostiary_store::organizations::{self, Which};
use ostiary_store::role_assignments::{self, Assignments};
use ostiary_store::seam::Db;
use ostiary_store::{Scope, environments};
use serde_json::Value;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The roles that an organization is to have.
pub struct SetOrganizationRoles {
    /// The organization by any identifier.
    pub organization: String,
    /// The list of roles, as it came in.
    pub roles: Value,
    /// On whose behalf.
    pub actor: Option<Actor>,
}

/// Replaces the roles of an organization. A role that is not among them any more is taken back from everybody who has
/// it.
pub async fn set_organization_roles(cx: &Cx, input: SetOrganizationRoles) -> Result<Organization> {
    let roles = read_organization_roles(&input.roles)?;
    rbac::validate_organization_roles(&cx.project.policy, &roles)?;
    cx.write((input, roles), set_organization_roles_in_transaction).await
}

async fn set_organization_roles_in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<(SetOrganizationRoles, Vec<Role>)>,
) -> Result<Organization> {
    let (SetOrganizationRoles { organization, actor, .. }, roles) = &*input;
    // The roles were judged by the policy that this node knows, and it must not change before they are written.
    provisioning::written(environments::pin(&tx, cx.scope(), cx.project.environment.version).await?)?;
    let current = lookup::get_organization(&tx, &cx, organization).await?;
    if let Some(actor) = actor {
        require_for_roles(&cx, actor, &current.custom_roles, roles)?;
    }
    let gone: Vec<&Role> = current
        .custom_roles
        .iter()
        .filter(|role| roles.iter().all(|kept| kept.role_id != role.role_id))
        .collect();
    for role in &gone {
        role_assignments::revoke(&tx, cx.scope(), current.id, &role.role_id, cx.now).await?;
    }
    let mut next = Organization {
        custom_roles: roles.clone(),
        updated_at: cx.now,
        version: current.version + 1,
        ..current.clone()
    };
    drop_unknown_implicit_roles(&cx.project.policy, &mut next);
    organization_ops::save(&tx, &cx, current, next).await
}

/// Each kind of change needs its own action, and nobody defines a role that can do more than its author (chosen, spec
/// 03a §4): otherwise whoever may define roles could make itself an administrator.
fn require_for_roles(cx: &Cx, actor: &Actor, before: &[Role], after: &[Role]) -> Result<()> {
    let require = |action| actor.require(cx, CUSTOM_ORGANIZATION_ROLES_RESOURCE, action);
    for role in after {
        match before.iter().find(|known| known.role_id == role.role_id) {
            Some(known) if known == role => continue,
            Some(_) => require("update")?,
            None => require("create")?,
        }
        actor.require_all(cx, &role.permissions)?;
    }
    if before.iter().any(|known| after.iter().all(|kept| kept.role_id != known.role_id)) {
        require("delete")?;
    }
    Ok(())
}

/// A role that does not exist follows from no domain. Gives whether anything was dropped.
fn drop_unknown_implicit_roles(policy: &Policy, organization: &mut Organization) -> bool {
    let Organization { settings, custom_roles, .. } = organization;
    let assignments = &mut settings.rbac_email_implicit_role_assignments;
    let before = assignments.len();
    assignments.retain(|assignment| {
        rbac::validate_implicit_assignment(policy, custom_roles, &assignment.role_id).is_ok()
    });
    assignments.len() < before
}

/// A policy that was set.
pub struct PolicySet {
    /// The part that is written now.
    pub written: Policy,
    /// How many members had an assigned role taken back, since it does not exist any more.
    pub members_changed: u64,
}

/// Replaces the policy of a project with what a document says: as a whole or not at all. Roles that are gone are then
/// taken back from everybody who has them; should that be interrupted, setting the same policy again finishes it.
pub async fn set(app: &Arc<App>, project: &Project, document: &Value) -> Result<PolicySet> {
    let written = Policy::read_document(document, &project.environment.policy)?;
    rbac::validate_policy(&written)?;
    let (scope, version) = (project.scope(), project.environment.version);
    let input = Arc::new((written.clone(), effective(project, &written)));
    app.store
        .write(move |tx| {
            let input = input.clone();
            async move {
                let (written, effective) = &*input;
                provisioning::written(environments::set_policy(&tx, scope, version, written).await?)?;
                respect_organization_roles(&tx, scope, effective).await
            }
        })
        .await?;
    app.refresh_projects().await?;
    let policy = Arc::new(effective(project, &written));
    let members_changed = take_back_assignments(app, scope, policy.clone()).await?;
    drop_implicit_assignments(app, scope, policy).await?;
    Ok(PolicySet { written, members_changed })
}

/// What [`set`] would change in the policy in force. Refused as setting would be.
pub async fn preview(app: &Arc<App>, project: &Project, document: &Value) -> Result<Vec<PolicyChange>> {
    let written = Policy::read_document(document, &project.environment.policy)?;
    rbac::validate_policy(&written)?;
    let after = effective(project, &written);
    respect_organization_roles(&app.store.reader(), project.scope(), &after).await?;
    Ok(rbac::diff(&project.policy, &after))
}

fn effective(project: &Project, written: &Policy) -> Policy {
    if project.environment.settings.default_roles_as_written {
        Policy::effective_as_written(written)
    } else {
        Policy::effective(written)
    }
}

/// Roles of organizations must keep what they use, and their ids.
async fn respect_organization_roles(tx: &Db, scope: Scope, policy: &Policy) -> Result<()> {
    let mut after = None;
    loop {
        let page = organizations::page(tx, scope, Which::WithRoles, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for organization in &page {
            let at = organization.id.to_string();
            rbac::validate_organization_use(policy, &organization.custom_roles, &at)?;
        }
    }
}

/// Takes roles that exist neither in the project nor in the organization back from members, page by page, so that no
/// transaction is long.
async fn take_back_assignments(app: &Arc<App>, scope: Scope, policy: Arc<Policy>) -> Result<u64> {
    let mut after: Option<(OrganizationId, MemberId)> = None;
    let mut members_changed = 0;
    loop {
        let (shared, now) = (policy.clone(), app.clock.now());
        let (changed, last) = app
            .store
            .write(move |tx| {
                let policy = shared.clone();
                async move {
                    let page = role_assignments::page(&tx, scope, after).await?;
                    let last = page.last().map(|last| (last.organization, last.member));
                    let mut changed = 0;
                    for (assignments, roles) in with_roles_that_exist(&tx, scope, &policy, page).await? {
                        changed += u64::from(
                            role_assignments::replace(&tx, scope, &assignments, &roles, now).await?,
                        );
                    }
                    Ok::<_, Error>((changed, last))
                }
            })
            .await?;
        members_changed += changed;
        if last.is_none() {
            return Ok(members_changed);
        }
        after = last;
    }
}

/// Those of a page who hold a role that does not exist, each with the roles that do.
async fn with_roles_that_exist(
    tx: &Db,
    scope: Scope,
    policy: &Policy,
    page: Vec<Assignments>,
) -> Result<Vec<(Assignments, Vec<String>)>> {
    let of_project: HashSet<&str> = policy.roles.iter().map(|role| role.role_id.as_str()).collect();
    let mut of_organizations: HashMap<OrganizationId, Vec<Role>> = HashMap::new();
    let mut found = Vec::new();
    for assignments in page {
        if assignments.roles.iter().all(|role| of_project.contains(role.as_str())) {
            continue;
        }
        let own = match of_organizations.entry(assignments.organization) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let organization = organizations::find(tx, scope, assignments.organization).await?;
                unknown.insert(organization.map(|organization| organization.custom_roles).unwrap_or_default())
            }
        };
        let exists = |role: &&String| {
            of_project.contains(role.as_str()) || own.iter().any(|known| known.role_id == **role)
        };
        let roles: Vec<String> = assignments.roles.iter().filter(exists).cloned().collect();
        if roles.len() < assignments.roles.len() {
            found.push((assignments, roles));
        }
    }
    Ok(found)
}

async fn drop_implicit_assignments(app: &Arc<App>, scope: Scope, policy: Arc<Policy>) -> Result<()> {
    let mut after = None;
    loop {
        let (shared, now) = (policy.clone(), app.clock.now());
        let last = app
            .store
            .write(move |tx| {
                let policy = shared.clone();
                async move {
                    let page = organizations::page(&tx, scope, Which::All, after).await?;
                    let last = page.last().map(|last| last.id);
                    for mut organization in page {
                        if drop_unknown_implicit_roles(&policy, &mut organization) {
                            organization.updated_at = now;
                            organization.version += 1;
                            provisioning::written(organizations::update(&tx, scope, &organization).await?)?;
                        }
                    }
                    Ok::<_, Error>(last)
                }
            })
            .await?;
        if last.is_none() {
            return Ok(());
        }
        after = last;
    }
}

/// A question why a member may or may not do something.
pub struct Explain {
    /// The organization by any identifier.
    pub organization: String,
    /// The member by id or external id.
    pub member: String,
    /// On what.
    pub resource_id: String,
    /// What.
    pub action: String,
    /// Whether it is done to the member itself.
    pub on_self: bool,
}

/// The answer, and whom it is about.
pub struct Explained {
    /// The organization.
    pub organization: Organization,
    /// The member.
    pub member: Member,
    /// Why.
    pub explanation: Explanation,
}

/// Explains why a member may or may not do something: its roles, where they come from, and what they grant.
pub async fn explain(cx: &Cx, input: Explain) -> Result<Explained> {
    let reader = cx.reader();
    let organization = lookup::get_organization(&reader, cx, &input.organization).await?;
    let member = lookup::get_member(&reader, cx, &organization, &input.member).await?;
    let question = Question {
        resource_id: &input.resource_id,
        action: &input.action,
        on_self: input.on_self,
        connections_in_session: &[],
    };
    let roles = member.roles(&organization);
    let explanation = rbac::explain(&cx.project.policy, &organization.custom_roles, &roles, question);
    Ok(Explained { organization, member, explanation })
}
