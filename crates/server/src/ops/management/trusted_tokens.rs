//! Trusted token profiles of environments (spec 05a §8).

use super::{Operator, Place};
use crate::cx::Result;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::{EnvironmentKind, IdError, PemFileId, TrustedTokenProfileId};
use ostiary_core::trusted_token::{PROFILES_MAX, PemFile, PublicKeyType, TrustedTokenProfile};
use ostiary_proto::random;
use ostiary_store::Scope;
use ostiary_store::seam::Db;
use ostiary_store::trusted_tokens;
use serde_json::{Map, Value};
use std::sync::Arc;

/// A profile to be made.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields of the management API, spec 05a §8")]
pub struct New {
    pub name: String,
    pub audience: String,
    pub issuer: String,
    pub public_key_type: PublicKeyType,
    pub jwks_url: String,
    pub pem_files: Vec<String>,
    pub attribute_mapping: Map<String, Value>,
    pub can_jit_provision: bool,
}

/// What is to become different; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields of the management API, spec 05a §8")]
pub struct Change {
    pub name: Option<String>,
    pub audience: Option<String>,
    pub issuer: Option<String>,
    pub jwks_url: Option<String>,
    pub attribute_mapping: Option<Map<String, Value>>,
    pub can_jit_provision: Option<bool>,
}

fn new_file(operator: &Operator, kind: EnvironmentKind, public_key: String) -> PemFile {
    PemFile { pem_file_id: PemFileId::new(random::uuid(operator.app.random.as_ref()), kind), public_key }
}

fn parse_id(scope: Scope, id: &str) -> Result<TrustedTokenProfileId> {
    TrustedTokenProfileId::parse(id, scope.kind).map_err(|error| match error {
        IdError::Malformed => ErrorType::TrustedTokenProfileNotFound.into(),
        wrong_environment => wrong_environment.into_error("profile_id"),
    })
}

async fn find(db: &Db, scope: Scope, id: TrustedTokenProfileId) -> Result<TrustedTokenProfile> {
    let found = trusted_tokens::find(db, scope, id).await?;
    found.ok_or_else(|| ErrorType::TrustedTokenProfileNotFound.into())
}

/// The profiles of an environment, oldest first.
pub async fn list(operator: &Operator, place: &Place) -> Result<Vec<TrustedTokenProfile>> {
    let scope = operator.environment(place).await?.scope;
    Ok(trusted_tokens::list(&operator.app.store.reader(), scope).await?)
}

/// One profile.
///
/// # Errors
/// `trusted_token_profile_not_found`.
pub async fn get(operator: &Operator, place: &Place, id: &str) -> Result<TrustedTokenProfile> {
    let scope = operator.environment(place).await?.scope;
    find(&operator.app.store.reader(), scope, parse_id(scope, id)?).await
}

/// Makes a profile.
///
/// # Errors
/// `too_many_trusted_token_profiles_for_project`, and those of [`TrustedTokenProfile::validate`].
pub async fn create(operator: &Operator, place: &Place, new: New) -> Result<TrustedTokenProfile> {
    let scope = operator.environment(place).await?.scope;
    let profile = TrustedTokenProfile {
        profile_id: TrustedTokenProfileId::new(random::uuid(operator.app.random.as_ref()), scope.kind),
        name: new.name,
        audience: new.audience,
        issuer: new.issuer,
        public_key_type: new.public_key_type,
        jwks_url: new.jwks_url,
        pem_files: new.pem_files.into_iter().map(|key| new_file(operator, scope.kind, key)).collect(),
        attribute_mapping: new.attribute_mapping,
        can_jit_provision: new.can_jit_provision,
    };
    profile.validate()?;
    let (now, input) = (operator.now, Arc::new(profile.clone()));
    operator
        .app
        .store
        .write(move |tx| {
            let profile = input.clone();
            async move {
                if trusted_tokens::list(&tx, scope).await?.len() >= PROFILES_MAX {
                    return Err(ErrorType::TooManyTrustedTokenProfiles.into());
                }
                Ok::<_, Error>(trusted_tokens::insert(&tx, scope, &profile, now).await?)
            }
        })
        .await?;
    Ok(profile)
}

