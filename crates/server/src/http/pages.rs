//! Pages for people, and the endpoints without credentials that are not in the table: the page behind links in mails,
//! the error reference, assets, health, and the browser SDKs' telemetry.

use crate::app::App;
use crate::cx::Cx;
use crate::http::{cors, encode};
use crate::ops::magic_links::link::{HOP_PATH, application_url, token_type};
use crate::ops::unlock::{self, UNLOCK_PATH};
use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, RawQuery, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use http_body_util::{BodyExt as _, Limited};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::EnvironmentKind;
use ostiary_core::locale::Locale;
use ostiary_pages::asset;
use ostiary_pages::page::{self, Page};
use ostiary_proto::hash::sha256;
use ostiary_store::magic_links::{self, LinkPurpose, MagicLink};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Adds the pages to the router.
pub fn add(router: Router, app: &Arc<App>) -> Router {
    let hop_app = app.clone();
    let look_app = app.clone();
    let unlock_app = app.clone();
    let ready_app = app.clone();
    let index_app = app.clone();
    let reference_app = app.clone();
    router
        .route(
            HOP_PATH,
            get(move |headers: HeaderMap, RawQuery(query): RawQuery| {
                let app = hop_app.clone();
                async move { link_hop(&app, &headers, query.as_deref().unwrap_or_default()).await }
            }),
        )
        .route(
            UNLOCK_PATH,
            get(move |headers: HeaderMap, RawQuery(query): RawQuery| {
                let app = look_app.clone();
                async move { look_at_lock(&app, &headers, query.as_deref().unwrap_or_default()).await }
            })
            .post(move |request: Request| {
                let app = unlock_app.clone();
                async move { end_lock(&app, request).await }
            }),
        )
        .route("/healthz", get(async || "ok"))
        .route(
            "/readyz",
            get(move || {
                let app = ready_app.clone();
                async move { ready(&app).await }
            }),
        )
        .route(
            "/sdk/v1/events",
            post(async |request: Request| {
                // Telemetry of the browser SDKs; nothing is kept of it.
                let mut response = axum::Json(Map::new()).into_response();
                cors::allow(request.headers(), response.headers_mut());
                response
            }),
        )
        .route(
            "/docs/errors",
            get(move || {
                let app = index_app.clone();
                async move { html(StatusCode::OK, error_index(&app)) }
            }),
        )
        .route(
            "/docs/errors/{name}",
            get(move |params: RawPathParams| {
                let app = reference_app.clone();
                async move {
                    let name = params.iter().next().map(|(_, name)| name.to_owned()).unwrap_or_default();
                    error_page(&app, &name)
                }
            }),
        )
        .route(
            "/assets/{*path}",
            get(async |headers: HeaderMap, request: Request| serve_asset(request.uri().path(), &headers)),
        )
}

