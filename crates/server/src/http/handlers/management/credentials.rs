//! `…/secrets` and `…/public_tokens`

use crate::cx::Result;
use crate::http::operator_call::OperatorCall;
use crate::http::reply::Reply;
use crate::ops::management::credentials;
use crate::wire::Object;
use ostiary_core::ids::PublicToken;
use ostiary_core::time::Timestamp;
use serde_json::{Value, json};

macro_rules! masked {
    ($secret:expr) => {
        json!({
            "secret_id": $secret.id,
            "last_four": $secret.last_four,
            "created_at": $secret.created_at,
            // When it was used last is not kept: it would be a write for every call.
            "used_at": null,
        })
    };
}

/// `POST …/secrets`
pub async fn create_secret(call: OperatorCall) -> Result<Reply> {
    let created = credentials::create_secret(&call.operator, &call.place()?).await?;
    let secret = json!({"secret_id": created.id, "secret": created.secret, "created_at": created.created_at});
    Ok(Object::new().field("secret", &secret).into())
}

/// `GET …/secrets`
pub async fn list_secrets(call: OperatorCall) -> Result<Reply> {
    let secrets = credentials::list_secrets(&call.operator, &call.place()?).await?;
    let secrets: Vec<Value> = secrets.iter().map(|secret| masked!(secret)).collect();
    Ok(Object::new().field("secrets", &secrets).into())
}

/// `GET …/secrets/{secret_id}`
pub async fn get_secret(call: OperatorCall) -> Result<Reply> {
    let secret = credentials::get_secret(&call.operator, &call.place()?, call.param("secret_id")?).await?;
    Ok(Object::new().field("secret", &masked!(secret)).into())
}

/// `DELETE …/secrets/{secret_id}`
pub async fn delete_secret(call: OperatorCall) -> Result<Reply> {
    credentials::delete_secret(&call.operator, &call.place()?, call.param("secret_id")?).await?;
    Ok(Object::new().into())
}

fn wire_token((token, created_at): &(PublicToken, Timestamp)) -> Value {
    json!({"public_token": token, "created_at": created_at})
}

/// `POST …/public_tokens`
pub async fn create_public_token(call: OperatorCall) -> Result<Reply> {
    let created = credentials::create_public_token(&call.operator, &call.place()?).await?;
    Ok(Object::new().field("public_token", &wire_token(&created)).into())
}

/// `GET …/public_tokens`
pub async fn list_public_tokens(call: OperatorCall) -> Result<Reply> {
    let tokens = credentials::list_public_tokens(&call.operator, &call.place()?).await?;
    let tokens: Vec<Value> = tokens.iter().map(wire_token).collect();
    Ok(Object::new().field("public_tokens", &tokens).into())
}

/// `GET …/public_tokens/{public_token}`
pub async fn get_public_token(call: OperatorCall) -> Result<Reply> {
    let token = call.param("public_token")?;
    let found = credentials::get_public_token(&call.operator, &call.place()?, token).await?;
    Ok(Object::new().field("public_token", &wire_token(&found)).into())
}

/// `DELETE …/public_tokens/{public_token}`
pub async fn delete_public_token(call: OperatorCall) -> Result<Reply> {
    let token = call.param("public_token")?;
    credentials::delete_public_token(&call.operator, &call.place()?, token).await?;
    Ok(Object::new().into())
}
