//! `ostiary dev`: a whole project with nothing to set up, and the file that says how to reach it.

use crate::app::App;
use crate::cx::Result;
use crate::http::dev::INBOX_PATH;
use crate::ops::management::keys;
use crate::ops::projects::{self, NewProject};
use ostiary_core::error::Error;
use ostiary_core::ids::EnvironmentKind;
use ostiary_core::project::KeyScope;
use ostiary_core::redirect_url::{RedirectUrl, RedirectUrlType, ValidType};
use ostiary_proto::random;
use ostiary_store::environments;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The file in the data directory.
pub const CREDENTIALS_FILE: &str = "credentials.json";
/// The URL to which links in mails lead unless a request names another.
pub const DEFAULT_REDIRECT_URL: &str = "http://localhost:3000/authenticate";

/// How to reach the server, as the file in the data directory says it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Credentials {
    /// The base URL of the API.
    pub api_url: String,
    /// The project's id.
    pub project_id: String,
    /// The project's secret.
    pub secret: String,
    /// The project's public token.
    pub public_token: String,
    /// The URL of the inbox.
    pub inbox_url: String,
    /// The id of an operator's key.
    pub management_key_id: String,
    /// Its secret.
    pub management_key_secret: String,
}

/// Makes sure that the project of the data directory exists, and writes how to reach it. What the file said before is
/// kept where it is still true.
pub async fn prepare(app: &Arc<App>, data: &Path) -> Result<Credentials> {
    let known = read(data);
    let (project_id, secret, public_token) = ensure_project(app, known.as_ref()).await?;
    let (management_key_id, management_key_secret) = ensure_management_key(app, known.as_ref()).await?;
    let credentials = Credentials {
        api_url: app.options.public_url.clone(),
        project_id,
        secret,
        public_token,
        inbox_url: format!("{}{INBOX_PATH}", app.options.public_url),
        management_key_id,
        management_key_secret,
    };
    write(data, &credentials).map_err(Error::internal)?;
    Ok(credentials)
}

fn read(data: &Path) -> Option<Credentials> {
    let text = fs::read_to_string(data.join(CREDENTIALS_FILE)).ok()?;
    serde_json::from_str(&text).ok()
}

/// Whoever reads the file finds it whole: it is written beside and moved into place.
fn write(data: &Path, credentials: &Credentials) -> io::Result<()> {
    let text = serde_json::to_string_pretty(credentials)?;
    let temporary = data.join(format!("{CREDENTIALS_FILE}.new"));
    fs::write(&temporary, text + "\n")?;
    fs::rename(temporary, data.join(CREDENTIALS_FILE))
}

async fn ensure_project(app: &Arc<App>, known: Option<&Credentials>) -> Result<(String, String, String)> {
    let projects = app.projects.all();
    let Some(project) = projects.first() else {
        let every_type =
            RedirectUrlType::ALL.iter().map(|kind| ValidType { r#type: *kind, is_default: true }).collect();
        let new = NewProject {
            name: "Ostiary Dev".to_owned(),
            kind: EnvironmentKind::Test,
            redirect_urls: vec![RedirectUrl {
                url: DEFAULT_REDIRECT_URL.to_owned(),
                valid_types: every_type,
            }],
            secret: None,
        };
        let created = projects::create(app, new).await?;
        return Ok((created.project_id.to_string(), created.secret, created.public_token.to_string()));
    };
    let public_token = project.public_token().map(|token| token.to_string()).unwrap_or_default();
    if let Some(known) = known.filter(|known| known.project_id == project.id().to_string())
        && project.has_secret(&known.secret)
    {
        return Ok((known.project_id.clone(), known.secret.clone(), public_token));
    }
    // The database is older than this data directory, and only hashes of secrets are kept: a new one is added.
    let text = random::secret(app.random.as_ref(), project.kind().as_str());
    let secret = Arc::new(projects::hashed(app, &text, project.kind()));
    let (scope, now) = (project.scope(), app.clock.now());
    app.store
        .write(move |tx| {
            let secret = secret.clone();
            async move { Ok::<_, Error>(environments::insert_secret(&tx, scope, &secret, now).await?) }
        })
        .await?;
    app.refresh_projects().await?;
    Ok((project.id().to_string(), text, public_token))
}

async fn ensure_management_key(app: &Arc<App>, known: Option<&Credentials>) -> Result<(String, String)> {
    if let Some(known) = known {
        let (id, secret) = (&known.management_key_id, &known.management_key_secret);
        if keys::authenticate(app, id, secret).await.is_ok() {
            return Ok((id.clone(), secret.clone()));
        }
    }
    let created = keys::create(app, "ostiary dev", KeyScope::ALL).await?;
    Ok((created.id, created.secret))
}
