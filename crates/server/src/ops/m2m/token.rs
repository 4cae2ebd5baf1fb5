//! Access tokens of M2M clients: issuing them, and answering whether one is still good (spec 03c §3, §4).

use super::authenticate::{Credentials, authenticate, invalid_client};
use crate::cx::{Cx, Result};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::m2m::{M2mClient, M2mClientStatus, TOKEN_SECONDS, grant};
use ostiary_proto::jose::{self, Claims};
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// A request for a token.
#[derive(Debug)]
pub struct TokenRequest {
    /// The credentials of the client, in each way in which they can be read.
    pub readings: Vec<Credentials>,
    /// The scopes that the token is to have; all of the client when there are none.
    pub scopes: Vec<String>,
    /// What else the request says; claim templates know it as `request`.
    pub members: Map<String, Value>,
    /// The network of the caller.
    pub network: IpAddr,
}

/// A token that was issued.
pub struct IssuedToken {
    /// The signed token.
    pub access_token: String,
    /// Its scopes, separated by spaces.
    pub scope: String,
}

/// Issues a token: one read, one signature.
pub async fn issue(cx: &Cx, request: TokenRequest) -> Result<IssuedToken> {
    let client = authenticate(cx, &request.readings, request.network).await?;
    if client.status != M2mClientStatus::Active {
        return Err(invalid_client("the client is inactive"));
    }
    let scope = grant(&client, &request.scopes)?.join(" ");
    cx.app.m2m.limits.take_token(cx.scope().env, client.list_key, cx.now)?;
    let access_token = sign(cx, &client, &scope, request.members)?;
    cx.app.m2m.usage.note(cx.scope().env, &client.id, cx.now);
    Ok(IssuedToken { access_token, scope })
}

fn sign(cx: &Cx, client: &M2mClient, scope: &str, members: Map<String, Value>) -> Result<String> {
    let key = cx
        .project
        .keys
        .signing_key(cx.now)
        .ok_or_else(|| Error::internal("the environment has no signing key"))?;
    let issued_at = cx.now.seconds();
    let mut claims = custom_claims(cx, client, members);
    let standard = json!({
        "iss": cx.project.issuer,
        "sub": client.id,
        "aud": audience(cx),
        "scope": scope,
        "iat": issued_at,
        "nbf": issued_at,
        "exp": issued_at + TOKEN_SECONDS,
        "jti": cx.new_token(),
    });
    // The standard claims come last: whatever a template has put there, these hold.
    if let Value::Object(standard) = standard {
        claims.extend(standard);
    }
    let claims = serde_json::to_vec(&claims).map_err(Error::internal)?;
    cx.app.metrics.jwt_signed();
    Ok(key.sign(&claims))
}

/// The project, and behind it the audience that the operator has added.
fn audience(cx: &Cx) -> Vec<String> {
    let template = cx.project.environment.settings.m2m_jwt_template.as_ref();
    let custom = template.map(|template| template.custom_audience.clone()).filter(|text| !text.is_empty());
    std::iter::once(cx.project.id().to_string()).chain(custom).collect()
}

fn custom_claims(cx: &Cx, client: &M2mClient, members: Map<String, Value>) -> Map<String, Value> {
    let template = &cx.project.m2m_template;
    if template.is_empty() {
        return Map::new();
    }
    let mut values = Map::new();
    values.insert(
        "client".into(),
        json!({
            "client_id": client.id,
            "client_name": client.name,
            "client_description": client.description,
            "status": client.status,
            "scopes": client.scopes,
            "trusted_metadata": client.trusted_metadata,
        }),
    );
    values.insert("request".into(), Value::Object(members));
    template.render(&values)
}

/// A question whether a token is good.
#[derive(Debug)]
pub struct Introspection {
    /// The credentials of the client that asks.
    pub readings: Vec<Credentials>,
    /// The token.
    pub token: String,
    /// The network of the caller.
    pub network: IpAddr,
}

/// The claims of a token that is good: signed here, not expired, and the asking client's own. `None` otherwise, also
/// when the client was deactivated since (RFC 7662 §2.2; spec 03c §4).
pub async fn introspect(cx: &Cx, question: Introspection) -> Result<Option<Claims>> {
    let client = authenticate(cx, &question.readings, question.network).await?;
    if client.status != M2mClientStatus::Active {
        return Ok(None);
    }
    Ok(verify(cx, &question.token).filter(|claims| {
        claims.get("sub").and_then(Value::as_str) == Some(client.id.as_str()) && claims.contains_key("scope")
    }))
}

fn verify(cx: &Cx, token: &str) -> Option<Claims> {
    let key = |kid: &str| cx.project.keys.verifying_key(kid, cx.now).map(|(key, _)| key);
    let claims = jose::verify(token, key).ok()?;
    jose::check_times(&claims, cx.now.seconds()).ok()?;
    jose::check_issuer(&claims, &cx.project.issuer).ok()?;
    jose::check_audience(&claims, &cx.project.id().to_string()).ok()?;
    Some(claims)
}

/// The refusal of a grant other than `client_credentials`, or of a client that has no business with that one.
pub fn check_grant(grant_type: &str, readings: &[Credentials]) -> Result<()> {
    if grant_type != "client_credentials" {
        return Err(ErrorType::UnsupportedGrantType.into());
    }
    // Connected Apps act for members, never on their own (spec 04a §1).
    if readings.iter().any(|credentials| credentials.id.starts_with("connected-app-")) {
        return Err(ErrorType::UnauthorizedClient.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_grant_is_for_machines_and_not_for_apps() {
        let kind = |grant_type, id: &str| {
            let readings = [Credentials { id: id.into(), secret: "secret".into() }];
            check_grant(grant_type, &readings).map_err(|error| error.kind)
        };
        assert_eq!(kind("client_credentials", "m2m-client-test-1"), Ok(()));
        for grant_type in ["", "password", "authorization_code", "refresh_token", "CLIENT_CREDENTIALS"] {
            assert_eq!(kind(grant_type, "m2m-1"), Err(ErrorType::UnsupportedGrantType), "{grant_type}");
        }
        let app = kind("client_credentials", "connected-app-test-1");
        assert_eq!(app, Err(ErrorType::UnauthorizedClient));
    }
}
