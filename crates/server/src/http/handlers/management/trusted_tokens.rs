//! `…/trusted_token_profiles`

use crate::cx::Result;
use crate::http::operator_call::OperatorCall;
use crate::http::reply::Reply;
use crate::ops::management::trusted_tokens::{self, Change, New};
use crate::wire::Object;
use ostiary_core::error::ErrorType;
use ostiary_core::trusted_token::{PublicKeyType, TrustedTokenProfile};
use serde_json::{Value, json};

fn wire(profile: &TrustedTokenProfile) -> Value {
    json!({
        "profile_id": profile.profile_id,
        "name": profile.name,
        "audience": profile.audience,
        "issuer": profile.issuer,
        "public_key_type": profile.public_key_type,
        "jwks_url": profile.jwks_url,
        "pem_files": profile.pem_files,
        "attribute_mapping": profile.attribute_mapping,
        "can_jit_provision": profile.can_jit_provision,
    })
}

/// A text that is kept byte for byte: the key of a file.
fn raw_text(value: Option<&Value>, name: &str) -> Result<String> {
    value.and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
        ErrorType::TrustedTokenProfileInvalidRequest.with_message(format!("{name} must be given as text."))
    })
}

/// `POST …`
pub async fn create(call: OperatorCall) -> Result<Reply> {
    let fields = &call.fields;
    let public_key_type = PublicKeyType::parse(fields.text("public_key_type")?.unwrap_or_default());
    let files = match fields.raw("pem_files") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(files)) => {
            files.iter().map(|file| raw_text(Some(file), "pem_files")).collect::<Result<_>>()?
        }
        Some(_) => {
            return Err(ErrorType::TrustedTokenProfileInvalidRequest
                .with_message("pem_files must be a list of texts."));
        }
    };
    let new = New {
        name: fields.string("name")?.unwrap_or_default(),
        audience: fields.string("audience")?.unwrap_or_default(),
        issuer: fields.string("issuer")?.unwrap_or_default(),
        public_key_type: public_key_type.ok_or_else(|| {
            ErrorType::TrustedTokenProfileInvalidRequest.with_message("public_key_type must be JWK or PEM.")
        })?,
        jwks_url: fields.string("jwks_url")?.unwrap_or_default(),
        pem_files: files,
        attribute_mapping: fields.object("attribute_mapping")?.unwrap_or_default(),
        can_jit_provision: fields.boolean("can_jit_provision")?.unwrap_or_default(),
    };
    let profile = trusted_tokens::create(&call.operator, &call.place()?, new).await?;
    Ok(Object::new().field("profile", &wire(&profile)).into())
}

/// `GET …`
pub async fn list(call: OperatorCall) -> Result<Reply> {
    let profiles = trusted_tokens::list(&call.operator, &call.place()?).await?;
    let profiles: Vec<Value> = profiles.iter().map(wire).collect();
    Ok(Object::new().field("profiles", &profiles).into())
}

/// `GET …/{profile_id}`
pub async fn get(call: OperatorCall) -> Result<Reply> {
    let profile = trusted_tokens::get(&call.operator, &call.place()?, call.param("profile_id")?).await?;
    Ok(Object::new().field("profile", &wire(&profile)).into())
}

/// `PATCH …/{profile_id}`
pub async fn update(call: OperatorCall) -> Result<Reply> {
    let fields = &call.fields;
    let change = Change {
        name: fields.string("name")?,
        audience: fields.string("audience")?,
        issuer: fields.string("issuer")?,
        jwks_url: fields.string("jwks_url")?,
        attribute_mapping: fields.object("attribute_mapping")?,
        can_jit_provision: fields.boolean("can_jit_provision")?,
    };
    let (place, id) = (call.place()?, call.param("profile_id")?);
    let profile = trusted_tokens::update(&call.operator, &place, id, change).await?;
    Ok(Object::new().field("profile", &wire(&profile)).into())
}

/// `DELETE …/{profile_id}`
pub async fn delete(call: OperatorCall) -> Result<Reply> {
    trusted_tokens::delete(&call.operator, &call.place()?, call.param("profile_id")?).await?;
    Ok(Object::new().into())
}

/// `POST …/{profile_id}/keys`
pub async fn add_file(call: OperatorCall) -> Result<Reply> {
    let key = raw_text(call.fields.raw("public_key"), "public_key")?;
    let (place, id) = (call.place()?, call.param("profile_id")?);
    let file = trusted_tokens::add_file(&call.operator, &place, id, key).await?;
    Ok(Object::new().field("pem_file", &file).into())
}

/// `GET …/{profile_id}/keys/{pem_file_id}`
pub async fn get_file(call: OperatorCall) -> Result<Reply> {
    let (profile, file) = (call.param("profile_id")?, call.param("pem_file_id")?);
    let file = trusted_tokens::file(&call.operator, &call.place()?, profile, file).await?;
    Ok(Object::new().field("pem_file", &file).into())
}

/// `DELETE …/{profile_id}/keys/{pem_file_id}`
pub async fn delete_file(call: OperatorCall) -> Result<Reply> {
    let (profile, file) = (call.param("profile_id")?, call.param("pem_file_id")?);
    trusted_tokens::delete_file(&call.operator, &call.place()?, profile, file).await?;
    Ok(Object::new().into())
}
