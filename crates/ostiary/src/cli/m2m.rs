//! `ostiary m2m`: bringing M2M clients along from another system.

use super::operate::{done, find_project, with_app};
use super::output::{self, Failure};
use clap::{Arg, ArgAction, ArgMatches, Command};
use ostiary_server::config::Config;
use ostiary_server::cx::Cx;
use ostiary_server::ops::m2m::import::{self, Outcome};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// The command with its subcommands; `operator` adds the flags that all commands on the database have.
pub fn command(operator: fn(Command) -> Command, project: fn() -> Arg) -> Command {
    Command::new("m2m").about("Manage machine-to-machine clients").subcommand_required(true).subcommand(operator(
        Command::new("import")
            .about("Create or change the clients of a list; callers keep their ids and secrets")
            .after_help(
                "The list is a JSON array of objects, or CSV with a line of names: client_id, client_secret (or \
                 client_secret_hash), name, description, scopes, metadata. A client that brings no secret gets one, \
                 which is printed here and never again. One that is there already keeps its secret. A list can be \
                 applied again at any time.",
            )
            .arg(project())
            .arg(
                Arg::new("file")
                    .required(true)
                    .value_parser(clap::value_parser!(PathBuf))
                    .help("The list, such as one made from the applications of Auth0"),
            )
            .arg(
                Arg::new("dry-run")
                    .long("dry-run")
                    .action(ArgAction::SetTrue)
                    .help("Say what would become of each client and change nothing"),
            ),
    ))
}

/// `ostiary m2m import`: exits with 1 when a client was refused; the others are there then.
pub fn import(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let file = matches.get_one::<PathBuf>("file").cloned().unwrap_or_default();
    let text = fs::read_to_string(&file)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))?;
    let list = import::read(&text).map_err(|error| Failure::usage(error.text()))?;
    let is_rehearsal = matches.get_flag("dry-run");
    let outcomes = with_app(&config, |app| async move {
        let project = find_project(&app, matches)?;
        let cx = Cx { now: app.clock.now(), app, project, is_backend: true };
        done(import::apply(&cx, list, is_rehearsal).await)
    })?;
    let refused = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Refused(_))).count();
    if matches.get_flag("json") {
        let list: Vec<Value> = outcomes.iter().map(|(id, outcome)| to_json(id, outcome)).collect();
        output::line(&Value::from(list).to_string())?;
    } else {
        for (id, outcome) in &outcomes {
            output::line(&format!("{id}  {}", to_text(outcome)))?;
        }
    }
    match refused {
        0 => Ok(()),
        _ => Err(Failure::failed(format!("{refused} of {} clients were refused", outcomes.len()))),
    }
}

fn to_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Created(None) => "created".to_owned(),
        Outcome::Created(Some(secret)) => format!("created, with the secret {secret}"),
        Outcome::Updated => "updated".to_owned(),
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Refused(error) => format!("refused: {}", error.text()),
    }
}

fn to_json(id: &str, outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Created(None) => json!({ "client_id": id, "outcome": "created" }),
        Outcome::Created(Some(secret)) => {
            json!({ "client_id": id, "outcome": "created", "client_secret": secret })
        }
        Outcome::Updated => json!({ "client_id": id, "outcome": "updated" }),
        Outcome::Unchanged => json!({ "client_id": id, "outcome": "unchanged" }),
        Outcome::Refused(error) => json!({
            "client_id": id,
            "outcome": "refused",
            "error_type": error.kind.name(),
            "error_message": error.text(),
        }),
    }
}
