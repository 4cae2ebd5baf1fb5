//! From a request to an answer.

use crate::app::App;
use crate::cx::{Cx, Result};
use crate::http::access::Access;
use crate::http::call::Call;
use crate::http::log::Answered;
use crate::http::operator_call::{self, OperatorCall};
use crate::http::routes::{self, Answering, Handler, Route, Surface};
use crate::http::{access, authenticate, cookies, cors, dev, encode, oauth, pages};
use crate::listen::{Connection, client_ip};
use crate::ops::limits;
use crate::ops::sessions::tokens::SessionCredential;
use crate::project::Project;
use crate::wire::Fields;
use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::routing::{MethodFilter, on};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use ostiary_core::error::ErrorType;
use ostiary_core::ids::EnvironmentKind;
use ostiary_core::project::Vertical;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// The headers in which the server API names the acting member's session.
const MEMBER_SESSION: &str = "x-stytch-member-session";
const MEMBER_SESSION_JWT: &str = "x-stytch-member-sessionjwt";
/// What a client hears whose Authorization header was refused.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"token\", charset=\"UTF-8\"");

/// Builds the router from the route table, the pages, and (under `ostiary dev`) the development endpoints.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for (index, route) in routes::TABLE.iter().enumerate() {
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
        let app = app.clone();
        router = router.route(
            route.path,
            on(filter, move |params: RawPathParams, request: Request| {
                let app = app.clone();
                async move { answer(app, route, index, params, request).await }
            }),
        );
    }
    router = pages::add(router, &app);
    if app.options.is_dev {
        router = dev::add(router, &app);
    }
    let unknown = app.clone();
    let wrong_method = app;
    router
        .fallback(move |request: Request| {
            let app = unknown.clone();
            async move { refuse(&app, &request, ErrorType::RouteNotFound) }
        })
        .method_not_allowed_fallback(move |request: Request| {
            let app = wrong_method.clone();
            async move { refuse(&app, &request, ErrorType::MethodNotAllowed) }
        })
}

/// The answer to what is not in the table: a JSON error in the shape of its surface, or the answer to a preflight.
fn refuse(app: &App, request: &Request, kind: ErrorType) -> Response<Body> {
    let surface = routes::surface_of(request.uri().path());
    if request.method() == Method::OPTIONS {
        match surface {
            Surface::Browser => return cors::preflight(request.headers()),
            Surface::OAuth => return cors::preflight_any(),
            Surface::Backend | Surface::Public | Surface::Management => {}
        }
    }
    let request_id = encode::request_id(app.request_ids.next(), EnvironmentKind::Test);
    let mut response = encode::error(&app.options.public_url, surface, &request_id, &kind.into());
    add_surface_headers(surface, request.headers(), &mut response);
    response
}

/// The headers that every answer of a surface has, whatever it says.
fn add_surface_headers(surface: Surface, request: &HeaderMap, response: &mut Response<Body>) {
    match surface {
        Surface::Browser => cors::allow(request, response.headers_mut()),
        Surface::OAuth => {
            cors::allow_any(response.headers_mut());
            // RFC 6749 §5.2: who tried the header is told that the header is known.
            if response.status() == StatusCode::UNAUTHORIZED && request.contains_key(AUTHORIZATION) {
                response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
            }
        }
        Surface::Backend | Surface::Public | Surface::Management => {}
    }
}

