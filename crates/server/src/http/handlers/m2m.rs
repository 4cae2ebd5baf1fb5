//! Machine-to-machine clients: managing them, and the endpoints that they call themselves.

use super::organizations::metadata;
use crate::cx::Result;
use crate::http::call::Call;
use crate::http::oauth;
use crate::http::reply::Reply;
use crate::ops::m2m::clients::{self, ClientAndSecret, NewClient};
use crate::ops::m2m::rotation;
use crate::ops::m2m::token::{self, Introspection, TokenRequest};
use crate::ops::search;
use crate::wire::{Fields, Object, WireM2mClient};
use ostiary_core::error::ErrorType;
use ostiary_core::m2m::{M2mClient, M2mClientChange, TOKEN_SECONDS};
use serde_json::{Value, json};

/// What a token request says to the endpoint itself; all else is for claim templates.
const OWN_MEMBERS: [&str; 5] = ["grant_type", "client_id", "client_secret", "scope", "scopes"];

fn client(client: &M2mClient) -> Reply {
    Object::new().field("m2m_client", &WireM2mClient { client, secret: None }).into()
}

fn client_with(name: &'static str, made: &ClientAndSecret) -> Reply {
    let wire = WireM2mClient { client: &made.client, secret: Some((name, &made.secret)) };
    Object::new().field("m2m_client", &wire).into()
}

fn read_change(fields: &Fields) -> Result<M2mClientChange> {
    Ok(M2mClientChange {
        name: fields.string("client_name")?,
        description: fields.string("client_description")?,
        status: fields.string("status")?,
        scopes: fields.texts("scopes")?,
        trusted_metadata: metadata(fields, "trusted_metadata")?,
    })
}

/// `POST /v1/m2m/clients`
pub async fn create(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let mut change = read_change(fields)?;
    if change.scopes.is_none() {
        return Err(ErrorType::BadRequest.with_message("scopes is required; it may be an empty list."));
    }
    // A new client is active.
    change.status = None;
    let new =
        NewClient { id: fields.nonempty("client_id")?, secret: fields.nonempty("client_secret")?, change };
    Ok(client_with("client_secret", &clients::create(&call.cx, new).await?))
}

/// `GET /v1/m2m/clients/{client_id}`
pub async fn get(call: Call) -> Result<Reply> {
    Ok(client(&clients::find(&call.cx, call.param("client_id")?).await?))
}

/// `PUT /v1/m2m/clients/{client_id}`
pub async fn update(call: Call) -> Result<Reply> {
    let change = read_change(&call.fields)?;
    Ok(client(&clients::update(&call.cx, call.param("client_id")?, change).await?))
}

/// `DELETE /v1/m2m/clients/{client_id}`
pub async fn delete(call: Call) -> Result<Reply> {
    let id = clients::delete(&call.cx, call.param("client_id")?).await?;
    Ok(Object::new().field("client_id", &id).into())
}

/// `POST /v1/m2m/clients/search`
pub async fn search(call: Call) -> Result<Reply> {
    let found = search::m2m_clients(&call.cx, &call.fields).await?;
    let clients: Vec<WireM2mClient> =
        found.entries.iter().map(|client| WireM2mClient { client, secret: None }).collect();
    Ok(Object::new()
        .field("m2m_clients", &clients)
        .field("results_metadata", &json!({ "total": found.total, "next_cursor": found.next_cursor }))
        .into())
}

/// `POST /v1/m2m/clients/{client_id}/secrets/rotate/start`
pub async fn rotate_start(call: Call) -> Result<Reply> {
    let made = rotation::start(&call.cx, call.param("client_id")?).await?;
    Ok(client_with("next_client_secret", &made))
}

/// `POST /v1/m2m/clients/{client_id}/secrets/rotate/cancel`
pub async fn rotate_cancel(call: Call) -> Result<Reply> {
    Ok(client(&rotation::cancel(&call.cx, call.param("client_id")?).await?))
}

/// `POST /v1/m2m/clients/{client_id}/secrets/rotate`
pub async fn rotate_complete(call: Call) -> Result<Reply> {
    Ok(client(&rotation::complete(&call.cx, call.param("client_id")?).await?))
}

/// The scopes that a request asks for: `scope` as the standard has it, or a list under `scopes`, as one SDK sends it.
fn requested_scopes(fields: &Fields) -> Result<Vec<String>> {
    let separated = |text: &str| text.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let scopes = separated(fields.text("scope")?.unwrap_or_default());
    if !scopes.is_empty() {
        return Ok(scopes);
    }
    match fields.raw("scopes") {
        // A form with one of them.
        Some(Value::String(_)) => Ok(separated(fields.text("scopes")?.unwrap_or_default())),
        _ => Ok(fields.texts("scopes")?.unwrap_or_default()),
    }
}

/// `POST /v1/public/{project_id}/oauth2/token`, `POST /v1/oauth2/token` and `POST /v1/m2m/token`
pub async fn token(call: Call) -> Result<Reply> {
    let grant_type = call.fields.nonempty("grant_type")?;
    let grant_type =
        grant_type.ok_or_else(|| ErrorType::InvalidRequest.with_message("grant_type is required."))?;
    let readings = oauth::credentials(&call)?;
    token::check_grant(&grant_type, &readings)?;
    let scopes = requested_scopes(&call.fields)?;
    let network = call.network();
    let mut members = call.fields.into_map();
    members.retain(|name, _| !OWN_MEMBERS.contains(&name.as_str()));
    let issued = token::issue(&call.cx, TokenRequest { readings, scopes, members, network }).await?;
    Ok(Object::with_capacity(2048)
        .plain("access_token", &issued.access_token)
        .plain("token_type", "bearer")
        .field("expires_in", &TOKEN_SECONDS)
        .field("scope", &issued.scope)
        .into())
}

/// `POST /oauth/token`: where callers of Auth0 ask, so that only a name in the DNS changes for them.
pub async fn auth0_token(call: Call) -> Result<Reply> {
    if !call.cx.project.environment.settings.m2m_auth0_token_path {
        return Err(ErrorType::RouteNotFound.into());
    }
    token(call).await
}

/// `POST /v1/public/{project_id}/oauth2/introspect` and `POST /v1/oauth2/introspect` (RFC 7662)
pub async fn introspect(call: Call) -> Result<Reply> {
    let readings = oauth::credentials(&call)?;
    let token = call.fields.nonempty("token")?;
    let token = token.ok_or_else(|| ErrorType::InvalidRequest.with_message("token is required."))?;
    let question = Introspection { readings, token, network: call.network() };
    let Some(mut claims) = token::introspect(&call.cx, question).await? else {
        return Ok(Object::new().field("active", &false).into());
    };
    // What the answer says of itself comes last: a claim of a template may have the same name.
    for name in ["request_id", "status_code"] {
        claims.shift_remove(name);
    }
    let client_id = claims.get("sub").cloned().unwrap_or_default();
    claims.insert("client_id".into(), client_id);
    claims.insert("active".into(), true.into());
    claims.insert("token_type".into(), "access_token".into());
    Ok(Object::new().entries(&claims).into())
}
