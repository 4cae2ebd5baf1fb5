//! What the stack costs without Ostiary: servers with the same listener and router that answer bytes made beforehand.
//!
//! | path | before it answers |
//! |---|---|
//! | `/constant` | it reads the body of the request |
//! | `/row` | and finds the session's row by the hash of the token |
//! | `/join` | and instead asks what a session check has to ask: session, member and organization |

use crate::Failure;
use crate::data::{DataSet, Database};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::routing::{get, post};
use bytes::Bytes;
use ostiary_core::ids::EnvironmentKind;
use ostiary_core::time::Timestamp;
use ostiary_proto::hash::sha256;
use ostiary_server::clock::Clock;
use ostiary_server::listen::{Ending, Endpoint, Limits, Listener, Shutdown, serve as serve_endpoints};
use ostiary_store::seam::{Row, Sql, Store, StoreError};
use ostiary_store::{Scope, args, sessions, sql};
use serde::Deserialize;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The whole row of the session.
const ROW: Sql = sql!(
    "SELECT session_id, member_id, organization_id, token_sealed, factors, custom_claims, started_at, expires_at, version
     FROM sessions WHERE env = $1 AND token_hash = $2 AND expires_at > $3"
);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_VALUE: HeaderValue =
    HeaderValue::from_static("request-id-live-00000000-0000-4000-8000-000000000000");

struct Bare {
    store: Store,
    scope: Scope,
    clock: Clock,
    answer: Bytes,
}

#[derive(Deserialize)]
struct Asked<'a> {
    session_token: &'a str,
}

impl Bare {
    fn token_hash(&self, body: &[u8]) -> Option<[u8; 32]> {
        let asked: Asked<'_> = serde_json::from_slice(body).ok()?;
        Some(sha256(asked.session_token.as_bytes()))
    }

    async fn row(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<Row>, StoreError> {
        self.store.reader().row(ROW, &args![self.scope.env, hash, now.micros()]).await
    }

    fn answer(&self, found: bool) -> Response<Body> {
        if !found {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        }
        let mut response = Response::new(Body::from(self.answer.clone()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(REQUEST_ID, REQUEST_ID_VALUE);
        response
    }
}

async fn constant(State(bare): State<Arc<Bare>>, _body: Bytes) -> Response<Body> {
    bare.answer(true)
}

async fn row(State(bare): State<Arc<Bare>>, body: Bytes) -> Response<Body> {
    let now = bare.clock.now();
    let found = match bare.token_hash(&body) {
        Some(hash) => bare.row(&hash, now).await.is_ok_and(|row| row.is_some()),
        None => false,
    };
    bare.answer(found)
}

async fn join(State(bare): State<Arc<Bare>>, body: Bytes) -> Response<Body> {
    let now = bare.clock.now();
    let found = match bare.token_hash(&body) {
        Some(hash) => sessions::find_state_by_token(&bare.store.reader(), bare.scope, &hash, now)
            .await
            .is_ok_and(|state| state.is_some()),
        None => false,
    };
    bare.answer(found)
}

/// Serves until the process is ended.
pub async fn serve(database: &Database, port: u16, answer: &Path) -> Result<(), Failure> {
    let set = DataSet::find(database)?.ok_or("there is no data set; seed first")?;
    let bare = Arc::new(Bare {
        store: Store::open(database.store_options()).await?,
        scope: Scope { env: set.env, kind: EnvironmentKind::Live },
        clock: Clock::default(),
        answer: fs::read(answer)?.into(),
    });
    let app = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/constant", post(constant))
        .route("/row", post(row))
        .route("/join", post(join))
        .with_state(bare.clone());
    let shutdown = Shutdown::new();
    shutdown.trigger_on_signals()?;
    let listener = Listener::bind("http", (Ipv4Addr::LOCALHOST, port).into()).await?;
    let endpoint = Endpoint { listener, tls: None, app };
    let ending = Ending { drain: Duration::from_secs(5), ..Ending::default() };
    serve_endpoints(vec![endpoint], Limits::default(), ending, &shutdown).await;
    bare.store.close().await;
    Ok(())
}
