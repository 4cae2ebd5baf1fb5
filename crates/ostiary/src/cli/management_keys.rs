//! `ostiary management-key`: keys of operators, for the management API.

use super::operate::{done, with_app};
use super::output::{self, Failure};
use clap::{Arg, ArgAction, ArgMatches, Command};
use ostiary_server::KeyScope;
use ostiary_server::config::Config;
use ostiary_server::ops::management::keys;
use serde_json::{Value, json};

/// The commands, for the table of all.
pub fn command(operator: fn(Command) -> Command) -> Command {
    let scopes: Vec<&str> = KeyScope::ALL.iter().map(|scope| scope.as_str()).collect();
    Command::new("management-key")
        .about("Create, list and delete keys for the management API")
        .subcommand_required(true)
        .subcommand(operator(
            Command::new("create")
                .about("Create a key and print it; its secret is not shown again")
                .arg(Arg::new("name").long("name").required(true).help("Who or what uses it"))
                .arg(
                    Arg::new("scope")
                        .long("scope")
                        .action(ArgAction::Append)
                        .value_parser(scopes)
                        .help("What it may change; everything when absent. Repeatable"),
                )
                .arg(
                    Arg::new("read-only")
                        .long("read-only")
                        .action(ArgAction::SetTrue)
                        .conflicts_with("scope")
                        .help("It may change nothing"),
                ),
        ))
        .subcommand(operator(Command::new("list").about("List keys, without their secrets")))
        .subcommand(operator(
            Command::new("delete")
                .about("Delete a key; it is refused from then on")
                .arg(Arg::new("id").required(true).help("The key's id")),
        ))
}

/// `ostiary management-key create`
pub fn create(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let name = matches.get_one::<String>("name").cloned().unwrap_or_default();
    let named = matches.get_many::<String>("scope").unwrap_or_default();
    let named: Vec<KeyScope> = named.filter_map(|scope| KeyScope::parse(scope)).collect();
    let scopes =
        if named.is_empty() && !matches.get_flag("read-only") { KeyScope::ALL.to_vec() } else { named };
    let created = with_app(&config, |app| async move { done(keys::create(&app, &name, &scopes).await) })?;
    if matches.get_flag("json") {
        return output::line(
            &json!({"management_key_id": created.id, "management_key_secret": created.secret}).to_string(),
        );
    }
    output::line(&format!(
        "Key     {}\nSecret  {}\n\nThe secret is not shown again.",
        created.id, created.secret
    ))
}

/// `ostiary management-key list`
pub fn list(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let keys = with_app(&config, |app| async move { done(keys::list(&app).await) })?;
    if matches.get_flag("json") {
        let list: Vec<Value> = keys
            .iter()
            .map(|key| {
                json!({
                    "management_key_id": keys::id_text(key),
                    "name": key.name,
                    "scopes": key.scopes,
                    "created_at": key.created_at,
                })
            })
            .collect();
        return output::line(&Value::Array(list).to_string());
    }
    keys.iter().try_for_each(|key| {
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        let scopes = if scopes.is_empty() { "read only".to_owned() } else { scopes.join(" ") };
        output::line(&format!(
            "{}  {}  {}  {scopes}",
            keys::id_text(key),
            key.created_at.to_rfc3339(),
            key.name
        ))
    })
}

/// `ostiary management-key delete`
pub fn delete(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let id = matches.get_one::<String>("id").cloned().unwrap_or_default();
    with_app(&config, |app| async move { done(keys::delete(&app, &id).await) })?;
    output::line("Deleted.")
}
