//! Secrets and public tokens of environments.

use super::{Operator, Place};
use crate::cx::Result;
use crate::ops::projects::hashed;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::{PublicToken, SecretId};
use ostiary_core::project::{PUBLIC_TOKENS_MAX, SECRETS_MAX};
use ostiary_core::time::Timestamp;
use ostiary_proto::random;
use ostiary_store::credentials::{self, MaskedSecret};
use ostiary_store::environments;
use std::sync::Arc;

/// A secret that was made; the only time that it is shown.
pub struct CreatedSecret {
    /// Its id.
    pub id: SecretId,
    /// The secret.
    pub secret: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Makes a secret.
pub async fn create_secret(operator: &Operator, place: &Place) -> Result<CreatedSecret> {
    let scope = operator.environment(place).await?.scope;
    let (app, now) = (&operator.app, operator.now);
    let text = random::secret(app.random.as_ref(), scope.kind.as_str());
    let secret = Arc::new(hashed(app, &text, scope.kind));
    let id = secret.id;
    app.store
        .write(move |tx| {
            let secret = secret.clone();
            async move {
                environments::insert_secret(&tx, scope, &secret, now).await?;
                if credentials::secrets(&tx, scope).await?.len() > SECRETS_MAX {
                    return Err(ErrorType::TooManySecrets.into());
                }
                Ok::<_, Error>(())
            }
        })
        .await?;
    app.refresh_projects().await?;
    Ok(CreatedSecret { id, secret: text, created_at: now })
}

/// The secrets of an environment, oldest first.
pub async fn list_secrets(operator: &Operator, place: &Place) -> Result<Vec<MaskedSecret>> {
    let scope = operator.environment(place).await?.scope;
    Ok(credentials::secrets(&operator.app.store.reader(), scope).await?)
}

/// One secret of an environment.
///
/// # Errors
/// `invalid_secret_id`, `secret_not_found`.
pub async fn get_secret(operator: &Operator, place: &Place, id: &str) -> Result<MaskedSecret> {
    let scope = operator.environment(place).await?.scope;
    let id = SecretId::parse(id, scope.kind).map_err(|_| ErrorType::InvalidSecretId)?;
    let secrets = credentials::secrets(&operator.app.store.reader(), scope).await?;
    secrets.into_iter().find(|secret| secret.id == id).ok_or_else(|| ErrorType::SecretNotFound.into())
}

/// Deletes a secret. This node refuses it at once, others as soon as they notice the change.
pub async fn delete_secret(operator: &Operator, place: &Place, id: &str) -> Result<()> {
    let scope = operator.environment(place).await?.scope;
    let id = SecretId::parse(id, scope.kind).map_err(|_| ErrorType::InvalidSecretId)?;
    let was_there = operator
        .app
        .store
        .write(move |tx| async move { Ok::<_, Error>(credentials::delete_secret(&tx, scope, id).await?) })
        .await?;
    operator.app.refresh_projects().await?;
    if was_there { Ok(()) } else { Err(ErrorType::SecretNotFound.into()) }
}

/// Makes a public token.
pub async fn create_public_token(operator: &Operator, place: &Place) -> Result<(PublicToken, Timestamp)> {
    let scope = operator.environment(place).await?.scope;
    let (app, now) = (&operator.app, operator.now);
    let token = PublicToken::new(random::uuid(app.random.as_ref()), scope.kind);
    app.store
        .write(move |tx| async move {
            environments::insert_public_token(&tx, scope, token, now).await?;
            if credentials::public_tokens(&tx, scope).await?.len() > PUBLIC_TOKENS_MAX {
                return Err(ErrorType::TooManyPublicTokens.into());
            }
            Ok::<_, Error>(())
        })
        .await?;
    app.refresh_projects().await?;
    Ok((token, now))
}

/// The public tokens of an environment, oldest first.
pub async fn list_public_tokens(operator: &Operator, place: &Place) -> Result<Vec<(PublicToken, Timestamp)>> {
    let scope = operator.environment(place).await?.scope;
    Ok(credentials::public_tokens(&operator.app.store.reader(), scope).await?)
}

/// One public token of an environment.
///
/// # Errors
/// `public_token_not_found`.
pub async fn get_public_token(
    operator: &Operator,
    place: &Place,
    token: &str,
) -> Result<(PublicToken, Timestamp)> {
    let tokens = list_public_tokens(operator, place).await?;
    let found = tokens.into_iter().find(|(known, _)| known.to_string() == token);
    found.ok_or_else(|| ErrorType::PublicTokenNotFound.into())
}

/// Deletes a public token; the last one stays, since browsers could not name the environment without it.
pub async fn delete_public_token(operator: &Operator, place: &Place, token: &str) -> Result<()> {
    let scope = operator.environment(place).await?.scope;
    let token = PublicToken::parse(token, scope.kind).map_err(|_| ErrorType::PublicTokenNotFound)?;
    operator
        .app
        .store
        .write(move |tx| async move {
            if !credentials::delete_public_token(&tx, scope, token).await? {
                return Err(ErrorType::PublicTokenNotFound.into());
            }
            if credentials::public_tokens(&tx, scope).await?.is_empty() {
                return Err(ErrorType::UnableToDeleteLastPublicToken.into());
            }
            Ok::<_, Error>(())
        })
        .await?;
    operator.app.refresh_projects().await
}
