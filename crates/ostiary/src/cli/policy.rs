//! `ostiary policy`: reading, comparing and writing the policy of a project, and asking why a member may or may not do something.

use super::operate::{done, find_project, with_app};
use super::output::{self, Failure};
use clap::{Arg, ArgAction, ArgMatches, Command};
use ostiary_server::app::App;
use ostiary_server::config::Config;
use ostiary_server::cx::Cx;
use ostiary_server::ops::policy::{self, Explain, Explained};
use ostiary_server::project::Project;
use ostiary_server::rbac::{
    EntryChange, EntryKind, ExplainedRole, PolicyChange, Reason, RoleOrigin, RoleSource,
};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

/// The command with its subcommands; `operator` adds the flags that all commands on the database have.
pub fn command(operator: fn(Command) -> Command, project: fn() -> Arg) -> Command {
    let required = |name: &'static str| Arg::new(name).required(true);
    let file = || {
        required("file")
            .value_parser(clap::value_parser!(PathBuf))
            .help("A JSON file: {roles, resources, scopes}, or an export of the management API")
    };
    Command::new("policy")
        .about("Show, compare, set and explain what roles allow")
        .subcommand_required(true)
        .subcommand(operator(
            Command::new("show").about("Print the policy in force as JSON, which `set` takes").arg(project()),
        ))
        .subcommand(operator(
            Command::new("set")
                .about("Replace the policy of a project; all of it or, when it breaks a rule, nothing")
                .arg(project())
                .arg(file()),
        ))
        .subcommand(operator(
            Command::new("diff").about("Tell what `set` would change").arg(project()).arg(file()),
        ))
        .subcommand(operator(
            Command::new("explain")
                .about("Say why a member may or may not do something")
                .arg(project())
                .arg(required("organization").long("organization").help("Its id, slug or external id"))
                .arg(required("member").long("member").help("Its id or external id"))
                .arg(required("resource").help("On what, such as stytch.member"))
                .arg(required("action").help("What, such as search"))
                .arg(
                    Arg::new("on-self")
                        .long("on-self")
                        .action(ArgAction::SetTrue)
                        .help("The member does it to itself, so that stytch.self counts for stytch.member"),
                ),
        ))
}

/// Runs a subcommand.
pub fn run(name: &str, config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    match name {
        "set" => set(config, matches),
        "diff" => diff(config, matches),
        "explain" => explain(config, matches),
        _ => show(config, matches),
    }
}

fn show(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let project = with_app(&config, |app| async move { find_project(&app, matches) })?;
    let text = serde_json::to_string_pretty(&project.policy);
    output::line(&text.map_err(|error| Failure::failed(error.to_string()))?)
}

fn read_file(matches: &ArgMatches) -> Result<Value, Failure> {
    let file = matches.get_one::<PathBuf>("file").cloned().unwrap_or_default();
    let text = fs::read_to_string(&file)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("{} is not JSON: {error}", file.display())))
}

fn diff(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let document = read_file(matches)?;
    let changes = with_app(&config, |app| async move {
        let project = find_project(&app, matches)?;
        done(policy::preview(&app, &project, &document).await)
    })?;
    if matches.get_flag("json") {
        let json = serde_json::to_string_pretty(&changes);
        return output::line(&json.map_err(|error| Failure::failed(error.to_string()))?);
    }
    if changes.is_empty() {
        return output::line("Nothing would change.");
    }
    output::line(&changes.iter().map(tell_change).collect::<Vec<_>>().join("\n"))
}

/// One entry with its gains and losses below it.
fn tell_change(change: &PolicyChange) -> String {
    let (sign, what) = match change.change {
        EntryChange::Added => ('+', "new"),
        EntryChange::Changed => ('~', "changed"),
        EntryChange::Removed => ('-', "gone"),
    };
    let kind = match change.kind {
        EntryKind::Role => "role",
        EntryKind::Resource => "resource",
        EntryKind::Scope => "scope",
    };
    let mut lines = vec![format!("{sign} {kind} {} ({what})", change.id)];
    if change.is_described_anew {
        lines.push("    described anew".to_owned());
    }
    lines.extend(change.gains.iter().map(|fact| format!("    + {fact}")));
    lines.extend(change.losses.iter().map(|fact| format!("    - {fact}")));
    lines.join("\n")
}

