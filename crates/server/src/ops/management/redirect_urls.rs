//! Redirect URLs of environments (spec 05a §3).

use super::{Operator, Place};
use crate::cx::Result;
use crate::ops::projects::rules;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::project::REDIRECT_URLS_MAX;
use ostiary_core::redirect_set;
use ostiary_core::redirect_url::{RedirectUrl, ValidType, validate_configuration};
use ostiary_store::environments;
use std::sync::Arc;

/// What happens to a URL.
#[derive(Clone, Debug)]
enum Step {
    Merge(Vec<ValidType>),
    Replace(Vec<ValidType>),
    Remove,
}

/// The redirect URLs of an environment, oldest first.
pub async fn list(operator: &Operator, place: &Place) -> Result<Vec<RedirectUrl>> {
    let scope = operator.environment(place).await?.scope;
    Ok(environments::redirect_urls(&operator.app.store.reader(), scope).await?)
}

/// One redirect URL.
///
/// # Errors
/// `redirect_url_not_found`.
pub async fn get(operator: &Operator, place: &Place, url: &str) -> Result<RedirectUrl> {
    let urls = list(operator, place).await?;
    urls.into_iter().find(|known| known.url == url).ok_or_else(|| ErrorType::RedirectUrlNotFound.into())
}

/// Adds a URL, or adds types to one that is there.
pub async fn create(
    operator: &Operator,
    place: &Place,
    url: RedirectUrl,
    promotes: bool,
) -> Result<RedirectUrl> {
    run(operator, place, &url.url, Step::Merge(url.valid_types), promotes).await?;
    get(operator, place, &url.url).await
}

/// Replaces the types of a URL that is there.
pub async fn update(
    operator: &Operator,
    place: &Place,
    url: RedirectUrl,
    promotes: bool,
) -> Result<RedirectUrl> {
    get(operator, place, &url.url).await?;
    run(operator, place, &url.url, Step::Replace(url.valid_types), promotes).await?;
    get(operator, place, &url.url).await
}

/// Deletes a URL.
pub async fn delete(operator: &Operator, place: &Place, url: &str, promotes: bool) -> Result<()> {
    run(operator, place, url, Step::Remove, promotes).await
}

async fn run(operator: &Operator, place: &Place, url: &str, step: Step, promotes: bool) -> Result<()> {
    let scope = operator.environment(place).await?.scope;
    if let Step::Merge(types) | Step::Replace(types) = &step {
        if types.is_empty() {
            return Err(ErrorType::BadRequest.with_message("valid_types must name at least one type."));
        }
        validate_configuration(url, types, rules(&operator.app, scope.kind))
            .map_err(|error| error.error_type())?;
    }
    let (now, input) = (operator.now, Arc::new((url.to_owned(), step)));
    operator
        .app
        .store
        .write(move |tx| {
            let input = input.clone();
            async move {
                let (url, step) = &*input;
                let before = environments::redirect_urls(&tx, scope).await?;
                let mut urls = before.clone();
                match step {
                    Step::Merge(types) => redirect_set::merge(&mut urls, url, types, promotes),
                    Step::Replace(types) => redirect_set::replace(&mut urls, url, types.clone(), promotes),
                    Step::Remove if redirect_set::remove(&mut urls, url, promotes) => {
                        environments::delete_redirect_url(&tx, scope, url).await?;
                    }
                    Step::Remove => return Err(ErrorType::RedirectUrlNotFound.into()),
                }
                if urls.len() > REDIRECT_URLS_MAX {
                    return Err(ErrorType::TooManyRedirectUrls.into());
                }
                for changed in urls.iter().filter(|url| !before.contains(url)) {
                    environments::put_redirect_url(&tx, scope, changed, now).await?;
                }
                Ok::<_, Error>(())
            }
        })
        .await?;
    operator.app.refresh_projects().await
}