async fn answer(
    app: Arc<App>,
    route: &'static Route,
    index: usize,
    params: RawPathParams,
    request: Request,
) -> Response<Body> {
    let started = Instant::now();
    let in_flight = app.metrics.request_started();
    let id = app.request_ids.next();
    let (parts, body) = request.into_parts();
    let path = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let query = parts.uri.query().unwrap_or_default();
    let peer = parts.extensions.get::<Connection>().map(|connection| connection.peer.ip());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let client = client_ip(peer, &parts.headers, &app.options.trusted_proxies);
    // The headers go along with the call; they stay only where the answer's depend on them.
    let kept = matches!(route.surface, Surface::Browser | Surface::OAuth).then(|| parts.headers.clone());
    let incoming = Incoming { id, path, query, headers: parts.headers, body, client };
    let mut kind = EnvironmentKind::Test;
    let result = run(&app, route, incoming, &mut kind).await;
    let answered = Answered { route, client, id, kind, elapsed: started.elapsed() };
    let mut response = match result {
        Ok(response) => {
            answered.with_success(response.status());
            response
        }
        Err(error) => {
            let request_id = encode::request_id(id, kind);
            answered.with_error(&request_id, &error);
            encode::error(&app.options.public_url, route.surface, &request_id, &error)
        }
    };
    if let Some(headers) = &kept {
        add_surface_headers(route.surface, headers, &mut response);
    }
    drop(in_flight);
    app.metrics.request_finished(index, response.status().as_u16(), answered.elapsed);
    response
}

struct Incoming<'a> {
    id: Uuid,
    path: Vec<(String, String)>,
    query: &'a str,
    headers: HeaderMap,
    body: Body,
    client: IpAddr,
}

async fn run(
    app: &Arc<App>,
    route: &'static Route,
    incoming: Incoming<'_>,
    kind: &mut EnvironmentKind,
) -> Result<Response<Body>> {
    let handler = match route.handler {
        Handler::Project(handler) => handler,
        Handler::Operator(handler) => return run_for_operator(app, route, handler, incoming).await,
    };
    let caller = identify(app, route, &incoming)?;
    if let Some(project) = &caller.project {
        *kind = project.kind();
        refuse_closed(route, project)?;
    }
    let fields = read_fields(app, route, incoming.query, &incoming.headers, incoming.body).await?;
    let project = match caller.project {
        Some(project) => project,
        None => {
            let project = oauth::find_project(app, &incoming.headers, &fields).await?;
            *kind = project.kind();
            refuse_closed(route, &project)?;
            project
        }
    };
    let cx =
        Cx { app: app.clone(), now: app.clock.now(), is_backend: route.surface == Surface::Backend, project };
    let mut call = Call {
        cx,
        route,
        path: incoming.path,
        fields,
        headers: incoming.headers,
        client: incoming.client,
        attached: caller.attached,
        intermediate_cookie: caller.intermediate_cookie,
        actor: None,
    };
    access::enforce(&mut call).await?;
    if let Some(group) = route.limits {
        limits::check(&call.cx, group, &call.limit_subject()).await?;
    }
    let cx = call.cx.clone();
    let reply = handler(call).await?;
    Ok(encode::success(&cx, route.surface, &encode::request_id(incoming.id, *kind), reply))
}

async fn run_for_operator(
    app: &Arc<App>,
    route: &'static Route,
    handler: fn(OperatorCall) -> Answering,
    incoming: Incoming<'_>,
) -> Result<Response<Body>> {
    let operator = operator_call::authorize(app, route, &incoming.headers).await?;
    let fields = read_fields(app, route, incoming.query, &incoming.headers, incoming.body).await?;
    let query = Fields::from_query(incoming.query);
    let reply = handler(OperatorCall::new(operator, fields, query, incoming.path)).await?;
    let request_id = encode::request_id(incoming.id, EnvironmentKind::Test);
    Ok(encode::success_for_operator(&request_id, reply))
}

/// Refuses calls that the environment does not take: those of a CONSUMER project, which can only be configured, and
/// those that its SDK configuration closes to browsers.
fn refuse_closed(route: &Route, project: &Project) -> Result<()> {
    if project.environment.vertical == Vertical::Consumer {
        return Err(ErrorType::InvalidB2bEndpoint.into());
    }
    if route.surface != Surface::Browser {
        return Ok(());
    }
    let rules = &project.environment.settings.browser;
    let needs_role = matches!(route.access, Access::Permission(..) | Access::OnMember(_) | Access::PerField);
    let is_open =
        rules.allow(route.method.as_str(), route.path) && (rules.enable_member_permissions || !needs_role);
    if is_open { Ok(()) } else { Err(ErrorType::EndpointNotAuthorizedForSdk.into()) }
}

