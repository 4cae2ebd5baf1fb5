//! Finding the project of a request from its credentials.

use crate::app::App;
use crate::cx::Result;
use crate::project::Project;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ostiary_core::error::ErrorType;
use std::sync::Arc;

/// The longest Authorization header that is looked at, in bytes.
const AUTHORIZATION_BYTES_MAX: usize = 16 * 1024;

/// The user and password of HTTP Basic authorization (RFC 7617 §2).
pub fn basic(headers: &HeaderMap) -> Result<(String, String)> {
    let malformed = || ErrorType::InvalidAuthorizationHeader;
    let header = headers.get(AUTHORIZATION).ok_or_else(malformed)?;
    let header =
        header.to_str().ok().filter(|text| text.len() <= AUTHORIZATION_BYTES_MAX).ok_or_else(malformed)?;
    let (scheme, encoded) = header.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed().into());
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| malformed())?;
    let mut decoded = String::from_utf8(decoded).map_err(|_| malformed())?;
    let colon = decoded.find(':').ok_or_else(malformed)?;
    let password = decoded.split_off(colon + 1);
    decoded.truncate(colon);
    Ok((decoded, password))
}

/// The project of a server API call: project id and secret must fit. Both mistakes look the same.
pub fn backend(app: &App, headers: &HeaderMap) -> Result<Arc<Project>> {
    let (project_id, secret) = basic(headers)?;
    let project = app.projects.by_id_text(&project_id);
    match project {
        Some(project) if project.has_secret(&secret) => Ok(project),
        _ => Err(ErrorType::UnauthorizedCredentials.into()),
    }
}

/// The project of a browser API call, and the password, which is the session token of a browser that can read it.
pub fn browser(app: &App, headers: &HeaderMap) -> Result<(Arc<Project>, Option<String>)> {
    let (public_token, password) = basic(headers)?;
    let project = app.projects.by_public_token(&public_token).ok_or(ErrorType::PublicTokenNotFound)?;
    let session = (password != public_token && !password.is_empty()).then_some(password);
    Ok((project, session))
}
