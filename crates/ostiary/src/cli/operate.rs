//! Commands that work on the database of a server, running or not.

use super::output::{self, Failure};
use clap::ArgMatches;
use ostiary_server::app::App;
use ostiary_server::config::Config;
use ostiary_server::cx::Result as OperationResult;
use ostiary_server::ops::projects::{self, NewProject};
use ostiary_server::project::Project;
use ostiary_server::{EnvironmentKind, RedirectUrl, RedirectUrlType, ValidType, run};
use serde_json::{Map, Value, json};
use std::future::Future;
use std::sync::Arc;

/// Opens the database, runs the command and closes it again.
pub(super) fn with_app<T, Fut>(config: &Config, command: impl FnOnce(Arc<App>) -> Fut) -> Result<T, Failure>
where
    Fut: Future<Output = Result<T, Failure>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(error.to_string()))?;
    runtime.block_on(async {
        let app = run::open(config, config.public_url(config.listen)).await?;
        let result = command(app.clone()).await;
        app.store.close().await;
        result
    })
}

/// The result of an operation, with what only the log would say, since here is who reads the log.
pub(super) fn done<T>(result: OperationResult<T>) -> Result<T, Failure> {
    result.map_err(|error| Failure::failed(error.source.clone().unwrap_or_else(|| error.text().to_owned())))
}

/// The project that is named, or the only one.
pub(super) fn find_project(app: &App, matches: &ArgMatches) -> Result<Arc<Project>, Failure> {
    let projects = app.projects.all();
    match matches.get_one::<String>("project") {
        Some(id) => {
            app.projects.by_id_text(id).ok_or_else(|| Failure::usage(format!("there is no project {id}")))
        }
        None if projects.len() > 1 => {
            Err(Failure::usage("there are several projects; name one with --project"))
        }
        None => projects.into_iter().next().ok_or_else(|| {
            Failure::usage("there is no project yet; create one with `ostiary project create`")
        }),
    }
}

fn types(names: &[RedirectUrlType], is_default: bool) -> Vec<ValidType> {
    names.iter().map(|kind| ValidType { r#type: *kind, is_default }).collect()
}

/// `ostiary project create`
pub fn create_project(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let urls = matches.get_many::<String>("redirect-url").unwrap_or_default();
    let new = NewProject {
        name: matches.get_one::<String>("name").cloned().unwrap_or_default(),
        kind: matches
            .get_one::<String>("kind")
            .and_then(|kind| EnvironmentKind::parse(kind))
            .unwrap_or(EnvironmentKind::Live),
        redirect_urls: urls
            .enumerate()
            .map(|(index, url)| RedirectUrl {
                url: url.clone(),
                valid_types: types(RedirectUrlType::ALL, index == 0),
            })
            .collect(),
        secret: None,
    };
    let created = with_app(&config, |app| async move { done(projects::create(&app, new).await) })?;
    if matches.get_flag("json") {
        return output::line(
            &json!({
                "project_id": created.project_id,
                "secret": created.secret,
                "public_token": created.public_token,
            })
            .to_string(),
        );
    }
    output::line(&format!(
        "Project       {}\nSecret        {}\nPublic token  {}\n\nThe secret is not shown again.",
        created.project_id, created.secret, created.public_token
    ))
}

/// `ostiary project list`
pub fn list_projects(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let projects = with_app(&config, |app| async move { Ok(app.projects.all()) })?;
    if matches.get_flag("json") {
        let list: Vec<Value> = projects
            .iter()
            .map(|project| {
                json!({
                    "project_id": project.id(),
                    "name": project.environment.name,
                    "kind": project.kind(),
                    "public_token": project.public_token(),
                    "redirect_urls": project.redirect_urls,
                })
            })
            .collect();
        return output::line(&Value::from(list).to_string());
    }
    for project in projects {
        output::line(&format!("{}  {}  {}", project.id(), project.kind(), project.environment.name))?;
    }
    Ok(())
}

/// `ostiary redirect-url add`
pub fn add_redirect_url(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let named: Vec<RedirectUrlType> = matches
        .get_many::<String>("type")
        .unwrap_or_default()
        .filter_map(|name| RedirectUrlType::parse(&name.to_uppercase()))
        .collect();
    let names = if named.is_empty() { RedirectUrlType::ALL.to_vec() } else { named };
    let url = RedirectUrl {
        url: matches.get_one::<String>("url").cloned().unwrap_or_default(),
        valid_types: types(&names, matches.get_flag("default")),
    };
    with_app(&config, |app| async move {
        let project = find_project(&app, matches)?;
        done(projects::put_redirect_url(&app, project.scope(), url).await)
    })?;
    output::line("Added.")
}

/// `ostiary settings show`
pub fn show_settings(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let settings = with_app(&config, |app| async move {
        let project = find_project(&app, matches)?;
        serde_json::to_value(&project.environment.settings)
            .map_err(|error| Failure::failed(error.to_string()))
    })?;
    print_settings(&settings, matches.get_flag("json"))
}

/// `ostiary settings set`
pub fn set_settings(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let mut change = Map::new();
    for pair in matches.get_many::<String>("settings").unwrap_or_default() {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("{pair} is not of the form NAME=VALUE")))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        change.insert(name.to_owned(), value);
    }
    let settings = with_app(&config, |app| async move {
        let project = find_project(&app, matches)?;
        let settings = done(projects::change_settings(&app, &project.environment, change).await)?;
        serde_json::to_value(settings).map_err(|error| Failure::failed(error.to_string()))
    })?;
    print_settings(&settings, matches.get_flag("json"))
}

fn print_settings(settings: &Value, as_json: bool) -> Result<(), Failure> {
    match settings.as_object() {
        Some(map) if !as_json => {
            map.iter().try_for_each(|(name, value)| output::line(&format!("{name}={value}")))
        }
        _ => output::line(&settings.to_string()),
    }
}

/// `ostiary keys rotate`
pub fn rotate_keys(config: Config, matches: &ArgMatches) -> Result<(), Failure> {
    let is_new = with_app(&config, |app| async move {
        let project = find_project(&app, matches)?;
        done(projects::rotate_signing_key(&app, project.scope(), app.clock.now()).await)
    })?;
    output::line(if is_new {
        "A new key is published and signs from an hour from now on."
    } else {
        "A new key was published less than a minute ago; this changed nothing."
    })
}