struct Caller {
    /// None where the path of an OAuth endpoint names no project: what the request says does.
    project: Option<Arc<Project>>,
    attached: Option<SessionCredential>,
    intermediate_cookie: Option<String>,
}

fn identify(app: &App, route: &Route, incoming: &Incoming<'_>) -> Result<Caller> {
    match route.surface {
        Surface::Backend => {
            let project = authenticate::backend(app, &incoming.headers)?;
            let attached = SessionCredential::at_most_one(
                header(&incoming.headers, MEMBER_SESSION)?,
                header(&incoming.headers, MEMBER_SESSION_JWT)?,
            )?;
            Ok(Caller { project: Some(project), attached, intermediate_cookie: None })
        }
        Surface::Browser => {
            let (project, token) = authenticate::browser(app, &incoming.headers)?;
            let settings = &project.environment.settings;
            refuse_foreign_origin(&settings.authorized_origins, &incoming.headers)?;
            let reads_cookies = settings.http_only_cookies;
            let cookie = |name| if reads_cookies { cookies::find(&incoming.headers, name) } else { None };
            let token = token.or_else(|| cookie(cookies::SESSION));
            let intermediate_cookie = cookie(cookies::INTERMEDIATE);
            let attached = token.map(SessionCredential::Token);
            Ok(Caller { attached, intermediate_cookie, project: Some(project) })
        }
        Surface::Management => Err(ErrorType::InvalidAuthorizationHeader.into()),
        Surface::Public | Surface::OAuth => {
            let named = incoming.path.iter().find_map(|(name, value)| match name.as_str() {
                "project_id" => Some(app.projects.by_id_text(value).ok_or(ErrorType::ProjectNotFound)),
                "public_token" => {
                    Some(app.projects.by_public_token(value).ok_or(ErrorType::PublicTokenNotFound))
                }
                _ => None,
            });
            let project = match named {
                Some(project) => Some(project?),
                None if route.surface == Surface::OAuth => None,
                None => return Err(ErrorType::ProjectNotFound.into()),
            };
            Ok(Caller { project, attached: None, intermediate_cookie: None })
        }
    }
}

fn header(headers: &HeaderMap, name: &str) -> Result<Option<String>> {
    match headers.get(name) {
        None => Ok(None),
        Some(value) => match value.to_str() {
            Ok(text) if !text.is_empty() => Ok(Some(text.to_owned())),
            Ok(_) => Ok(None),
            Err(_) => Err(ErrorType::SessionNotFound.into()),
        },
    }
}

fn refuse_foreign_origin(authorized: &[String], headers: &HeaderMap) -> Result<()> {
    if authorized.is_empty() {
        return Ok(());
    }
    let origin = headers.get(axum::http::header::ORIGIN).and_then(|origin| origin.to_str().ok());
    match origin {
        Some(origin) if !authorized.iter().any(|known| known == origin) => Err(ErrorType::BadDomain.into()),
        _ => Ok(()),
    }
}

async fn read_fields(
    app: &App,
    route: &Route,
    query: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Fields> {
    if matches!(route.method, Method::GET | Method::DELETE) {
        // Clients send `{}` with these methods, or JSON's content type without a body; neither says anything.
        return Ok(Fields::from_query(query));
    }
    let limit = app.options.body_bytes_max;
    let bytes = match Limited::new(body, limit).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(
                ErrorType::RequestTooLarge.with_message(format!("The body is larger than {limit} bytes."))
            );
        }
        Err(_) => return Err(ErrorType::BadRequest.with_message("The body could not be read.")),
    };
    if route.surface == Surface::OAuth {
        return oauth::read_fields(headers, &bytes);
    }
    if !bytes.is_empty() && !is_json(headers) {
        return Err(ErrorType::UnsupportedMediaType.into());
    }
    Fields::parse(&bytes)
}

/// JSON, or nothing said: some clients send a body without naming its type.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