/// Reads, changes and writes a profile in one transaction, so that of two operators neither undoes what the other did.
async fn change<F>(operator: &Operator, place: &Place, id: &str, change: F) -> Result<TrustedTokenProfile>
where
    F: Fn(&mut TrustedTokenProfile) -> Result<()> + Send + Sync + 'static,
{
    let scope = operator.environment(place).await?.scope;
    let (id, change) = (parse_id(scope, id)?, Arc::new(change));
    operator
        .app
        .store
        .write(move |tx| {
            let change = change.clone();
            async move {
                let mut profile = find(&tx, scope, id).await?;
                change(&mut profile)?;
                profile.validate()?;
                trusted_tokens::update(&tx, scope, &profile).await?;
                Ok::<_, Error>(profile)
            }
        })
        .await
}

/// Changes a profile. The type of its keys stays.
pub async fn update(
    operator: &Operator,
    place: &Place,
    id: &str,
    wish: Change,
) -> Result<TrustedTokenProfile> {
    change(operator, place, id, move |profile| {
        let wish = wish.clone();
        let set = |to: &mut String, from: Option<String>| *to = from.unwrap_or_else(|| std::mem::take(to));
        set(&mut profile.name, wish.name);
        set(&mut profile.audience, wish.audience);
        set(&mut profile.issuer, wish.issuer);
        set(&mut profile.jwks_url, wish.jwks_url);
        if let Some(mapping) = wish.attribute_mapping {
            profile.attribute_mapping = mapping;
        }
        profile.can_jit_provision = wish.can_jit_provision.unwrap_or(profile.can_jit_provision);
        Ok(())
    })
    .await
}

/// Deletes a profile.
///
/// # Errors
/// `trusted_token_profile_not_found`.
pub async fn delete(operator: &Operator, place: &Place, id: &str) -> Result<()> {
    let scope = operator.environment(place).await?.scope;
    let id = parse_id(scope, id)?;
    let was_there = operator
        .app
        .store
        .write(move |tx| async move { Ok::<_, Error>(trusted_tokens::delete(&tx, scope, id).await?) })
        .await?;
    if was_there { Ok(()) } else { Err(ErrorType::TrustedTokenProfileNotFound.into()) }
}

/// Adds a key file to a profile.
///
/// # Errors
/// `cannot_add_pem_file_to_non_pem_trusted_token_profile`, `too_many_pem_files_for_trusted_token_profile`.
pub async fn add_file(operator: &Operator, place: &Place, id: &str, public_key: String) -> Result<PemFile> {
    let kind = operator.environment(place).await?.scope.kind;
    let file = new_file(operator, kind, public_key);
    let added = file.clone();
    change(operator, place, id, move |profile| {
        profile.pem_files.push(added.clone());
        Ok(())
    })
    .await?;
    Ok(file)
}

/// One key file of a profile.
///
/// # Errors
/// `trusted_token_profile_not_found` for the file too.
pub async fn file(operator: &Operator, place: &Place, id: &str, file_id: &str) -> Result<PemFile> {
    let files = get(operator, place, id).await?.pem_files;
    let found = files.into_iter().find(|file| file.pem_file_id.to_string() == file_id);
    found.ok_or_else(unknown_file)
}

fn unknown_file() -> Error {
    ErrorType::TrustedTokenProfileNotFound.with_message("The profile has no such PEM file.")
}

/// Takes a key file out of a profile, which must keep one.
pub async fn delete_file(operator: &Operator, place: &Place, id: &str, file_id: &str) -> Result<()> {
    let file_id = file_id.to_owned();
    change(operator, place, id, move |profile| {
        let before = profile.pem_files.len();
        profile.pem_files.retain(|file| file.pem_file_id.to_string() != file_id);
        if profile.pem_files.len() == before { Err(unknown_file()) } else { Ok(()) }
    })
    .await?;
    Ok(())
}
