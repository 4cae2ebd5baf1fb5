//! What exists under `ostiary dev` only: the inbox, the clock, and the project's settings.

use crate::app::App;
use crate::cx::Result;
use crate::http::encode;
use crate::http::pages::html;
use crate::http::routes::Surface;
use crate::jobs::inbox::InboxDelivery;
use crate::jobs::outbox;
use crate::ops::projects;
use crate::project::Project;
use crate::wire::{Fields, Object};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use futures_util::stream;
use http_body_util::{BodyExt as _, Limited};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::EnvironmentKind;
use ostiary_core::time::SECOND;
use ostiary_pages::page::{self, PreviewTheme};
use ostiary_store::{inbox, server_state};
use serde_json::Value;
use serde_json::value::RawValue;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

/// The name under which the clock's offset is kept, so that a restart does not turn back time.
pub const CLOCK_OFFSET: &str = "dev clock offset";
/// The most seconds by which one call may advance the clock: ten years.
const ADVANCE_SECONDS_MAX: i64 = 315_360_000;
/// The most bytes of a body here.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// The path of the inbox.
pub const INBOX_PATH: &str = "/dev/inbox";

/// Adds the development endpoints to the router.
pub fn add(router: Router, app: &Arc<App>) -> Router {
    let route = |handler: fn(Arc<App>, Request) -> Answer| {
        let app = app.clone();
        move |request: Request| {
            let answer = handler(app.clone(), request);
            let app = app.clone();
            async move { answer.await.unwrap_or_else(|error| refuse(&app, &error)) }
        }
    };
    router
        .route(INBOX_PATH, get(route(|app, request| Box::pin(inbox_page(app, request)))))
        .route(
            "/dev/inbox/messages",
            get(route(|app, request| Box::pin(list_messages(app, request))))
                .delete(route(|app, request| Box::pin(clear_messages(app, request)))),
        )
        .route(
            "/dev/inbox/messages/{id}/html",
            get(route(|app, request| Box::pin(message_html(app, request)))),
        )
        .route("/dev/inbox/events", get(route(|app, request| Box::pin(events(app, request)))))
        .route(
            "/dev/clock",
            get(route(|app, _| Box::pin(async move { Ok(clock(&app)) })))
                .post(route(|app, request| Box::pin(advance_clock(app, request)))),
        )
        .route(
            "/dev/settings",
            get(route(|app, _| Box::pin(async move { settings(&app) })))
                .post(route(|app, request| Box::pin(change_settings(app, request)))),
        )
}

type Answer = std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>>> + Send>>;

fn refuse(app: &App, error: &Error) -> Response<Body> {
    let request_id = encode::request_id(app.request_ids.next(), EnvironmentKind::Test);
    encode::error(&app.options.public_url, Surface::Backend, &request_id, error)
}