fn set(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let document = read_file(matches)?;
    let result = with_app(&config, |app| async move {
        let project = find_project(&app, matches)?;
        done(policy::set(&app, &project, &document).await)
    })?;
    let (written, members) = (&result.written, result.members_changed);
    let (roles, resources, scopes) = (written.roles.len(), written.resources.len(), written.scopes.len());
    if matches.get_flag("json") {
        let summary = json!({
            "roles": roles, "resources": resources, "scopes": scopes, "members_changed": members,
        });
        return output::line(&summary.to_string());
    }
    output::line(&format!("Set: {roles} roles, {resources} resources, {scopes} scopes."))?;
    if members > 0 {
        output::line(&format!("Roles that are gone were taken back from {members} members."))?;
    }
    Ok(())
}

fn explain(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let text = |name| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let question = Explain {
        organization: text("organization"),
        member: text("member"),
        resource_id: text("resource"),
        action: text("action"),
        on_self: matches.get_flag("on-self"),
    };
    let explained = with_app(&config, |app| async move {
        let project = find_project(&app, matches)?;
        done(policy::explain(&context(app, project), question).await)
    })?;
    if matches.get_flag("json") {
        let json = serde_json::to_string_pretty(&explained.explanation);
        return output::line(&json.map_err(|error| Failure::failed(error.to_string()))?);
    }
    output::line(&tell(&explained, &text("resource"), &text("action")))
}

fn context(app: Arc<App>, project: Arc<Project>) -> Cx {
    Cx { now: app.clock.now(), app, project, is_backend: true }
}

fn tell(explained: &Explained, resource: &str, action: &str) -> String {
    let Explained { organization, member, explanation } = explained;
    let may = if explanation.authorized { "may" } else { "may not" };
    let mut lines = vec![format!(
        "{} ({}) {may} {action} on {resource} in {}.",
        member.email_address, member.id, organization.name
    )];
    let granting = explanation.roles_that_grant_it.join(", ");
    lines.push(match explanation.reason {
        Reason::Granted => "A role of the member grants it.".to_owned(),
        Reason::NeedsSsoFactor => {
            "A role of the member grants it, but counts only in sessions that came about by its SSO connection."
                .to_owned()
        }
        Reason::NoRoleGrantsIt => format!("None of the member's roles grants it. These would: {granting}."),
        Reason::NobodyIsGrantedIt => "No role of the project or the organization grants it.".to_owned(),
    });
    if !explanation.is_listed {
        lines.push(format!("The policy lists no action {action} on {resource}. Is it misspelled?"));
    }
    lines.push(String::new());
    let width = explanation.roles.iter().map(|role| role.role_id.len()).max().unwrap_or(0);
    lines.extend(explanation.roles.iter().map(|role| {
        let mark = if role.grants && role.counts { '+' } else { ' ' };
        let sources: Vec<String> = role.sources.iter().map(source).collect();
        format!("{mark} {:width$}  {}; {}", role.role_id, sources.join(", "), contribution(role))
    }));
    lines.join("\n")
}

fn source(source: &RoleSource) -> String {
    match source {
        RoleSource::DirectAssignment {} => "assigned".to_owned(),
        RoleSource::EmailAssignment { email_domain } => format!("by the domain {email_domain}"),
        RoleSource::SsoConnection { connection_id } => format!("by {connection_id}"),
        RoleSource::SsoConnectionGroup { connection_id, group } => {
            format!("by the group {group} of {connection_id}")
        }
        RoleSource::ScimConnectionGroup { connection_id, group_id } => {
            format!("by the group {group_id} of {connection_id}")
        }
    }
}

fn contribution(role: &ExplainedRole) -> String {
    if role.defined_in == RoleOrigin::Deleted {
        return "was deleted and grants nothing".to_owned();
    }
    let of = if role.defined_in == RoleOrigin::Organization { " (a role of the organization)" } else { "" };
    let granted: Vec<String> = role
        .permissions
        .iter()
        .map(|permission| format!("{} on {}", permission.actions.join(", "), permission.resource_id))
        .collect();
    let granted = if granted.is_empty() { "nothing here".to_owned() } else { granted.join("; ") };
    format!("grants {granted}{of}")
}