/// A page with its headers. The referrer is withheld, since the URLs of some pages have tokens in them.
pub fn html(status: StatusCode, page: Page) -> Response<Body> {
    let mut response = Response::new(Body::from(page.html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(policy) = HeaderValue::from_str(page.content_security_policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn serve_asset(path: &str, headers: &HeaderMap) -> Response<Body> {
    let Some(found) = asset::find(path) else { return StatusCode::NOT_FOUND.into_response() };
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known == found.etag);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(found.bytes))
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(found.content_type));
    headers.insert(ETAG, HeaderValue::from_static(found.etag));
    // The name has a hash of the content in it.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The page behind a link in a mail (spec 01b §1). Opening it changes nothing: it looks the link up and offers to go on
/// to the application, which is what uses the link.
async fn link_hop(app: &App, headers: &HeaderMap, query: &str) -> Response<Body> {
    match find_destination(app, query).await {
        Ok(Some((app_name, url))) => html(StatusCode::OK, page::link_hop(language(headers), &app_name, &url)),
        Ok(None) => {
            link_is_gone(app, "Go back to the page where you wanted to sign in and ask for a new one.")
        }
        Err(error) => failed(app, &error),
    }
}

/// The page that says that a link is of no use, and what to do about it.
fn link_is_gone(app: &App, advice: &str) -> Response<Body> {
    let request_id = encode::request_id(app.request_ids.next(), EnvironmentKind::Test);
    let text = format!("This link was used already, has expired, or was never valid. {advice}");
    let status = ErrorType::UnableToAuthMagicLink.status();
    html(StatusCode::NOT_FOUND, page::error(status, "This link no longer works", &text, &request_id))
}

fn failed(app: &App, error: &Error) -> Response<Body> {
    let request_id = encode::request_id(app.request_ids.next(), EnvironmentKind::Test);
    let source = error.source.as_deref().unwrap_or_default();
    tracing::error!(request.id = request_id, source, "request failed");
    let kind = error.kind;
    let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    html(status, page::error(kind.status(), "Something went wrong", kind.text(), &request_id))
}

/// What to do when a link ends no lock.
const LOCK_ADVICE: &str = "If you are still locked out, wait for a while or ask your administrator.";
/// The most bytes of the form that ends a lock.
const FORM_BYTES_MAX: usize = 4096;

/// The environment and the token that a link or form of the unlock page names.
fn lock_of(app: &Arc<App>, form: &str) -> Option<(Cx, String, String)> {
    let public_token = parameter(form, "public_token")?;
    let token = parameter(form, "token")?;
    let project = app.projects.by_public_token(&public_token)?;
    let cx = Cx { app: app.clone(), project, now: app.clock.now(), is_backend: false };
    Some((cx, public_token, token))
}

/// The page behind the link that ends a lock (spec 01d §3). Opening it changes nothing, like the one above.
async fn look_at_lock(app: &Arc<App>, headers: &HeaderMap, query: &str) -> Response<Body> {
    let Some((cx, public_token, token)) = lock_of(app, query) else { return link_is_gone(app, LOCK_ADVICE) };
    match unlock::is_good(&cx, &token).await {
        Ok(true) => {
            let fields = [("public_token", public_token.as_str()), ("token", &token)];
            let name = &cx.project.environment.name;
            html(StatusCode::OK, page::unlock(language(headers), name, UNLOCK_PATH, &fields))
        }
        Ok(false) => link_is_gone(app, LOCK_ADVICE),
        Err(error) => failed(app, &error),
    }
}

/// The button of that page: ends the lock and leads to where members sign in.
async fn end_lock(app: &Arc<App>, request: Request) -> Response<Body> {
    let form = match Limited::new(request.into_body(), FORM_BYTES_MAX).collect().await {
        Ok(collected) => String::from_utf8_lossy(&collected.to_bytes()).into_owned(),
        Err(_) => String::new(),
    };
    let Some((cx, _, token)) = lock_of(app, &form) else { return link_is_gone(app, LOCK_ADVICE) };
    match unlock::by_link(&cx, token).await {
        Ok(url) => {
            let mut response = StatusCode::SEE_OTHER.into_response();
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
            if let Ok(url) = HeaderValue::from_str(&url) {
                headers.insert(LOCATION, url);
            }
            response
        }
        Err(error) if error.kind.status() < 500 => link_is_gone(app, LOCK_ADVICE),
        Err(error) => failed(app, &error),
    }
}

/// A parameter of a query or form, decoded.
fn parameter(form: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(form.as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// The project's name and the application's URL behind a link that is still good.
async fn find_destination(app: &App, query: &str) -> crate::cx::Result<Option<(String, String)>> {
    let parameter = |name: &str| parameter(query, name);
    let (Some(public_token), Some(token)) = (parameter("public_token"), parameter("token")) else {
        return Ok(None);
    };
    let Some(project) = app.projects.by_public_token(&public_token) else { return Ok(None) };
    let reader = app.store.reader();
    let link = magic_links::find(&reader, project.scope(), &sha256(token.as_bytes())).await?;
    let now = app.clock.now();
    let leads_on = |link: &MagicLink| {
        link.purpose != LinkPurpose::Unlock && link.used_at.is_none() && link.expires_at > now
    };
    let Some(link) = link.filter(leads_on) else { return Ok(None) };
    if parameter("stytch_token_type").is_some_and(|named| named != token_type(link.purpose)) {
        return Ok(None);
    }
    let organization = match link.organization_id {
        Some(id) => ostiary_store::organizations::find(&reader, project.scope(), id).await?,
        None => None,
    };
    let slug = organization.as_ref().map(|organization| organization.slug.as_str());
    let url = application_url(&link.redirect_url, link.purpose, &token, slug);
    Ok(Some((project.environment.name.clone(), url)))
}

/// The first language of the browser in which pages exist.
fn language(headers: &HeaderMap) -> Locale {
    let accepted = headers.get("accept-language").and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted
        .split(',')
        .filter_map(|entry| entry.split(';').next())
        .find_map(|tag| {
            let tag = tag.trim();
            let base = tag.split('-').next().unwrap_or(tag);
            Locale::parse(tag).or_else(|| Locale::parse(base)).or((base == "pt").then_some(Locale::PtBr))
        })
        .unwrap_or_default()
}

fn errors_url(app: &App) -> String {
    format!("{}/docs/errors", app.options.public_url)
}

fn error_index(app: &App) -> Page {
    let entries: Vec<_> =
        ErrorType::ALL.iter().map(|kind| (kind.name(), kind.status(), kind.text())).collect();
    page::error_index(&entries, &errors_url(app))
}

/// One error, or (under a status, as `error_url` names it) all errors; the name is an anchor there.
fn error_page(app: &App, name: &str) -> Response<Body> {
    match ErrorType::parse(name) {
        Some(kind) => html(
            StatusCode::OK,
            page::error_reference(kind.name(), kind.status(), kind.text(), &errors_url(app)),
        ),
        None if name.parse::<u16>().is_ok() => html(StatusCode::OK, error_index(app)),
        None => {
            let request_id = encode::request_id(app.request_ids.next(), EnvironmentKind::Test);
            let page = page::error(
                404,
                "No such error",
                "The reference lists every error of this server.",
                &request_id,
            );
            html(StatusCode::NOT_FOUND, page)
        }
    }
}

/// Whether the server can do its work; each part that cannot is named.
async fn ready(app: &App) -> Response<Body> {
    let database = app.store.ping().await;
    let projects = app.projects.all();
    let keys = projects.iter().all(|project| project.keys.signing_key(app.clock.now()).is_some());
    let mut parts = Map::new();
    parts.insert("database".into(), Value::from(if database.is_ok() { "ok" } else { "unreachable" }));
    parts.insert("projects".into(), Value::from(if projects.is_empty() { "none" } else { "ok" }));
    parts.insert("signing_keys".into(), Value::from(if keys { "ok" } else { "missing" }));
    if let Err(error) = &database {
        tracing::warn!(source = %error, "the database is not reachable");
    }
    let is_stopping = *app.stopping.borrow();
    if is_stopping {
        parts.insert("stopping".into(), true.into());
    }
    let is_ready = database.is_ok() && keys && !projects.is_empty() && !is_stopping;
    parts.insert("ready".into(), is_ready.into());
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(parts)).into_response()
}
