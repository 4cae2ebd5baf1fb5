//! Project environments: creating them, adding secrets and redirect URLs, changing settings, rotating signing keys.

use crate::app::App;
use crate::cx::Result;
use crate::keys::{self, VERIFIES_AFTER_REPLACEMENT_MINUTES};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::{EnvironmentKind, ProjectId, PublicToken, SecretId};
use ostiary_core::project::{Vertical, slug_of_name};
use ostiary_core::rbac::Policy;
use ostiary_core::redirect_url::{EnvironmentRules, RedirectUrl, validate_configuration};
use ostiary_core::time::Timestamp;
use ostiary_proto::hash::sha256;
use ostiary_proto::random;
use ostiary_store::Scope;
use ostiary_store::environments::{
    self, Environment, EnvironmentSettings, NewEnvironment, Secret, StoredSigningKey,
};
use ostiary_store::passwords;
use ostiary_store::projects::{self, ProjectRow};
use ostiary_store::seam::Db;
use serde_json::{Map, Value};
use std::sync::Arc;

/// How much randomness makes the slug of a project unique.
const SLUG_SUFFIX_CHARS: usize = 6;

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
    let suffix = random::uuid(app.random.as_ref()).simple().to_string();
    let project = ProjectRow {
        slug: slug_of_name(&new.name, &suffix[..SLUG_SUFFIX_CHARS]),
        name: new.name.clone(),
        vertical: Vertical::B2b,
        created_at: now,
    };
    let (slug, label) = match new.kind {
        EnvironmentKind::Live => ("production", "Production"),
        EnvironmentKind::Test => ("test", "Test"),
    };
    let environment = NewEnvironment {
        project_id: created.project_id,
        kind: new.kind,
        project_slug: project.slug.clone(),
        slug: slug.to_owned(),
        label: label.to_owned(),
        settings: EnvironmentSettings::default(),
        policy: Policy::default(),
    };
    if !projects::insert(&tx, &project).await? {
        return Err(ErrorType::InvalidArgument.with_message("Another project has that slug."));
    }
    let scope = provision(&tx, &app, &environment, created.public_token, now)
        .await?
        .ok_or_else(|| Error::internal("a new project has an environment already"))?;
    let secret = hashed(&app, &created.secret, new.kind);
    environments::insert_secret(&tx, scope, &secret, now).await?;
    for url in &new.redirect_urls {
        environments::put_redirect_url(&tx, scope, url, now).await?;
    }
    Ok(())
}

/// Adds an environment with what it cannot be without: a public token and a signing key. None when its slug is taken or
/// it would be a second live one.
pub(crate) async fn provision(
    tx: &Db,
    app: &App,
    environment: &NewEnvironment,
    public_token: PublicToken,
    now: Timestamp,
) -> Result<Option<Scope>> {
    let Some(scope) = environments::insert(tx, environment, now).await? else { return Ok(None) };
    environments::insert_public_token(tx, scope, public_token, now).await?;
    let key = keys::generate(scope, &app.master_key, app.random.as_ref(), now, true)?;
    environments::insert_signing_key(tx, scope, &key, now, now).await?;
    Ok(Some(scope))
}

/// A secret as it is stored.
pub(crate) fn hashed(app: &App, secret: &str, kind: EnvironmentKind) -> Secret {
    let last_four = secret.char_indices().rev().nth(3).map_or(secret, |(start, _)| &secret[start..]);
    Secret {
        id: SecretId::new(random::uuid(app.random.as_ref()), kind),
        hash: sha256(secret.as_bytes()),
        last_four: last_four.to_owned(),
    }
}

/// How strict redirect URLs of an environment are.
pub(crate) fn rules(app: &App, kind: EnvironmentKind) -> EnvironmentRules {
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
    change_of_settings: Map<String, Value>,
) -> Result<EnvironmentSettings> {
    let environment = change(app, environment.scope, move |environment| {
        let mut settings = match serde_json::to_value(&environment.settings).map_err(Error::internal)? {
            Value::Object(settings) => settings,
            _ => Map::new(),
        };
        for (key, value) in change_of_settings.clone() {
            if !settings.contains_key(&key) {
                return Err(ErrorType::InvalidArgument.with_message(format!("There is no setting {key}.")));
            }
            settings.insert(key, value);
        }
        let settings: EnvironmentSettings =
            serde_json::from_value(Value::Object(settings)).map_err(|error| {
                ErrorType::InvalidArgument.with_message(format!("The settings do not fit: {error}."))
            })?;
        validate_settings(&settings)?;
        environment.settings = settings;
        Ok(())
    })
    .await?;
    Ok(environment.settings)
}

/// Refuses settings that no part of the server could work with.
fn validate_settings(settings: &EnvironmentSettings) -> Result<()> {
    for template in settings.m2m_jwt_template.iter().chain(&settings.session_jwt_template) {
        template.compile()?;
    }
    settings.rate_limits.validate()?;
    Ok(settings.password_strength_config.validate()?)
}

/// Changes an environment. It is read and written in one transaction, so that of two operators who change it at the
/// same time, the second changes what the first has made of it.
pub async fn change<F>(app: &Arc<App>, scope: Scope, change: F) -> Result<Environment>
where
    F: Fn(&mut Environment) -> Result<()> + Send + Sync + 'static,
{
    let change = Arc::new(change);
    let changed = app
        .store
        .write(move |tx| {
            let change = change.clone();
            async move {
                let found = environments::find(&tx, scope).await?;
                let mut environment = found.ok_or(ErrorType::ProjectNotFound)?;
                let shares_passwords = environment.settings.cross_org_passwords_enabled;
                change(&mut environment)?;
                // Passwords of the other kind would be there and open nothing (spec 01c §1).
                let toggles = environment.settings.cross_org_passwords_enabled != shares_passwords;
                if toggles && passwords::exist(&tx, scope).await? {
                    return Err(ErrorType::CannotToggleCrossOrgPasswords.into());
                }
                environments::update(&tx, &environment).await?;
                Ok::<_, Error>(environment)
            }
        })
        .await?;
    app.refresh_projects().await?;
    Ok(changed)
}

/// Adds the next signing key of an environment. The one in use goes on signing until the new one has been published
/// long enough. False when that has just been done.
pub async fn rotate_signing_key(app: &Arc<App>, scope: Scope, now: Timestamp) -> Result<bool> {
    let key: Arc<StoredSigningKey> =
        Arc::new(keys::generate(scope, &app.master_key, app.random.as_ref(), now, false)?);
    let old_until = key.signs_from.plus_minutes(VERIFIES_AFTER_REPLACEMENT_MINUTES);
    let is_new = app
        .store
        .write(move |tx| {
            let key = key.clone();
            async move {
                // Several nodes find at the same time that a key is due; one of them is first.
                let known = environments::signing_keys(&tx, scope).await?;
                let is_done = known
                    .iter()
                    .any(|known| known.signs_from > now && known.created_at.plus_minutes(1) > key.created_at);
                if !is_done {
                    environments::insert_signing_key(&tx, scope, &key, old_until, now).await?;
                }
                Ok::<_, Error>(!is_done)
            }
        })
        .await?;
    app.refresh_projects().await?;
    Ok(is_new)
}
