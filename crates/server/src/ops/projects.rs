//! Project environments: creating them, adding secrets and redirect URLs, changing settings, rotating signing keys.

use crate::app::App;
use crate::cx::Result;
use crate::keys::{self, VERIFIES_AFTER_REPLACEMENT_MINUTES};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::{EnvironmentKind, ProjectId, PublicToken, SecretId};
use ostiary_core::rbac::Policy;
use ostiary_core::redirect_url::{EnvironmentRules, RedirectUrl, validate_configuration};
use ostiary_core::time::Timestamp;
use ostiary_proto::hash::sha256;
use ostiary_proto::random;
use ostiary_store::Scope;
use ostiary_store::environments::{self, Environment, EnvironmentSettings, Secret, StoredSigningKey};
use ostiary_store::seam::Db;
use serde_json::{Map, Value};
use std::sync::Arc;

/// A project environment to be created.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Its name, as mails and pages show it.
    pub name: String,
    /// Its kind.
    pub kind: EnvironmentKind,
    /// Where links may lead.
    pub redirect_urls: Vec<RedirectUrl>,
    /// The secret to use; a new one when absent.
    pub secret: Option<String>,
}

/// A project environment that was created, with its secret, which cannot be read again.
#[derive(Clone, Debug)]
pub struct CreatedProject {
    /// Its id.
    pub project_id: ProjectId,
    /// Its secret.
    pub secret: String,
    /// Its public token.
    pub public_token: PublicToken,
}

/// Creates a project environment with a secret, a public token and a signing key, and makes it known to this node.
pub async fn create(app: &Arc<App>, new: NewProject) -> Result<CreatedProject> {
    for url in &new.redirect_urls {
        check_redirect_url(url, rules(app, new.kind))?;
    }
    let random = app.random.as_ref();
    let secret = new.secret.clone().unwrap_or_else(|| random::secret(random, new.kind.as_str()));
    let created = CreatedProject {
        project_id: ProjectId::new(random::uuid(random), new.kind),
        public_token: PublicToken::new(random::uuid(random), new.kind),
        secret,
    };
    let input = Arc::new((new, created.clone()));
    let shared = app.clone();
    app.store.write(move |tx| insert(tx, shared.clone(), input.clone())).await?;
    app.refresh_projects().await?;
    Ok(created)
}

async fn insert(tx: Db, app: Arc<App>, input: Arc<(NewProject, CreatedProject)>) -> Result<()> {
    let (new, created) = &*input;
    let now = app.clock.now();
    let settings = EnvironmentSettings::default();
    let policy = Policy::default();
    let scope =
        environments::insert(&tx, created.project_id, new.kind, &new.name, &settings, &policy, now).await?;
    let last_four = created.secret.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
    let secret = Secret {
        id: SecretId::new(random::uuid(app.random.as_ref()), new.kind),
        hash: sha256(created.secret.as_bytes()),
        last_four,
    };
    environments::insert_secret(&tx, scope, &secret, now).await?;
    environments::insert_public_token(&tx, scope, created.public_token, now).await?;
    for url in &new.redirect_urls {
        environments::put_redirect_url(&tx, scope, url, now).await?;
    }
    let key = keys::generate(scope, &app.master_key, app.random.as_ref(), now, true)?;
    Ok(environments::insert_signing_key(&tx, scope, &key, now, now).await?)
}

fn rules(app: &App, kind: EnvironmentKind) -> EnvironmentRules {
    match (app.options.is_dev, kind) {
        (true, _) => EnvironmentRules::Dev,
        (false, EnvironmentKind::Test) => EnvironmentRules::Test,
        (false, EnvironmentKind::Live) => EnvironmentRules::Live,
    }
}

fn check_redirect_url(url: &RedirectUrl, rules: EnvironmentRules) -> Result<()> {
    validate_configuration(&url.url, &url.valid_types, rules).map_err(|error| error.error_type().into())
}

/// Adds a redirect URL to a project, or replaces its types.
pub async fn put_redirect_url(app: &Arc<App>, scope: Scope, url: RedirectUrl) -> Result<()> {
    check_redirect_url(&url, rules(app, scope.kind))?;
    let now = app.clock.now();
    let url = Arc::new(url);
    app.store
        .write(move |tx| {
            let url = url.clone();
            async move { Ok::<_, Error>(environments::put_redirect_url(&tx, scope, &url, now).await?) }
        })
        .await?;
    app.refresh_projects().await
}

/// Changes settings: the given keys replace those of the same name. Unknown keys and wrong types are refused.
pub async fn change_settings(
    app: &Arc<App>,
    environment: &Environment,
    change: Map<String, Value>,
) -> Result<EnvironmentSettings> {
    let mut settings = match serde_json::to_value(&environment.settings).map_err(Error::internal)? {
        Value::Object(settings) => settings,
        _ => Map::new(),
    };
    for (key, value) in change {
        if !settings.contains_key(&key) {
            return Err(ErrorType::InvalidArgument.with_message(format!("There is no setting {key}.")));
        }
        settings.insert(key, value);
    }
    let settings: EnvironmentSettings = serde_json::from_value(Value::Object(settings)).map_err(|error| {
        ErrorType::InvalidArgument.with_message(format!("The settings do not fit: {error}."))
    })?;
    let changed = Arc::new(Environment { settings: settings.clone(), ..environment.clone() });
    app.store
        .write(move |tx| {
            let changed = changed.clone();
            async move { Ok::<_, Error>(environments::update(&tx, &changed).await?) }
        })
        .await?;
    app.refresh_projects().await?;
    Ok(settings)
}

/// Adds the next signing key of an environment. The one in use goes on signing until the new one has been published
/// long enough.
pub async fn rotate_signing_key(app: &Arc<App>, scope: Scope, now: Timestamp) -> Result<()> {
    let key: Arc<StoredSigningKey> =
        Arc::new(keys::generate(scope, &app.master_key, app.random.as_ref(), now, false)?);
    let old_until = key.signs_from.plus_minutes(VERIFIES_AFTER_REPLACEMENT_MINUTES);
    app.store
        .write(move |tx| {
            let key = key.clone();
            async move {
                // Several nodes find at the same time that a key is due; one of them is first.
                let known = environments::signing_keys(&tx, scope).await?;
                let is_done = known.iter().any(|known| known.created_at.plus_minutes(1) > key.created_at);
                if is_done {
                    return Ok::<_, Error>(());
                }
                Ok(environments::insert_signing_key(&tx, scope, &key, old_until, now).await?)
            }
        })
        .await?;
    app.refresh_projects().await
}
