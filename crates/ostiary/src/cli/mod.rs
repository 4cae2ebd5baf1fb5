//! The command line: what can be typed, and which part of the server it calls.

mod banner;
mod m2m;
mod management_keys;
mod members;
mod operate;
mod output;
mod policy;
mod serve;

use clap::{Arg, ArgAction, ArgMatches, Command};
use ostiary_server::config::{Config, KEYS, Mode, Problems, Sources};
use output::Failure;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs the command that was typed. Exit codes: 0 done, 1 failed, 2 typed or configured wrongly.
pub fn main() -> ExitCode {
    let matches = command().get_matches();
    let result = match matches.subcommand() {
        Some(("dev", matches)) => load(Mode::Dev, matches).and_then(serve::dev),
        Some(("serve", matches)) => load(Mode::Serve, matches).and_then(serve::serve),
        Some(("config", matches)) => config(matches),
        Some(("project", matches)) => match matches.subcommand() {
            Some(("create", matches)) => with_config(matches, operate::create_project),
            Some((_, matches)) => with_config(matches, operate::list_projects),
            None => Ok(()),
        },
        Some(("redirect-url", matches)) => match matches.subcommand() {
            Some((_, matches)) => with_config(matches, operate::add_redirect_url),
            None => Ok(()),
        },
        Some(("settings", matches)) => match matches.subcommand() {
            Some(("set", matches)) => with_config(matches, operate::set_settings),
            Some((_, matches)) => with_config(matches, operate::show_settings),
            None => Ok(()),
        },
        Some(("management-key", matches)) => match matches.subcommand() {
            Some(("create", matches)) => with_config(matches, management_keys::create),
            Some(("delete", matches)) => with_config(matches, management_keys::delete),
            Some((_, matches)) => with_config(matches, management_keys::list),
            None => Ok(()),
        },
        Some(("m2m", matches)) => match matches.subcommand() {
            Some((_, matches)) => with_config(matches, m2m::import),
            None => Ok(()),
        },
        Some(("member", matches)) => match matches.subcommand() {
            Some((_, matches)) => with_config(matches, members::unlock),
            None => Ok(()),
        },
        Some(("policy", matches)) => match matches.subcommand() {
            Some((name, matches)) => {
                load(mode_of(matches), matches).and_then(|config| policy::run(name, config, matches))
            }
            None => Ok(()),
        },
        Some(("keys", matches)) => match matches.subcommand() {
            Some((_, matches)) => with_config(matches, operate::rotate_keys),
            None => Ok(()),
        },
        _ => Ok(()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn with_config(
    matches: &ArgMatches,
    run: fn(Config, &ArgMatches) -> Result<(), Failure>,
) -> Result<(), Failure> {
    run(load(mode_of(matches), matches)?, matches)
}

/// Commands that work on the database follow the rules of `serve`, or of `dev` when told so.
fn mode_of(matches: &ArgMatches) -> Mode {
    if matches.get_flag("dev") { Mode::Dev } else { Mode::Serve }
}

fn config(matches: &ArgMatches) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("check", matches)) => {
            load(mode_of(matches), matches)?;
            output::line("The configuration is good.")
        }
        Some(("show", matches)) => output::line(&load(mode_of(matches), matches)?.to_string()),
        _ => output::line(&ostiary_server::config::reference()),
    }
}

fn load(mode: Mode, matches: &ArgMatches) -> Result<Config, Failure> {
    let wrong = |problems: Problems| Failure::usage(problems.to_string());
    let flags: BTreeMap<String, String> = KEYS
        .iter()
        .filter_map(|key| {
            let flag = key.flag?;
            let value = matches.try_get_one::<String>(flag).ok().flatten()?;
            Some((key.path.to_owned(), value.clone()))
        })
        .collect();
    let file = matches.get_one::<PathBuf>("config").cloned();
    let sources = Sources::of_process(mode, flags, file).map_err(wrong)?;
    Config::load(&sources).map_err(wrong)
}

