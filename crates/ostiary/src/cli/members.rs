//! `ostiary member`: what operators do for single members.

use super::operate::{done, find_project, with_app};
use super::output::{self, Failure};
use clap::{Arg, ArgMatches, Command};
use ostiary_server::config::Config;
use ostiary_server::cx::Cx;
use ostiary_server::ops::unlock;
use serde_json::json;

/// The commands, for the table of all.
pub fn command(operator: fn(Command) -> Command, project: fn() -> Arg) -> Command {
    Command::new("member").about("Help single members").subcommand_required(true).subcommand(operator(
        Command::new("unlock")
            .about("End the lock of a member and forget failed attempts")
            .arg(project())
            .arg(Arg::new("member").required(true).help("The member's id")),
    ))
}

/// `ostiary member unlock`
pub fn unlock(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let member = matches.get_one::<String>("member").cloned().unwrap_or_default();
    let (organization, member) = with_app(&config, |app| async move {
        let project = find_project(&app, matches)?;
        let now = app.clock.now();
        done(unlock::by_administrator(&Cx { app, project, now, is_backend: true }, &member).await)
    })?;
    if matches.get_flag("json") {
        return output::line(
            &json!({"organization_id": organization.id, "member_id": member.id}).to_string(),
        );
    }
    output::line(&format!("{} can sign in to {} again.", member.email_address, organization.name))
}
