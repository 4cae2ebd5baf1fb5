//! Who is calling the token endpoint: a client, known by its id and secret (spec 03c §3, 04a §5).

use super::limits::Guess;
use super::secret;
use crate::app::App;
use crate::cx::{Cx, Result};
use crate::project::Project;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::m2m::{M2mClient, M2mClientId};
use ostiary_store::m2m_clients;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// The id and secret that a caller shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The client id.
    pub id: String,
    /// The secret.
    pub secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("id", &self.id).field("secret", &"***").finish()
    }
}

/// The client whose secret this is, active or not. `readings` are the credentials in each way in which they can be
/// read; the first that fits counts. All mistakes look the same to the caller and differ in the log only.
pub async fn authenticate(cx: &Cx, readings: &[Credentials], network: IpAddr) -> Result<M2mClient> {
    let mut refusal = invalid_client("the request has no credentials");
    for credentials in readings {
        let guess = Guess { env: cx.scope().env, client_id: &credentials.id, network };
        cx.app.m2m.limits.check_guess(guess, cx.now)?;
        match check(cx, credentials).await? {
            Ok(client) => return Ok(client),
            Err(reason) => refusal = invalid_client(reason),
        }
    }
    if let Some(credentials) = readings.first() {
        let guess = Guess { env: cx.scope().env, client_id: &credentials.id, network };
        cx.app.m2m.limits.note_failure(guess, cx.now);
    }
    Err(refusal)
}

/// The client, or for the log why these credentials are nobody's. An unknown id takes the time of a wrong secret.
async fn check(cx: &Cx, credentials: &Credentials) -> Result<std::result::Result<M2mClient, &'static str>> {
    let id = M2mClientId::parse(&credentials.id, cx.project.kind()).ok();
    let found = match &id {
        Some(id) => m2m_clients::find_with_secrets(&cx.reader(), cx.scope(), id).await?,
        None => None,
    };
    let hashes = found.as_ref().map(|found| &found.hashes);
    // Clients that came from elsewhere brought secrets along, which are hashed slowly; ours are not.
    let may_be_slow = !id.is_some_and(|id| id.is_generated());
    let is_right = secret::verify(cx, hashes, &credentials.secret, may_be_slow).await?;
    Ok(match found {
        Some(found) if is_right => Ok(found.client),
        Some(_) => Err("unauthorized_credentials"),
        None => Err("m2m_client_not_found"),
    })
}

/// The refusal of a client, with the reason that only the log gets.
pub fn invalid_client(reason: &str) -> Error {
    Error { source: Some(reason.to_owned()), ..ErrorType::InvalidClient.into() }
}

/// The project of a request whose path names none: the only one of the server, or the only one that has the client.
pub async fn find_project(app: &App, client_id: Option<&str>) -> Result<Arc<Project>> {
    let mut all = app.projects.all();
    if all.len() == 1
        && let Some(only) = all.pop()
    {
        return Ok(only);
    }
    let client_id =
        client_id.ok_or_else(|| ErrorType::InvalidRequest.with_message("client_id is required."))?;
    let environments = m2m_clients::environments_of(&app.store.reader(), client_id).await?;
    match environments[..] {
        [env] => app.projects.by_env(env).ok_or_else(|| invalid_client("the project is not loaded")),
        [] => Err(invalid_client("m2m_client_not_found")),
        _ => Err(ErrorType::InvalidRequest.with_message(
            "Several projects have that client. Use the token endpoint with the project id in its path.",
        )),
    }
}