/// Every command, with the flags that the table of settings names.
fn command() -> Command {
    Command::new("ostiary")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Authentication for B2B software: organizations, members, sessions.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(configured(Command::new("dev").about(
            "Run a whole server for development: embedded database, a project, an inbox for its mails",
        )))
        .subcommand(configured(Command::new("serve").about("Run the server in production")))
        .subcommand(
            Command::new("config")
                .about("Check, show or explain the configuration")
                .subcommand_required(true)
                .subcommand(operator(Command::new("check").about("Name every mistake")))
                .subcommand(operator(Command::new("show").about("Show what holds, secrets hidden")))
                .subcommand(Command::new("reference").about("Explain every key")),
        )
        .subcommand(
            Command::new("project")
                .about("Create and list project environments")
                .subcommand_required(true)
                .subcommand(operator(
                    Command::new("create")
                        .about("Create a project environment and print its credentials")
                        .arg(Arg::new("name").long("name").required(true).help("Its name, as mails show it"))
                        .arg(
                            Arg::new("kind")
                                .long("kind")
                                .value_parser(["test", "live"])
                                .default_value("live")
                                .help("For people (live) or for tests (test)"),
                        )
                        .arg(
                            Arg::new("redirect-url")
                                .long("redirect-url")
                                .action(ArgAction::Append)
                                .help("Where links may lead, for every type; the first is the default. Repeatable"),
                        ),
                ))
                .subcommand(operator(Command::new("list").about("List project environments"))),
        )
        .subcommand(
            Command::new("redirect-url")
                .about("Say where links may lead")
                .subcommand_required(true)
                .subcommand(operator(
                    Command::new("add")
                        .about("Add a redirect URL, or replace its types")
                        .arg(project_argument())
                        .arg(Arg::new("url").required(true).help("The URL"))
                        .arg(
                            Arg::new("type")
                                .long("type")
                                .action(ArgAction::Append)
                                .value_parser(["login", "signup", "invite", "reset_password", "discovery"])
                                .help("What it may be used for; all when absent. Repeatable"),
                        )
                        .arg(
                            Arg::new("default")
                                .long("default")
                                .action(ArgAction::SetTrue)
                                .help("Use it when a request names none"),
                        ),
                )),
        )
        .subcommand(
            Command::new("settings")
                .about("Show and change the settings of a project environment")
                .subcommand_required(true)
                .subcommand(operator(Command::new("show").about("Show all settings").arg(project_argument())))
                .subcommand(operator(
                    Command::new("set")
                        .about("Change settings, such as http_only_cookies=true")
                        .arg(project_argument())
                        .arg(
                            Arg::new("settings")
                                .required(true)
                                .action(ArgAction::Append)
                                .help("NAME=VALUE, the value in JSON or as plain text. Repeatable"),
                        ),
                )),
        )
        .subcommand(management_keys::command(operator))
        .subcommand(m2m::command(operator, project_argument))
        .subcommand(members::command(operator, project_argument))
        .subcommand(policy::command(operator, project_argument))
        .subcommand(
            Command::new("keys")
                .about("Rotate the keys that sign session tokens")
                .subcommand_required(true)
                .subcommand(operator(
                    Command::new("rotate")
                        .about("Publish a new key, which signs from an hour later on; the old one is accepted for a month more")
                        .arg(project_argument()),
                )),
        )
}

fn project_argument() -> Arg {
    Arg::new("project").long("project").help("The project id; may be left out when there is only one")
}

/// A command that works on the database: the flags of the settings, `--dev` and `--json`.
fn operator(command: Command) -> Command {
    configured(command)
        .arg(
            Arg::new("dev")
                .long("dev")
                .action(ArgAction::SetTrue)
                .help("Work on the data of `ostiary dev`, with its defaults"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON"))
}

fn configured(mut command: Command) -> Command {
    command = command.arg(
        Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("Read settings from this TOML file"),
    );
    for key in KEYS {
        if let Some(flag) = key.flag {
            let help = format!("{} [{}]", key.help, key.variable());
            command = command.arg(Arg::new(flag).long(flag).value_name("VALUE").help(help));
        }
    }
    command
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_are_put_together_without_contradictions() {
        super::command().debug_assert();
    }
}