fn json(object: Object) -> Response<Body> {
    let mut response = Response::new(Body::from(object.into_json()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn read_body(request: Request) -> Result<Fields> {
    // A page of another origin can send a simple request here, but not one of this type without asking first.
    let is_json = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let collected = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await;
    let bytes = collected.map_err(|_| ErrorType::RequestTooLarge)?.to_bytes();
    if !bytes.is_empty() && !is_json {
        return Err(ErrorType::UnsupportedMediaType.into());
    }
    Fields::parse(&bytes)
}

async fn inbox_page(app: Arc<App>, request: Request) -> Result<Response<Body>> {
    // Links on the page follow the address under which the person opened it; nothing secret depends on it.
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let is_plain = host.is_some_and(|host| {
        host.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-' | b'[' | b']'))
    });
    let api_url = match host {
        Some(host) if is_plain && !app.options.public_url.ends_with(host) => format!("http://{host}"),
        _ => app.options.public_url.clone(),
    };
    Ok(html(StatusCode::OK, page::inbox(&api_url)))
}

async fn list_messages(app: Arc<App>, request: Request) -> Result<Response<Body>> {
    // What was sent before this request is shown, even if the job that delivers has not run yet.
    if app.options.delivers_to_inbox {
        outbox::deliver_due(&app, &InboxDelivery).await?;
    }
    let fields = Fields::from_query(request.uri().query().unwrap_or_default());
    let to = fields.text("to")?.map(str::to_lowercase);
    let bodies = inbox::list(&app.store.reader(), to.as_deref()).await?;
    let messages: Vec<Box<RawValue>> =
        bodies.into_iter().filter_map(|body| RawValue::from_string(body).ok()).collect();
    Ok(json(Object::new().field("messages", &messages)))
}

/// The HTML of a mail as a page of its own, so that its inline styles need no exception on the inbox page.
async fn message_html(app: Arc<App>, request: Request) -> Result<Response<Body>> {
    let id = request.uri().path().split('/').rev().nth(1).unwrap_or_default();
    let theme = Fields::from_query(request.uri().query().unwrap_or_default()).string("theme")?;
    let found = match Uuid::try_parse(id) {
        Ok(id) => inbox::find(&app.store.reader(), id).await?,
        Err(_) => None,
    };
    let message: Value =
        found.and_then(|body| serde_json::from_str(&body).ok()).ok_or(ErrorType::RouteNotFound)?;
    let mail = message.get("html").and_then(Value::as_str).unwrap_or_default();
    let theme = PreviewTheme::parse(theme.as_deref().unwrap_or_default());
    Ok(html(StatusCode::OK, page::mail_preview(mail, theme)))
}

async fn clear_messages(app: Arc<App>, _request: Request) -> Result<Response<Body>> {
    app.store.write(|tx| async move { Ok::<_, Error>(inbox::clear(&tx).await?) }).await?;
    Ok(json(Object::new().field("messages", &[(); 0])))
}

async fn events(app: Arc<App>, _request: Request) -> Result<Response<Body>> {
    let watching = (app.inbox_news.subscribe(), app.stopping.subscribe());
    let stream = stream::unfold(watching, |(mut news, mut stopping)| async move {
        loop {
            let message = tokio::select! {
                _ = stopping.wait_for(|stopping| *stopping) => return None,
                message = news.recv() => message,
            };
            match message {
                Ok(message) => {
                    let event = Event::default().event("message").data(message);
                    return Some((Ok::<_, Infallible>(event), (news, stopping)));
                }
                // A slow watcher missed some; the page reads the whole list again from time to time.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()).into_response())
}

fn clock(app: &App) -> Response<Body> {
    let object = Object::new()
        .field("now", &app.clock.now())
        .field("offset_seconds", &(app.clock.offset_micros() / SECOND));
    json(object)
}

/// `POST /dev/clock {"advance_seconds": N}`: every expiry follows. Time only moves forward.
async fn advance_clock(app: Arc<App>, request: Request) -> Result<Response<Body>> {
    let fields = read_body(request).await?;
    let seconds = fields.integer("advance_seconds")?.unwrap_or(0);
    if !(0..=ADVANCE_SECONDS_MAX).contains(&seconds) {
        return Err(ErrorType::InvalidArgument
            .with_message(format!("advance_seconds must be from 0 to {ADVANCE_SECONDS_MAX}.")));
    }
    let offset = app.clock.advance(seconds.saturating_mul(SECOND)).to_string();
    app.store
        .write(move |tx| {
            let offset = offset.clone();
            async move { Ok::<_, Error>(server_state::put(&tx, CLOCK_OFFSET, &offset).await?) }
        })
        .await?;
    Ok(clock(&app))
}

fn only_project(app: &App) -> Result<Arc<Project>> {
    app.projects.all().into_iter().next().ok_or_else(|| ErrorType::ProjectNotFound.into())
}

fn settings(app: &App) -> Result<Response<Body>> {
    Ok(json(Object::new().field("settings", &only_project(app)?.environment.settings)))
}

/// `POST /dev/settings {"http_only_cookies": true, …}`: replaces the given settings of the project.
async fn change_settings(app: Arc<App>, request: Request) -> Result<Response<Body>> {
    let fields = read_body(request).await?;
    let project = only_project(&app)?;
    let settings = projects::change_settings(&app, &project.environment, fields.into_map()).await?;
    Ok(json(Object::new().field("settings", &settings)))
}
